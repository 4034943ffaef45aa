"""Refusals in the form that the clients turn into their exceptions.

Status, `X-Error-Code` and some messages are an interface: huggingface_hub maps them to
`RepositoryNotFoundError`, `RevisionNotFoundError`, `GatedRepoError` and so on
(`huggingface_hub.utils._http.hf_raise_for_status`).
"""

from __future__ import annotations

import errno
import sqlite3

from starlette.responses import JSONResponse, Response

MESSAGE_LENGTH = 500


class HubError(Exception):
    """A refusal that goes to the client as it is."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}

    def response(self) -> Response:
        headers = {"X-Error-Message": header_text(self.message), **self.headers}
        if self.code is not None:
            headers["X-Error-Code"] = self.code
        return JSONResponse({"error": self.message}, self.status, headers)


def header_text(text: str) -> str:
    """Text that may stand in a header: h11 drops the connection over anything else."""
    printable = "".join(char if " " <= char <= "~" else "?" for char in text)
    return printable[:MESSAGE_LENGTH].strip()


def bad_request(message: str) -> HubError:
    return HubError(400, message)


def unprocessable(message: str) -> HubError:
    return HubError(422, message)


def conflict(message: str) -> HubError:
    return HubError(409, message)


def invalid_credentials() -> HubError:
    """The clients compare this text."""
    return HubError(401, "Invalid credentials in Authorization header")


def repo_not_found(*, known_caller: bool) -> HubError:
    """Missing and hidden repos answer alike. Who shows no token is first asked for one."""
    if known_caller:
        return HubError(404, "Repository not found", "RepoNotFound")
    return HubError(401, "Invalid username or password.", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(path: str, commit: str | None = None) -> HubError:
    """With the commit, which lets clients remember that the file is not there."""
    headers = {"X-Repo-Commit": commit} if commit is not None else {}
    return HubError(404, f"Entry not found: {path}", "EntryNotFound", headers)


def gated(kind: str, repo_id: str, *, known_caller: bool) -> HubError:
    message = f"Access to {kind} {repo_id} is restricted"
    if known_caller:
        return HubError(403, f"{message} and you are not in the authorized list.", "GatedRepo")
    return HubError(401, f"{message}. You must have access to it and be logged in.", "GatedRepo")


def forbidden(message: str, *, known_caller: bool) -> HubError:
    """A caller without a token may only lack one: 401 says so."""
    return HubError(403 if known_caller else 401, message)


def disk_full() -> HubError:
    """Not 507 or another 5xx, which the clients would try again for minutes."""
    return HubError(
        413,
        "The Hub's disk is full; nothing of this upload was kept. Ask whoever runs the Hub to make "
        "room (`bogam hub gc` removes what no repo needs), then send it again.",
    )


def is_disk_full(error: BaseException) -> bool:
    """Whether the file system or the database had no room left, or the quota was used up."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
