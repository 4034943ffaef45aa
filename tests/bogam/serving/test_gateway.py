"""The served model through the official client of OpenAI, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
from PIL import Image

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def url(served_reader: Any) -> str:
    return str(served_reader.url)


@pytest.fixture
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def data_url(image: Image.Image, kind: str = "PNG", **options: Any) -> str:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def noise(width: int = 84, height: int = 56) -> Image.Image:
    pixels = np.random.RandomState(0).randint(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def about(text: str, *urls: str) -> Any:
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [{"type": "text", "text": text}, *pictures]}]


def test_the_client_gets_what_ask_gives(client: openai.OpenAI, reader: Path) -> None:
    """Also streamed; the picture comes after the text, and is put where training has it."""
    from trainers.inference import Question, answer, load_model
    from trainers.model_source import find_model

    [model] = client.models.list().data
    messages = about("무엇이 적혀 있나요?", data_url(noise()))
    asked = Question([{"role": "user", "content": "무엇이 적혀 있나요?"}], [noise()])
    expected = answer(load_model(find_model(str(reader))), asked)

    whole = client.chat.completions.create(model=model.id, messages=messages)
    pieces = list(client.chat.completions.create(model=model.id, messages=messages, stream=True))

    assert {whole.model, *(one.model for one in pieces)} == {model.id}
    text = whole.choices[0].message.content
    assert text is not None and text.strip() == expected
    assert "".join(one.choices[0].delta.content or "" for one in pieces) == text
    assert whole.usage is not None and whole.usage.prompt_tokens > 20


def test_only_limits_that_were_asked_for_are_binding(client: openai.OpenAI) -> None:
    messages = about("무엇이 적혀 있나요?")
    few = client.chat.completions.create(model="medical-reader", messages=messages, max_tokens=2)
    assert few.usage is not None and few.usage.completion_tokens <= 2
    # The model places 1024 tokens.
    with pytest.raises(openai.BadRequestError, match="do not fit"):
        client.chat.completions.create(model="medical-reader", messages=messages, max_tokens=1024)


def transparent() -> Image.Image:
    picture = noise().convert("RGBA")
    picture.putalpha(0)
    return picture


def turned() -> str:
    exif = Image.Exif()
    exif[0x0112] = 6
    return data_url(noise(), "PNG", exif=exif)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (lambda: data_url(transparent()), lambda: Image.new("RGB", (84, 56), "white")),
        (turned, lambda: noise().transpose(Image.Transpose.ROTATE_270)),
    ],
    ids=["transparent", "turned"],
)
def test_pictures_are_shown_as_in_training(
    client: openai.OpenAI, sent: Callable[[], str], seen: Callable[[], Image.Image]
) -> None:
    """White under transparency, upright after a phone turned it."""
    from bogam.serving.limits import Limits
    from bogam.serving.pictures import checked_url

    shown = checked_url(sent(), "picture", Limits())
    data = base64.b64decode(shown.partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB" and not image.getexif()
        np.testing.assert_array_equal(np.asarray(image), np.asarray(seen()))


def bomb() -> str:
    """A PNG header of 60,000 x 60,000 pixels in a few bytes."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    import zlib

    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data += struct.pack(">I", zlib.crc32(chunk))
    data += struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return "data:image/png;base64," + base64.b64encode(data).decode()


def cut() -> str:
    file = io.BytesIO()
    noise(400, 400).save(file, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()[:-2000]).decode()


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"messages": []}, 400, "messages"),
        ({"messages": about("   ")}, 400, "empty"),
        ({"messages": [{"role": "assistant", "content": "네"}]}, 400, "user"),
        ({"messages": about("?", "data:image/png;base64,aGVsbG8=")}, 400, "cannot be used"),
        ({"messages": about("?", "data:image/png;base64,!!!")}, 400, "base64"),
        ({"messages": about("?", "data:text/html;base64,aGVsbG8=")}, 400, "no data URL"),
        ({"messages": about("?", "file:///etc/passwd")}, 400, "no data URL"),
        ({"messages": about("?", "http://127.0.0.1:1/x.png")}, 400, "fetches nothing"),
        ({"messages": about("?", *[data_url(noise())] * 9)}, 400, "at most 8"),
        ({"messages": about("?", bomb())}, 400, "cannot be used"),
        ({"messages": about("?", cut())}, 400, "cannot be used"),
        ({"messages": about("길" * 100_001)}, 400, "characters"),
        ({"messages": about("길다 " * 2000)}, 400, "do not fit"),
        ({"model": "gpt-4"}, 404, "medical-reader"),
        ({"max_tokens": 1_000_000}, 400, "max_tokens"),
        ({"temperature": "hot"}, 400, "temperature"),
        ({"tools": []}, 400, "tools"),
        ({"stop": ["."]}, 400, "stop"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_requests_are_told_what_is_wrong(
    url: str, change: dict[str, Any], status: int, reason: str
) -> None:
    body = {"model": "medical-reader", "messages": about("무엇이 적혀 있나요?"), "max_tokens": 2}

    answer = httpx2.post(f"{url}/v1/chat/completions", json=body | change, timeout=60)

    assert answer.status_code == status, answer.text
    assert reason in answer.json()["error"]["message"]
    assert httpx2.get(f"{url}/health", timeout=60).json() == {
        "status": "ok",
        "model": "medical-reader",
        "requests": 0,
    }


def test_a_picture_of_fifty_megabytes_is_refused_in_words(client: openai.OpenAI) -> None:
    large = "data:image/png;base64," + "A" * (50 << 20)
    with pytest.raises(openai.APIStatusError, match="larger than 20 MB") as refused:
        client.chat.completions.create(model="medical-reader", messages=about("?", large))
    assert refused.value.status_code == 413


def test_other_sites_cannot_ask(url: str) -> None:
    """Neither by a form that needs no permission, nor under a name of their own."""
    body = json.dumps({"model": "medical-reader", "messages": about("?")})
    form = httpx2.post(
        f"{url}/v1/chat/completions",
        content=body,
        headers={"Content-Type": "text/plain"},
        timeout=60,
    )
    assert form.status_code == 415
    renamed = httpx2.get(f"{url}/api/model", headers={"Host": "attacker.example"}, timeout=60)
    assert renamed.status_code == 400


def test_who_leaves_in_mid_stream_is_not_worked_for(
    url: str, client: openai.OpenAI, served_reader: Any
) -> None:
    """The next one need not wait for the rest of that answer."""
    body = {
        "model": "medical-reader",
        "messages": about("길게 말해 주세요."),
        "max_tokens": 900,
        "temperature": 2,
        "stream": True,
    }

    def left() -> int:
        return served_reader.log.count("the caller left")

    for seed in range(20):  # a short answer may be over before its reader has left
        before = left()
        with httpx2.stream(
            "POST", f"{url}/v1/chat/completions", json=body | {"seed": seed}, timeout=60
        ) as answer:
            next(answer.iter_raw())
        few = client.chat.completions.create(
            model="medical-reader", messages=about("무엇인가요?"), max_tokens=2
        )
        assert few.choices[0].message.content is not None
        if left() > before:  # said before the place is free, so before the next one is answered
            break
    else:
        pytest.fail("nobody was seen to leave")
    # Places are given back once the answers' last bytes are on their way.
    while httpx2.get(f"{url}/health", timeout=60).json()["requests"]:
        pass


def test_one_too_many_gets_429(url: str, served_reader: Any) -> None:
    """One is answered and four wait, as the server was told; nobody gets anything else.

    The engine stands still until all others are turned away.
    """
    import psutil

    body = {
        "model": "medical-reader",
        "messages": about("길게 말해 주세요."),
        "max_tokens": 400,
        "temperature": 2,
    }
    answers: list[httpx2.Response] = []

    def ask() -> None:
        answers.append(httpx2.post(f"{url}/v1/chat/completions", json=body, timeout=120))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    [engine] = psutil.Process(served_reader.process.pid).children()
    engine.suspend()
    try:
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 100
        while len(answers) < 7 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        engine.resume()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 7
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)


def test_classes_come_with_probabilities_and_only_with_the_key(
    served_classifier: Any, classifier: Path
) -> None:
    from trainers.inference import Question, class_scores, load_model
    from trainers.model_source import find_model

    served = served_classifier
    body = {"model": "photos", "messages": about("무엇인가요?", data_url(noise()))}
    key = {"Authorization": "Bearer secret"}

    address = f"{served.url}/v1/label_scores"
    refused = [
        httpx2.post(address, json=body, headers=headers, timeout=60).status_code
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "secret"})
    ]
    told = httpx2.post(address, json=body, headers=key, timeout=60).json()

    assert refused == [401, 401, 401]
    assert httpx2.get(f"{served.url}/v1/models", timeout=60).status_code == 401
    assert httpx2.get(f"{served.url}/health", timeout=60).status_code == 200
    asked = load_model(find_model(str(classifier)))
    question = Question([{"role": "user", "content": "무엇인가요?"}], [noise()])
    expected = class_scores(asked, [question]).probabilities[0]
    np.testing.assert_allclose([one["probability"] for one in told["labels"]], expected, atol=1e-5)
    assert [one["name"] for one in told["labels"]] == ["raw", "packed"]


def test_an_engine_that_dies_ends_the_server_with_its_last_words(
    serve_model: Callable[..., Any],
    make_model_release: Callable[..., Path],
    text_twin: Path,
    tmp_path: Path,
) -> None:
    import psutil

    served = serve_model(make_model_release(tmp_path / "text", text_twin))
    assert served.url
    [engine] = psutil.Process(served.process.pid).children()
    engine.kill()
    assert served.process.wait(120) == 2
    assert "the engine ended by itself (exit code -9)" in served.log


def test_a_model_that_cannot_be_loaded_is_said(
    serve_model: Callable[..., Any],
    make_model_release: Callable[..., Path],
    text_twin: Path,
    tmp_path: Path,
) -> None:
    release = make_model_release(tmp_path / "broken", text_twin)
    (release / "adapter_model.safetensors").unlink()
    served = serve_model(release)
    assert served.process.wait(300) == 2
    assert "exit code 1" in served.log
    assert "its adapter could not be loaded" in served.log


def test_a_server_that_is_killed_leaves_no_engine_behind(
    serve_model: Callable[..., Any],
    make_model_release: Callable[..., Path],
    text_twin: Path,
    tmp_path: Path,
    still_running: Callable[..., list[Any]],
) -> None:
    import psutil

    served = serve_model(make_model_release(tmp_path / "text", text_twin))
    assert served.url
    children = psutil.Process(served.process.pid).children()
    served.process.kill()
    assert children and not still_running(children)


def test_a_server_that_is_told_to_end_while_loading_cleans_up(
    serve_model: Callable[..., Any],
    text_twin: Path,
    tmp_path_factory: pytest.TempPathFactory,
    still_running: Callable[..., list[Any]],
) -> None:
    import psutil

    folder = tmp_path_factory.mktemp("t")
    served = serve_model(text_twin, environment=dict(os.environ) | {"TMPDIR": str(folder)})
    server = psutil.Process(served.process.pid)
    while not (children := server.children()):
        assert served.process.poll() is None, served.log
    assert list(folder.iterdir())
    served.process.terminate()
    assert served.process.wait(120) == 0, served.log
    assert not still_running(children)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--engine", "vllm"], "not installed"),
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--port", "{taken}"], "Cannot listen"),
        (["--examples", "2"], "no rows of the split"),
    ],
)
def test_a_server_that_cannot_start_says_why(
    options: list[str],
    reason: str,
    make_model_release: Callable[..., Path],
    text_twin: Path,
    tmp_path: Path,
) -> None:
    from click.testing import CliRunner

    from bogam.cli import bogam
    from cards.errors import BogamError

    release = make_model_release(tmp_path / "text", text_twin)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = [one.format(taken=port) for one in options]
        result = CliRunner().invoke(bogam, ["serve", str(release), *arguments])
    assert isinstance(result.exception, BogamError)
    assert reason in str(result.exception)
