"""The published dataset a run learns from: its commit, its record, its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
import pyarrow.compute as pc
from huggingface_hub import DatasetCard, HfApi, constants, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError

from cards.errors import BogamError
from cards.licences import Licence, find_licence
from cards.records import DATASET_FILE, DatasetRecord, Revision, SplitInfo
from hub.refusals import said_plainly
from trainers.recipe_schema import DatasetSection

LOCAL = "local"
NEEDED_COLUMNS = ("id", "messages")


@dataclass(frozen=True)
class DatasetSource:
    """A dataset at one commit. `record` is None for one that `bogam` did not build."""

    revision: Revision
    record: DatasetRecord | None
    licence: Licence


def find_dataset(section: DatasetSection) -> DatasetSource:
    """Which commit the recipe's revision stands for, and what the dataset says of itself.

    Raises:
        BogamError: no such dataset or revision, no access, Hub not reachable, no licence.
    """
    folder = Path(section.id)
    if folder.is_dir():
        record_file = folder / DATASET_FILE
        if not record_file.is_file():
            raise BogamError(
                f"dataset {section.id}: the folder has no {DATASET_FILE}. Name a folder that "
                "`bogam build` wrote, or a dataset on the Hub."
            )
        record = DatasetRecord.read(record_file)
        revision = Revision(id=section.id, revision=LOCAL)
        return DatasetSource(revision, record, find_licence(record.licence))
    api = HfApi()
    with said_plainly(f"dataset {section.id} at {section.revision}", api):
        info = api.dataset_info(section.id, revision=section.revision)
        if info.sha is None:
            raise BogamError(f"dataset {section.id}: {constants.ENDPOINT} names no commit for it.")
        revision = Revision(id=section.id, revision=info.sha)
        try:
            record = DatasetRecord.read(
                Path(
                    hf_hub_download(
                        section.id, DATASET_FILE, repo_type="dataset", revision=info.sha
                    )
                )
            )
        except EntryNotFoundError:
            return DatasetSource(revision, None, _stated_licence(revision))
    return DatasetSource(revision, record, find_licence(record.licence))


def load_splits(source: DatasetSource) -> datasets.DatasetDict:
    """All splits, downloaded where they are not in the cache.

    Raises:
        BogamError: no rows to be found there, or files that cannot be read.
    """
    where, what = source.revision, f"dataset {source.revision.id}"
    with said_plainly(what, HfApi()):
        try:
            if where.revision == LOCAL:
                assert source.record is not None  # find_dataset refuses a folder without one
                files = {
                    split: [
                        str(Path(where.id) / path)
                        for path in sorted(source.record.artifacts)
                        if path.startswith(f"data/{split}-")
                    ]
                    for split in source.record.splits
                }
                return datasets.load_dataset("parquet", data_files=files)
            return datasets.load_dataset(where.id, revision=where.revision)
        except (datasets.exceptions.DatasetsError, ValueError, OSError) as error:
            cause: BaseException = error
            while cause.__cause__ is not None:  # what is raised says only that something failed
                cause = cause.__cause__
            reason = str(cause).strip().partition("\n")[0]
            empty = [name for name, split in _splits_of(source).items() if not split.rows]
            hint = f" Splits without rows cannot be: {', '.join(empty)}." if empty else ""
            raise BogamError(
                f"{what} ({where.revision}): cannot be loaded: {reason}.{hint}"
            ) from error


def choose_rows(
    splits: datasets.DatasetDict,
    split: str,
    *,
    of: str,
    key: str,
    at_most: int | None,
    seed: int,
    with_images: bool = False,
    row_columns: Sequence[str] = (),
) -> datasets.Dataset:
    """The rows of one split, or `at_most` of them drawn by seed, in the dataset's order.

    They have `id` and `messages`, `document_id` where the dataset has it, the undecoded `images`
    where they are asked for, and what there is of `row_columns`.

    Args:
        of: the dataset's id, for messages.
        key: the recipe's key that names the split.
        with_images: whether the model sees pictures.
        row_columns: more columns, see `cards.tasks.Task`.

    Raises:
        BogamError: no such split, no rows in it, a column missing, or images that nobody would
            look at.
    """
    if split not in splits:
        raise BogamError(
            f"dataset {of}: it has no split {split!r} ({key}). It has: {', '.join(splits)}."
        )
    rows = splits[split]
    where = f"dataset {of}, split {split!r}"
    missing = [column for column in NEEDED_COLUMNS if column not in rows.column_names]
    if missing:
        raise BogamError(
            f"{where}: no column {', '.join(missing)}. A trainer needs "
            f"`id` (text) and `messages` (a list of role and content); it has: "
            f"{', '.join(rows.column_names)}."
        )
    if not len(rows):
        raise BogamError(f"dataset {of}: the split {split!r} ({key}) has no rows.")
    columns = [*NEEDED_COLUMNS, *({"document_id", *row_columns} & set(rows.column_names))]
    if with_images:
        rows = _with_stored_images(rows, where)
        columns += sorted({"images"} & set(rows.column_names))
    else:
        _refuse_images(rows, where)
    rows = rows.select_columns(columns)
    if at_most is None or at_most >= len(rows):
        return rows
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows.select(sorted(order[:at_most].tolist()))


def _refuse_images(rows: datasets.Dataset, where: str) -> None:
    if "images" not in rows.column_names:
        return
    lengths = pc.list_value_length(rows.with_format("arrow")["images"][:])
    images = pc.sum(lengths).as_py()
    if images:
        raise BogamError(
            f"{where}: its rows hold {images} images. The base model reads text only and would "
            "leave them out. Choose a vision-language model."
        )


def _with_stored_images(rows: datasets.Dataset, where: str) -> datasets.Dataset:
    """`images` as bytes and path. A column of another name would be trained without a word."""
    elsewhere = [
        name
        for name, feature in rows.features.items()
        if name != "images"
        and any(isinstance(one, datasets.Image) for one in (feature, _member(feature)))
    ]
    if elsewhere and "images" not in rows.column_names:
        raise BogamError(
            f"{where}: pictures stand in the column {', '.join(elsewhere)}, but a trainer looks "
            "for a list of them in `images` and would train on the text alone."
        )
    if "images" not in rows.column_names:
        return rows
    if not isinstance(_member(rows.features["images"]), datasets.Image):
        raise BogamError(
            f"{where}: the column `images` is {rows.features['images']}; it should be "
            f"{datasets.List(datasets.Image())}."
        )
    return stored_images(rows)


def _member(feature: object) -> object:
    """What a list is a list of; None for what is no list."""
    return getattr(feature, "feature", None)


def stored_images(rows: datasets.Dataset) -> datasets.Dataset:
    """The same rows with `images` as they are stored (bytes and path), not decoded.

    `cast_column` would do so too, but writes all pictures to the disk once more.
    """
    features = rows.features.copy()
    features["images"] = datasets.List(datasets.Image(decode=False))
    info = datasets.DatasetInfo(features=features)
    return datasets.Dataset(rows.data, info, rows.split, indices_table=rows._indices)


def _splits_of(source: DatasetSource) -> dict[str, SplitInfo]:
    return source.record.splits if source.record is not None else {}


def _stated_licence(revision: Revision) -> Licence:
    """What the README of a dataset from elsewhere says."""
    try:
        path = hf_hub_download(
            revision.id, "README.md", repo_type="dataset", revision=revision.revision
        )
        stated = DatasetCard.load(path).data.to_dict().get("license")
    except EntryNotFoundError:
        stated = None
    if isinstance(stated, list):
        stated = "+".join(sorted(stated))
    if not stated:
        raise BogamError(
            f"dataset {revision.id}: its licence is not known, so neither is what may be done with "
            "its rows and with what a model makes of them. Add `license:` to the metadata of its "
            "README.md."
        )
    return find_licence(str(stated).lower())
