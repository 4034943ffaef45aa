"""`bogam verify`: download a repo and compute again what its card says.

    find the repo -> download one commit -> audit the folder -> ask the Hub for what it refers to

The audit itself (`cards.audit`) needs no Hub; a folder on this machine is audited alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cards.audit import audit_dataset_folder, audit_model_folder
from cards.checks import Check, compare
from cards.errors import BogamError
from cards.licences import find_licence, licence_of_base
from cards.records import (
    DATASET_FILE,
    PREDICTIONS_FILE,
    RUN_FILE,
    DatasetRecord,
    Revision,
    RunRecord,
)
from hub.refusals import said_plainly

if TYPE_CHECKING:
    from huggingface_hub import HfApi

RepoType = Literal["model", "dataset"]
LOCAL = "local"


@dataclass(frozen=True)
class Verification:
    """What was checked, at which commit."""

    repo: str
    repo_type: RepoType
    revision: str
    """The commit; `local` for a folder."""
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.ok)


def verify_folder(folder: Path) -> Verification:
    """Audit a release on this machine; nothing that it refers to is looked up.

    Raise :class:`BogamError` when it holds neither `run.json` nor `dataset.json`.
    """
    if (folder / RUN_FILE).is_file():
        return Verification(str(folder), "model", LOCAL, tuple(audit_model_folder(folder)))
    if (folder / DATASET_FILE).is_file():
        return Verification(str(folder), "dataset", LOCAL, tuple(audit_dataset_folder(folder)))
    raise BogamError(
        f"{folder}: holds neither {RUN_FILE} nor {DATASET_FILE}, so there is no record to check it "
        "against. Give a folder or repo that bogam made."
    )


def verify(
    repo_id: str,
    *,
    repo_type: RepoType | None = None,
    revision: str = "main",
    api: HfApi | None = None,
) -> Verification:
    """Check a repo of a Hub at one commit.

    Args:
        repo_type: None looks for a model and for a dataset of this name.
        revision: branch, tag or commit.
        api: the client to use; None takes Hub and token from HF_ENDPOINT and the login.

    Raises:
        BogamError: there is no such repo or revision, it has no record, or the Hub fails.
    """
    from huggingface_hub import HfApi

    api = api or HfApi(library_name="bogam")
    doing = f"Verifying {repo_id}"
    with said_plainly(doing, api), tempfile.TemporaryDirectory(prefix="bogam-verify-") as name:
        repo_type, info = find_repo(api, repo_id, repo_type, revision, doing)
        folder = Path(name)
        # Not from the cache: what is checked are the bytes that the Hub gives away now.
        api.snapshot_download(repo_id, repo_type=repo_type, revision=info.sha, local_dir=folder)
        checks = list(verify_folder(folder).checks)
        checks += _check_place(folder, info)
        if repo_type == "model":
            checks += _check_references(api, folder)
    return Verification(repo_id, repo_type, info.sha, tuple(checks))


def find_repo(
    api: HfApi, repo_id: str, repo_type: RepoType | None, revision: str, doing: str
) -> tuple[RepoType, Any]:
    """Model or dataset, and the Hub's answer about it.

    Raise :class:`BogamError`, which begins with `doing`, where there are both of this name.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    found: dict[RepoType, Any] = {}
    kinds: tuple[RepoType, ...] = (repo_type,) if repo_type else ("model", "dataset")
    for kind in kinds:
        try:
            found[kind] = api.repo_info(repo_id, repo_type=kind, revision=revision)
        except RepositoryNotFoundError:
            if kind == kinds[-1] and not found:
                raise
    if len(found) == 2:
        raise BogamError(
            f"{doing}: there is a model and a dataset of this name. Say which with "
            "--type model or --type dataset."
        )
    return next(iter(found.items()))


def _check_place(folder: Path, info: Any) -> Iterator[Check]:
    """The card speaks of this repo, and the repo is as open as its licence allows."""
    record: RunRecord | DatasetRecord
    try:
        if (folder / RUN_FILE).is_file():
            record = RunRecord.read(folder / RUN_FILE)
        else:
            record = DatasetRecord.read(folder / DATASET_FILE)
    except BogamError:
        return  # the audit has said so
    written = record.publication.repo_id if record.publication else None
    yield compare("repo that the card names", info.id, written)
    licence = find_licence(record.licence)
    yield Check(
        "visibility",
        bool(info.private) or licence.redistribution,
        "private" if not licence.redistribution else "private or public",
        "private" if info.private else "public",
    )


def _check_references(api: HfApi, folder: Path) -> Iterator[Check]:
    """The base model and the dataset exist at the commits that the record names, and agree."""
    try:
        run = RunRecord.read(folder / RUN_FILE)
    except BogamError:
        return  # the audit has said so
    base, check = _look_up(api, "base model", run.base_model, "model")
    yield check
    if base is not None:
        card_data = base.card_data.to_dict() if base.card_data else None
        try:
            licence = licence_of_base(run.base_model.id, card_data).id
        except BogamError as error:
            licence = str(error)
        yield compare("base model: licence", licence, run.base_licence)
    dataset, check = _look_up(api, "dataset", run.dataset, "dataset")
    yield check
    if dataset is not None:
        yield from _check_dataset(api, run, dataset, folder / PREDICTIONS_FILE)


def _look_up(
    api: HfApi, what: str, wanted: Revision, repo_type: RepoType
) -> tuple[Any | None, Check]:
    """The Hub's answer about a commit, None where it has none."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = f"{what}: {wanted.id} at {wanted.revision}"
    try:
        info = api.repo_info(wanted.id, repo_type=repo_type, revision=wanted.revision)
    except RevisionNotFoundError:
        return None, Check(name, False, "a commit of the repo", "no such commit")
    except (RepositoryNotFoundError, GatedRepoError):
        found = "no such repo, or none that this token may read"
        return None, Check(name, False, "a repo on this Hub", found)
    except HFValidationError:
        return None, Check(name, False, "a repo on this Hub", "not the name of a repo")
    return info, compare(name, wanted.revision, info.sha)


def _check_dataset(api: HfApi, run: RunRecord, dataset: Any, predictions: Path) -> Iterator[Check]:
    """Licence and findings are those of the dataset, and its rows are what was answered."""
    files = {sibling.rfilename for sibling in dataset.siblings or ()}
    if DATASET_FILE not in files:
        return  # a dataset that bogam did not make
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
    if run.task in ("generation", "classification") and predictions.is_file():
        yield _check_answered_rows(api, run, record, predictions)


def _check_answered_rows(
    api: HfApi, run: RunRecord, record: DatasetRecord, predictions: Path
) -> Check:
    """Every reference is the answer that the dataset holds for this id in this split."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from huggingface_hub import HfFileSystem

    from cards.dataset_card import shards_by_split

    name = "dataset: references of the predictions"
    try:
        answered = pq.ParquetFile(predictions).read(["id", "split", "reference"])
    except (OSError, pa.ArrowException, KeyError) as error:
        return Check(name, False, "readable predictions", str(error))
    files = HfFileSystem(endpoint=api.endpoint, token=api.token)
    references: dict[tuple[str, str], str] = {}
    for split in sorted(set(answered["split"].to_pylist())):
        for shard in shards_by_split(record).get(split, ()):
            place = f"datasets/{run.dataset.id}@{run.dataset.revision}/{shard}"
            # Only the columns that are needed come over the line.
            with files.open(place) as file:
                rows = pq.ParquetFile(file).read(["id", "messages"])
            for row_id, messages in zip(
                rows["id"].to_pylist(), rows["messages"].to_pylist(), strict=True
            ):
                references[split, str(row_id)] = messages[-1]["content"] if messages else ""
    wrong = [
        row["id"]
        for row in answered.to_pylist()
        if references.get((row["split"], row["id"])) != row["reference"]
    ]
    return Check(
        name,
        not wrong,
        "the answers of the dataset",
        f"{len(wrong)} differ, the first is {wrong[0]}" if wrong else "the same",
    )
