"""The files of a repo: folders, and one file with its beginning, size and hashes."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.server.errors import entry_not_found
from hub.server.gating import require_download
from hub.server.http.call import Call, threaded
from hub.server.http.pages.repo import open_repo
from hub.server.http.routing import page_routes
from hub.server.last_commits import last_commits
from hub.server.store.trees import FileEntry, FolderEntry

SHOWN_BYTES = 100_000
FOLDER_ENTRIES = 200
"""The last change of each is looked for in the whole history."""
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg")


def folder_page(call: Call) -> Response:
    """`GET {repo}/tree/{rev}[/{path}][?after=]`: a folder, with what changed each entry last."""
    path = call.params.get("path", "").strip("/")
    after = call.request.query_params.get("after", "")
    with open_repo(call) as view:
        folder = call.store.trees.find(view.tx, view.commit.tree, path)
        if not isinstance(folder, FolderEntry):
            raise entry_not_found(path, view.commit.id)
        entries = call.store.trees.get(view.tx, folder.oid)
        # Folders first, as people expect them.
        order = sorted(entries.items(), key=lambda item: (isinstance(item[1], FileEntry), item[0]))
        names = [name for name, _ in order]
        start = names.index(after) + 1 if after in entries else 0
        shown = order[start : start + FOLDER_ENTRIES]
        prefix = f"{path}/" if path else ""
        changed = last_commits(
            view.tx, call.store.trees, view.repo, view.commit, [prefix + name for name, _ in shown]
        )
        return view.page(
            "folder.html",
            "files",
            path=path,
            folders=[(name, prefix + name) for name, e in shown if isinstance(e, FolderEntry)],
            files=[(name, prefix + name, e) for name, e in shown if isinstance(e, FileEntry)],
            changed=changed,
            next_after=shown[-1][0] if start + len(shown) < len(order) else None,
        )


def file_page(call: Call) -> Response:
    """`GET {repo}/blob/{rev}/{path}`: what is known of a file, and text or picture of it."""
    path = call.params["path"]
    with open_repo(call) as view:
        entry = call.store.trees.find(view.tx, view.commit.tree, path)
        if isinstance(entry, FolderEntry):
            return RedirectResponse(call.request.scope["path"].replace("/blob/", "/tree/", 1))
        if entry is None:
            raise entry_not_found(path, view.commit.id)
        require_download(view.tx, view.frame.caller, view.repo)
        blob = call.store.blobs.find(view.tx, entry.sha256)
        is_picture = path.lower().endswith(_PICTURES)
        beginning = b"" if is_picture or blob is None else blob.read(0, SHOWN_BYTES)
        split = next((split for split, paths in view.splits.items() if path in paths), None)
        return view.page(
            "file.html",
            "files",
            path=path,
            entry=entry,
            is_picture=is_picture,
            text=_text(beginning),
            is_cut=entry.size > SHOWN_BYTES,
            split=split,
        )


def routes() -> list[Route]:
    return [
        *page_routes("/tree/{revision:quoted}", threaded(folder_page), "GET"),
        *page_routes("/tree/{revision:quoted}/{path:quoted_path}", threaded(folder_page), "GET"),
        *page_routes("/blob/{revision:quoted}/{path:quoted_path}", threaded(file_page), "GET"),
    ]


def _text(content: bytes) -> str | None:
    """None for what is no text; a character that was cut in half at the end is dropped."""
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        is_cut_in_half = error.start >= len(content) - 3
        return content[: error.start].decode() if is_cut_in_half else None
