"""An EXAONE 3.x checkpoint -> the same model in Llama's format, for people without our code.

Only names change: config keys and the names of weights. The bytes of the weights are copied shard
by shard without being read as numbers, so memory stays flat whatever the model's size. Before the
folder appears, both forms answer the same probe and their logits must be equal to the bit.

The safetensors layout is that of https://github.com/huggingface/safetensors#format: the length of
the header (8 bytes, little endian), the header (JSON), the data.
"""

from __future__ import annotations

import json
import logging
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, ModelCard, ModelCardData
from rich.progress import Progress
from transformers import AutoModelForCausalLM

from cards.errors import BogamError
from cards.licences import Licence, check_publication, licence_of_base
from cards.records import Revision
from hub.publish import publish_release
from hub.push import Published
from hub.refusals import said_plainly
from hub.release import Release
from trainers.base_files import base_file
from trainers.base_model import LOCAL, load_tokenizer, resolve_base
from trainers.exaone import ExaoneConfig, llama_config, llama_name, register_exaone
from trainers.recipe_schema import BaseModelSection

logger = logging.getLogger(__name__)

INDEX = "model.safetensors.index.json"
_BESIDE_THE_WEIGHTS = (
    "LICENSE",
    "NOTICE",
    "chat_template.jinja",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
)
_PROBE = "환자에게 약을 설명해 주세요. The same model under other names."


def convert_base(
    base_id: str, folder: Path, repo_id: str, *, revision: str = "main", progress: Progress | None
) -> Licence:
    """Write the Llama form of an EXAONE 3.x model to `folder` and return the licence it is under.

    Args:
        base_id: Hub id or local folder of the EXAONE checkpoint.
        repo_id: where it will be published; its name must keep the base's naming rule.

    Raises:
        BogamError: no such base, no EXAONE, a weight whose name is not known, a name that the
            licence forbids, `folder` is there already, or the two forms differ.
    """
    register_exaone()
    base = resolve_base(BaseModelSection(id=base_id, revision=revision))
    licence = _licence(base)
    check_publication(licence, repo_id, private=True)
    if folder.exists():
        raise BogamError(f"{folder}: is there already. Remove it or give another folder.")
    source = _download(base)
    config = _exaone_config(base, source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.partial-", dir=folder.parent) as name:
        partial = Path(name)
        llama_config(config).save_pretrained(partial)
        _rename_weights(source, partial, progress)
        for file in _BESIDE_THE_WEIGHTS:
            if (source / file).is_file():
                shutil.copyfile(source / file, partial / file)
        (partial / "README.md").write_text(_card(base, licence, repo_id), encoding="utf-8")
        _compare_logits(base, source, partial)
        partial.rename(folder)
    return licence


def publish_converted(
    folder: Path, repo_id: str, licence: Licence, *, progress: Progress | None = None
) -> Published:
    """Make the converted folder one commit of a private repo; errors as `hub.publish`."""
    release = Release(folder, repo_id, "model", licence, made_from=(licence,))
    return publish_release(release, "Convert to Llama's format", progress=progress)


def _licence(base: Revision) -> Licence:
    readme = base_file(base, "README.md")
    card = ModelCard.load(readme).data.to_dict() if readme is not None else None
    return licence_of_base(base.id, card)


def _download(base: Revision) -> Path:
    if base.revision == LOCAL:
        return Path(base.id)
    with said_plainly(f"base model {base.id}", HfApi()):
        return Path(
            HfApi().snapshot_download(
                base.id,
                revision=base.revision,
                allow_patterns=["*.safetensors", INDEX, "config.json", *_BESIDE_THE_WEIGHTS],
            )
        )


def _exaone_config(base: Revision, source: Path) -> ExaoneConfig:
    stated: dict[str, Any] = json.loads((source / "config.json").read_bytes())
    if stated.get("model_type") != ExaoneConfig.model_type:
        raise BogamError(
            f"base model {base.id}: is a {stated.get('model_type')!r} model. Only EXAONE 3.x "
            "needs converting; put the others into base_model.id as they are."
        )
    config: ExaoneConfig = ExaoneConfig.from_pretrained(source)
    return config


def _rename_weights(source: Path, target: Path, progress: Progress | None) -> None:
    shards = sorted(source.glob("*.safetensors"))
    if not shards:
        raise BogamError(f"{source}: holds no *.safetensors file, and no other form is read.")
    total = sum(shard.stat().st_size for shard in shards)
    task = progress.add_task("Copying weights", total=total) if progress else None
    for shard in shards:
        _rename_shard(shard, target / shard.name)
        if progress is not None and task is not None:
            progress.advance(task, shard.stat().st_size)
    if (source / INDEX).is_file():
        index = json.loads((source / INDEX).read_bytes())
        index["weight_map"] = {
            llama_name(name): shard for name, shard in index["weight_map"].items()
        }
        (target / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _rename_shard(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        (length,) = struct.unpack("<Q", reader.read(8))
        header: dict[str, Any] = json.loads(reader.read(length))
        unknown = [
            name for name in header if name.startswith("transformer.") and llama_name(name) == name
        ]
        if unknown:
            raise BogamError(
                f"{source}: {len(unknown)} weights have names that EXAONE 3.x does not have, "
                f"such as {unknown[0]}. Is this checkpoint of another architecture?"
            )
        renamed = json.dumps({llama_name(name): value for name, value in header.items()}).encode()
        renamed += b" " * (-len(renamed) % 8)  # data begins at a multiple of eight
        writer.write(struct.pack("<Q", len(renamed)) + renamed)
        shutil.copyfileobj(reader, writer, 1 << 24)


def _compare_logits(base: Revision, source: Path, converted: Path) -> None:
    tokens = load_tokenizer(Revision(id=str(source), revision=LOCAL))(
        _PROBE, return_tensors="pt", add_special_tokens=False
    )["input_ids"]
    # One after the other: together they would need twice the memory.
    before = _logits(source, tokens)
    if not torch.equal(before, _logits(converted, tokens)):
        raise BogamError(
            f"base model {base.id}: the converted model computes other logits than the original. "
            "Nothing was written; please report this with the model's config.json."
        )


def _logits(folder: Path, tokens: torch.Tensor) -> torch.Tensor:
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", use_safetensors=True, output_loading_info=True
    )
    lost = sorted(report["missing_keys"]) + sorted(report["unexpected_keys"])
    if lost:
        raise BogamError(f"{folder}: weights do not fit the config: {lost[:3]}.")
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=tokens).logits
    return logits


def _card(base: Revision, licence: Licence, repo_id: str) -> str:
    fields: dict[str, Any] = {
        "base_model": base.id,
        "language": ["ko", "en"],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["exaone", "bogam"],
        **licence.metadata(),
    }
    metadata = ModelCardData(**fields)
    notices = "\n".join(f"- {line}" for line in (*licence.notice_ko, *licence.notice_en))
    return (
        f"---\n{metadata.to_yaml()}\n---\n\n"
        f"# {repo_id}\n\n"
        f"`{base.id}` at commit `{base.revision}` in Llama's format: the same weights under other "
        "names, so that plain transformers loads it without remote code. Logits were compared and "
        "are equal to the bit.\n\n"
        f"`{base.id}`의 가중치 이름만 Llama 형식으로 바꾼 모델입니다. 원격 코드 없이 "
        "transformers로 바로 불러올 수 있고, 로짓이 원본과 비트 단위로 같음을 확인했습니다.\n\n"
        "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        f'model = AutoModelForCausalLM.from_pretrained("{repo_id}")\n'
        f'tokenizer = AutoTokenizer.from_pretrained("{repo_id}")\n```\n\n'
        f"## Licence 라이선스\n\n[{licence.title}]({licence.link})\n\n{notices}\n"
    )
