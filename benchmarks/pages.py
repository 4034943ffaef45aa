"""Pages of the embedded Hub: rows of a 400,000-row dataset, and the front page with 1,000 repos.

Targets: any page of rows under 150 ms, the front page under 100 ms, as a browser waits for them.
The time that the server computed says what is left of that on a machine that does nothing else.
Rows are compared with reading the whole split and cutting the page out of it, the front page with
the clients' own listing of the same repos, which shows no facets.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.measurement import Measurement
from hub.server import accounts
from hub.server.process import HubProcess

if TYPE_CHECKING:
    from datasets import Dataset

ROWS = 400_000
REPOS = 1_000
PLACES = 60
"""Pages of rows that are asked for, all over the split."""
REPEATS = 30
WORDS_PER_ANSWER = 40
DATASET = "bench/rows"

_UPLOAD = """
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo(sys.argv[1], repo_type="dataset")
api.upload_folder(repo_id=sys.argv[1], repo_type="dataset", folder_path=sys.argv[2])
"""


def run() -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as name:
        scratch = Path(name)
        root = scratch / "hub"
        accounts.add_user(root, "bench")
        token = accounts.create_token(root, "bench")
        shard = _write_rows(scratch / "folder" / "data" / "train-00000-of-00001.parquet")
        with HubProcess(root) as hub:
            _upload(hub, token, shard.parent.parent, scratch)
            rows = _measure_rows(hub, token, shard)
            _make_repos(hub, token)
            return rows + _measure_home(hub, token)


def _measure_rows(hub: HubProcess, token: str, shard: Path) -> list[Measurement]:
    import pyarrow.parquet as pq

    browser = _Browser(hub, token)
    address = f"/datasets/{DATASET}/viewer?split=train"
    first = browser.seconds(address)
    source = random.Random(7)
    places = [0, ROWS - 25, *(source.randrange(ROWS) for _ in range(PLACES))]
    computed = browser.server_seconds()
    times = [browser.seconds(f"{address}&start={place}") for place in places]
    computed = (browser.server_seconds() - computed) / len(places)
    filtered = [
        browser.seconds(f"{address}&where.category=%EB%B6%84%EB%A5%98-{number % 20}&start={start}")
        for number in range(10)
        for start in (0, ROWS // 20 - 25)
    ]
    whole = _seconds(lambda: pq.read_table(shard).slice(ROWS // 2, 25).to_pylist())
    baseline = "reading the whole split"
    return [
        Measurement(
            "row page, first one of the server", first * 1e3, "ms", whole / first, baseline
        ),
        _median(f"row page, median of {len(places)}", times, whole, baseline),
        _slowest(f"row page, slowest of {len(places)}", times, whole, baseline),
        Measurement("row page, computing time of the server", computed * 1e3, "ms"),
        _median("row page by label, median", filtered, whole, baseline),
        _slowest("row page by label, slowest", filtered, whole, baseline),
    ]


def _measure_home(hub: HubProcess, token: str) -> list[Measurement]:
    browser = _Browser(hub, token)
    listing = statistics.median(browser.seconds("/api/models?full=1") for _ in range(REPEATS))
    baseline = "GET /api/models?full=1"
    rows = []
    for what, address in (
        ("front page", "/"),
        ("front page of models", "/?kind=models"),
        ("front page, searched and filtered", "/?search=model&language=ko&licence=mit"),
    ):
        computed = browser.server_seconds()
        times = [browser.seconds(address) for _ in range(REPEATS)]
        computed = (browser.server_seconds() - computed) / REPEATS
        rows.append(_median(f"{what}, median", times, listing, baseline))
        rows.append(_slowest(f"{what}, slowest", times, listing, baseline))
        rows.append(Measurement(f"{what}, computing time of the server", computed * 1e3, "ms"))
    return rows


class _Browser:
    """One connection that waits for each page as a whole."""

    def __init__(self, hub: HubProcess, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", hub.port)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}

    def seconds(self, address: str) -> float:
        began = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            sys.exit(f"{address}: {answer.status} {body[:200]!r}")
        return took

    def server_seconds(self) -> float:
        """Processor time that the server has used so far."""
        self._connection.request("GET", "/api/health")
        pid = json.loads(self._connection.getresponse().read())["pid"]
        used = psutil.Process(pid).cpu_times()
        return float(used.user + used.system)

    def post(self, address: str, body: bytes, kind: str) -> None:
        self._connection.request("POST", address, body, {**self._headers, "Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            sys.exit(f"{address}: {answer.status} {text[:200]!r}")


def _make_repos(hub: HubProcess, token: str) -> None:
    """Models and datasets with cards of the usual size."""
    browser = _Browser(hub, token)
    for number in range(REPOS):
        kind = ("model", "dataset")[number % 2]
        name = f"{kind}-{number:04d}"
        wish = json.dumps({"name": name, "organization": "bench", "type": kind}).encode()
        browser.post("/api/repos/create", wish, "application/json")
        lines = [
            {"key": "header", "value": {"summary": "card"}},
            {"key": "file", "value": {"path": "README.md", "content": _card(kind, number)}},
        ]
        body = b"\n".join(json.dumps(line).encode() for line in lines)
        browser.post(f"/api/{kind}s/bench/{name}/commit/main", body, "application/x-ndjson")


def _card(kind: str, number: int) -> str:
    licence = ("mit", "apache-2.0", "cc-by-4.0")[number % 3]
    results = "\n".join(
        f"    - {{type: metric_{place}, value: {place / 7:.4f}, name: Metric {place}}}"
        for place in range(12)
    )
    task = "pipeline_tag: text-generation" if kind == "model" else "task_categories: [other]"
    return f"""---
license: {licence}
language: [ko, en]
{task}
tags: [bogam, medical, lora, number-{number}]
model-index:
- name: made-up
  results:
  - task: {{type: text-generation}}
    dataset: {{name: rows, type: {DATASET}, split: test}}
    metrics:
{results}
---
# Made up
"""


def _write_rows(path: Path) -> Path:
    """Conversations of about 600 bytes that do not repeat, laid out as `datasets` writes them."""
    path.parent.mkdir(parents=True)
    _rows().to_parquet(path)
    return path


def _rows() -> Dataset:
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset, Features, List, Value

    words = np.array([f"낱말{number}" for number in range(5000)], dtype=object)
    picks = np.random.RandomState(7).randint(0, len(words), (ROWS, WORDS_PER_ANSWER))
    texts = [" ".join(words[row]) for row in picks]
    questions = pa.array(text[: len(text) // 4] for text in texts)
    roles = pa.array(["user", "assistant"] * ROWS)
    turns = pa.array(part for text in texts for part in (text[: len(text) // 4], text))
    turn = pa.StructArray.from_arrays([roles, turns], ["role", "content"])
    messages = pa.ListArray.from_arrays(pa.array(range(0, 2 * ROWS + 1, 2), pa.int32()), turn)
    columns = {
        "id": pa.array(f"row-{number:06d}" for number in range(ROWS)),
        "messages": messages,
        "instruction": questions,
        "output": pa.array(texts),
        "category": pa.array(f"분류-{number % 20}" for number in range(ROWS)),
        "quality": pa.array(("scan", "phone", "fax")[number % 3] for number in range(ROWS)),
    }
    text = Value("string")
    features = Features(
        {
            "id": text,
            "messages": List({"role": text, "content": text}),
            "instruction": text,
            "output": text,
            "category": text,
            "quality": text,
        }
    )
    return Dataset(pa.table(columns).cast(features.arrow_schema))


def _upload(hub: HubProcess, token: str, folder: Path, scratch: Path) -> None:
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": token,
        "HF_HOME": str(scratch / "huggingface"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-c", _UPLOAD, DATASET, str(folder)]
    subprocess.run(command, env=environment, check=True)


def _median(name: str, times: list[float], against: float, baseline: str) -> Measurement:
    middle = statistics.median(times)
    return Measurement(name, middle * 1e3, "ms", against / middle, baseline)


def _slowest(name: str, times: list[float], against: float, baseline: str) -> Measurement:
    return Measurement(name, max(times) * 1e3, "ms", against / max(times), baseline)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
