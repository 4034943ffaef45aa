"""32 clients ask one served model for a minute: who is answered, who is turned away, memory.

Fails when anybody gets another answer than 200, 429 or 503, or when memory grows. The clients
stream, show pictures, leave in mid-answer and send nonsense, as they come. A tiny model with
random weights answers, on this machine's processor.
"""

from __future__ import annotations

import base64
import io
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import psutil
from PIL import Image

from benchmarks.measurement import Measurement

CLIENTS = 32
SECONDS = 60.0
WARM_UP_SECONDS = 15.0
GROWTH_ALLOWED = 0.05
"""Of resident memory, from the end of the warm-up to the end."""
_TEXTS = ["두통의 증상은 무엇인가요?", "두통이 있으면 쉬고 물을 자주 마시세요."] * 20
_START_SECONDS = 180.0


@dataclass
class _Tally:
    """What the clients saw."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, status: str, seconds: float | None = None) -> None:
        with self.lock:
            self.statuses[status] += 1
            if seconds is not None:
                self.seconds.append(seconds)


def run() -> list[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        model = _make_model(Path(folder))
        with _served(model, Path(folder)) as (url, server):
            alone = _one_after_another(httpx2.Client(base_url=url, timeout=120), model.name)
            tally, memory = _load(url, model.name, server)
        with _engine_alone(model, Path(folder)) as client:
            direct = _one_after_another(client, model.name)
    unexpected = {
        status: count
        for status, count in tally.statuses.items()
        if status not in ("200", "left", "429", "503", "400 as it should be")
    }
    if unexpected or tally.broken:
        raise RuntimeError(f"not only deliberate answers: {unexpected} {tally.broken[:3]}")
    before, after = memory
    if after > before * (1 + GROWTH_ALLOWED):
        raise RuntimeError(f"memory grew from {before / 1e6:.0f} to {after / 1e6:.0f} MB")
    answered = tally.statuses["200"]
    return [
        Measurement("clients", CLIENTS, "clients"),
        Measurement("answered", answered, "requests"),
        Measurement("answered a second", answered / SECONDS, "requests/s"),
        Measurement("turned away with 429", tally.statuses["429"], "requests"),
        Measurement("given up with 503", tally.statuses["503"], "requests"),
        Measurement("left in mid-answer", tally.statuses["left"], "requests"),
        Measurement("nonsense refused", tally.statuses["400 as it should be"], "requests"),
        Measurement("other answers", 0, "requests"),
        Measurement("median answer under load", statistics.median(tally.seconds), "s"),
        Measurement("memory after the warm-up", before / 1e6, "MB"),
        Measurement("memory at the end", after / 1e6, "MB", before / after, "after the warm-up"),
        Measurement(
            "one answer of 8 tokens",
            alone * 1e3,
            "ms",
            direct / alone,
            "the engine without gateway",
        ),
    ]


def _make_model(folder: Path) -> Path:
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        positions=1024,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=2,
        vision_heads=2,
    )
    return make_vision_twin("qwen2.5-vl", folder / "tiny-reader", _TEXTS, size=size)


@contextmanager
def _served(model: Path, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    log = folder / "serve.log"
    command = [sys.executable, "-m", "bogam", "serve", str(model), "--port", "0"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while "page at http" not in (told := " ".join(log.read_text().split())):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {told}")
            time.sleep(0.2)
        url = told.partition("page at ")[2].partition(",")[0]
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _engine_alone(model: Path, folder: Path) -> Iterator[httpx2.Client]:
    socket = folder / "engine.sock"
    command = [sys.executable, "-m", "bogam.serving.transformers_engine", str(model)]
    process = subprocess.Popen(
        [*command, "--name", model.name, "--socket", str(socket)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        client = httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(socket)), base_url="http://engine", timeout=120
        )
        deadline = time.monotonic() + _START_SECONDS
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the engine did not start")
            time.sleep(0.2)
        yield client
    finally:
        process.terminate()
        process.wait(30)


def _one_after_another(client: httpx2.Client, model: str) -> float:
    """Median seconds of one answer of 8 tokens."""
    took = []
    for _ in range(40):
        begin = time.perf_counter()
        client.post(
            "/v1/chat/completions",
            json={
                "model": model,
                "messages": [{"role": "user", "content": "두통은?"}],
                "max_tokens": 8,
                "max_completion_tokens": 8,
            },
        ).raise_for_status()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def _load(url: str, model: str, server: psutil.Process) -> tuple[_Tally, tuple[int, int]]:
    tally = _Tally()
    deadline = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=_client, args=(url, model, number, deadline, tally))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_SECONDS)
    before = _resident(server)
    for thread in threads:
        thread.join()
    return tally, (before, _resident(server))


def _client(url: str, model: str, number: int, deadline: float, tally: _Tally) -> None:
    draw = random.Random(number)
    with httpx2.Client(base_url=url, timeout=120) as client:
        while time.monotonic() < deadline:
            kind = draw.choices(
                ["whole", "stream", "picture", "leave", "nonsense"], [6, 6, 4, 2, 2]
            )[0]
            try:
                _ask(client, model, kind, tally)
            except httpx2.HTTPError as error:
                with tally.lock:
                    tally.broken.append(f"{kind}: {error!r}")


def _ask(client: httpx2.Client, model: str, kind: str, tally: _Tally) -> None:
    content: list[dict[str, Any]] = [{"type": "text", "text": "두통은 왜 생기나요?"}]
    if kind == "picture":
        content.append({"type": "image_url", "image_url": {"url": _PICTURE}})
    if kind == "nonsense":
        content.append({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 200 if kind == "leave" else 16,
        "stream": kind in ("stream", "leave"),
    }
    begin = time.perf_counter()
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        status = str(answer.status_code)
        if kind == "leave" and status == "200":
            next(answer.iter_raw())
            tally.add("left")
            return
        text = answer.read()
    if kind == "nonsense" and status == "400":
        tally.add("400 as it should be")
        return
    if status == "200" and b'"error"' in text:
        status = "200 with an error in it"
    tally.add(status, time.perf_counter() - begin if status == "200" else None)
    if status in ("429", "503"):
        # A patient client waits as it is told; these come back sooner.
        time.sleep(0.25)


def _picture() -> str:
    noise = np.random.RandomState(0).randint(0, 256, (112, 112, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


_PICTURE = _picture()


def _resident(server: psutil.Process) -> int:
    """Bytes of gateway and engine together."""
    everyone = [server, *server.children(recursive=True)]
    return sum(process.memory_info().rss for process in everyone)
