"""Were the published answers given to the questions that the dataset asks?

Every reference, and every column that came from the dataset, is compared with the dataset at the
commit that the run names. Only the columns that are needed come over the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cards.checks import Check, compare
from cards.errors import BogamError
from cards.records import DATASET_FILE, DatasetRecord, RunRecord
from cards.tasks import find_task

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_NO_DATA = frozenset({".gitattributes", "README.md", ".gitignore"})


def check_dataset(api: HfApi, run: RunRecord, dataset: Any, predictions: Path) -> Iterator[Check]:
    """Licence and findings are those of the dataset, and its rows are what was answered.

    Args:
        dataset: the Hub's answer about it at the commit of the run, with `siblings`.
    """
    files = {sibling.rfilename for sibling in dataset.siblings or ()}
    if not files - _NO_DATA:
        yield Check("dataset: rows", False, "data at this commit", "none")
        return
    if DATASET_FILE in files:
        path = api.hf_hub_download(
            run.dataset.id, DATASET_FILE, repo_type="dataset", revision=run.dataset.revision
        )
        try:
            record = DatasetRecord.read(Path(path))
        except BogamError as error:
            yield Check(f"dataset: {DATASET_FILE}", False, "a valid dataset record", str(error))
            return
        yield compare("dataset: licence", record.licence, run.dataset_licence)
        yield compare("dataset: findings", record.findings, run.dataset_findings)
        for split, rows in run.dataset.splits.items():
            held = record.splits[split].rows if split in record.splits else 0
            yield Check(f"dataset: rows of {split}", rows <= held, f"at most {held}", str(rows))
    if any(file.endswith(".parquet") for file in files) and predictions.is_file():
        yield from _check_answered_rows(api, run, files, predictions)


def _check_answered_rows(
    api: HfApi, run: RunRecord, files: set[str], predictions: Path
) -> Iterator[Check]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    carried = find_task(run.task).row_columns
    try:
        file = pq.ParquetFile(predictions)
        columns = [name for name in carried if name in file.schema_arrow.names]
        answered = file.read(["id", "split", "reference", *columns])
    except (OSError, pa.ArrowException, KeyError) as error:
        yield Check("dataset: references of the predictions", False, "readable", str(error))
        return
    of_turns = run.recipe.get("evaluation", {}).get("turns", "last") == "all"
    held = {
        (split, row["id"]): row
        for split in sorted(set(answered["split"].to_pylist()))
        for shard in _shards(files, split)
        for row in _rows(api, run, shard, columns)
    }
    wrong: dict[str, list[str]] = {name: [] for name in ("reference", *columns)}
    for row in answered.to_pylist():
        example = str(row["id"])
        row_id, turn = example.rpartition("#")[::2] if of_turns else (example, "")
        found = held.get((row["split"], row_id))
        if found is None or _reference(found["messages"], turn) != row["reference"]:
            wrong["reference"].append(example)
        for name in columns:
            if found is None or found.get(name) != row[name]:
                wrong[name].append(example)
    for name, examples in wrong.items():
        what = "references" if name == "reference" else name
        yield Check(
            f"dataset: {what} of the predictions",
            not examples,
            "those of the dataset",
            f"{len(examples)} differ, the first is {examples[0]}" if examples else "the same",
        )


def _shards(files: set[str], split: str) -> list[str]:
    name = re.compile(rf"(?:.*/)?{re.escape(split)}(?:-\d+-of-\d+)?\.parquet")
    return sorted(file for file in files if name.fullmatch(file))


def _rows(
    api: HfApi, run: RunRecord, shard: str, columns: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """`id` as text, `messages`, and what there is of the columns."""
    import pyarrow.parquet as pq
    from huggingface_hub import HfFileSystem

    files = HfFileSystem(endpoint=api.endpoint, token=api.token)
    with files.open(f"datasets/{run.dataset.id}@{run.dataset.revision}/{shard}") as opened:
        file = pq.ParquetFile(opened)
        wanted = [name for name in ("id", "messages", *columns) if name in file.schema_arrow.names]
        for row in file.read(wanted).to_pylist():
            yield {"messages": None, **row, "id": str(row.get("id"))}


def _reference(messages: Sequence[Mapping[str, str]] | None, turn: str) -> str | None:
    """The answer with this number from 1, or the last message; None where there is none."""
    if not turn:
        return messages[-1]["content"] if messages else None
    answers = [one["content"] for one in messages or () if one["role"] == "assistant"]
    number = int(turn) if turn.isdigit() else 0
    return answers[number - 1] if 1 <= number <= len(answers) else None
