"""`bogam serve org/model`: OpenAI's interface and a page before a model."""

from __future__ import annotations

import logging

import click

from bogam.commands.model_options import four_bits_option, revision_option


@click.command()
@click.argument("model")
@revision_option
@four_bits_option
@click.option(
    "--engine",
    type=click.Choice(["transformers", "vllm"]),
    default="transformers",
    show_default=True,
    help="What answers: `transformers serve` anywhere, vLLM where it is installed.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True)
@click.option("--allow-remote", is_flag=True, help="Listen off loopback; nothing here encrypts.")
@click.option(
    "--api-key",
    envvar="BOGAM_API_KEY",
    help="Answer only who sends this key. Better set BOGAM_API_KEY: arguments can be seen.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Requests in the engine at once; `transformers serve` answers one after the other.",
)
@click.option(
    "--waiting",
    type=click.IntRange(0),
    default=16,
    show_default=True,
    help="Requests that may wait for it; one more gets 429.",
)
@click.option(
    "--max-request-mb",
    type=click.IntRange(1, 256),
    default=20,
    show_default=True,
    help="Largest request with its pictures.",
)
@click.option(
    "--allow-image-urls",
    is_flag=True,
    help="Let callers name pictures by address, which this machine then fetches.",
)
@click.option(
    "--examples",
    type=click.IntRange(0, 50),
    default=0,
    show_default=True,
    help="Held-out rows of the model's dataset to offer on the page.",
)
def serve(
    model: str,
    revision: str,
    load_in_4bit: bool,
    engine: str,
    host: str,
    port: int,
    allow_remote: bool,
    api_key: str | None,
    concurrency: int,
    waiting: int,
    max_request_mb: int,
    allow_image_urls: bool,
    examples: int,
) -> None:
    """Serve a model until Ctrl-C: /v1/chat/completions, and a page to try it on.

    MODEL is a Hub id or a folder, of an adapter or of a whole model.
    """
    from bogam.report import stderr
    from bogam.serving.limits import Limits
    from bogam.serving.serve import ServeOptions
    from bogam.serving.serve import serve as run

    logging.getLogger("bogam.serving").setLevel(logging.INFO)
    options = ServeOptions(
        engine="vllm" if engine == "vllm" else "transformers",
        host=host,
        port=port,
        allow_remote=allow_remote,
        api_key=api_key,
        load_in_4bit=load_in_4bit,
        examples=examples,
        limits=Limits(
            concurrency=concurrency,
            waiting=waiting,
            request_bytes=max_request_mb << 20,
            fetch_images=allow_image_urls,
        ),
    )
    with stderr.status(f"loading {model}") as status:

        def ready(url: str) -> None:
            status.stop()
            stderr.print(f"{model}: page at {url}, API at {url}/v1; Ctrl-C ends it", style="bold")

        run(model, options, revision=revision, on_ready=ready)
