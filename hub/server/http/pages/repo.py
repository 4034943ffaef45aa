"""What every page of one repo needs: the repo at a commit, its tabs, and what may be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hub.server import boards, gating, revisions
from hub.server.card_metadata import CardMetadata
from hub.server.descriptions import card_at
from hub.server.http.call import Call
from hub.server.http.pages.page import Frame, frame_of, page
from hub.server.repositories import Repo
from hub.server.revisions import Commit
from hub.server.store.database import Transaction
from hub.server.tables.splits import find_splits
from hub.server.verification import Verification, find_verification

BENCHMARK_FILE = "eval.yaml"
"""Makes a dataset a benchmark: https://huggingface.co/docs/hub/eval-results"""


@dataclass(frozen=True)
class RepoView:
    """A repo at a commit, as somebody looks at it."""

    tx: Transaction
    frame: Frame
    repo: Repo
    revision: str
    """As the address names it: `main`, a branch, a tag or a commit."""
    commit: Commit
    metadata: CardMetadata
    may_read: bool
    """False for a gated repo that has not let the caller in."""
    splits: dict[str, tuple[str, ...]]
    """{split: its parquet files}."""
    has_board: bool
    verification: Verification | None
    """None also for those who may not read the files."""

    def page(self, template: str, tab: str, **values: Any) -> Response:
        """A page of the repo; `tab` is the one that is open."""
        return page(self.frame, template, view=self, repo=self.repo, tab=tab, **values)


@contextmanager
def open_repo(call: Call) -> Iterator[RepoView]:
    """The repo in the path at the revision in the path (default: main).

    Raises 401 or 404 for a repo that the caller may not see, 404 for a missing revision.
    """
    revision = call.params.get("revision", "main")
    with call.store.database.read() as tx:
        frame = frame_of(call, tx)
        repo = call.readable_repo(tx, frame.caller)
        commit = revisions.find_commit(tx, repo, revision)
        metadata = card_at(tx, call.store, repo, commit)
        paths = [path for path, _ in call.store.trees.files(tx, commit.tree)]
        may_read = gating.may_download(tx, frame.caller, repo)
        verified = find_verification(tx, call.store, repo, commit) if may_read else None
        yield RepoView(
            tx,
            frame,
            repo,
            revision,
            commit,
            metadata,
            may_read,
            find_splits(paths, metadata.data),
            repo.kind == "dataset"
            and (BENCHMARK_FILE in paths or boards.has_board(tx, frame.caller, repo)),
            verified,
        )
