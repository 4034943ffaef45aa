"""The figures of a release as files of their own, and the pictures that its model got wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cards.card import FIGURES_FOLDER
from cards.errors import BogamError
from cards.records import DATASET_FILE, PREDICTIONS_FILE, RUN_FILE, DatasetRecord, RunRecord

if TYPE_CHECKING:
    import pyarrow as pa

ERROR_SHEET = "errors.png"
_SHOWN_ERRORS = 24


def draw_figures(release: Path, out: Path, *, dataset: Path | None = None) -> list[Path]:
    """Draw every figure of a release's card into `out`, from its run record and predictions.

    Args:
        release: a folder with `run.json` and `predictions.parquet`.
        dataset: the folder of the dataset that was evaluated; with it a sheet with pictures is
            drawn too: of a classifier's surest wrong answers, or of the pages that were read
            worst, also those that no card may show.

    Returns:
        The files that were written.

    Raises:
        BogamError: no such release or dataset, predictions that cannot be scored, a dataset that
            was not the one evaluated, or one of a task without such a sheet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cards.model_card import render_model_card
    from cards.scoring import score

    run = RunRecord.read(release / RUN_FILE)
    try:
        predictions = pq.read_table(release / PREDICTIONS_FILE)
    except (OSError, pa.ArrowException) as error:
        raise BogamError(
            f"{release / PREDICTIONS_FILE}: cannot be read: {error}. Figures are drawn from a "
            "release that the trainer made or a repo that was downloaded as a whole."
        ) from error
    scored = score(run.task, predictions)
    drawn = {
        Path(name).name: data
        for name, data in render_model_card(run, scored).files.items()
        if name.startswith(f"{FIGURES_FOLDER}/")
    }
    if dataset is not None:
        drawn |= _sheet(run, scored, dataset)
    out.mkdir(parents=True, exist_ok=True)
    for name, png in drawn.items():
        (out / name).write_bytes(png)
    return [out / name for name in drawn]


def _sheet(run: RunRecord, scored: pa.Table, dataset: Path) -> dict[str, bytes]:
    """{file name: PNG}, nothing where no answer was wrong."""
    if run.task == "medical_ocr":
        return _worst_pages(run, scored, dataset)
    if run.task == "classification":
        return _wrong_answers(run, scored, dataset)
    raise BogamError(
        f"Only for classes and for medical papers is there a sheet of pictures, not for "
        f"{run.task}. Leave out the dataset."
    )


def _wrong_answers(run: RunRecord, scored: pa.Table, dataset: Path) -> dict[str, bytes]:
    from cards.classification_card import wrong_answers
    from cards.error_sheet import error_sheet

    wrong = wrong_answers(scored)[:_SHOWN_ERRORS]
    if not wrong:
        return {}
    pictures = _pictures(dataset, run, scored, {one.id for one in wrong})
    return {ERROR_SHEET: error_sheet(wrong, pictures)}


def _worst_pages(run: RunRecord, scored: pa.Table, dataset: Path) -> dict[str, bytes]:
    from cards.reading_card import SHEET, worst_rows, worst_sheet

    ids = scored["id"].to_pylist()
    # Each answer of a talk is a row of the predictions: <row>#<turn>.
    row_ids = {row: ids[row].rpartition("#")[0] or ids[row] for row in worst_rows(scored)}
    if not row_ids:
        return {}
    found = _pictures(dataset, run, scored, set(row_ids.values()))
    pictures = {row: found[row_id] for row, row_id in row_ids.items() if row_id in found}
    return {SHEET: worst_sheet(scored, pictures)}


def _pictures(folder: Path, run: RunRecord, scored: pa.Table, ids: set[str]) -> dict[str, bytes]:
    """{row id: first image} of the rows that are asked for, as far as they have one."""
    import pyarrow.parquet as pq

    from cards.dataset_card import shards_by_split

    shards = shards_by_split(DatasetRecord.read(folder / DATASET_FILE))
    pictures: dict[str, bytes] = {}
    for split in sorted(set(scored["split"].to_pylist())):
        for shard in shards.get(split, ()):
            rows = pq.read_table(
                folder / shard, columns=["id", "images"], filters=[("id", "in", sorted(ids))]
            )
            for row in rows.to_pylist():
                if row["images"]:
                    pictures[row["id"]] = row["images"][0]["bytes"]
    if not pictures:
        raise BogamError(
            f"{folder}: has a picture of none of the {len(ids)} rows to be shown. Evaluated was "
            f"{run.dataset.id} at {run.dataset.revision[:12]}: name the folder of that dataset."
        )
    return pictures
