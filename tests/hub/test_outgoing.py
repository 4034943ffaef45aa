"""Nothing leaves the building, as seen by a watch that is proven to see what leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hub.environment import closed_network
from hub.outgoing import contacts, leaving, strace_command, strace_contacts, watched

REACHES_OUT = """
import socket, subprocess, sys
import psutil
def own_address():
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family == socket.AF_INET and not one.address.startswith("127."):
                return one.address
    return "127.0.0.1"
for ask in (lambda: socket.getaddrinfo("hub.example.org", 443),
            lambda: socket.gethostbyname("hub.example.org"),
            lambda: socket.create_connection(("198.51.100.1", 9), timeout=0.1),
            lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.2", 9)),
            lambda: socket.create_connection(("127.0.0.1", 9)),
            lambda: socket.socket(socket.AF_INET6).connect(("::1", 9)),
            lambda: socket.create_connection((own_address(), 9)),
            lambda: socket.socket(socket.AF_UNIX).connect("/nowhere")):
    try:
        ask()
    except OSError:
        pass
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"])
"""

# As a stranger would write it, and as our own commands do.
LOADS = """
from datasets import load_dataset
rows = load_dataset({repo!r}, split="train"{more})
assert next(iter(rows))["output"].startswith("물을")
"""
CLOSED = "from hub.environment import without_dataset_viewer; without_dataset_viewer()\n" + LOADS


@pytest.fixture(scope="module")
def private_dataset(hub, fresh_id, tmp_path_factory) -> tuple[str, str]:
    """(repo id, commit) of a private dataset."""
    from datasets import Dataset

    repo_id = fresh_id("org")
    api = hub.api("alice")
    shard = tmp_path_factory.mktemp("rows") / "train.parquet"
    Dataset.from_dict({"output": ["물을 자주 마십니다."] * 3}).to_parquet(shard)
    api.create_repo(repo_id, repo_type="dataset", private=True)
    commit = api.upload_file(
        path_or_fileobj=shard,
        path_in_repo="data/train-00000-of-00001.parquet",
        repo_id=repo_id,
        repo_type="dataset",
    )
    return repo_id, commit.oid


@pytest.fixture
def closed(hub, tmp_path) -> dict[str, str]:
    """The environment that `bogam env` prints, over a bare one."""
    return _bare() | closed_network(hub.endpoint, hub.tokens["alice"], tmp_path / "hf")


@pytest.fixture
def with_endpoint_only(hub, tmp_path) -> dict[str, str]:
    return _bare() | {
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": hub.tokens["alice"],
        "HF_HOME": str(tmp_path / "hf"),
    }


def _bare() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def _run(script: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


@pytest.mark.parametrize("refuse", [False, True])
def test_the_watch_sees_a_process_and_its_children(tmp_path: Path, refuse: bool) -> None:
    script = tmp_path / "reaches_out.py"
    script.write_text(REACHES_OUT)
    log = tmp_path / "contacts.jsonl"
    environment = watched(_bare(), log, refuse=True) if refuse else watched(_bare(), log)
    if not refuse:  # documentation addresses lead nowhere, a real name server must not be asked
        script.write_text(REACHES_OUT.replace("hub.example.org", "198.51.100.3"))
    subprocess.run([sys.executable, script], env=environment, check=True)
    seen = contacts(log)
    hosts = {(contact.kind, contact.host) for contact in leaving(seen)}
    named = {("lookup", "hub.example.org")} if refuse else set()
    assert hosts == named | {("connect", "198.51.100.1"), ("connect", "203.0.113.2")}
    here = {"127.0.0.1"} | ({"::1"} if Path("/proc/net/if_inet6").exists() else set())
    assert {contact.host for contact in seen if contact.stays} >= here
    assert any(contact.process.endswith("child") for contact in leaving(seen))


@pytest.mark.system
def test_the_endpoint_alone_lets_the_name_of_a_private_dataset_out(
    private_dataset, with_endpoint_only, tmp_path
) -> None:
    """What the closed network is for. Refused, so that this test lets nothing out either."""
    log = tmp_path / "contacts.jsonl"
    script = LOADS.format(repo=private_dataset[0], more="")
    _run(script, watched(with_endpoint_only, log, refuse=True))
    assert {contact.host for contact in leaving(contacts(log))} == {
        "s3.amazonaws.com",
        "datasets-server.127.0.0.1",
    }


@pytest.mark.system
@pytest.mark.parametrize("more", ["", ", streaming=True"])
def test_a_closed_network_keeps_everything_in(
    private_dataset, closed, tmp_path, hub, more: str
) -> None:
    log = tmp_path / "contacts.jsonl"
    _run(CLOSED.format(repo=private_dataset[0], more=more), watched(closed, log))
    seen = contacts(log)
    assert any(str(contact.port) in hub.endpoint for contact in seen)
    assert leaving(seen) == []


@pytest.mark.system
def test_the_exports_and_a_commit_are_enough_for_a_stranger(
    private_dataset, closed, tmp_path
) -> None:
    repo, commit = private_dataset
    log = tmp_path / "contacts.jsonl"
    _run(LOADS.format(repo=repo, more=f", revision={commit!r}"), watched(closed, log))
    assert contacts(log)
    assert leaving(contacts(log)) == []


def test_looking_for_personal_data_asks_nobody(tmp_path: Path) -> None:
    log = tmp_path / "contacts.jsonl"
    script = (
        "from hub.gates.pii import personal_data\n"
        "assert personal_data('kim@naver.com, 010-1234-5678')[0].kind == 'e-mail address'"
    )
    environment = _bare() | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    _run(script, watched(environment, log))
    assert contacts(log) == []
    assert not (tmp_path / "cache").exists()


def test_importing_albumentations_asks_nobody(closed, tmp_path: Path) -> None:
    log = tmp_path / "contacts.jsonl"
    _run("import albumentations", watched(closed, log))
    assert contacts(log) == []
    _run("import albumentations", watched(_bare(), log, refuse=True))
    assert [contact.kind for contact in leaving(contacts(log))], "the switch has become needless"


UPLOADS = """
import os
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj={path!r}, path_in_repo="model.safetensors", repo_id={repo!r})
"""


@pytest.mark.system
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_native_code_keeps_everything_in_too(
    hub, fresh_id, with_endpoint_only, tmp_path, make_model_folder
) -> None:
    """hf_xet is no Python: its connections are seen in the kernel."""
    repo_id = fresh_id("alice")
    hub.api("alice").create_repo(repo_id, private=True)
    path = str(make_model_folder(megabytes=1) / "adapter_model.safetensors")
    log = tmp_path / "strace.log"
    command = [*strace_command(log), sys.executable, "-c", UPLOADS.format(path=path, repo=repo_id)]
    run = subprocess.run(command, env=with_endpoint_only, capture_output=True, text=True)
    if "ptrace" in run.stderr and "not permitted" in run.stderr:
        pytest.skip("this machine does not allow a process to be traced")
    assert run.returncode == 0, run.stderr
    seen = strace_contacts(log)
    assert {contact.host for contact in seen} == {"127.0.0.1"}
    assert leaving(seen) == []
    assert hub.api("alice").file_exists(repo_id, "model.safetensors")
