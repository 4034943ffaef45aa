"""EXAONE 3.x -> a Llama-format model folder that plain transformers loads, once and for everybody.

The two formats hold the same numbers under different names. So only names are rewritten: each
safetensors file is copied with a new header, its tensor bytes as they are, in constant memory.
Tokenizer files are copied unchanged. Before the folder gets its name, both models are loaded (one
after the other, in the checkpoint's own precision) and must give the same logits to the bit.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub import HfApi, ModelCard, snapshot_download
from transformers import AutoConfig, AutoModelForCausalLM

from cards.derived_card import derived_card
from cards.errors import BogamError
from cards.licences import Licence, check_publication, licence_of_base
from cards.lint import require_publishable
from cards.records import Revision
from cards.tasks import Bilingual
from hub.publish import publish_release
from hub.push import Published
from hub.refusals import said_plainly
from hub.release import Release
from trainers.base_model import LOCAL, load_tokenizer, loading_errors, resolve_base
from trainers.exaone import MODEL_TYPE, ExaoneConfig, llama_config, llama_name, register_exaone
from trainers.recipe_schema import BaseModelSection
from trainers.safetensors_names import rename_tensors

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)

CONFIG_FILE = "config.json"
INDEX_FILE = "model.safetensors.index.json"
# What says how to read text and how to answer; belongs to no architecture.
_COPIED = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "generation_config.json",
    "LICENSE",
    "NOTICE",
)
_PROBE_TOKENS = 48


def convert_base(
    base: str,
    folder: Path,
    repo_id: str,
    *,
    revision: str = "main",
    progress: Progress | None = None,
) -> Licence:
    """Write the Llama form of `base` to `folder`, which must not be there yet.

    Args:
        base: Hub id or folder of an EXAONE 3.x checkpoint in safetensors.
        repo_id: where it is going to be published; decides only whether it may be called so.

    Returns:
        The licence of the base, which the copy keeps.

    Raises:
        BogamError: not an EXAONE 3.x checkpoint, a repo name that its licence forbids, no room on
            the disk, no usable tokenizer, or logits that differ. `folder` is not there then.
    """
    register_exaone()
    source = resolve_base(BaseModelSection(id=base, revision=revision))
    if folder.exists():
        raise BogamError(f"{folder}: is there already. Remove it or choose another folder.")
    original = _fetch(source)
    config = _exaone_config(source, original)
    licence = licence_of_base(base, _card_data(original))
    check_publication(licence, repo_id, private=True, made_from=(licence,))
    weights = sorted(original.glob("*.safetensors"))
    _check_room(folder, weights)

    draft = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        tracked: Iterable[Path] = weights
        if progress is not None:
            tracked = progress.track(weights, description="Renaming weights")
        for path in tracked:
            rename_tensors(path, draft / path.name, llama_name)
        _write_index(original, draft)
        _write_config(config, original, draft)
        for name in _COPIED:
            if (original / name).is_file():
                shutil.copyfile(original / name, draft / name)
        card = _card(source, repo_id, licence, len(weights))
        (draft / "README.md").write_text(card, encoding="utf-8")
        load_tokenizer(Revision(id=str(draft), revision=LOCAL))
        _check_equal(original, draft, progress)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return licence


def publish_converted(
    folder: Path,
    repo_id: str,
    licence: Licence,
    *,
    public: bool = False,
    progress: Progress | None = None,
) -> Published:
    """Make a converted folder one commit; the same folder again changes nothing."""
    require_publishable(folder, "model", repo_id)
    release = Release(folder, repo_id, "model", licence, public=public, made_from=(licence,))
    return publish_release(release, "Publish a base model in Llama's format", progress=progress)


def _fetch(source: Revision) -> Path:
    """The files of the checkpoint on this machine; downloads them where they are missing."""
    if source.revision == LOCAL:
        return Path(source.id)
    with said_plainly(f"base model {source.id}", HfApi()):
        return Path(
            snapshot_download(
                source.id,
                revision=source.revision,
                allow_patterns=["*.safetensors", INDEX_FILE, CONFIG_FILE, "README.md", *_COPIED],
            )
        )


def _exaone_config(source: Revision, original: Path) -> ExaoneConfig:
    config = AutoConfig.from_pretrained(original)
    if not isinstance(config, ExaoneConfig):
        raise BogamError(
            f"base model {source.id}: its config says model_type {config.model_type!r}. Only "
            f"{MODEL_TYPE!r} (EXAONE 3.0 and 3.5) needs converting; others load as they are."
        )
    if not any(original.glob("*.safetensors")):
        raise BogamError(
            f"base model {source.id}: no *.safetensors beside its config. Weights in other forms "
            "can run code when they are read and are not converted."
        )
    return config


def _card_data(original: Path) -> dict[str, Any] | None:
    readme = original / "README.md"
    data: dict[str, Any] | None = None
    if readme.is_file():
        data = ModelCard.load(readme).data.to_dict()
    return data


def _check_room(folder: Path, weights: list[Path]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    needed = sum(path.stat().st_size for path in weights)
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise BogamError(
            f"{folder}: the converted model takes {needed / 1e9:.1f} GB and this disk has "
            f"{free / 1e9:.1f} GB left. Choose another folder with --out."
        )


def _write_index(original: Path, draft: Path) -> None:
    """Checkpoints in several files say in an index which weight is in which."""
    if not (original / INDEX_FILE).is_file():
        return
    index = json.loads((original / INDEX_FILE).read_text(encoding="utf-8"))
    index["weight_map"] = {llama_name(name): file for name, file in index["weight_map"].items()}
    _write_json(draft / INDEX_FILE, index)


def _write_config(config: ExaoneConfig, original: Path, draft: Path) -> None:
    """transformers 5 reads `rope_parameters`; everything older, and vLLM, the other two keys."""
    converted = llama_config(config).to_dict()
    written = json.loads((original / CONFIG_FILE).read_text(encoding="utf-8"))
    for key in ("rope_theta", "rope_scaling"):
        if key in written:
            converted[key] = written[key]
    _write_json(draft / CONFIG_FILE, converted)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _card(source: Revision, repo_id: str, licence: Licence, files: int) -> str:
    """Where the weights come from, what was done to them, and under which terms they stand."""
    metadata: dict[str, Any] = {"language": ["ko", "en"], "tags": ["exaone", "bogam"]}
    if source.revision == LOCAL:
        origin = f"`{Path(source.id).name}`, a local folder,"
    else:
        metadata["base_model"] = source.id
        origin = f"`{source.id}` at commit `{source.revision}`"
    return derived_card(
        repo_id,
        licence,
        repo=repo_id,
        metadata=metadata,
        made=Bilingual(
            "원본 가중치의 이름만 Llama 형식으로 바꾼 저장소입니다. 값은 그대로이고, 원격 코드 "
            "없이 transformers로 바로 불러올 수 있습니다.",
            f"The weights of {origin} in Llama's format, so that plain transformers loads them "
            "without code from a repo. Nothing was trained, quantised or rounded: the tensors "
            f"({files} safetensors) were copied byte for byte under other names.",
        ),
        checked=Bilingual(
            "두 형식을 모두 불러와 로짓이 비트 단위로 같음을 확인했습니다. 그 밖의 평가는 하지 "
            "않았습니다: 만든 곳의 평가가 그대로 적용됩니다.",
            "Both forms were loaded and their logits are equal to the bit. Nothing else was "
            "measured: what its maker published holds for it too.",
        ),
        data=Bilingual(
            "여기서 학습한 것은 없습니다. 학습 자료는 원본의 카드에 있습니다.",
            "Nothing was trained here. What the weights were trained on stands on the card of the "
            "original.",
        ),
    )


def _check_equal(original: Path, draft: Path, progress: Progress | None) -> None:
    folders: Iterable[Path] = (original, draft)
    if progress is not None:
        folders = progress.track((original, draft), description="Comparing logits")
    vocabulary = AutoConfig.from_pretrained(original).vocab_size
    probe = torch.linspace(0, vocabulary - 1, _PROBE_TOKENS).long()[None]
    # One after the other: together they would need twice the memory.
    first, second = (_logits(folder, probe) for folder in folders)
    if not torch.equal(first, second):
        difference = float((first.float() - second.float()).abs().max())
        raise BogamError(
            f"{original}: converted, the model answers differently (logits differ by up to "
            f"{difference:.3g}), so nothing was written. Its checkpoint has something that this "
            "version does not know; please report it with the model's config.json."
        )


def _logits(folder: Path, token_ids: torch.Tensor) -> torch.Tensor:
    """Logits of the model in a folder, in the precision of its files; refuses a lack of weights."""
    with loading_errors(Revision(id=str(folder), revision=LOCAL), "model"):
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto", use_safetensors=True, output_loading_info=True
        )
    unfit = {key: sorted(names) for key, names in report.items() if names}
    if unfit:
        raise BogamError(f"{folder}: weights and config do not fit together: {unfit}.")
    with torch.inference_mode():
        logits: torch.Tensor = model(token_ids).logits
    return logits
