"""Changes to a tree: only the folders that are touched are read and written again."""

from __future__ import annotations

from hub.server.errors import unprocessable
from hub.server.store.database import Transaction
from hub.server.store.trees import Entry, FileEntry, FolderEntry, TreeStore


class TreeEditor:
    """A root tree under change. Paths are checked already (:mod:`hub.server.paths`)."""

    def __init__(self, trees: TreeStore, tx: Transaction, root: str | None) -> None:
        self._trees = trees
        self._tx = tx
        self._root = _Folder(root)

    def add(self, path: str, entry: FileEntry) -> None:
        """Put a file there, in place of what has that path.

        Raises 422 where a file stands in the way of a folder, or a folder in that of the file.
        """
        folder = self._root
        *parents, name = path.split("/")
        for depth, parent in enumerate(parents):
            child = self._children(folder).get(parent)
            if isinstance(child, FileEntry):
                raise unprocessable(
                    f"'{path}' cannot be added: '{'/'.join(parents[: depth + 1])}' is a file"
                )
            folder = self._descend(folder, parent)
        if isinstance(self._children(folder).get(name), _Folder | FolderEntry):
            raise unprocessable(f"'{path}' cannot be added: a folder of that name exists")
        self._children(folder)[name] = entry

    def remove(self, path: str) -> bool:
        """Remove the file or the folder there; False when there is nothing."""
        chain = [self._root]
        *parents, name = path.split("/")
        for parent in parents:
            if not isinstance(self._children(chain[-1]).get(parent), _Folder | FolderEntry):
                return False
            chain.append(self._descend(chain[-1], parent))
        if self._children(chain[-1]).pop(name, None) is None:
            return False
        # A folder without files does not exist: its name is free again.
        while parents and not self._children(chain.pop()):
            del self._children(chain[-1])[parents.pop()]
        return True

    def write(self) -> str:
        """Store the changed trees and give the id of the new root."""
        return self._write(self._root) or self._trees.put(self._tx, {})

    def _children(self, folder: _Folder) -> dict[str, _Child]:
        if folder.children is None:
            oid = folder.oid
            folder.children = dict(self._trees.get(self._tx, oid)) if oid is not None else {}
        return folder.children

    def _descend(self, folder: _Folder, name: str) -> _Folder:
        children = self._children(folder)
        child = children.get(name)
        if not isinstance(child, _Folder):
            child = _Folder(child.oid if isinstance(child, FolderEntry) else None)
            children[name] = child
        return child

    def _write(self, folder: _Folder) -> str | None:
        """The id of the tree, None when nothing is left in it."""
        if folder.children is None:
            return folder.oid
        tree: dict[str, Entry] = {}
        for name, child in folder.children.items():
            if isinstance(child, _Folder):
                oid = self._write(child)
                if oid is not None:
                    tree[name] = FolderEntry(oid)
            else:
                tree[name] = child
        return self._trees.put(self._tx, tree) if tree else None


class _Folder:
    """A folder that may change: `children` is read when it is first needed."""

    def __init__(self, oid: str | None) -> None:
        self.oid = oid
        self.children: dict[str, _Child] | None = None


_Child = Entry | _Folder
