"""Names and paths that are accepted in a repo."""

from __future__ import annotations

import re

from hub.server.errors import bad_request, unprocessable

PATH_BYTES = 4096
PATH_DEPTH = 100

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_REF_NAME = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,200}")
RESERVED_NAMES = frozenset(
    [
        "api",
        "blog",
        "buckets",
        "collections",
        "datasets",
        "docs",
        "files",
        "hub",
        "join",
        "kernels",
        "lfs",
        "login",
        "logout",
        "models",
        "new",
        "oauth",
        "organizations",
        "papers",
        "settings",
        "spaces",
        "static",
        "tasks",
        "uploads",
        "users",
        "xet",
    ]
)


def is_valid_name(name: str) -> bool:
    """A repo or account name by the clients' rule (`huggingface_hub.utils.validate_repo_id`)."""
    return (
        _NAME.fullmatch(name) is not None
        and "--" not in name
        and ".." not in name
        and not name.endswith(".git")
    )


def checked_path(path: object) -> str:
    """A file's path inside a repo, as the tree stores it. Raises 422 for what is no such path.

    A path is a list of names, never something to look up on this machine's disk; it is checked
    all the same, because clients write files under the names that they are given.
    """
    if not isinstance(path, str):
        raise unprocessable("A path must be a text")
    names = path.split("/")
    if (
        not path
        or len(names) > PATH_DEPTH
        or "\0" in path
        or not is_unicode(path)
        or len(path.encode()) > PATH_BYTES
        or path.startswith("..\\")
        or any(name in {"", ".", "..", ".git"} for name in names)
    ):
        shown = path[:200].encode("utf-8", "replace").decode()
        raise unprocessable(f"Invalid path in repo: '{shown}'")
    return path


def checked_ref_name(name: str) -> str:
    """A branch or tag name by git's rules (git-check-ref-format). Raises 400."""
    parts = name.split("/")
    if (
        _REF_NAME.fullmatch(name) is None
        or ".." in name
        or "@{" in name
        or name == "@"
        or name.startswith(("refs/", "-"))
        or any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
    ):
        raise bad_request(f"Invalid reference for a branch: {name}")
    return name


def is_unicode(text: str) -> bool:
    """False for text with half a surrogate pair, which cannot be encoded."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
