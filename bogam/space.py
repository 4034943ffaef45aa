"""A folder that runs a model's page on a Hub Space: README, Dockerfile, pinned packages, code.

https://huggingface.co/docs/hub/spaces-config-reference, .../spaces-sdks-docker
"""

from __future__ import annotations

import pkgutil
import re
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

import cards.tasks
from bogam.own_modules import HOUSE, needed_modules
from cards.card import is_repo_id
from cards.errors import BogamError
from trainers.model_source import LOCAL, ModelSource, find_model

PORT = 7860
"""Where a Space's visitors are led, see `app_port`."""
_ENTRIES = ("bogam.serving.serve", "bogam.serving.transformers_engine")
# Not imported by name, but needed by `transformers serve`.
_OF_THE_ENGINE = ("openai",)
_DATA = ("bogam/serving/page/*", "loaders/medical_ocr/synthesis/questions.yaml")
_TITLE_LENGTH = 60


def write_space(folder: Path, space_id: str, model: str, *, revision: str = "main") -> ModelSource:
    """Write the folder, which must not be there yet; gives the model at the commit that it serves.

    Raises:
        BogamError: a folder in the way, a bad name, or a model that no Space could load.
    """
    if folder.exists():
        raise BogamError(f"{folder}: is there already. Remove it or choose another folder.")
    if not is_repo_id(space_id):
        raise BogamError(f"{space_id}: a Space is called owner/name.")
    source = find_model(model, revision=revision)
    if source.revision.revision == LOCAL:
        raise BogamError(
            f"model {model}: is a folder here, which a Space cannot load. Publish it and give its "
            "Hub id."
        )
    needed = needed_modules(
        (
            *_ENTRIES,
            *(f"cards.tasks.{one.name}" for one in pkgutil.iter_modules(cards.tasks.__path__)),
        )
    )
    draft = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _copy(needed.files, draft)
        packages = sorted({*needed.distributions, *_OF_THE_ENGINE}, key=str.lower)
        pins = "".join(f"{name}=={version(name)}\n" for name in packages if name != "torch")
        for name, text in {
            "README.md": _readme(space_id, source),
            "Dockerfile": _DOCKERFILE.format(torch=version("torch").partition("+")[0], port=PORT),
            "requirements.txt": pins,
            "app.py": _APP.format(
                model=source.revision.id, revision=source.revision.revision, port=PORT
            ),
        }.items():
            (draft / name).write_text(text, encoding="utf-8")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return source


def _copy(files: tuple[Path, ...], folder: Path) -> None:
    data = [path.relative_to(HOUSE) for pattern in _DATA for path in sorted(HOUSE.glob(pattern))]
    for path in (*files, *data):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HOUSE / path, target)


def _readme(space_id: str, source: ModelSource) -> str:
    name = re.sub(r"[-_]+", " ", space_id.partition("/")[2])
    run = source.run
    metadata: dict[str, Any] = {
        "title": name[:_TITLE_LENGTH],
        "emoji": "🔎",
        "colorFrom": "blue",
        "colorTo": "green",
        "sdk": "docker",
        "app_port": PORT,
        "pinned": False,
        "license": "apache-2.0",
        "models": [source.revision.id],
        "short_description": "Ask a tuned model; its card has the numbers",
    }
    if run is not None and is_repo_id(run.dataset.id):
        metadata["datasets"] = [run.dataset.id]
    licence = run.licence if run is not None else "the one on its card"
    return (
        f"---\n{yaml.safe_dump(metadata, allow_unicode=True, sort_keys=False)}---\n\n"
        f"# {name}\n\n"
        f"[{source.revision.id}](/{source.revision.id}) at commit "
        f"`{source.revision.revision}`, served with `transformers serve` behind a page. What it "
        "was measured at stands on the model's card. The code here is Apache-2.0; the model's "
        f"licence is `{licence}`.\n\n"
        "모델 카드에 적힌 성능과 한계를 먼저 읽으세요. 이 화면의 답은 의학적 조언도 증거도 "
        "아닙니다.\n\n"
        "Answers are neither medical advice nor evidence.\n\n"
        "## Settings\n\n"
        "| name | kind | what for |\n| --- | --- | --- |\n"
        "| `HF_TOKEN` | secret | reading the model or its base, where they are private or gated |\n"
        "| `BOGAM_API_KEY` | secret | answer only who sends this key |\n"
        "| `HF_ENDPOINT` | variable | another Hub than huggingface.co |\n\n"
        "Keep the Space of a private model private too: who can open it can ask the model.\n"
    )


_DOCKERFILE = """\
FROM python:3.11-slim
# For a GPU: https://download.pytorch.org/whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN useradd --create-home --uid 1000 user
USER user
ENV PATH=/home/user/.local/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /home/user/app
RUN pip install --no-cache-dir --user --index-url $TORCH_INDEX torch=={torch}
COPY --chown=user requirements.txt .
RUN pip install --no-cache-dir --user -r requirements.txt
COPY --chown=user . .
EXPOSE {port}
CMD ["python", "app.py"]
"""

_APP = '''\
"""The page of one model, at one commit."""

import logging
import os

from bogam.serving.serve import ServeOptions, serve

MODEL = "{model}"
REVISION = "{revision}"

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = ServeOptions(
        host="0.0.0.0",
        port=int(os.environ.get("PORT", "{port}")),
        allow_remote=True,
        api_key=os.environ.get("BOGAM_API_KEY"),
        framed_by=(os.environ.get("HF_ENDPOINT", "https://huggingface.co"),),
    )
    serve(
        MODEL,
        options,
        revision=REVISION,
        on_ready=lambda url: logging.info("%s answers at %s", MODEL, url),
    )
'''
