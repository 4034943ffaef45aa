"""A Hub whose disk is full: the upload is refused at once, and the Hub is as it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from cards.errors import BogamError
from hub.refusals import said_plainly
from hub.server.accounts import add_user, create_token
from hub.server.maintenance import fsck
from hub.server.process import HubProcess

pytestmark = pytest.mark.system

ROOM, TOO_MUCH = 8 * 2**20, 20 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for eight megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this account may not mount a small disk: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("xet", [True, False], ids=["xet", "no-xet"])
def test_a_full_disk_refuses_the_upload_and_loses_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, xet: bool
) -> None:
    root = small_disk / "hub"
    add_user(root, "alice")
    token = create_token(root, "alice", name="test")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", not xet)
    with HubProcess(root) as hub:
        api = HfApi(hub.endpoint, token=token)
        api.create_repo("alice/full")
        api.upload_file(repo_id="alice/full", path_or_fileobj=b"kept", path_in_repo="a.txt")
        content = os.urandom(TOO_MUCH)
        with pytest.raises(BogamError, match="disk"), said_plainly("uploading", api):
            api.upload_file(repo_id="alice/full", path_or_fileobj=content, path_in_repo="b.bin")
        assert not list((root / "temporary").iterdir())

        api.upload_file(repo_id="alice/full", path_or_fileobj=b"after", path_in_repo="c.txt")
        assert set(api.list_repo_files("alice/full")) == {".gitattributes", "a.txt", "c.txt"}
    assert fsck(root).is_clean
