"""The five unmodified clients, as strangers use them: another process that knows an endpoint."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.server.maintenance import fsck

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = pytest.mark.system

STORY = Path(__file__).parent / "stories" / "five_clients.py"


@pytest.mark.parametrize("xet", [True, False], ids=["xet", "no-xet"])
def test_five_clients_find_a_hub_behind_the_endpoint(
    own_hub: Callable[..., ServedHub], tmp_path: Path, quiet_clients: dict[str, str], xet: bool
) -> None:
    hub = own_hub()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | quiet_clients
    environment |= {
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": hub.tokens["alice"],
        "HF_HOME": str(tmp_path / "home-of-a-stranger"),
        "OMP_NUM_THREADS": "1",
    }
    if not xet:
        environment["HF_HUB_DISABLE_XET"] = "1"
    done = subprocess.run(
        [sys.executable, str(STORY), "alice", str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with sqlite3.connect(hub.root / "hub.sqlite3") as database:
        xorbs = database.execute("SELECT count(*) FROM xorbs").fetchone()[0]
    assert (xorbs > 0) is xet
    assert fsck(hub.root).is_clean
