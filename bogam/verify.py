"""`bogam verify`: download a repo and compute again what its card says.

    find the repo -> download one commit -> audit the folder -> ask the Hub for what it refers to
                  -> ask the model again (`bogam.rerun`) -> sign the result (`bogam.attestation`)

The audit itself (`cards.audit`) needs no Hub; a folder on this machine is audited alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bogam.answered_rows import check_dataset
from bogam.attestation import check_attached
from cards.audit import audit_dataset_folder, audit_model_folder
from cards.card import CARD_FILE
from cards.checks import Check, compare, file_digest
from cards.errors import BogamError
from cards.licences import find_licence, licence_of_base
from cards.records import (
    DATASET_FILE,
    LOCAL,
    PREDICTIONS_FILE,
    RUN_FILE,
    VERIFY_FILE,
    DatasetRecord,
    Revision,
    RunRecord,
)
from hub.refusals import said_plainly
from hub.release import RepoType

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from rich.progress import Progress


@dataclass(frozen=True)
class Verification:
    """What was checked, at which commit."""

    repo: str
    repo_type: RepoType
    revision: str
    """The commit; `local` for a folder."""
    checks: tuple[Check, ...]
    record_sha256: str
    card_sha256: str | None
    """None where there is no card."""
    rerun: int = 0
    """How many examples the model was asked again."""

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.ok)


def verify_folder(
    folder: Path, *, rerun: int = 0, progress: Progress | None = None
) -> Verification:
    """Audit a release on this machine; nothing that it refers to is looked up.

    Args:
        rerun: of how many examples the model's answers are compared, see `bogam.rerun`.

    Raises:
        BogamError: it holds neither `run.json` nor `dataset.json`, or the model cannot be loaded.
    """
    kind, checks = _audit(folder, str(folder))
    checks += check_attached(folder, kind)
    _refuse_to_ask(kind, str(folder), rerun)
    if kind == "model":
        checks += _rerun(str(folder), folder, LOCAL, rerun, progress)
    return _verification(str(folder), kind, LOCAL, folder, checks, rerun)


def verify(
    repo_id: str,
    *,
    repo_type: RepoType | None = None,
    revision: str = "main",
    rerun: int = 0,
    api: HfApi | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Check a repo of a Hub at one commit.

    Args:
        repo_type: None looks for a model and for a dataset of this name.
        revision: branch, tag or commit.
        rerun: of how many examples the model's answers are compared, see `bogam.rerun`; takes
            Hub and token from HF_ENDPOINT and the login.
        api: the client to use; None takes Hub and token from there too.

    Raises:
        BogamError: there is no such repo or revision, it has no record, or the Hub fails.
    """
    from huggingface_hub import HfApi

    api = api or HfApi(library_name="bogam")
    doing = f"Verifying {repo_id}"
    with said_plainly(doing, api), tempfile.TemporaryDirectory(prefix="bogam-verify-") as name:
        repo_type, info = find_repo(api, repo_id, repo_type, revision, doing)
        _refuse_to_ask(repo_type, repo_id, rerun)
        folder = Path(name)
        # Not from the cache: what is checked are the bytes that the Hub gives away now.
        api.snapshot_download(repo_id, repo_type=repo_type, revision=info.sha, local_dir=folder)
        kind, checks = _audit(folder, repo_id)
        checks += _check_place(folder, info)
        if (folder / VERIFY_FILE).is_file():
            commits = api.list_repo_commits(repo_id, repo_type=repo_type, revision=info.sha)
            history = {commit.commit_id for commit in commits}
            checks += check_attached(folder, kind, repo=info.id, history=history)
        if repo_type == "model":
            checks += _check_references(api, folder)
            checks += _rerun(repo_id, folder, info.sha, rerun, progress)
        return _verification(repo_id, repo_type, info.sha, folder, checks, rerun)


def _refuse_to_ask(kind: RepoType, name: str, rerun: int) -> None:
    if kind == "dataset" and rerun:
        raise BogamError(f"{name}: is a dataset, and only models can be asked. Leave out --rerun.")


def _audit(folder: Path, name: str) -> tuple[RepoType, list[Check]]:
    if (folder / RUN_FILE).is_file():
        return "model", audit_model_folder(folder)
    if (folder / DATASET_FILE).is_file():
        return "dataset", audit_dataset_folder(folder)
    raise BogamError(
        f"{name}: holds neither {RUN_FILE} nor {DATASET_FILE}, so there is no record to check it "
        "against. Give a folder or repo that bogam made."
    )


def _rerun(
    repo: str, folder: Path, revision: str, count: int, progress: Progress | None
) -> Iterator[Check]:
    """What `bogam.rerun` finds; nothing where the predictions cannot be read at all."""
    if not count:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bogam.rerun import rerun

    try:
        run = RunRecord.read(folder / RUN_FILE)
        predictions = pq.ParquetFile(folder / PREDICTIONS_FILE).read()
    except (BogamError, OSError, pa.ArrowException) as error:
        yield Check("re-run", False, "a run record and its predictions", str(error))
        return
    revision = "main" if revision == LOCAL else revision
    yield from rerun(repo, run, predictions, count, revision=revision, progress=progress)


def _verification(
    repo: str, kind: RepoType, revision: str, folder: Path, checks: list[Check], rerun: int
) -> Verification:
    card = folder / CARD_FILE
    return Verification(
        repo=repo,
        repo_type=kind,
        revision=revision,
        checks=tuple(checks),
        record_sha256=file_digest(folder / (RUN_FILE if kind == "model" else DATASET_FILE)),
        card_sha256=file_digest(card) if card.is_file() else None,
        rerun=rerun,
    )


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
        yield from check_dataset(api, run, dataset, folder / PREDICTIONS_FILE)


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
