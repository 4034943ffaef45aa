"""Signing what a verification found, attaching it to the repo, and checking what is attached.

The file itself is described in :mod:`hub.attestation`.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cards.card import CARD_FILE
from cards.checks import Check, compare, file_digest
from cards.errors import BogamError
from cards.records import DATASET_FILE, LOCAL, RUN_FILE, VERIFY_FILE
from hub.attestation import SignedSummary, Summary
from hub.refusals import require_token, said_plainly
from hub.release import RepoType

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from huggingface_hub import HfApi

    from bogam.verify import Verification

logger = logging.getLogger(__name__)


def default_key_file() -> Path:
    """Where the key of this user is kept, by the XDG base directory specification."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "bogam" / "signing-key.pem"


def sign(result: Verification, key_file: Path) -> SignedSummary:
    """Sign a verification with the user's key, which is made on first use.

    Raises:
        BogamError: the key cannot be read or made, or there is no card to speak of.
    """
    if result.card_sha256 is None:
        raise BogamError(f"{result.repo}: has no {CARD_FILE}, so there is nothing to sign.")
    summary = Summary(
        repo=result.repo if result.revision != LOCAL else Path(result.repo).resolve().name,
        repo_type=result.repo_type,
        revision=result.revision,
        record_sha256=result.record_sha256,
        card_sha256=result.card_sha256,
        checks=len(result.checks),
        failures=tuple(check.name for check in result.failures),
        rerun=result.rerun,
    )
    key = _key(key_file)
    return SignedSummary(
        summary=summary,
        public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        signature=base64.b64encode(key.sign(summary.signed_bytes)).decode(),
    )


def attach(signed: SignedSummary, api: HfApi) -> str:
    """Put `verify.json` into the verified repo, as one commit on top of the verified one.

    Returns:
        The new commit.

    Raises:
        BogamError: the summary has failures or is of a folder, the repo has moved on since, or
            the Hub refused.
    """
    from huggingface_hub import CommitOperationAdd

    summary = signed.summary
    doing = f"Attaching {VERIFY_FILE} to {summary.repo}"
    if summary.revision == LOCAL:
        raise BogamError(f"{doing}: that is a folder. Verify the repo on the Hub instead.")
    if summary.failures:
        raise BogamError(
            f"{doing}: {len(summary.failures)} checks do not hold, the first is "
            f"{summary.failures[0]}. Nothing was attached; correct the repo first."
        )
    require_token(doing, api)
    with said_plainly(doing, api):
        info = api.create_commit(
            summary.repo,
            [CommitOperationAdd(VERIFY_FILE, signed.to_json().encode())],
            commit_message=f"Attach the verification of {summary.revision[:12]}",
            repo_type=summary.repo_type,
            parent_commit=summary.revision,
        )
    return str(info.oid)


def check_attached(
    folder: Path, repo_type: RepoType, *, repo: str | None = None, history: set[str] | None = None
) -> Iterator[Check]:
    """Whether the summary in a folder, if there is one, is sound and about this content.

    Args:
        repo: the id of the repo that the folder is a copy of; None where that is not known.
        history: the commits of the repo up to this one.
    """
    path = folder / VERIFY_FILE
    if not path.is_file():
        return
    try:
        signed = SignedSummary.model_validate_json(path.read_bytes())
        is_sound = signed.is_sound()
    except (ValidationError, ValueError) as error:
        yield Check(VERIFY_FILE, False, "a signed summary", str(error).partition("\n")[0])
        return
    summary = signed.summary
    yield Check(
        f"{VERIFY_FILE}: signature",
        is_sound,
        f"of the key {signed.fingerprint}",
        "the same" if is_sound else "not of this text and key",
    )
    yield Check(
        f"{VERIFY_FILE}: result",
        not summary.failures,
        "no failed check",
        ", ".join(summary.failures) or "none",
    )
    yield compare(f"{VERIFY_FILE}: kind", repo_type, summary.repo_type)
    record = _record_file(repo_type)
    for name, stated in ((record, summary.record_sha256), (CARD_FILE, summary.card_sha256)):
        found = file_digest(folder / name) if (folder / name).is_file() else "no such file"
        yield compare(f"{VERIFY_FILE}: {name} as it was verified", stated, found)
    if repo is not None:
        yield compare(f"{VERIFY_FILE}: repo", repo, summary.repo)
    if history is not None:
        yield Check(
            f"{VERIFY_FILE}: commit",
            summary.revision in history,
            "a commit of this repo",
            summary.revision,
        )


def _record_file(repo_type: RepoType) -> str:
    return RUN_FILE if repo_type == "model" else DATASET_FILE


def _key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            # Never readable by others, not even for a moment.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
            logger.info("%s: made a key to sign with; keep it to yourself", path)
            return key
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BogamError(
            f"{path}: cannot be used as the key to sign with: {error}. Put it right, or move it "
            "away so that a new one is made."
        ) from error
    if not isinstance(loaded, Ed25519PrivateKey):
        raise BogamError(f"{path}: is a key of another kind; an Ed25519 key is needed.")
    return loaded
