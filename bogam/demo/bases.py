"""The base models of the demo: tiny twins of the real ones, taught what those know already.

What is held out is never among the lessons: texts are those of training rows, and pictures are
others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bogam.demo.side_by_side import Work
from bogam.demo.stages import ORGANISATION
from bogam.report import bars, show_published

if TYPE_CHECKING:
    from cards.licences import Licence
    from cards.tasks import Bilingual

Kind = Literal["exaone", "reader", "seer"]

_EXAONE_STEPS = 500


@dataclass(frozen=True)
class _Twin:
    repo_id: str
    of: str
    """The real model, whose licence goes over to the twin."""
    lessons: tuple[str, str]
    """What it has been taught, in Korean and in English."""
    datasets: tuple[str, ...]
    """Projects whose training rows lend their texts."""


TWINS: Mapping[Kind, _Twin] = {
    "reader": _Twin(
        f"{ORGANISATION}/Qwen2.5-VL-tiny",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        (
            "무작위로 그린 종이에 적힌, 데모의 학습 행에 나오는 낱말을 읽는 것",
            "to read words of the demo's training rows on random sheets",
        ),
        ("medical-ocr", "chartqa"),
    ),
    "seer": _Twin(
        f"{ORGANISATION}/llava-v1.6-tiny",
        "llava-hf/llava-v1.6-mistral-7b-hf",
        ("그림에 무엇이 있는지 말하는 것", "to name what drawings show"),
        (),
    ),
    "exaone": _Twin(
        f"{ORGANISATION}/EXAONE-3.5-tiny",
        "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct",
        ("데모의 학습 행에 나오는 한국어", "the Korean of the demo's training rows"),
        ("medical-qa",),
    ),
}
"""Those that take longest come first."""
CONVERTED_EXAONE = f"{ORGANISATION}/EXAONE-3.5-tiny-Llama"


@dataclass(frozen=True)
class Making:
    """A twin that is made, or was before, in `folder`."""

    kind: Kind
    folder: Path
    datasets: tuple[Path, ...]

    @property
    def is_made(self) -> bool:
        """Its card is written last."""
        return (self.folder / "README.md").is_file()

    @property
    def work(self) -> Work:
        """The process that makes it."""
        datasets = map(str, self.datasets)
        command = [
            sys.executable,
            "-m",
            "bogam.demo.make_base",
            self.kind,
            str(self.folder),
            *datasets,
        ]
        log = self.folder.with_name(f"{self.folder.name}.txt")
        return Work(f"tiny {TWINS[self.kind].of.rpartition('/')[2]}", command, log)


def makings(
    datasets: Mapping[str, Path], commits: Mapping[str, str], folder: Path
) -> tuple[Making, ...]:
    """All of the demo's base models; each lies in a folder named after the data it learns from."""
    return tuple(
        Making(
            kind,
            folder / "-".join([kind, *(commits[name][:12] for name in twin.datasets)]),
            tuple(datasets[name] for name in twin.datasets),
        )
        for kind, twin in TWINS.items()
    )


def publish(making: Making) -> None:
    """EXAONE under its own names first, then converted, as the real one is by `convert-base`."""
    from cards.lint import require_publishable
    from hub.publish import publish_release
    from hub.release import Release
    from trainers.convert_base import convert_base, publish_converted

    twin, licence = TWINS[making.kind], _licence(making.kind)
    require_publishable(making.folder, "model", twin.repo_id)
    release = Release(making.folder, twin.repo_id, "model", licence)
    show_published(publish_release(release, f"Publish a tiny twin of {twin.of}"))
    if making.kind == "exaone":
        converted = making.folder.with_name(f"{making.folder.name}-llama")
        if not converted.is_dir():
            with bars() as progress:
                convert_base(twin.repo_id, converted, CONVERTED_EXAONE, progress=progress)
        show_published(publish_converted(converted, CONVERTED_EXAONE, licence))


def make(kind: Kind, folder: Path, datasets: Sequence[Path]) -> None:
    """Make and teach a twin, then write its card."""
    from cards.derived_card import derived_card
    from cards.tasks import Bilingual

    makers: dict[Kind, Callable[[], Path]] = {
        "exaone": lambda: _make_exaone(folder, _training_texts(datasets)),
        "reader": lambda: _make_reader(folder, _training_texts(datasets)),
        "seer": lambda: _make_seer(folder),
    }
    makers[kind]()
    twin = TWINS[kind]
    korean, english = twin.lessons
    card = derived_card(
        twin.repo_id,
        _licence(kind),
        repo=twin.repo_id,
        detour=_exaone_detour() if kind == "exaone" else None,
        sees=kind != "exaone",
        metadata={"language": ["ko"]},
        made=Bilingual(
            "`bogam demo`가 만든 시험용 초소형 모델입니다.",
            f"A tiny model of the architecture of {twin.of}, made by `bogam demo`.",
        ),
        checked=Bilingual(
            "평가하지 않았습니다. 배운 것 말고는 아무것도 모르며 다른 쓸모가 없습니다.",
            "Not evaluated. It knows nothing but what it was taught and is good for nothing else.",
        ),
        data=Bilingual(
            f"배운 것은 하나뿐입니다: {korean}.",
            f"It has been taught {english}, and nothing else.",
        ),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _exaone_detour() -> Bilingual:
    from cards.tasks import Bilingual

    converted = f"[{CONVERTED_EXAONE}](/{CONVERTED_EXAONE})"
    return Bilingual(
        "가중치가 EXAONE 3.5의 이름 그대로여서 transformers만으로는 불러올 수 없습니다. Llama "
        f"형식으로 바꾼 {converted} 저장소를 불러오십시오. `bogam convert-base`가 만든 것이며 값은 "
        "같습니다.",
        "The weights have EXAONE 3.5's own names, which plain transformers cannot load. Load "
        f"{converted}: the same values in Llama's format, made by `bogam convert-base`.",
    )


def _make_exaone(folder: Path, texts: Sequence[str]) -> Path:
    from trainers.tiny_twins import make_twin

    return make_twin("exaone-3.5", folder, texts, steps=_EXAONE_STEPS)


def _make_reader(folder: Path, texts: Sequence[str]) -> Path:
    from trainers.reading_twin import make_reading_twin

    return make_reading_twin(folder, texts)


def _make_seer(folder: Path) -> Path:
    from trainers.seeing_twin import make_seeing_twin

    return make_seeing_twin(folder)


def _licence(kind: Kind) -> Licence:
    from cards.licences import licence_of_base

    return licence_of_base(TWINS[kind].of, None)


def _training_texts(datasets: Sequence[Path]) -> list[str]:
    """What users and models say in the training rows."""
    import pyarrow.parquet as pq

    texts = []
    for dataset in datasets:
        shards = sorted((dataset / "data").glob("train-*.parquet"))
        rows: list[dict[str, Any]] = (
            pq.ParquetDataset(shards).read(columns=["messages"]).to_pylist()
        )
        texts += [
            message["content"]
            for row in rows
            for message in row["messages"]
            if message["role"] != "system"
        ]
    return texts
