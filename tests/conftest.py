"""Fixtures for every floor: the raw samples, and a real Hub over HTTP with users and tokens.

The Hugging Face libraries read `HF_ENDPOINT`, `HF_HOME` and their switches when they are first
imported, so this file sets them before any test is. `HF_ENDPOINT` names the port at which the
`hub` fixture serves: whatever a test calls without an endpoint reaches this Hub or nothing.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tqdm import tqdm

from hub.server.process import free_port

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi
    from playwright.sync_api import Browser

    from cards.records import RunRecord
    from hub.server.process import HubProcess

REPO_ROOT = Path(__file__).parents[1]
SESSION_HOME = Path(tempfile.mkdtemp(prefix="bogam-tests-"))
HUB_PORT = free_port()

QUIET_CLIENTS = {
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
os.environ |= QUIET_CLIENTS | {
    "HF_ENDPOINT": f"http://127.0.0.1:{HUB_PORT}",
    "HF_HOME": str(SESSION_HOME / "hf"),
    "HF_HUB_DISABLE_XET": "1",
    # A machine that stands still for a while is no failure: the clients would give up after 10 s.
    "HF_HUB_DOWNLOAD_TIMEOUT": "60",
    "HF_HUB_ETAG_TIMEOUT": "60",
}
# Tests run side by side; threads that wait for each other would take the time of the others. And a
# child process computes the same bits as the test that started it.
os.environ["OMP_NUM_THREADS"] = "1"
# Nor should a test ever wait for the libraries' own helper threads: those that load weights of a
# few kilobytes, and those that redraw progress bars nobody looks at.
os.environ["HF_DEACTIVATE_ASYNC_LOAD"] = "1"
tqdm.monitor_interval = 0
for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(SESSION_HOME, ignore_errors=True)


@dataclass(frozen=True)
class ServedHub:
    """A running Hub with the users that the tests need.

    `alice` administers the organisation `org`; `bob` is a stranger to it; `reader` belongs to it
    and has a token of the role read.
    """

    process: HubProcess
    tokens: dict[str, str]

    @property
    def endpoint(self) -> str:
        return self.process.endpoint

    @property
    def root(self) -> Path:
        return self.process.root

    def api(self, user: str | None) -> HfApi:
        """The real client as this user, or as nobody."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.tokens[user] if user else False)

    def http(self, user: str | None) -> httpx2.Client:
        """Plain HTTP as this user, or as nobody. Redirects are not followed."""
        import httpx2

        headers = {"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        return httpx2.Client(base_url=self.endpoint, headers=headers, timeout=60)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the raw samples, which is not part of the repo."""
    folder = REPO_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the raw samples are not on this machine: {folder} is missing")
    return folder


@pytest.fixture(scope="session")
def hub() -> Iterator[ServedHub]:
    """A Hub at `HF_ENDPOINT` for the whole session: tests use names of their own in it."""
    from hub.server.process import HubProcess

    root = SESSION_HOME / "hub"
    tokens = add_users(root)
    with HubProcess(root, HUB_PORT) as process:
        yield ServedHub(process, tokens)
    assert_no_failure(process)


@pytest.fixture
def own_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ServedHub]]:
    """Starts a Hub for one test alone: `own_hub(multipart_bytes=1000)` with other settings.

    Its store lies outside `tmp_path`, which a test may upload as a whole.
    """
    from hub.server.process import HubProcess

    root = tmp_path_factory.mktemp("own-hub")
    with ExitStack() as stack:

        def start(**settings: int) -> ServedHub:
            tokens = add_users(root)
            process = stack.enter_context(HubProcess(root, settings=settings))
            stack.callback(assert_no_failure, process)
            return ServedHub(process, tokens)

        yield start


@pytest.fixture(scope="session")
def quiet_clients() -> dict[str, str]:
    """Variables with which the clients keep to themselves and to the Hub."""
    return dict(QUIET_CLIENTS)


@pytest.fixture(scope="session")
def fresh_id() -> Callable[[str], str]:
    """Gives a repo id that no other test has: `fresh_id("org")`, `fresh_id("alice")`."""
    numbers = itertools.count()
    return lambda owner: f"{owner}/repo-{next(numbers)}"


@pytest.fixture
def client_environment(hub: ServedHub, tmp_path: Path) -> Callable[[str | None], dict[str, str]]:
    """Variables for a child process that is a stranger to us: its own cache, its own login.

    Only `HF_ENDPOINT` and `HF_TOKEN` say which Hub; Xet is as the client has it by default.
    """

    def environment(user: str | None) -> dict[str, str]:
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))}
        variables |= QUIET_CLIENTS | {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / f"hf-of-{user}"),
        }
        return variables | ({"HF_TOKEN": hub.tokens[user]} if user else {})

    return environment


def assert_no_failure(process: HubProcess) -> None:
    """No request may end in a traceback of the server, whatever the test was about."""
    log = process.log_file.read_text()
    assert "Traceback" not in log, log


def add_users(root: Path) -> dict[str, str]:
    """Fill a new store with the users of :class:`ServedHub`; gives their tokens."""
    from hub.server import accounts

    for user in ("alice", "bob", "reader"):
        accounts.add_user(root, user)
    accounts.add_organisation(root, "org", ["alice", "reader"])
    return {
        user: accounts.create_token(root, user, role="read" if user == "reader" else "write")
        for user in ("alice", "bob", "reader")
    }


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser without a window, see https://playwright.dev/python/."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        # Everything it shows comes from this machine, and containers have no user namespaces.
        started = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu"],
            timeout=180_000,
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def still_running() -> Callable[..., list[psutil.Process]]:
    """`still_running(processes)`: those that two minutes later have not ended.

    One that has ended counts as such also where nobody has taken note of it yet.
    """

    def runs(process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def wait(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
        deadline = time.monotonic() + 120
        while (left := [one for one in processes if runs(one)]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    return wait


@pytest.fixture(scope="session")
def plain_run() -> Callable[..., RunRecord]:
    """`plain_run(base_model=..., dataset=..., metrics=...)`: a run of one step, briefly told."""
    return make_plain_run


def make_plain_run(**values: Any) -> RunRecord:
    """See :func:`plain_run`."""
    from cards import records

    training = records.TrainingSummary(
        steps=1,
        epochs=1.0,
        loss_history=(),
        seconds=1.0,
        peak_memory_bytes=1,
        samples_per_second=1.0,
        frozen_unchanged=True,
        label_tokens=1,
        longest_sample_tokens=1,
        samples_over_length=0,
    )
    environment = records.Environment(
        python="3.11",
        platform="Linux",
        packages={},
        device="cpu",
        device_count=1,
        cpu_count=2,
        memory_bytes=1,
    )
    usual = {
        "recipe": {"name": "tiny"},
        "task": "generation",
        "licence": "apache-2.0",
        "parameter_groups": (),
        "training": training,
        "comparison": (),
        "environment": environment,
        "seeds": {},
        "artifacts": {},
        "library_model_class": "AutoModelForCausalLM",
    }
    return records.RunRecord.model_validate(usual | values)


@pytest.fixture(scope="session")
def make_model_release() -> Callable[..., Path]:
    """`make_model_release(folder, twin, task="generation")`: an adapter folder as a run leaves it.

    A real LoRA adapter with random weights, which moves every answer; the run record is made up
    but for what asking the model reads from it.
    """
    return write_model_release


def write_model_release(
    folder: Path,
    twin: Path,
    *,
    base_id: str | None = None,
    base_revision: str = "local",
    task: str = "generation",
    domain: Any = "medical",
    system_prompt: str | None = None,
    images: dict[str, int] | None = None,
    classes: Sequence[dict[str, str]] = (),
    strength: float = 0.02,
    dataset: str = "made-up",
    dataset_revision: str = "local",
    prompts: Sequence[str] = ("두통의 증상은 무엇인가요?",),
) -> Path:
    """See :func:`make_model_release`.

    Args:
        base_id: what the adapter calls its base; None for the twin's folder.
        strength: of the adapter; with 0 it changes nothing.
    """
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq
    import torch
    from peft import get_peft_model

    from cards import records
    from cards.tasks import find_task
    from trainers.base_model import load_base
    from trainers.lora_targets import lora_config
    from trainers.recipe_schema import BaseModelSection, TuningSection

    base = load_base(BaseModelSection(id=str(twin)))
    torch.manual_seed(0)
    model = get_peft_model(base.model, lora_config(base.model, TuningSection(rank=4, alpha=8)))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=strength)
    model.save_pretrained(folder)
    (base.processor or base.tokenizer).save_pretrained(folder)
    config_file = folder / "adapter_config.json"
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": base_id or str(twin), "revision": base_revision}
    config_file.write_text(json.dumps(config), encoding="utf-8")
    (folder / "README.md").write_text("# 시험용 모델 Made for tests\n", encoding="utf-8")
    pq.write_table(pa.table({"prompt": list(prompts)}), folder / records.PREDICTIONS_FILE)
    value = records.Metric(value=0.612, low=0.55, high=0.67, n=120, unit="0-1")
    make_plain_run(
        recipe={
            "system_prompt": system_prompt,
            "images": images,
            "classes": list(classes) or None,
            "evaluation": {"split": "test", "max_new_tokens": 24},
        },
        task=task,
        base_model=records.Revision(id=base_id or str(twin), revision=base_revision),
        dataset=records.DatasetUse(id=dataset, revision=dataset_revision, splits={"test": 120}),
        metrics={"tuned": {find_task(task).primary: value}},
        library_model_class=type(base.model).__name__,
        domain=domain,
    ).write(folder / records.RUN_FILE)
    return folder
