"""A model's answers to all rows of a dataset, into one parquet file; interrupted, it goes on.

Every row of the split has a row in the file. One that cannot be asked says why in the column
`error` and has no answer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from cards.errors import BogamError
from trainers.dataset_source import find_dataset, load_splits, stored_images
from trainers.image_inputs import RowImages
from trainers.inference import (
    ModelToAsk,
    Question,
    answer_batch,
    check_room,
    class_scores,
    prompt_inputs,
)
from trainers.progress import progress_bar
from trainers.recipe_schema import DatasetSection

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchReport:
    """How a batch went."""

    rows: int
    errors: int
    kept: int
    """Rows that an earlier, interrupted call had answered."""


def answer_dataset(
    asked: ModelToAsk,
    dataset: str,
    split: str,
    out: Path,
    *,
    revision: str = "main",
    batch_size: int = 8,
    max_new_tokens: int | None = None,
) -> BatchReport:
    """Ask for the last answer of every row; classes are scored where the model has them.

    `out` gets `id`, `prompt`, `reference` (null where the row brings no answer), `answer`,
    `error`, and of a classifier `probabilities` (a struct by class) and `label_mass`.

    Raises:
        BogamError: no such dataset or split, a file in the way, or an interrupted one that was
            made otherwise.
    """
    if out.exists():
        raise BogamError(f"{out}: is there already. Remove it, or name another file with --out.")
    source = find_dataset(DatasetSection(id=dataset, revision=revision))
    rows = _rows(load_splits(source), dataset, split)
    limit = max_new_tokens or asked.source.max_new_tokens
    made_with = {
        "model": asked.source.revision.model_dump(),
        "base": None if asked.source.base is None else asked.source.base.model_dump(),
        "quantised": bool(getattr(asked.model, "is_quantized", False)),
        "dataset": source.revision.model_dump(),
        "split": split,
        "rows": len(rows),
        "max_new_tokens": limit,
    }
    journal = out.with_name(out.name + ".partial.jsonl")
    done = _kept(journal, made_with)
    kept = len(done)
    missing = [number for number in range(len(rows)) if number not in done]
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        _opened(journal, made_with) as file,
        progress_bar(f"asking {asked.source.name}", total=len(rows)) as advance,
    ):
        advance(kept)
        for start in range(0, len(missing), batch_size):
            numbers = missing[start : start + batch_size]
            answered = dict(_answered(asked, rows, split, numbers, limit))
            for number in numbers:
                line = {"number": number, **answered[number]}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            done |= answered
            advance(len(numbers))
    table = _table(asked, rows, [done[number] for number in range(len(rows))])
    partial = out.with_name(out.name + ".partial")
    pq.write_table(table, partial, compression="zstd")
    partial.rename(out)
    journal.unlink()
    errors = sum(one["error"] is not None for one in done.values())
    return BatchReport(rows=len(rows), errors=errors, kept=kept)


def _rows(splits: datasets.DatasetDict, dataset: str, split: str) -> datasets.Dataset:
    if split not in splits:
        raise BogamError(f"dataset {dataset}: no split {split!r}. It has: {', '.join(splits)}.")
    rows = splits[split]
    if not {"id", "messages"} <= set(rows.column_names):
        raise BogamError(
            f"dataset {dataset}, split {split!r}: needs the columns `id` and `messages`; it has: "
            f"{', '.join(rows.column_names)}."
        )
    return stored_images(rows) if "images" in rows.column_names else rows


def _answered(
    asked: ModelToAsk, rows: datasets.Dataset, split: str, numbers: Sequence[int], limit: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number, what is kept of it), in no particular order."""
    pictures = RowImages(split, rows) if "images" in rows.column_names else None
    questions: dict[int, Question] = {}
    for number in numbers:
        messages = _before_last_answer(rows[number]["messages"])
        try:
            question = Question(messages, pictures[number] if pictures is not None else ())
            length = prompt_inputs(asked, [question])["input_ids"].shape[1]
            check_room(asked, length, 1 if asked.source.classes else limit)
        except BogamError as error:
            yield number, {"answer": None, "error": str(error)}
        else:
            questions[number] = question
    if not questions:
        return
    batch = list(questions.values())
    if asked.source.classes:
        scores = class_scores(asked, batch)
        for number, shares, mass in zip(
            questions, scores.probabilities, scores.label_mass, strict=True
        ):
            yield (
                number,
                {
                    "answer": asked.source.classes[int(shares.argmax())].answer,
                    "error": None,
                    "probabilities": shares.tolist(),
                    "label_mass": float(mass),
                },
            )
        return
    for number, text in zip(questions, answer_batch(asked, batch, limit), strict=True):
        yield number, {"answer": text, "error": None}


def _before_last_answer(messages: list[Any]) -> list[Any]:
    return messages[:-1] if messages and messages[-1]["role"] == "assistant" else messages


def _table(asked: ModelToAsk, rows: datasets.Dataset, done: list[dict[str, Any]]) -> pa.Table:
    messages = rows["messages"][:]
    columns: dict[str, Any] = {
        "id": [str(value) for value in rows["id"]],
        "prompt": [
            "\n\n".join(
                one["content"] for one in _before_last_answer(row) if one["role"] != "system"
            )
            for row in messages
        ],
        "reference": [
            row[-1]["content"] if row and row[-1]["role"] == "assistant" else None
            for row in messages
        ],
        "answer": pa.array([one["answer"] for one in done], pa.string()),
        "error": pa.array([one["error"] for one in done], pa.string()),
    }
    if asked.source.classes:
        names = [one.name for one in asked.source.classes]
        shares = [one.get("probabilities") for one in done]
        columns["probabilities"] = pa.array(
            [None if row is None else dict(zip(names, row, strict=True)) for row in shares],
            pa.struct([(name, pa.float64()) for name in names]),
        )
        columns["label_mass"] = pa.array([one.get("label_mass") for one in done], pa.float64())
    return pa.table(columns)


def _kept(journal: Path, made_with: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """{row number: what was answered before} of an interrupted call."""
    if not journal.is_file():
        return {}
    first, *lines = journal.read_text(encoding="utf-8").splitlines()
    if json.loads(first) != made_with:
        raise BogamError(
            f"{journal}: was begun with another model, dataset or setting. Remove it to begin anew."
        )
    done = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            logger.info("%s: its last line was cut; that row is asked again", journal)
            break
        done[entry.pop("number")] = entry
    return done


def _opened(journal: Path, made_with: dict[str, Any]) -> TextIO:
    if journal.is_file():
        text = journal.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            journal.write_text(whole, encoding="utf-8")
        return journal.open("a", encoding="utf-8")
    file = journal.open("w", encoding="utf-8")
    file.write(json.dumps(made_with) + "\n")
    file.flush()
    return file
