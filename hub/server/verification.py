"""Whether a repo carries a verification, and whether that is still of what the repo holds.

Nothing is computed again here: the signature is checked, whose it is, and whether every file but
the summary itself is the one of the commit that was verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cards.records import VERIFY_FILE
from hub.attestation import SignedSummary, Summary
from hub.server.descriptions import read_text
from hub.server.errors import HubError
from hub.server.repositories import Repo
from hub.server.revisions import Commit, find_commit
from hub.server.signing_keys import owner_of
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.store.trees import Tree

State = Literal["holds", "unknown-key", "failed", "unsigned", "other-repo", "changed"]
"""`unknown-key`: would hold, but nobody here is known to sign with that key. `changed`: a file of
the repo is not what was verified."""


@dataclass(frozen=True)
class Verification:
    """What the attached summary says, and how much that is worth at this commit."""

    state: State
    summary: Summary | None = None
    """None for a file that is no summary."""
    fingerprint: str | None = None
    """Of the key that signed, when the signature is sound."""
    signer: str | None = None
    """The user of this Hub who signs with that key."""

    @property
    def is_refuted(self) -> bool:
        """Whether it says more than is so."""
        return self.state not in ("holds", "unknown-key")


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
        return Verification("unsigned")
    if not is_sound:
        return Verification("unsigned", signed.summary)
    signer = owner_of(tx, signed.public_key)
    state = _state(tx, store, repo, commit, signed.summary)
    if state == "holds" and signer is None:
        state = "unknown-key"
    return Verification(state, signed.summary, signed.fingerprint, signer)


def _state(tx: Transaction, store: Store, repo: Repo, commit: Commit, summary: Summary) -> State:
    if summary.failures:
        return "failed"
    if (summary.repo.lower(), summary.repo_type) != (repo.repo_id.lower(), repo.kind):
        return "other-repo"
    try:
        verified = find_commit(tx, repo, summary.revision)
    except HubError:
        return "changed"
    if verified.id != summary.revision:  # a branch, which moves
        return "changed"
    before, now = (_without_summary(store.trees.get(tx, c.tree)) for c in (verified, commit))
    return "holds" if before == now else "changed"


def _without_summary(tree: Tree) -> Tree:
    return {name: entry for name, entry in tree.items() if name != VERIFY_FILE}
