"""A Space's folder runs by itself: its own code, its own Hub, nothing of this repo."""

from __future__ import annotations

import ast
import os
import re
import select
import signal
import subprocess
import sysconfig
import time
import venv
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2
import openai
import psutil
import pytest
from huggingface_hub import RepoCard

from cards.errors import BogamError


@pytest.fixture(scope="module")
def published(
    make_model_release: Callable[..., Path],
    hub: Any,
    fresh_id: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """A private adapter on a private base."""
    from trainers.tiny_twins import TwinSize, make_twin

    folder = tmp_path_factory.mktemp("published")
    size = TwinSize(hidden=32, intermediate=64, layers=2, vocabulary=600, positions=512)
    texts = ["두통의 증상은 무엇인가요?", "두통이 있으면 쉬고 물을 자주 마시세요."] * 20
    twin = make_twin("solar", folder / "twin", texts, size=size)
    api = hub.api("alice")
    base, adapter = fresh_id("org"), fresh_id("org")
    for repo in (base, adapter):
        api.create_repo(repo, private=True)
    first = api.upload_folder(repo_id=base, folder_path=twin)
    release = make_model_release(
        folder / "release", twin, base_id=base, base_revision=first.oid, system_prompt="짧게."
    )
    api.upload_folder(repo_id=adapter, folder_path=release)
    return adapter


@pytest.fixture
def space(
    published: str, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Path]:
    from bogam.space import write_space

    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    write_space(tmp_path / "space", "org/try-it", published)
    return published, tmp_path / "space"


def test_the_folder_is_what_a_docker_space_needs(space: tuple[str, Path]) -> None:
    model, folder = space
    metadata = RepoCard.load(folder / "README.md").data.to_dict()
    assert metadata["sdk"] == "docker"
    assert metadata["models"] == [model]
    assert len(metadata["short_description"]) <= 60
    dockerfile = (folder / "Dockerfile").read_text()
    assert f"EXPOSE {metadata['app_port']}" in dockerfile
    assert f"torch=={version('torch').partition('+')[0]}" in dockerfile
    pins = (folder / "requirements.txt").read_text().splitlines()
    assert f"transformers=={version('transformers')}" in pins
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    assert not {"pytest", "deepspeed", "albumentations"} & {pin.partition("==")[0] for pin in pins}
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))
    text = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert "hf_" + "alice" not in text and str(Path.home()) not in text


@pytest.mark.system
def test_the_app_starts_alone_and_answers(
    space: tuple[str, Path], client_environment: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    model, folder = space
    # An environment with the packages of others, and without what installs this repo.
    venv.create(tmp_path / "venv")
    environment = client_environment("alice") | {
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PORT": "0",
    }
    log = tmp_path / "log"
    with log.open("wb") as file:
        app = subprocess.Popen(
            [tmp_path / "venv/bin/python", "app.py"],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 300
        while (found := re.search(r"answers at http://0.0.0.0:(\d+)", log.read_text())) is None:
            assert app.poll() is None and time.monotonic() < deadline, log.read_text()
            select.select([], [], [], 0.1)
        url = f"http://127.0.0.1:{found[1]}"

        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "두통은?"}], max_tokens=4
        )
        page = httpx2.get(url, timeout=60)
        told = httpx2.get(f"{url}/api/model", timeout=60).json()

        assert answer.choices[0].message.content
        assert page.status_code == 200 and "page.js" in page.text
        assert os.environ["HF_ENDPOINT"] in page.headers["content-security-policy"]
        assert told["name"] == model and len(told["revision"]) == 40
        [engine] = psutil.Process(app.pid).children()
        assert Path(engine.cwd()) == folder
    finally:
        app.send_signal(signal.SIGINT)
        try:
            app.wait(120)
        finally:
            app.kill()


def test_what_no_space_can_load_is_refused(tmp_path: Path, space: tuple[str, Path]) -> None:
    from bogam.space import write_space

    model, folder = space
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    for arguments, reason in (
        ((folder, "org/space", model), "there already"),
        ((tmp_path / "new", "space", model), "owner/name"),
        ((tmp_path / "new", "org/space", str(tmp_path / "model")), "Publish it"),
        ((tmp_path / "new", "org/space", "org/nowhere"), "neither a folder here"),
    ):
        with pytest.raises(BogamError, match=reason):
            write_space(*arguments)
    assert not (tmp_path / "new").exists()
