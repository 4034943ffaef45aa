"""A shard: every file that it describes is put together, checked and published."""

from __future__ import annotations

from dataclasses import dataclass

from hub.server import repositories
from hub.server.accounts import caller_of_user
from hub.server.errors import bad_request
from hub.server.holdings import hold
from hub.server.repositories import require_proposal, require_read
from hub.server.store.blobs import SealedBlob, StoredBlob
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.xet.formats import FileRecipe, FormatError, read_shard
from hub.server.xet.xorbs import Xorb, XorbStore

PENDING_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class XetClaims:
    """Whom a Xet token was given to, and for which repo."""

    user_id: int
    repo_number: int


def register_shard(store: Store, xorbs: XorbStore, claims: XetClaims, shard: bytes) -> None:
    """Publish the files of a shard in the repo of the token; durable when this returns.

    Raises 400, which clients take as final, for a file that does not come out as announced.
    """
    work = _ShardWork(store, xorbs, claims)
    try:
        for recipe in read_shard(shard):
            work.rebuild(recipe)
        work.publish()
    except FormatError as error:
        work.discard()
        raise bad_request(f"The shard cannot be accepted: {error}") from error
    except BaseException:
        work.discard()
        raise
    work.remove_settled_files()


class _ShardWork:
    def __init__(self, store: Store, xorbs: XorbStore, claims: XetClaims) -> None:
        self._store = store
        self._xorb_store = xorbs
        self._claims = claims
        self._xorbs: dict[str, Xorb] = {}
        self._pending: list[tuple[SealedBlob, FileRecipe]] = []
        self._pending_bytes = 0
        self._bad: set[str] = set()

    def rebuild(self, recipe: FileRecipe) -> None:
        """Put one file together; it is published with the next :meth:`publish`."""
        with self._store.blobs.writer() as writer:
            for term in recipe.terms:
                xorb = self._xorb(term.xorb)
                if xorb.raw_bytes(term.first, term.end) != term.raw_bytes:
                    raise FormatError("a term has not the length of its chunks")
                for chunk in xorb.read(term.first, term.end, self._find_blob, self._load):
                    writer.write(chunk)
            sealed = writer.seal()
        self._pending.append((sealed, recipe))
        self._pending_bytes += sealed.size
        if sealed.sha256 != recipe.sha256:
            self._bad = {term.xorb for term in recipe.terms}
            raise FormatError(
                f"the chunks make a file of SHA-256 {sealed.sha256}, not {recipe.sha256}"
            )
        if self._pending_bytes >= PENDING_BYTES:
            self.publish()

    def publish(self) -> None:
        """Let the repo hold what was put together so far, and find the chunks in it."""
        with self._store.database.write() as tx:
            repo = repositories.find_by_number(tx, self._claims.repo_number)
            caller = caller_of_user(tx, self._claims.user_id, "write")
            repo = require_read(caller, repo)
            require_proposal(caller, repo)
            # Read anew: other shards of the same upload may have found chunks since.
            touched: dict[str, Xorb] = {}
            for sealed, recipe in self._pending:
                self._store.blobs.publish(tx, sealed)
                hold(tx, repo, sealed.sha256)
                offset = 0
                for term in recipe.terms:
                    if term.xorb not in touched:
                        touched[term.xorb] = self._find(tx, term.xorb)
                    touched[term.xorb].locate(term.first, term.end, sealed.sha256, offset)
                    offset += term.raw_bytes
            for hash_, xorb in touched.items():
                self._xorb_store.save(tx, self._claims.user_id, xorb)
                self._xorbs[hash_].runs = xorb.runs
        self._pending.clear()
        self._pending_bytes = 0

    def discard(self) -> None:
        """Forget what was not published, and xorbs that cannot be trusted."""
        for sealed, _ in self._pending:
            sealed.discard()
        if self._bad:
            with self._store.database.write() as tx:
                for hash_ in self._bad:
                    self._xorb_store.forget(tx, self._claims.user_id, hash_)

    def remove_settled_files(self) -> None:
        for xorb in self._xorbs.values():
            if xorb.is_settled:
                xorb.file.unlink(missing_ok=True)

    def _xorb(self, hash_: str) -> Xorb:
        if hash_ not in self._xorbs:
            self._xorbs[hash_] = self._load(hash_)
        return self._xorbs[hash_]

    def _load(self, hash_: str) -> Xorb:
        with self._store.database.read() as tx:
            return self._find(tx, hash_)

    def _find(self, tx: Transaction, hash_: str) -> Xorb:
        xorb = self._xorb_store.find(tx, self._claims.user_id, hash_)
        if xorb is None:
            raise FormatError(f"the xorb {hash_} was never sent by this user")
        return xorb

    def _find_blob(self, sha256: str) -> StoredBlob | None:
        with self._store.database.read() as tx:
            return self._store.blobs.find(tx, sha256)
