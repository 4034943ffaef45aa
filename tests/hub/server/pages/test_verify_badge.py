"""The badge is green for what a known user signed and is still there byte for byte."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.attestation import SignedSummary, Summary
from hub.server.signing_keys import add_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    FreshId = Callable[[str], str]
    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system


def _public_key(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@pytest.fixture(scope="module")
def key(hub: ServedHub) -> Ed25519PrivateKey:
    """The key that alice is known to sign with."""
    key = Ed25519PrivateKey.generate()
    add_key(hub.root, "alice", _public_key(key))
    return key


def _signed(summary: Summary, key: Ed25519PrivateKey) -> str:
    return SignedSummary(
        summary=summary,
        public_key=_public_key(key),
        signature=base64.b64encode(key.sign(summary.signed_bytes)).decode(),
    ).to_json()


@pytest.fixture
def summary(
    hub: ServedHub,
    publish: Callable[..., str],
    fresh_id: FreshId,
    make_model_folder: Callable[..., Path],
) -> Summary:
    """The summary of a model that was just published and verified."""
    folder = make_model_folder()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Verified\n")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    repo_id = publish(fresh_id("org"), files, type="model")
    return Summary(
        repo=repo_id,
        repo_type="model",
        revision=str(hub.api("alice").model_info(repo_id).sha),
        record_sha256=hashlib.sha256(files["run.json"]).hexdigest(),
        card_sha256=hashlib.sha256(files["README.md"]).hexdigest(),
        checks=41,
        failures=(),
        rerun=5,
    )


def _page(hub: ServedHub, visit: Visit, repo_id: str, **files: str) -> str:
    for name, content in files.items():
        hub.api("alice").upload_file(
            path_or_fileobj=content.encode(), path_in_repo=name.replace("__", "."), repo_id=repo_id
        )
    return visit("alice").get(f"/{repo_id}").text


def test_what_was_signed_is_shown_as_verified(
    hub: ServedHub, visit: Visit, summary: Summary, key: Ed25519PrivateKey
) -> None:
    assert "✓" not in _page(hub, visit, summary.repo)
    page = _page(hub, visit, summary.repo, verify__json=_signed(summary, key))
    assert "✓ verified by alice" in page
    assert "All 41 checks held" in page
    assert "asked again for 5 answers" in page


def test_a_key_that_is_nobodys_is_no_badge(hub: ServedHub, visit: Visit, summary: Summary) -> None:
    forged = _signed(summary, Ed25519PrivateKey.generate())
    page = _page(hub, visit, summary.repo, verify__json=forged)
    assert "✓ verified" not in page
    assert "signed by an unknown key" in page
    assert "anybody can make one" in page


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README__md", "---\nlicense: mit\n---\n# Better\n"),
        ("run__json", "{}"),
        ("adapter_config__json", '{"other": 1}'),
        ("figures/loss__png", "not in any record"),
    ],
)
def test_a_change_since_then_is_told(
    hub: ServedHub, visit: Visit, summary: Summary, key: Ed25519PrivateKey, name: str, content: str
) -> None:
    page = _page(hub, visit, summary.repo, verify__json=_signed(summary, key), **{name: content})
    assert "✓ verified" not in page
    assert "Files have changed since it was verified" in page


def test_a_summary_that_was_edited_is_worth_nothing(
    hub: ServedHub, visit: Visit, summary: Summary, key: Ed25519PrivateKey
) -> None:
    failed = summary.model_copy(update={"failures": ("metrics",)})
    edited = _signed(failed, key).replace('"metrics"', "").replace("[\n      \n    ]", "[]")
    page = _page(hub, visit, summary.repo, verify__json=edited)
    assert "signature of verify.json is not sound" in page
    assert "✓ verified" not in page


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"failures": ("metrics",)}, "Some checks failed"),
        ({"repo": "org/another"}, "speaks of another repo"),
        ({"repo_type": "dataset"}, "speaks of another repo"),
        ({"revision": "1" * 40}, "Files have changed"),
        ({"revision": "main"}, "Files have changed"),
    ],
)
def test_a_sound_signature_of_something_else_is_no_badge(
    hub: ServedHub,
    visit: Visit,
    summary: Summary,
    key: Ed25519PrivateKey,
    change: dict[str, object],
    told: str,
) -> None:
    page = _page(
        hub, visit, summary.repo, verify__json=_signed(summary.model_copy(update=change), key)
    )
    assert told in page
    assert "✓ verified" not in page


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"summary": 1}', "<script>"])
def test_what_is_no_summary_is_no_badge(
    hub: ServedHub, visit: Visit, summary: Summary, key: Ed25519PrivateKey, content: str
) -> None:
    page = _page(hub, visit, summary.repo, verify__json=content)
    assert "signature of verify.json is not sound" in page


def test_keys_and_signatures_of_the_wrong_form_are_no_badge(
    hub: ServedHub, visit: Visit, summary: Summary, key: Ed25519PrivateKey
) -> None:
    for key, signature in (("x", "y"), ("", ""), ("AAAA", "AAAA")):
        signed = SignedSummary(summary=summary, public_key=key, signature=signature)
        page = _page(hub, visit, summary.repo, verify__json=signed.to_json())
        assert "signature of verify.json is not sound" in page
