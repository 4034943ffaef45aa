"""What a Hub answers when something is wrong, in words for the person who must act on it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cards.errors import BogamError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN to a token of this Hub."


def token_in_use(api: HfApi) -> str | None:
    """The token that `api` sends."""
    from huggingface_hub import get_token

    if api.token is None or api.token is True:
        return get_token()
    return api.token or None


def require_token(doing: str, api: HfApi) -> None:
    """Raise :class:`BogamError` when nobody is logged in."""
    if token_in_use(api) is None:
        raise BogamError(f"{doing}: no token for {api.endpoint}. {_LOG_IN}")


@contextmanager
def said_plainly(doing: str, api: HfApi) -> Iterator[None]:
    """Turn what the client raises into a :class:`BogamError` that begins with `doing`.

    What is neither an answer of the Hub nor a failing line is a bug and passes unchanged.
    """
    try:
        yield
    except BogamError:
        raise
    except Exception as error:
        text = _explain(error, api)
        if text is None:
            raise
        raise BogamError(f"{doing}: {text}") from error


def _explain(error: BaseException, api: HfApi) -> str | None:
    """The first cause in the chain that has an explanation; the client wraps errors of uploads."""
    cause: BaseException | None = error
    while cause is not None:
        text = _explain_one(cause, api)
        if text is not None:
            return text
        cause = cause.__cause__ or cause.__context__
    return None


def _explain_one(error: BaseException, api: HfApi) -> str | None:
    import httpx2
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
    )

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so no Hub is asked. Unset it."
    if isinstance(error, HFValidationError):
        return f"{error} A repo is called owner/name."
    if isinstance(error, HfHubHTTPError):
        return _explain_answer(error, api)
    if isinstance(error, httpx2.TransportError):
        return (
            f"the Hub at {api.endpoint} cannot be reached ({error}). Is it running, and is "
            "HF_ENDPOINT right? Run the same command again when it is."
        )
    if isinstance(error, ConnectionError):  # what a failing Xet upload is raised as
        return (
            f"the upload to the Hub at {api.endpoint} broke off ({error}). Is it running, and has "
            "its disk room? Run the same command again then."
        )
    if isinstance(error, ValueError) and "Invalid metadata in README.md" in str(error):
        return f"the Hub does not accept the card. {error}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk of this machine is full. Free some space and run the same command again."
    return None


def _explain_answer(error: HfHubHTTPError, api: HfApi) -> str:
    status = error.response.status_code
    said = error.server_message or error.response.headers.get("X-Error-Message") or str(error)
    if status == 401:
        return f"the Hub at {api.endpoint} does not accept the token. {_LOG_IN}"
    if status == 403:
        return (
            f"the Hub at {api.endpoint} does not allow it ({said}). The token needs the role "
            "write, and its owner the right to write there."
        )
    if status == 404:
        return f"the Hub at {api.endpoint} has no such repo, or hides it from this token ({said})."
    if status == 412:
        return (
            "somebody else changed the repo in the meantime. Nothing of this release was "
            "published and nothing of theirs was lost. Look at their change, then run again."
        )
    if status in (413, 507):
        return f"the Hub at {api.endpoint} has no room for it ({said})."
    if status >= 500:
        return f"the Hub at {api.endpoint} failed ({status}: {said}). Its log says more."
    return f"the Hub at {api.endpoint} refuses it ({status}: {said})."
