"""Served tiny models."""

from __future__ import annotations

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

START_SECONDS = 300


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
        """What it said, in one line: long messages are folded where they are written."""
        return " ".join(self._log.read_text(encoding="utf-8", errors="replace").split())

    @property
    def url(self) -> str:
        """Where it answers, once it does."""
        return self.wait_for(r"page at (http://\S+),")

    def wait_for(self, pattern: str) -> str:
        """The first group of a pattern in what it says."""
        import re

        deadline = time.monotonic() + START_SECONDS
        while (found := re.search(pattern, self.log)) is None:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            select.select([], [], [], 0.1)
        return found[1]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(120)
        finally:
            self.process.kill()


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


@pytest.fixture(scope="session")
def classifier(
    make_model_release: Callable[..., Path],
    vision_twins: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The release of a LLaVA-NeXT that is said to tell photos apart."""
    return make_model_release(
        tmp_path_factory.mktemp("classifier") / "photos",
        vision_twins("llava-next"),
        task="classification",
        domain="forensic",
        classes=(
            {"name": "raw", "korean": "원물", "answer": "1"},
            {"name": "packed", "korean": "포장", "answer": "2"},
        ),
        system_prompt="번호로 답하세요.",
        prompts=["이 사진은 무엇입니까?"],
    )


@pytest.fixture(scope="session")
def served_classifier(serve_model: Callable[..., ServedModel], classifier: Path) -> ServedModel:
    """It answers only who has the key."""
    return serve_model(classifier, "--api-key", "secret")
