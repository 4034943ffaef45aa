"""Served tiny models, and a real browser to look at their page with."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 120
ANSWER_SECONDS = 60


class ServedModel:
    """`bogam serve` as a child, with what it said."""

    def __init__(self, model: str, *options: str, environment: dict[str, str], log: Path) -> None:
        self._log = log
        command = [sys.executable, "-m", "bogam", "--verbose", "serve", model, "--port", "0"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *options], env=environment, stdout=file, stderr=subprocess.STDOUT
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def url(self) -> str:
        """Where it answers, once it does."""
        return self.wait_for(r"page at (http://\S+),")

    def wait_for(self, pattern: str) -> str:
        """The first group of a pattern in what it says."""
        import re

        deadline = time.monotonic() + START_SECONDS
        while (found := re.search(pattern, " ".join(self.log.split()))) is None:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            select.select([], [], [], 0.1)
        return found[1]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()


class Browser:
    """A real Chromium without a window, spoken to over its debugging pipe.

    https://chromedevtools.github.io/devtools-protocol/
    """

    def __init__(self, program: str, profile: Path) -> None:
        to_browser, self._commands = os.pipe()
        self._answers, from_browser = os.pipe()
        flags = [
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", program, *flags],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._waiting = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        """What the pages' scripts threw, and what the browser refused them."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str, *, width: int = 1200, height: int = 900) -> None:
        """Show a page and wait until it says that it is ready."""
        self.complaints.clear()
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self._call("Page.navigate", url=url)
        self.wait_until("document.body?.dataset.ready === 'true'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        told = self._call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait_until(self, condition: str) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.run(condition):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            select.select([], [], [], 0.05)

    def text(self, selector: str) -> str:
        """What a reader sees of it; empty where it is hidden."""
        found = f"document.querySelector({json.dumps(selector)})"
        return str(self.run(f"{found}.checkVisibility() ? {found}.innerText : ''"))

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def write(self, selector: str, text: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def choose_file(self, selector: str, path: Path) -> None:
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        told = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._commands)
        os.close(self._answers)

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        call = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            call["sessionId"] = self._session
        os.write(self._commands, json.dumps(call).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            if told.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(told["params"]["exceptionDetails"]["text"])
            if told.get("method") == "Log.entryAdded":
                self.complaints.append(told["params"]["entry"]["text"])

    def _read(self) -> Any:
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._answers], [], [], ANSWER_SECONDS)
            assert ready, "the browser does not answer"
            piece = os.read(self._answers, 1 << 16)
            assert piece, "the browser has ended"
            self._waiting += piece
        message, _, self._waiting = self._waiting.partition(b"\0")
        return json.loads(message)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no browser on this machine: neither chromium nor google-chrome is installed")
    started = Browser(program, tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def vision_twins(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`vision_twins("qwen2.5-vl")`: a tiny vision-language model, made once."""
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    made: dict[str, Path] = {}
    texts = [
        "다음은 처방전입니다. 환자 성명: 김하늘, 1회 투약량: 1정",
        "What does it say? 1 2 3",
    ] * 20
    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        positions=1024,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=3,
        vision_heads=2,
    )

    def make(kind: Any) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            made[kind] = make_vision_twin(kind, folder, texts, size=size)
        return made[kind]

    return make


@pytest.fixture(scope="session")
def text_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainers.tiny_twins import TwinSize, make_twin

    size = TwinSize(hidden=32, intermediate=64, layers=2, vocabulary=600, positions=2048)
    texts = ["두통의 증상은 무엇인가요?", "두통이 있으면 쉬고 물을 자주 마시세요."] * 20
    return make_twin("solar", tmp_path_factory.mktemp("solar"), texts, size=size)


@pytest.fixture(scope="session")
def serve_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ServedModel]]:
    """`serve_model(model, "--waiting", "2")`: a server that ends with the session."""
    folder = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:

        def start(
            model: str | Path, *options: str, environment: dict[str, str] | None = None
        ) -> ServedModel:
            served = ServedModel(
                str(model),
                *options,
                environment=environment or dict(os.environ),
                log=folder / f"{len(list(folder.iterdir()))}.log",
            )
            stack.callback(served.stop)
            return served

        yield start


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder of drawn documents, whose fields and boxes are known."""
    from rich.progress import Progress

    from loaders.dataset_folder import build
    from loaders.medical_ocr.synthesis.writer import write_documents

    folder = tmp_path_factory.mktemp("documents")
    with Progress(disable=True) as progress:
        write_documents(folder / "drawn", 16, 1, ["ko"], 1, progress)
    build("medical-ocr", folder / "drawn", folder / "dataset", {})
    return folder / "dataset"


@pytest.fixture(scope="session")
def reader(
    make_model_release: Callable[..., Path],
    vision_twins: Callable[[str], Path],
    documents: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The release of a tiny reader that was taught one thing by heart: whose the first held-out
    document is, in three languages."""
    folder = tmp_path_factory.mktemp("reader")
    twin = folder / "twin"
    shutil.copytree(vision_twins("qwen2.5-vl"), twin)
    release = make_model_release(
        folder / "medical-reader",
        twin,
        task="medical_ocr",
        system_prompt="문서를 읽으세요.",
        images={"min_pixels": 3136, "max_pixels": 50_176},
        strength=0.0,
        dataset=str(documents),
    )
    teach_by_heart(release, twin)
    return release


def teach_by_heart(release: Path, twin: Path) -> None:
    """Train the whole twin until it tells the patient's name, as the reader's page will ask it."""
    import torch

    from bogam.serving.documents import questions_about_documents
    from bogam.serving.examples import load_examples
    from loaders.image_files import read_rgb
    from trainers.conversation import Message, message_parts, with_system_prompt
    from trainers.inference import load_model
    from trainers.model_source import find_model

    asked = load_model(find_model(str(release)))
    [example, *_] = load_examples(asked.source, 1)
    assert example.image is not None and example.document_type is not None
    name = next(one["value"] for one in example.fields if one["name"] == "patient.name")
    parts = [{"type": "image", "image": read_rgb(example.image)}]
    batches = []
    for language, told in (("zh", "病人姓名: "), ("ko", "환자 성명: "), ("en", "Patient: ")):
        question = questions_about_documents()[example.document_type][language]
        messages = [Message(role="user", content=question)]
        messages = with_system_prompt(messages, asked.source.system_prompt)
        answered = [*messages, Message(role="assistant", content=told + name)]
        whole, prompt = (
            asked.processor.apply_chat_template(
                message_parts(turns, parts),
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                add_generation_prompt=turns is messages,
            )
            for turns in (answered, messages)
        )
        labels = whole["input_ids"].clone()
        labels[:, : prompt["input_ids"].shape[1]] = -100
        batches.append({**whole, "labels": labels})
    model = load_model(find_model(str(twin))).model.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        losses = [model(**batch).loss for batch in batches]
        optimiser.zero_grad()
        torch.stack(losses).sum().backward()
        optimiser.step()
        if max(float(loss.detach()) for loss in losses) < 0.05:
            break
    model.save_pretrained(twin)


@pytest.fixture(scope="session")
def served_reader(serve_model: Callable[..., ServedModel], reader: Path) -> ServedModel:
    return serve_model(reader, "--examples", "2", "--waiting", "4")
