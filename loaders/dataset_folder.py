"""A builder and raw files to a dataset folder: parquet shards, rejects, notices, record.

    data/<split>-00000-of-0000N.parquet   rows; the features are part of the parquet schema
    figures/samples.png                   a few pictures, where anybody may see them
    rejects.jsonl, notices.jsonl          what was left out, and what was odd but used
    dataset.json                          the :class:`~cards.records.DatasetRecord`

The folder appears whole or not at all: it is written beside its place under another name and
renamed when everything in it is on the disk.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cards.errors import BogamError
from cards.licences import find_licence
from cards.records import DATASET_FILE, BuilderInfo, DatasetRecord, SplitInfo
from cards.row_description import may_show_rows, measure_rows, sample_rows
from cards.sample_sheet import SAMPLE_SHEET, draw_sample_sheet
from loaders import DATASETS
from loaders.builder_options import nearest, resolve_options
from loaders.recorded_builder import SCRATCH
from loaders.source import describe_source, is_unchanged, sha256_of

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)

DATA = "data"
_PREPARED = re.compile(r"-(?P<split>[^-]+?)(-(?P<shard>\d{5})-of-(?P<shards>\d{5}))?\.parquet$")


def build(
    name: str,
    source: Path,
    out: Path,
    options: Mapping[str, Any] | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> DatasetRecord:
    """Build the dataset `name` from `source` into the folder `out`.

    A folder that was finished before by the same builder from the same source with the same
    options is kept as it is.

    Args:
        name: a key of :data:`loaders.DATASETS`.
        options: fields of the builder's config; the others keep their defaults.
        force: replace a dataset folder that was built otherwise.
        progress: where to show progress; None shows none.

    Raises:
        BogamError: unknown name or option, missing or unusable source, `out` is in use for
            something else, disk full.
    """
    builder_class = find_builder(name)
    arguments = resolve_options(name, builder_class.BUILDER_CONFIG_CLASS, options or {})
    info = BuilderInfo.model_validate(
        {
            "class": f"{builder_class.__module__}.{builder_class.__name__}",
            "version": str(builder_class.VERSION),
            "arguments": {key: _publishable(value) for key, value in arguments.items()},
        }
    )
    source, out = Path(source), Path(out)
    if not source.exists():
        raise BogamError(f"{source}: not found. Give the raw files of {name} with --source.")
    if out.resolve().is_relative_to(source.resolve()):
        raise BogamError(
            f"{out}: lies in the raw files ({source}), among which the next build would find it. "
            "Choose an --out elsewhere."
        )
    finished = _finished_before(out, source, info, force)
    if finished is not None:
        message = f"{out}: finished before from the same source; kept as it is"
        logger.info(message)
        if progress is not None:
            progress.console.print(message, highlight=False, markup=False, soft_wrap=True)
        return finished

    with _partial_folder(out) as partial, _bars_of_datasets_off():
        builder = builder_class(data_dir=str(source), cache_dir=str(partial / "cache"), **arguments)
        return _write(name, builder, source, info, partial, progress)


def find_builder(name: str) -> Any:
    """The builder class of a dataset.

    Raises:
        BogamError: there is no dataset of this name.
    """
    if name not in DATASETS:
        raise BogamError(
            f"{name}: no such dataset.{nearest(name, DATASETS)} "
            f"There are: {', '.join(sorted(DATASETS))}."
        )
    module, _, class_name = DATASETS[name].partition(":")
    return getattr(import_module(module), class_name)


def _publishable(value: Any) -> Any:
    """A path says nothing to others and tells where somebody keeps files: only its name stays."""
    return value.name if isinstance(value, Path) else value


def _finished_before(
    out: Path, source: Path, info: BuilderInfo, force: bool
) -> DatasetRecord | None:
    if not out.exists():
        return None
    record_file = out / DATASET_FILE
    if not record_file.is_file():
        if out.is_dir() and not any(out.iterdir()):
            return None
        raise BogamError(f"{out}: is there already and is no dataset folder. Choose another --out.")
    record = DatasetRecord.read(record_file)
    differences = [
        f"{what}: {before} before, {now} now"
        for what, before, now in (
            ("builder", record.builder.class_, info.class_),
            ("version", record.builder.version, info.version),
            *(
                (key, record.builder.arguments.get(key), info.arguments.get(key))
                for key in sorted({*record.builder.arguments, *info.arguments})
            ),
        )
        if before != now
    ]
    if not differences and not is_unchanged(source, record.source, record_file.stat().st_mtime):
        differences.append("the source is another one, or has changed")
    differences += [f"{path} is missing" for path in record.artifacts if not (out / path).is_file()]
    if not differences:
        return record
    if force:
        logger.info("%s: is replaced (%s)", out, "; ".join(differences))
        return None
    raise BogamError(
        f"{out}: holds a dataset that was built otherwise ({'; '.join(differences)}). "
        "Choose another --out, remove the folder, or replace it with --force."
    )


@contextmanager
def _partial_folder(out: Path) -> Iterator[Path]:
    """A fresh folder that becomes `out` when the body ends well, and vanishes otherwise.

    What a killed build left behind is removed; a build that still runs is not disturbed.
    """
    partial = out.with_name(out.name + ".partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BogamError(f"{partial}: cannot be made: {error.strerror}.") from error
    lock = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BogamError(
                f"{out}: another build is writing it at this moment. Wait for it, or choose "
                "another --out."
            ) from None
        _empty(partial)
        try:
            yield partial
            _sync(partial)
            if out.exists():
                shutil.rmtree(out)
            partial.rename(out)
        except BaseException as error:
            shutil.rmtree(partial, ignore_errors=True)
            told = _for_a_person(error, out) if isinstance(error, Exception) else None
            if told is None or told is error:
                raise
            raise told from error
    finally:
        os.close(lock)


def _for_a_person(error: Exception, out: Path) -> BogamError | None:
    """`datasets` wraps what a builder raises; find what a person can act on, if that is it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BogamError):
            return cause
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return BogamError(
                f"{out}: the disk is full; nothing was kept. Free some space (about three times "
                "the size of the source) and run the same command again."
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _write(
    name: str,
    builder: Any,
    source: Path,
    info: BuilderInfo,
    folder: Path,
    progress: Progress | None,
) -> DatasetRecord:
    with builder.recording(folder, progress):
        builder.download_and_prepare(str(folder / DATA), file_format="parquet")
        account = builder.account()
    shutil.rmtree(folder / SCRATCH)
    shutil.rmtree(folder / "cache")
    for lock in folder.glob("*.lock"):
        lock.unlink()
    shards = _name_shards(folder / DATA)
    paths = {
        split: [shard.relative_to(folder).as_posix() for shard in shards[split]]
        for split in builder.info.splits
    }
    findings = (*account.findings, *builder.notice_findings())
    shown = may_show_rows(find_licence(builder.licence()), builder.DOMAIN, findings)
    with builder.stage("measuring rows"):
        histograms = measure_rows(folder, paths)
        samples = sample_rows(folder, paths) if shown else ()
        sheet = draw_sample_sheet(folder, paths) if shown else None
        if sheet is not None:
            (folder / SAMPLE_SHEET).parent.mkdir()
            (folder / SAMPLE_SHEET).write_bytes(sheet)
    with builder.stage("taking checksums"):
        described = describe_source(source)
        artifacts = {
            path.relative_to(folder).as_posix(): sha256_of(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    record = DatasetRecord(
        name=name,
        builder=info,
        source=described,
        licence=builder.licence(),
        languages=account.languages or builder.LANGUAGES,
        task_categories=builder.TASK_CATEGORIES,
        raw_items=account.raw_items,
        rows=sum(split.num_examples for split in builder.info.splits.values()),
        rejects=builder.rejects.counts,
        counting=account.counting,
        counting_ko=account.counting_ko,
        items_used=account.items_used,
        splits={
            split: SplitInfo(
                rows=found.num_examples, bytes=sum(shard.stat().st_size for shard in shards[split])
            )
            for split, found in builder.info.splits.items()
        },
        features=builder.info.features.to_dict(),
        findings=findings,
        statistics=account.statistics,
        histograms=histograms,
        samples=samples,
        artifacts=artifacts,
        domain=builder.DOMAIN,
        title=builder.title(),
        description=builder.description(),
        columns=builder.columns(),
        limits=builder.limits(),
        annotation=builder.annotation(),
        task=builder.TASK,
    )
    record.write(folder / DATASET_FILE)
    return record


def _name_shards(data: Path) -> dict[str, list[Path]]:
    """Rename what `datasets` wrote to <split>-00000-of-0000N.parquet; {split: its shards}."""
    shards: dict[str, list[Path]] = {}
    for path in sorted(data.iterdir()):
        match = _PREPARED.search(path.name)
        if match is None:
            path.unlink()  # dataset_info.json: says what dataset.json says
            continue
        split = match["split"]
        number, count = match["shard"] or "00000", match["shards"] or "00001"
        renamed = path.rename(data / f"{split}-{number}-of-{count}.parquet")
        shards.setdefault(split, []).append(renamed)
    return shards


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync(folder: Path) -> None:
    """Until this returns, a power cut could leave a renamed folder with empty files."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _bars_of_datasets_off() -> Iterator[None]:
    """Builders show their own progress; `datasets` would draw its bars over it."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
