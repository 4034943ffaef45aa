"""Whatever dies in mid-push, a repo holds the whole release or nothing of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from cards.errors import BogamError
from hub.publish import publish_model
from hub.push import Published
from hub.server.process import HubProcess

pytestmark = pytest.mark.system

MEGABYTES = 160
PUBLISHES = """
import sys
from pathlib import Path
from huggingface_hub import HfApi
from hub.publish import publish_model

class Card:
    def write(self, folder):
        (folder / "README.md").write_text("---\\nlicense: apache-2.0\\n---\\n\\n# Made\\n")

folder, repo_id, endpoint, token = sys.argv[1:]
publish_model(Path(folder), repo_id, card=lambda run: Card(), api=HfApi(endpoint, token=token))
"""


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[tuple[HubProcess, HfApi]]:
    """A Hub that may be killed, and its user."""
    from hub.server import accounts

    root = tmp_path / "hub"
    accounts.add_user(root, "carol")
    token = accounts.create_token(root, "carol", role="write")
    with HubProcess(root) as process:
        yield process, HfApi(endpoint=process.endpoint, token=token)


class InBackground(threading.Thread):
    """A push in a thread, with what became of it."""

    def __init__(self, folder: Path, repo_id: str, card: object, api: HfApi) -> None:
        super().__init__(daemon=True)
        self.work = lambda: publish_model(folder, repo_id, card=card.of, api=api)
        self.published: Published | None = None
        self.error: BogamError | None = None

    def run(self) -> None:
        try:
            self.published = self.work()
        except BogamError as error:
            self.error = error


def wait_for_bytes(process: HubProcess) -> None:
    """Until the Hub has received a part of the weights, and not yet all of them."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if any(size > 1 << 20 for size in _sizes_of_uploads(process)):
            return
        time.sleep(0.001)
    raise AssertionError("no upload was seen")


def _sizes_of_uploads(process: HubProcess) -> Iterator[int]:
    for path in (process.root / "temporary").iterdir():
        with suppress(FileNotFoundError):
            yield path.stat().st_size


def test_a_hub_that_dies_in_mid_push_holds_nothing_and_a_second_run_completes(
    own_hub, make_model_folder, plain_card
) -> None:
    process, api = own_hub
    folder = make_model_folder(megabytes=MEGABYTES)
    push = InBackground(folder, "carol/model", plain_card, api)
    push.start()
    wait_for_bytes(process)
    process.kill()
    push.join()

    assert push.error is not None
    assert "cannot be reached" in str(push.error)
    assert "carol/model was just made; it is private and empty" in str(push.error)
    assert [path.name for path in folder.parent.glob("model*")] == ["model"]
    process.start()
    assert api.list_repo_files("carol/model") == [".gitattributes"]
    assert api.model_info("carol/model").private

    published = publish_model(folder, "carol/model", card=plain_card.of, api=api)
    assert "adapter_model.safetensors" in published.changed
    assert len(api.list_repo_commits("carol/model")) == 2


def test_a_hub_that_comes_back_in_mid_push_gets_the_whole_release(
    own_hub, make_model_folder, plain_card
) -> None:
    process, api = own_hub
    push = InBackground(make_model_folder(megabytes=MEGABYTES), "carol/model", plain_card, api)
    push.start()
    wait_for_bytes(process)
    process.kill()
    process.start()
    push.join()

    assert push.error is None
    assert push.published is not None
    assert push.published.commit == api.model_info("carol/model").sha
    assert len(api.list_repo_commits("carol/model")) == 2


def test_a_client_that_is_killed_in_mid_push_leaves_nothing_published(
    own_hub, make_model_folder, plain_card
) -> None:
    process, api = own_hub
    folder = make_model_folder(megabytes=MEGABYTES)
    arguments = [str(folder), "carol/model", process.endpoint, str(api.token)]
    client = subprocess.Popen([sys.executable, "-c", PUBLISHES, *arguments])
    wait_for_bytes(process)
    client.kill()
    client.wait()

    assert api.list_repo_files("carol/model") == [".gitattributes"]
    published = publish_model(folder, "carol/model", card=plain_card.of, api=api)
    assert published.commit == api.model_info("carol/model").sha
    assert len(api.list_repo_commits("carol/model")) == 2
