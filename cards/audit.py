"""Is what a repo claims true? Everything that can be computed again is, on a downloaded folder.

An audit never stops at the first fault and never raises for one: whatever is wrong is a
:class:`~cards.checks.Check` that says which number, file or line. It trusts no file of the folder.
Hashes come first: a file that was changed is the cause of what else differs.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cards.baseline import trivial_baseline
from cards.card import CARD_FILE
from cards.checks import Check, check_card, check_figure, check_files, check_record_file, compare
from cards.dataset_card import render_dataset_card, shards_by_split
from cards.errors import BogamError
from cards.licences import check_publication, derive, find_licence
from cards.model_card import render_model_card
from cards.records import (
    DATASET_FILE,
    PREDICTIONS_FILE,
    REJECTS_FILE,
    RUN_FILE,
    DatasetRecord,
    Record,
    Reject,
    RunRecord,
)
from cards.row_description import measure_rows, sample_rows
from cards.sample_sheet import SAMPLE_SHEET, draw_sample_sheet
from cards.scoring import score, summarise
from cards.tasks import SIDES, TaskMetric, find_task

if TYPE_CHECKING:
    import pyarrow as pa

_UNREADABLE = (BogamError, KeyError, ValueError, TypeError, NotImplementedError)
"""What a file that is not what it should be makes the code below raise (also as Arrow errors)."""
# What another machine's linear algebra may change in a sum.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12


def audit_model_folder(folder: Path) -> list[Check]:
    """Check a model repo: hashes, scores, metrics, intervals, tests, licence, README, figures."""
    try:
        run = RunRecord.read(folder / RUN_FILE)
    except BogamError as error:
        return [Check(RUN_FILE, False, "a valid run record", str(error))]
    checks = list(_check_licence(run))
    others = {CARD_FILE, RUN_FILE}
    try:
        predictions = _read_parquet(folder / PREDICTIONS_FILE)
        scored = score(run.task, predictions)
        checks += _check_predictions(run, predictions, scored)
        checks += _check_metrics(run, scored)
        card = render_model_card(run, scored)
    except _UNREADABLE as error:
        checks.append(Check(PREDICTIONS_FILE, False, "predictions of the run", _told(error)))
    else:
        others |= set(card.files)
        checks += check_card(folder, card)
    checks += _check_adapter(folder, run)
    hashes = check_files(folder, run.artifacts, others)
    return [check_record_file(folder / RUN_FILE, run), *hashes, *checks]


def audit_dataset_folder(folder: Path) -> list[Check]:
    """Check a dataset repo: hashes, rows, types, splits, counts, rejects, README, figures."""
    try:
        record = DatasetRecord.read(folder / DATASET_FILE)
    except BogamError as error:
        return [Check(DATASET_FILE, False, "a valid dataset record", str(error))]
    checks: list[Check] = []
    others = {CARD_FILE, DATASET_FILE}
    try:
        card = render_dataset_card(record)
    except _UNREADABLE as error:
        checks.append(Check(CARD_FILE, False, "a card made from the record", _told(error)))
    else:
        others |= set(card.files)
        if record.publication is None and not (folder / CARD_FILE).exists():
            checks.append(Check(CARD_FILE, True, "no card before the dataset is published", "none"))
        else:
            checks += check_card(folder, card)
    checks += _check_rejects(folder, record)
    try:
        checks += _check_rows(folder, record)
        checks += _check_description(folder, record)
    except _UNREADABLE as error:
        checks.append(Check("rows", False, "readable shards", _told(error)))
    hashes = check_files(folder, record.artifacts, others)
    return [check_record_file(folder / DATASET_FILE, record), *hashes, *checks]


def _check_licence(run: RunRecord) -> Iterator[Check]:
    if run.base_licence is None or run.dataset_licence is None:
        yield Check(
            "licence chain",
            False,
            "the licences of base model and dataset",
            f"base model: {run.base_licence}, dataset: {run.dataset_licence}",
        )
        return
    licence = derive(find_licence(run.base_licence), find_licence(run.dataset_licence))
    yield compare("licence", licence.id, run.licence)
    if run.publication:
        try:
            check_publication(licence, run.publication.repo_id, private=run.publication.private)
        except BogamError as error:
            yield Check("publication", False, f"allowed by {licence.id}", str(error))


def _check_predictions(run: RunRecord, predictions: pa.Table, scored: pa.Table) -> Iterator[Check]:
    """Ids are distinct, splits have the recorded rows, stored scores are those of the texts."""
    import pyarrow.compute as pc

    ids = predictions["id"]
    yield compare(f"{PREDICTIONS_FILE}: distinct ids", len(ids), pc.count_distinct(ids).as_py())
    for split, rows in sorted(_rows_by_split(run, predictions).items()):
        yield compare(
            f"{PREDICTIONS_FILE}: rows of {split}", run.dataset.splits.get(split, 0), rows
        )
    task = find_task(run.task)
    if task.derive is not None:
        for name, values in task.derive(predictions).items():
            yield _check_column(name, ids, values, predictions)
    names = [
        metric.column(side)
        for metric in task.metrics
        if isinstance(metric, TaskMetric) and metric.score is not None
        for side in SIDES
        if metric.column(side) in scored.column_names
    ]
    for name in names:
        yield _check_column(name, ids, scored[name], predictions)


def _rows_by_split(run: RunRecord, predictions: pa.Table) -> Counter[str]:
    """Rows of the dataset, of which one may have been asked about at every turn: `<row>#<turn>`."""
    splits = predictions["split"].to_pylist()
    if run.recipe.get("evaluation", {}).get("turns") != "all":
        return Counter(splits)
    asked = (str(one).rpartition("#")[0] for one in predictions["id"].to_pylist())
    return Counter(split for split, _ in set(zip(splits, asked, strict=True)))


def _check_column(name: str, ids: pa.Array, again: pa.Array, predictions: pa.Table) -> Check:
    """A stored column holds what follows from the others."""
    import numpy as np
    import pyarrow as pa

    if name not in predictions.column_names:
        return Check(f"{PREDICTIONS_FILE}: {name}", False, "a derived column", "no column")
    stored = predictions[name].cast(again.type)
    if pa.types.is_floating(again.type):
        ours, theirs = again.to_numpy(), stored.to_numpy()
        close = np.isclose(ours, theirs, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True)
        wrong = np.flatnonzero(~close).tolist()
    else:
        pairs = zip(again.to_pylist(), stored.to_pylist(), strict=True)
        wrong = [row for row, (one, other) in enumerate(pairs) if one != other]
    if not wrong:
        return Check(f"{PREDICTIONS_FILE}: {name}", True, "as computed again", "the same")
    return Check(
        f"{PREDICTIONS_FILE}: {name} of {ids[wrong[0]]} ({len(wrong)} rows differ)",
        False,
        str(again[wrong[0]]),
        str(stored[wrong[0]]),
    )


def _check_metrics(run: RunRecord, scored: pa.Table) -> Iterator[Check]:
    """Every number of `metrics`, `comparison` and `baseline`, computed again with the recorded
    seed."""
    resamples, seed = run.bootstrap_resamples, run.seeds.get("bootstrap", 0)
    metrics, comparison = summarise(run.task, scored, resamples=resamples, seed=seed)
    for side in SIDES:
        yield from _check_records(f"metrics.{side}", metrics[side], run.metrics.get(side, {}))
    yield from _check_records(
        "comparison",
        {one.metric: one for one in comparison},
        {one.metric: one for one in run.comparison},
    )
    primary = find_task(run.task).primary
    baseline = trivial_baseline(run.task, scored, resamples=resamples, seed=seed)
    yield from _check_records(
        "baseline",
        {primary: baseline} if baseline else {},
        {primary: run.baseline} if run.baseline else {},
    )


def _check_records(name: str, expected: dict[str, Any], found: dict[str, Any]) -> Iterator[Check]:
    """Two tables of records, field by field; a table of the file may lack or add rows."""
    yield compare(f"{name}: names", sorted(expected), sorted(found))
    for key in expected.keys() & found.keys():
        ours: Record = expected[key]
        theirs: Record = found[key]
        for field in type(ours).model_fields:
            a, b = getattr(ours, field), getattr(theirs, field)
            same = a == b
            if isinstance(a, float) and isinstance(b, float):
                same = math.isclose(a, b, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
            yield Check(f"{name}.{key}.{field}", same, str(a), str(b))


def _check_adapter(folder: Path, run: RunRecord) -> Iterator[Check]:
    """Whoever loads the adapter gets the base model that the card names."""
    path = folder / "adapter_config.json"
    if not path.is_file():
        return
    try:
        base = json.loads(path.read_bytes()).get("base_model_name_or_path")
    except (ValueError, AttributeError) as error:
        yield Check(path.name, False, "JSON", str(error))
        return
    yield compare(f"{path.name}: base model", run.base_model.id, base)


def _check_rejects(folder: Path, record: DatasetRecord) -> Iterator[Check]:
    path = folder / REJECTS_FILE
    found: Counter[str] = Counter()
    lines = path.read_bytes().splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            found[Reject.model_validate_json(line).reason] += 1
        except ValidationError:
            yield Check(f"{REJECTS_FILE}, line {number}", False, "a reject", repr(line[:80]))
    for reason in sorted(record.rejects.keys() | found.keys()):
        yield compare(
            f"{REJECTS_FILE}: {reason}", record.rejects.get(reason, 0), found.get(reason, 0)
        )


def _check_rows(folder: Path, record: DatasetRecord) -> Iterator[Check]:
    """Rows, bytes and types of the shards, ids, documents in one split only, value counts."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from datasets import Features

    schema = Features.from_dict(record.features).arrow_schema
    shards = shards_by_split(record)
    stray = [
        path
        for path in record.artifacts
        if path.endswith(".parquet") and not any(path in paths for paths in shards.values())
    ]
    yield Check("shards of no split", not stray, "none", ", ".join(stray) or "none")
    wanted = [name for name in ("id", "document_id", *record.statistics) if name in schema.names]
    columns: dict[str, list[pa.Table]] = {}
    for split, info in record.splits.items():
        tables = []
        for path in shards[split]:
            table = _read_parquet(folder / path, wanted)
            yield _check_columns(path, schema, pq.read_schema(folder / path))
            tables.append(table)
        columns[split] = tables
        yield compare(f"{split}: rows", info.rows, sum(table.num_rows for table in tables))
        yield compare(
            f"{split}: bytes",
            info.bytes,
            sum((folder / path).stat().st_size for path in shards[split]),
        )
    everything = pa.concat_tables([table for tables in columns.values() for table in tables])
    if "id" in wanted:
        yield compare("distinct ids", record.rows, pc.count_distinct(everything["id"]).as_py())
    if "document_id" in wanted:
        yield _check_leakage(columns)
    for subject in record.statistics:
        if subject in wanted and (counts := _value_counts(everything[subject])) is not None:
            for value in sorted(record.statistics[subject].keys() | counts.keys()):
                yield compare(
                    f"statistics.{subject}.{value}",
                    record.statistics[subject].get(value, 0),
                    counts.get(value, 0),
                )


def _check_description(folder: Path, record: DatasetRecord) -> Iterator[Check]:
    """Histograms, samples and the sheet of pictures are those of the rows."""
    shards = shards_by_split(record)
    if record.histograms:
        measured = measure_rows(folder, shards)
        yield compare("histograms: names", sorted(measured), sorted(record.histograms))
        for name in sorted(measured.keys() & record.histograms.keys()):
            yield compare(f"histograms.{name}", measured[name], record.histograms[name])
    if record.samples:
        samples = sample_rows(folder, shards)
        for expected, found in zip_longest(samples, record.samples):
            yield compare(f"sample {(expected or found).id}", expected, found)
    if SAMPLE_SHEET in record.artifacts and (drawn := draw_sample_sheet(folder, shards)):
        yield check_figure(SAMPLE_SHEET, drawn, folder / SAMPLE_SHEET)


def _check_columns(path: str, expected: pa.Schema, found: pa.Schema) -> Check:
    """Names in order and types; the name of a list's inner field does not count."""
    same = expected.names == found.names and all(
        ours.type.equals(theirs.type) for ours, theirs in zip(expected, found, strict=True)
    )
    ours, theirs = (
        ", ".join(f"{field.name}: {field.type}" for field in schema) for schema in (expected, found)
    )
    return Check(f"{path}: columns", same, ours, theirs)


def _check_leakage(columns: dict[str, list[pa.Table]]) -> Check:
    seen: dict[str, str] = {}
    shared = []
    for split, tables in columns.items():
        documents = {
            value for table in tables for value in table["document_id"].unique().to_pylist()
        }
        for document in documents:
            if seen.setdefault(document, split) != split:
                shared.append(str(document))
    return Check(
        "documents in two splits", not shared, "none", ", ".join(sorted(shared)[:5]) or "none"
    )


def _value_counts(column: pa.ChunkedArray) -> dict[str, int] | None:
    """{value: rows}, missing values left out; None where values are no texts, numbers or lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = pc.list_flatten(column)
    if pa.types.is_nested(column.type):
        return None
    return {
        str(item["values"]): item["counts"]
        for item in column.drop_null().value_counts().to_pylist()
    }


def _read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read(columns)
    except (OSError, pa.ArrowException) as error:
        raise BogamError(f"{path.name}: cannot be read as parquet: {error}") from error


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, BogamError) else f"{type(error).__name__}: {error}"
