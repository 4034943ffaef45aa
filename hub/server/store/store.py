"""Everything that a running Hub works with, opened once."""

from __future__ import annotations

from pathlib import Path

from cards.errors import BogamError
from hub.server.settings import Settings
from hub.server.signing import Signer
from hub.server.store.blobs import BlobStore
from hub.server.store.database import Database, is_store, make_root, store_value
from hub.server.store.trees import TreeStore


def open_existing(root: Path) -> tuple[Database, BlobStore]:
    """What maintenance works on. Raises :class:`BogamError` when there is no store."""
    if not is_store(root):
        raise BogamError(
            f"{root}: there is no Hub store. Give the folder that `bogam hub serve` was given."
        )
    return Database(root), BlobStore(root, Settings.inline_bytes)


class Store:
    """The store in a folder, which is made when it is missing."""

    def __init__(self, root: Path, settings: Settings) -> None:
        make_root(root)
        self.root = root
        self.settings = settings
        self.database = Database(root)
        self.blobs = BlobStore(root, settings.inline_bytes)
        self.trees = TreeStore()
        with self.database.read() as tx:
            self.signer = Signer(store_value(tx, "secret"))

    def close(self) -> None:
        self.database.close()
