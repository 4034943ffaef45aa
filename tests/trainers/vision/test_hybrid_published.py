"""A hybrid model goes to a Hub, and a stranger with plain transformers gets what was trained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from huggingface_hub import snapshot_download
from peft import PeftModel
from transformers import AutoModelForImageTextToText

from trainers.finetune import finetune
from trainers.merge import merge_adapter

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = [pytest.mark.recipe, pytest.mark.system]

# Nothing of ours on the path. Qwen's own processor needs torchvision, so inputs come ready made.
STRANGER = """
import sys
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, ProcessorMixin

repo, inputs, target = sys.argv[1:]
model = AutoModelForImageTextToText.from_pretrained(repo)
if model.config.model_type == "llava_next":
    assert isinstance(AutoProcessor.from_pretrained(repo), ProcessorMixin)
with torch.no_grad():
    torch.save(model(**torch.load(inputs)).logits, target)
assert not {name.partition(".")[0] for name in sys.modules} & {"bogam", "cards", "hub", "trainers"}
"""


@pytest.fixture(params=["qwen_vl_twin", "llava_twin"])
def published(
    request: pytest.FixtureRequest,
    hub: ServedHub,
    hybrid_recipe: Callable[..., Any],
    seeing_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A run from the Hub to the Hub, and the folder of its base."""
    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    twin, api = request.getfixturevalue(request.param), hub.api("alice")
    name = request.param.replace("_", "-")
    base, dataset = f"org/{name}", f"org/pages-of-{name}"
    api.create_repo(base, private=True)
    api.upload_folder(repo_id=base, folder_path=twin)
    api.upload_file(
        repo_id=base,
        path_in_repo="README.md",
        path_or_fileobj=b"---\nlicense: apache-2.0\n---\n",
    )
    api.create_repo(dataset, repo_type="dataset", private=True)
    api.upload_folder(repo_id=dataset, repo_type="dataset", folder_path=seeing_dataset)
    recipe = hybrid_recipe(
        Path("nowhere"),
        tmp_path / "run",
        base_model={"id": base},
        dataset={"id": dataset},
        publication={"repo": f"org/{name}-tuned"},
    )
    return finetune(recipe), twin


def test_a_stranger_loads_tower_and_adapter_in_one_line(
    published: Any,
    load: Callable[..., Any],
    shown: Callable[..., Any],
    client_environment: Callable[[str | None], dict[str, str]],
    tmp_path: Path,
) -> None:
    result, twin = published
    base = load(twin)
    batch = shown(base)
    torch.save(batch, tmp_path / "inputs.pt")

    files = [str(tmp_path / "inputs.pt"), str(tmp_path / "logits.pt")]
    subprocess.run(
        [sys.executable, "-c", STRANGER, result.published.id, *files],
        env=client_environment("alice"),
        cwd=tmp_path,
        check=True,
    )
    trained = PeftModel.from_pretrained(base.model, result.release.parent / "adapter").eval()
    with torch.no_grad():
        wanted = trained(**batch).logits
        with trained.disable_adapter():
            before = trained(**batch).logits
    assert torch.equal(torch.load(tmp_path / "logits.pt"), wanted)
    assert not torch.equal(before, wanted)

    folder = Path(snapshot_download(result.published.id, revision=result.published.revision))
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == result.record.base_model.id
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".jinja", ".md"):
            assert str(tmp_path.parent) not in path.read_text(encoding="utf-8"), path

    merge_adapter(result.published.id, tmp_path / "merged")
    merged = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged")
    with torch.no_grad():
        assert (merged(**batch).logits - wanted).abs().max() <= 1e-5
