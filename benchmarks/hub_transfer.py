"""Files to the embedded Hub and back, against copying them in the file system.

The baseline writes the same bytes to a new file, forces them and the folder to the disk, and for
reading copies them once more: what any durable store on this disk must at least do. Clients and
server share this machine's cores. Uploads go through huggingface_hub, with Xet and without.
"""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.measurement import Measurement
from hub.server import accounts
from hub.server.process import HubProcess

MEGABYTE = 1_000_000
LARGE_MEGABYTES = 200
SMALL_FILES = 1_000
SMALL_BYTES = 2_000
HEADS = 500

_UPLOAD = """
import sys, time
from huggingface_hub import HfApi
api = HfApi()
api.create_repo(sys.argv[1])
start = time.perf_counter()
api.upload_folder(repo_id=sys.argv[1], folder_path=sys.argv[2])
print(time.perf_counter() - start)
"""
_DOWNLOAD = """
import sys, time
from huggingface_hub import snapshot_download
start = time.perf_counter()
snapshot_download(sys.argv[1], cache_dir=sys.argv[2])
print(time.perf_counter() - start)
"""


def run() -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="hub-transfer-") as folder:
        scratch = Path(folder)
        large, small = _make_large(scratch / "large"), _make_small(scratch / "small")
        copy_large = _seconds(lambda: _durable_copy(large, scratch / "copy-large"))
        copy_small = _seconds(lambda: _durable_copy(small, scratch / "copy-small"))
        read_large = _seconds(lambda: shutil.copytree(large, scratch / "read-large"))
        read_small = _seconds(lambda: shutil.copytree(small, scratch / "read-small"))
        accounts.add_user(scratch / "store", "alice")
        token = accounts.create_token(scratch / "store", "alice")
        with HubProcess(scratch / "store") as hub:
            client = _Client(hub, token, scratch)
            with _peak_memory(hub.pid) as memory:
                http_large = client.upload("alice/http-large", large, xet=False)
            return [
                _speed("upload one file, LFS", http_large, copy_large),
                Measurement(
                    "server memory during that upload, above the start",
                    memory[0] / MEGABYTE,
                    "MB",
                    memory[0] / (LARGE_MEGABYTES * MEGABYTE),
                    "the file",
                ),
                _speed(
                    "upload one file, Xet",
                    client.upload("alice/xet-large", _make_large(scratch / "other"), xet=True),
                    copy_large,
                ),
                _speed("download one file", client.download("alice/http-large"), read_large),
                _rate(
                    "upload 1,000 small files",
                    client.upload("alice/small", small, xet=False),
                    copy_small,
                ),
                _rate("download 1,000 small files", client.download("alice/small"), read_small),
                client.heads("alice/small"),
            ]


class _Client:
    """huggingface_hub in processes of its own, each with an empty cache."""

    def __init__(self, hub: HubProcess, token: str, scratch: Path) -> None:
        self._hub = hub
        self._token = token
        self._scratch = scratch

    def upload(self, repo_id: str, folder: Path, *, xet: bool) -> float:
        return self._run(_UPLOAD, repo_id, str(folder), xet=xet)

    def download(self, repo_id: str) -> float:
        return self._run(_DOWNLOAD, repo_id, str(self._scratch / secrets.token_hex(4)), xet=False)

    def heads(self, repo_id: str) -> Measurement:
        """HEAD requests one after another on one connection, as a cache that checks files."""
        connection = http.client.HTTPConnection("127.0.0.1", self._hub.port)
        headers = {"Authorization": f"Bearer {self._token}"}
        start = time.perf_counter()
        for number in range(HEADS):
            connection.request(
                "HEAD", f"/{repo_id}/resolve/main/{number % 10}/{number}.json", headers=headers
            )
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
        seconds = time.perf_counter() - start
        connection.close()
        return Measurement("HEAD of a file", seconds / HEADS * 1000, "ms", None, None)

    def _run(self, program: str, *arguments: str, xet: bool) -> float:
        environment = os.environ | {
            "HF_ENDPOINT": self._hub.endpoint,
            "HF_TOKEN": self._token,
            "HF_HOME": str(self._scratch / secrets.token_hex(4)),
            "HF_HUB_DISABLE_XET": "0" if xet else "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)


@contextmanager
def _peak_memory(pid: int) -> Iterator[list[int]]:
    """Fills in by how many bytes a process grew at most while the block ran."""
    process = psutil.Process(pid)
    start = process.memory_info().rss
    growth = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            growth[0] = max(growth[0], process.memory_info().rss - start)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield growth
    finally:
        stop.set()
        watcher.join()


def _make_large(folder: Path) -> Path:
    folder.mkdir()
    with (folder / "weights.safetensors").open("wb") as file:
        for _ in range(LARGE_MEGABYTES):
            file.write(secrets.token_bytes(MEGABYTE))
    return folder


def _make_small(folder: Path) -> Path:
    for number in range(SMALL_FILES):
        file = folder / str(number % 10) / f"{number}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(secrets.token_hex(SMALL_BYTES // 2))
    return folder


def _durable_copy(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            for path in (copy, copy.parent):
                descriptor = os.open(path, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _speed(name: str, seconds: float, baseline: float) -> Measurement:
    return Measurement(name, LARGE_MEGABYTES / seconds, "MB/s", baseline / seconds, "copy")


def _rate(name: str, seconds: float, baseline: float) -> Measurement:
    return Measurement(name, SMALL_FILES / seconds, "files/s", baseline / seconds, "copy")
