"""Whether a repo carries a verification, and whether that is still of what the repo holds.

Nothing is computed again here: the signature is checked, and the hashes of card, record and of
every file that the record names are compared with those of the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from cards.records import DATASET_FILE, RUN_FILE, VERIFY_FILE, DatasetRecord, RunRecord
from hub.attestation import SignedSummary, Summary
from hub.server.card_metadata import README
from hub.server.descriptions import read_text
from hub.server.repositories import Repo
from hub.server.revisions import Commit
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.store.trees import FileEntry

State = Literal["holds", "failed", "unsigned", "other-repo", "changed"]
"""`changed`: card, record or a file is not what was verified."""


@dataclass(frozen=True)
class Verification:
    """What the attached summary says, and how much that is worth at this commit."""

    state: State
    summary: Summary | None
    """None for a file that is no summary."""
    fingerprint: str | None
    """Of the key that signed, when the signature is sound."""


def find_verification(
    tx: Transaction, store: Store, repo: Repo, commit: Commit
) -> Verification | None:
    """The verification in a commit; None when there is none."""
    text = read_text(tx, store, commit, VERIFY_FILE)
    if text is None:
        return None
    try:
        signed = SignedSummary.model_validate_json(text)
        is_sound = signed.is_sound()
    except ValueError:
        return Verification("unsigned", None, None)
    if not is_sound:
        return Verification("unsigned", signed.summary, None)
    return Verification(
        _state(tx, store, repo, commit, signed.summary), signed.summary, signed.fingerprint
    )


def _state(tx: Transaction, store: Store, repo: Repo, commit: Commit, summary: Summary) -> State:
    if summary.failures:
        return "failed"
    if (summary.repo.lower(), summary.repo_type) != (repo.repo_id.lower(), repo.kind):
        return "other-repo"
    record_file = RUN_FILE if repo.kind == "model" else DATASET_FILE
    artifacts = _artifacts(tx, store, commit, record_file)
    if artifacts is None:
        return "changed"
    wanted = {**artifacts, README: summary.card_sha256, record_file: summary.record_sha256}
    for path, sha256 in wanted.items():
        entry = store.trees.find(tx, commit.tree, path)
        if not isinstance(entry, FileEntry) or entry.sha256 != sha256:
            return "changed"
    return "holds"


def _artifacts(
    tx: Transaction, store: Store, commit: Commit, record_file: str
) -> dict[str, str] | None:
    """The files that the record names; None when it cannot be read."""
    text = read_text(tx, store, commit, record_file)
    record = RunRecord if record_file == RUN_FILE else DatasetRecord
    try:
        return None if text is None else record.model_validate_json(text).artifacts
    except ValidationError:
        return None
