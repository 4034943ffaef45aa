"""Serving one model: gateway, engine and page together, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

import uvicorn
from huggingface_hub import constants
from starlette.applications import Starlette

from bogam.serving.chat_requests import AskedAs
from bogam.serving.engine_process import EngineProcess
from bogam.serving.engines import (
    EngineCall,
    EngineName,
    trains_whole_parts,
    transformers_call,
    vllm_call,
)
from bogam.serving.examples import load_examples
from bogam.serving.gateway import Gateway, create_app
from bogam.serving.limits import Limits
from bogam.serving.served_model import describe, shown_name
from cards.errors import BogamError
from hub.listening import is_loopback, listening
from trainers.model_source import (
    ADAPTER_WEIGHTS,
    LOCAL,
    ModelSource,
    download_adapter,
    find_model,
    sees_images,
)

logger = logging.getLogger(__name__)

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_STOP_SECONDS = 5


@dataclass(frozen=True)
class ServeOptions:
    """How a model is served; see `bogam serve --help`."""

    engine: EngineName = "transformers"
    host: str = "127.0.0.1"
    port: int = 8090
    allow_remote: bool = False
    api_key: str | None = None
    load_in_4bit: bool = False
    examples: int = 0
    framed_by: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


def serve(
    name: str,
    options: ServeOptions,
    *,
    revision: str = "main",
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve a model until SIGINT or SIGTERM. `on_ready` is told the address when it answers.

    Raises:
        BogamError: no such model, engine missing or failed, port taken, or an address that other
            machines reach without `allow_remote`.
    """
    if not is_loopback(options.host) and not options.allow_remote:
        raise BogamError(
            f"{options.host} can be reached from other machines. Say --allow-remote if that is "
            "meant; questions and pictures then travel unencrypted, unless something in front of "
            "this server encrypts."
        )
    with listening(options.host, options.port) as listener:
        source = find_model(name, revision=revision)
        url = f"http://{_bracketed(options.host)}:{listener.getsockname()[1]}"
        engine = EngineProcess(on_ready=lambda: on_ready(url))
        try:
            call = engine_call(source, engine.socket, options)
            gateway = _gateway(source, call, options)
            _run(gateway, engine, call, listener, options.limits)
        finally:
            engine.remove()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def engine_call(source: ModelSource, socket: Path, options: ServeOptions) -> EngineCall:
    """The command of the engine that was chosen; merges first what it takes no other way.

    Raises:
        BogamError: it is not installed, or cannot take this model.
    """
    if options.engine == "transformers":
        return transformers_call(source, socket, load_in_4bit=options.load_in_4bit)
    adapter, name = None, shown_name(source)
    if source.base is not None:
        adapter = download_adapter(source)
        if trains_whole_parts(adapter):
            source, adapter = find_model(str(_merged(source, adapter))), None
    return vllm_call(
        source,
        adapter,
        socket,
        name=name,
        load_in_4bit=options.load_in_4bit,
        concurrency=options.limits.concurrency,
        images=options.limits.images,
    )


def _merged(source: ModelSource, adapter: Path) -> Path:
    """The folder of the adapter merged into its base; made once for the same weights."""
    with (adapter / ADAPTER_WEIGHTS).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = Path("work/merged") / f"{shown_name(source)}-{digest[:12]}"
    if folder.is_dir():
        return folder
    logger.warning("%s has parts that were trained whole; merging into %s", source.name, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bogam", "merge", source.revision.id, "--out", str(folder)]
    if source.revision.revision != LOCAL:
        command += ["--revision", source.revision.revision]
    if subprocess.run(command).returncode != 0:
        raise BogamError(f"model {source.name}: could not be merged; see above.")
    return folder


def _gateway(source: ModelSource, call: EngineCall, options: ServeOptions) -> Gateway:
    sees = sees_images(source)
    readme = source.folder / "README.md"
    is_local = source.revision.revision == LOCAL
    return Gateway(
        model=AskedAs(
            name=shown_name(source),
            system_prompt=source.system_prompt,
            sees_images=sees,
            new_tokens=min(source.max_new_tokens, options.limits.new_tokens),
        ),
        description=describe(source, sees_images=sees, hub=constants.ENDPOINT),
        card=readme if is_local and readme.is_file() else None,
        examples=load_examples(source, options.examples),
        limits=options.limits,
        api_key=options.api_key,
        scores_labels=call.scores_labels,
        framed_by=options.framed_by,
        names=(*_LOOPBACK_NAMES, _bracketed(options.host)) if is_loopback(options.host) else None,
    )


def _run(
    gateway: Gateway, engine: EngineProcess, call: EngineCall, listener: socket, limits: Limits
) -> None:
    client = engine.client(limits)
    logger.info("the engine's log is %s", engine.log_file)

    @asynccontextmanager
    async def with_engine(app: Starlette) -> AsyncIterator[None]:
        async def watch() -> None:
            await engine.run(call, client)
            server.should_exit = True

        task = asyncio.create_task(watch())
        try:
            yield
        finally:
            task.cancel()
            await engine.stop()
            await client.aclose()

    server = uvicorn.Server(
        uvicorn.Config(
            create_app(gateway, client, lambda: engine.state, lifespan=with_engine),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    # The server has ended in order before uvicorn passes on what ended it. SIGTERM would then end
    # this process before it has cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if engine.exit_code is not None:
        raise BogamError(
            f"the engine ended by itself (exit code {engine.exit_code}). It said last:\n"
            f"{engine.last_words}"
        )
