"""A release: a folder that becomes exactly one commit on a Hub, and the gates before that."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cards.errors import BogamError
from cards.licences import Licence
from hub.gates import local_paths, pii, secrets
from hub.gates.contents import check_contents
from hub.gates.personal_data import PersonalDataPolicy, require_none
from hub.gates.text_scan import Detector, Scan, scan_files

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)

RepoType = Literal["model", "dataset"]


@dataclass(frozen=True)
class Release:
    """What is published, where, and under which terms."""

    folder: Path
    """Holds the files of the repo and nothing else."""
    repo_id: str
    repo_type: RepoType
    licence: Licence
    public: bool = False
    """For a repo that is made; one that exists keeps its visibility."""
    made_from: tuple[Licence, ...] = ()
    """Licences that this one may not be looser than."""
    personal_data: PersonalDataPolicy = field(default_factory=PersonalDataPolicy)
    """`redact` refuses like `refuse`: redaction comes before the folder is a release."""


def check_release(
    release: Release, token: str | None, progress: Progress | None = None
) -> list[str]:
    """The paths of the release's files, when all gates let it pass.

    token: the one in use, which must stand in none of the files.

    Raises:
        BogamError: a file that may not be published, a secret, a path of this machine, or
            personal data that is not allowed.
    """
    paths = check_contents(release.folder)
    detectors = {
        "secrets": secrets.detector(token),
        "paths": local_paths.detector((*_own_folders(release.folder), Path.cwd())),
        "personal data": pii.detector(),
    }
    scans = scan_texts(release.folder, paths, detectors, progress)
    what = f"Publishing {release.repo_id}"
    _require_clean(scans["secrets"], f"{what}: secrets", "Take them out and make them invalid")
    _require_clean(scans["paths"], f"{what}: paths of this machine", "Write them relative")
    if release.personal_data.action == "allow":
        if scans["personal data"].found:
            logger.warning("%s: personal data is left in for a written reason", what)
    else:
        require_none(scans["personal data"], what)
    return paths


def scan_texts(
    folder: Path,
    paths: list[str],
    detectors: dict[str, Detector],
    progress: Progress | None = None,
) -> dict[str, Scan]:
    """:func:`hub.gates.text_scan.scan_files` with a bar."""
    if progress is None:
        return scan_files(folder, paths, detectors)
    total = sum((folder / path).stat().st_size for path in paths)
    task = progress.add_task(f"Looking for {', '.join(detectors)}", total=total)
    return scan_files(folder, paths, detectors, lambda size: progress.advance(task, size))


def _own_folders(folder: Path) -> tuple[Path, Path]:
    return folder.resolve(), folder.resolve().parent


def _require_clean(scan: Scan, what: str, remedy: str) -> None:
    if scan.found:
        raise BogamError(f"{what}; nothing was sent:\n{scan.listing()}\n{remedy}, then run again.")
