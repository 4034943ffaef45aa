"""Fetching two evaluated models for `bogam compare`: their records and predictions, no weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cards.checks import file_digest
from cards.compare import Contestant
from cards.errors import BogamError
from cards.records import LOCAL, PREDICTIONS_FILE, RUN_FILE, Revision, RunRecord
from hub.refusals import said_plainly

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def load_contestant(repo: str, *, revision: str = "main", api: HfApi | None = None) -> Contestant:
    """A model of a Hub at one commit, or the folder of a finished run.

    Raise :class:`BogamError` when there is none, when it holds no record and predictions, or when
    the predictions are not those of the record.
    """
    if Path(repo).is_dir():
        folder = Path(repo)
        missing = [name for name in (RUN_FILE, PREDICTIONS_FILE) if not (folder / name).is_file()]
        if missing:
            raise BogamError(f"{repo}: {_told(missing)}")
        model = Revision(id=repo, revision=LOCAL)
        return _contestant(model, folder / RUN_FILE, folder / PREDICTIONS_FILE)
    from huggingface_hub import HfApi

    api = api or HfApi(library_name="bogam")
    with said_plainly(f"Comparing {repo}", api):
        info = api.model_info(repo, revision=revision)
        commit = str(info.sha)
        files = {sibling.rfilename for sibling in info.siblings or ()}
        missing = [name for name in (RUN_FILE, PREDICTIONS_FILE) if name not in files]
        if missing:
            raise BogamError(f"Comparing {repo}: {_told(missing)}")
        paths = [
            Path(api.hf_hub_download(repo, name, revision=commit))
            for name in (RUN_FILE, PREDICTIONS_FILE)
        ]
    return _contestant(Revision(id=info.id, revision=commit), *paths)


def _contestant(model: Revision, record: Path, predictions: Path) -> Contestant:
    import pyarrow as pa
    import pyarrow.parquet as pq

    run = RunRecord.read(record)
    if run.artifacts.get(PREDICTIONS_FILE) != file_digest(predictions):
        raise BogamError(
            f"{model.id}: {PREDICTIONS_FILE} is not the file that its record names. See what else "
            f"is wrong with `bogam verify {model.id}`."
        )
    try:
        table = pq.ParquetFile(predictions).read()
    except (OSError, pa.ArrowException) as error:
        raise BogamError(f"{model.id}: {PREDICTIONS_FILE} cannot be read: {error}") from error
    return Contestant(model, run, table)


def _told(missing: list[str]) -> str:
    return (
        f"{' and '.join(missing)} missing. Only models that bogam evaluated can be compared; give "
        "two of them."
    )
