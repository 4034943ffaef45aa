"""The folder of a run: what stands where, and whether it is the run that is asked for."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cards.errors import BogamError
from cards.records import RUN_FILE, Record, Revision
from trainers.recipe_schema import EvaluationSection, Recipe

logger = logging.getLogger(__name__)


class StartedRun(Record):
    """`recipe.json`: everything that decides what comes out of a run."""

    recipe: dict[str, Any]
    base_model: Revision
    dataset: Revision
    processes: int

    @classmethod
    def of(cls, recipe: Recipe, base: Revision, dataset: Revision, processes: int) -> StartedRun:
        """Where a result is published, and how it is evaluated, may change while it is made."""
        decisive = recipe.resolved()
        for section in ("publication", "evaluation", "output_dir"):
            del decisive[section]
        return cls(recipe=decisive, base_model=base, dataset=dataset, processes=processes)

    def zero_shot_fingerprint(self, evaluation: EvaluationSection) -> str:
        """Changes whenever the base model might answer otherwise."""
        decisive = self.model_dump(include={"recipe", "base_model", "dataset"})
        decisive["evaluation"] = evaluation.model_dump(
            include={"split", "mode", "turns", "max_samples", "max_new_tokens", "seed"}
        )
        text = json.dumps(decisive, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class RunFolder:
    """Paths below a recipe's `output_dir`."""

    path: Path

    @property
    def started(self) -> Path:
        return self.path / "recipe.json"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.path / "samples.parquet"

    @property
    def zero_shot(self) -> Path:
        return self.path / "zero_shot.parquet"

    @property
    def adapter(self) -> Path:
        return self.path / "adapter"

    @property
    def draft(self) -> Path:
        """The release until it is complete."""
        return self.path / "release.partial"

    @property
    def release(self) -> Path:
        return self.path / "release"

    @property
    def published(self) -> Path:
        return self.path / "published.json"

    @property
    def is_finished(self) -> bool:
        """The release is renamed into its place when everything is in it."""
        return (self.release / RUN_FILE).is_file()

    def check(self, run: StartedRun) -> None:
        """Refuse to go on with, or to write over, what another run left here.

        Raises:
            BogamError: there are results of a run that differs; says in what.
        """
        if not self.started.is_file():
            if self.checkpoints.is_dir() or self.is_finished:
                raise BogamError(
                    f"{self.path}: holds results, but no {self.started.name} that says of what "
                    "run. Choose another output_dir, or remove the folder."
                )
            return
        before = StartedRun.read(self.started).model_dump()
        differences = list(_differences(before, run.model_dump()))
        if differences and (self.is_finished or self.checkpoints.is_dir()):
            what = "the result" if self.is_finished else "checkpoints"
            raise BogamError(
                f"{self.path}: holds {what} of a run that was another one: "
                f"{'; '.join(differences)}. Choose another output_dir, take the change back, or "
                "remove the folder to start anew."
            )

    def begin(self, run: StartedRun) -> None:
        """Write down what is run here."""
        self.path.mkdir(parents=True, exist_ok=True)
        run.write(self.started)


def _differences(before: Any, now: Any, key: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            difference
            for name in sorted({*before, *now})
            for difference in _differences(
                before.get(name), now.get(name), f"{key}.{name}" if key else name
            )
        ]
    told = key.removeprefix("recipe.")
    return [] if before == now else [f"{told}: {_short(before)} before, {_short(now)} now"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
