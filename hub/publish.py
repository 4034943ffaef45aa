"""A folder that a stage left, and the card made from its record, to one commit on a Hub.

    check the files -> look for personal data -> record -> card -> gates -> commit -> read back

The user's folder is never written to: the release is put together beside it, of links.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cards.dataset_card import shards_by_split
from cards.errors import BogamError
from cards.licences import check_publication, find_licence
from cards.records import (
    DATASET_FILE,
    RUN_FILE,
    DatasetRecord,
    Publication,
    Revision,
    RunRecord,
    SplitInfo,
)
from cards.row_description import measure_rows, sample_rows
from hub.gates import pii
from hub.gates.personal_data import PersonalDataPolicy, checked, findings, require_none
from hub.gates.redaction import redact_files
from hub.gates.text_cells import QUOTED
from hub.gates.text_scan import Scan
from hub.push import Published, Target, look_at, push
from hub.refusals import said_plainly, token_in_use
from hub.release import Release, check_release, scan_texts

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from rich.progress import Progress

logger = logging.getLogger(__name__)

_REFUSE = PersonalDataPolicy()


class Card(Protocol):
    """The README and the figures, made from a record alone."""

    def write(self, folder: Path) -> None:
        """Put them into a release."""


def publish_dataset(
    folder: Path,
    repo_id: str,
    *,
    card: Callable[[DatasetRecord], Card],
    public: bool = False,
    personal_data: PersonalDataPolicy = _REFUSE,
    api: HfApi | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a folder that `bogam build` made.

    Args:
        card: called with the record as it is published: with the findings about personal data,
            with where it goes, and after redaction with the hashes of the redacted files.
        public: make a public repo; one that exists keeps its visibility.
        api: the client to use; None takes Hub and token from HF_ENDPOINT and the login.
        progress: where to show progress; None shows none.

    Raises:
        BogamError: the build found something that stops publication, a file changed since then,
            a gate refused, the licence forbids it, or the Hub did. Nothing is published then.
    """
    api = api or _api()
    record = DatasetRecord.read(folder / DATASET_FILE)
    _refuse_stops(record, folder)
    target = look_at(api, repo_id, "dataset", public=public)
    licence = find_licence(record.licence)
    check_publication(licence, repo_id, private=target.private)
    with said_plainly(f"Publishing {repo_id}", api), _staged(folder, record.artifacts) as staging:
        _check_unchanged(staging, record.artifacts, progress)
        scan = _personal_data(staging, record.artifacts, progress)
        artifacts, splits = record.artifacts, record.splits
        described: dict[str, Any] = {}
        if personal_data.action == "refuse":
            require_none(scan, f"Publishing {repo_id}")
        elif personal_data.action == "redact" and scan.found:
            _refuse_pictures(record, repo_id)
            redact_files(staging, sorted({place.file for place in scan.tallies}))
            artifacts = {path: _sha256(staging / path) for path in record.artifacts}
            splits = _sizes(staging, record)
            described = _described_again(staging, record)
        elif scan.found:
            described = {"samples": ()}  # nobody chose to put a person on the card
        published = record.model_copy(
            update={
                "artifacts": artifacts,
                "splits": splits,
                "findings": (*record.findings, *findings(scan, personal_data)),
                "publication": Publication(
                    repo_id=repo_id,
                    private=target.private,
                    personal_data=checked(scan, personal_data),
                ),
            }
            | described
        )
        published.write(staging / DATASET_FILE)
        card(published).write(staging)
        release = Release(
            staging, repo_id, "dataset", licence, public=public, personal_data=personal_data
        )
        return _send(api, release, target, f"Publish {record.name}", progress)


def _refuse_pictures(record: DatasetRecord, repo_id: str) -> None:
    if record.has_pictures:
        raise BogamError(
            f"Publishing {repo_id}: its rows have pictures, in which nothing can be redacted: what "
            "is taken out of a text may still be seen, and the text would no longer be what the "
            "picture says. Nothing was sent. Take those rows out at the source, or publish with "
            "--pii allow and a reason that will stand on the card."
        )


def _refuse_stops(record: DatasetRecord, folder: Path) -> None:
    stops = [finding for finding in record.findings if finding.severity == "stop"]
    if stops:
        listing = "\n".join(f"{stop.kind} ({stop.count}): {stop.detail}" for stop in stops)
        raise BogamError(f"{folder}: must not be published as it is; nothing was sent.\n{listing}")


def publish_model(
    folder: Path,
    repo_id: str,
    *,
    card: Callable[[RunRecord], Card],
    public: bool = False,
    personal_data: PersonalDataPolicy = _REFUSE,
    api: HfApi | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish the folder of a finished run: the files that `run.json` names, and its card.

    Arguments and errors as for :func:`publish_dataset`; predictions cannot be redacted, as their
    scores would no longer be theirs.
    """
    if personal_data.action == "redact":
        raise BogamError(
            f"Publishing {repo_id}: predictions cannot be redacted, their scores would no longer "
            "be theirs. Redact the dataset and train on that, or allow personal data for a reason."
        )
    api = api or _api()
    run = RunRecord.read(folder / RUN_FILE)
    target = look_at(api, repo_id, "model", public=public)
    licence = find_licence(run.licence)
    stated = (run.base_licence, run.dataset_licence)
    made_from = tuple(find_licence(name) for name in stated if name is not None)
    check_publication(licence, repo_id, private=target.private, made_from=made_from)
    with said_plainly(f"Publishing {repo_id}", api), _staged(folder, run.artifacts) as staging:
        _check_unchanged(staging, run.artifacts, progress)
        scan = _personal_data(staging, run.artifacts, progress)
        if personal_data.action == "refuse":
            require_none(scan, f"Publishing {repo_id}")
        published = run.model_copy(
            update={
                "publication": Publication(
                    repo_id=repo_id,
                    private=target.private,
                    personal_data=checked(scan, personal_data),
                )
            }
        )
        published.write(staging / RUN_FILE)
        card(published).write(staging)
        release = Release(
            staging, repo_id, "model", licence, public, made_from, personal_data=personal_data
        )
        _warn_of_missing_base(api, run.base_model)
        name = str(run.recipe.get("name", repo_id))
        return _send(api, release, target, f"Publish {name}", progress)


def publish_release(
    release: Release,
    message: str,
    *,
    api: HfApi | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a folder that is a release already, with its card, such as a converted base model.

    Errors as for :func:`publish_dataset`.
    """
    api = api or _api()
    target = look_at(api, release.repo_id, release.repo_type, public=release.public)
    check_publication(
        release.licence, release.repo_id, private=target.private, made_from=release.made_from
    )
    return _send(api, release, target, message, progress)


def _send(
    api: HfApi, release: Release, target: Target, message: str, progress: Progress | None
) -> Published:
    paths = check_release(release, token_in_use(api), progress)
    if release.public and target.private:
        logger.warning("%s is a private repo and stays one", release.repo_id)
    return push(api, release, paths, target, message, progress)


def _warn_of_missing_base(api: HfApi, base: Revision) -> None:
    """An adapter loads its base from the same Hub."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        api.model_info(base.id, revision=base.revision)
    except (RepositoryNotFoundError, RevisionNotFoundError):
        logger.warning(
            "%s at %s is not on %s: whoever loads this adapter from there needs it there too",
            base.id,
            base.revision[:12],
            api.endpoint,
        )


@contextmanager
def _staged(folder: Path, artifacts: Mapping[str, str]) -> Iterator[Path]:
    """A folder beside `folder` with links to what its record names, removed at the end.

    A licence or notice that was put into `folder` goes along: a record does not name them.
    """
    folder = folder.resolve()
    missing = [path for path in artifacts if not (folder / path).is_file()]
    if missing:
        raise BogamError(
            f"{folder}: {', '.join(missing)} missing, which the record names. Build it again."
        )
    try:
        directory = tempfile.TemporaryDirectory(prefix=f"{folder.name}.release-", dir=folder.parent)
    except PermissionError as error:
        raise BogamError(
            f"{folder.parent}: no right to write there. The release is put together beside the "
            "folder; move it to where you may write."
        ) from error
    with directory as name:
        staging = Path(name)
        for path in {*artifacts, *(name for name in QUOTED if (folder / name).is_file())}:
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(folder / path, staging / path)
            except OSError:  # a file system without links
                shutil.copyfile(folder / path, staging / path)
        yield staging


def _check_unchanged(folder: Path, artifacts: Mapping[str, str], progress: Progress | None) -> None:
    """The record speaks of these bytes; numbers about other bytes would be false."""
    paths: Iterable[str] = artifacts
    if progress is not None:
        paths = progress.track(list(artifacts), description="Checking against the record")
    changed = [path for path in paths if _sha256(folder / path) != artifacts[path]]
    if changed:
        raise BogamError(
            f"{', '.join(changed)}: changed since the record was made, so its numbers no longer "
            "hold. Run the step that makes it again."
        )


def _personal_data(folder: Path, artifacts: Mapping[str, str], progress: Progress | None) -> Scan:
    detectors = {"personal data": pii.detector()}
    return scan_texts(folder, list(artifacts), detectors, progress)["personal data"]


def _sizes(folder: Path, record: DatasetRecord) -> dict[str, SplitInfo]:
    """The splits with the sizes of their shards, `data/<split>-*.parquet`, as they are now."""
    return {
        split: SplitInfo(
            rows=info.rows,
            bytes=sum(
                (folder / path).stat().st_size
                for path in record.artifacts
                if Path(path).name.startswith(f"{split}-") and path.endswith(".parquet")
            ),
        )
        for split, info in record.splits.items()
    }


def _described_again(staging: Path, record: DatasetRecord) -> dict[str, Any]:
    """Lengths and samples of the rows as they are after redaction."""
    shards = shards_by_split(record)
    samples = sample_rows(staging, shards) if record.samples else ()
    return {"histograms": measure_rows(staging, shards), "samples": samples}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi(library_name="bogam")
