"""Adapter + base -> one model folder that needs no PEFT, e.g. for servers and GGUF converters.

Parts that were trained whole, such as a vision tower, take the place of the base's.

Always merged into the unquantised base: rounding a merged weight to 4 bits again would change
every answer. Whoever trained on a 4-bit base should know that the merged model is the adapter on a
*better* base than the one it was trained and measured on; evaluate it anew.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import HfApi, ModelCard
from peft import PeftConfig, PeftModel
from PIL import Image
from transformers import ProcessorMixin

from cards.derived_card import derived_card
from cards.errors import BogamError
from cards.licences import Licence, derive, find_licence, licence_of_base
from cards.records import RUN_FILE, Domain, Revision, RunRecord
from cards.tasks import Bilingual
from hub.refusals import said_plainly
from trainers.base_files import base_file
from trainers.base_model import LOCAL, LoadedBase, ModelClass, load_base
from trainers.exaone import ExaoneConfig, llama_config
from trainers.recipe_schema import BaseModelSection
from trainers.vision_processor import load_processor

logger = logging.getLogger(__name__)

_PROBE_TOKENS = 48
_PROCESSOR_FILES = ("processor_config.json", "tokenizer*", "chat_template*")
_TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}
"""Share of the largest logit by which saving in this precision may move a logit."""


def merge_adapter(adapter: str, folder: Path, *, revision: str = "main") -> Licence:
    """Write the merged model to `folder`, which must not be there yet, in the base's precision.

    Takes four bytes of main memory a weight, twice while the result is checked: it is read back
    and must answer as adapter and base do together.

    Args:
        adapter: Hub id or folder.

    Returns:
        The licence of the result.

    Raises:
        BogamError: no such adapter or base, a weight that cannot be merged, or answers that
            differ. `folder` is not there then.
    """
    if folder.exists():
        raise BogamError(f"{folder}: is there already. Remove it or choose another folder.")
    source, files = _fetch(adapter, revision)
    config = PeftConfig.from_pretrained(files)
    base = load_base(
        BaseModelSection(id=config.base_model_name_or_path, revision=config.revision or "main"),
        precision="fp32",
    )
    stored = _stored_dtype(base)
    processor = _processor(files, base)
    model = PeftModel.from_pretrained(base.model, files).eval()
    probe = _probe(base, processor)
    wanted = _logits(model, probe)
    merged = model.merge_and_unload()

    draft = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        is_exaone = isinstance(merged.config, ExaoneConfig)
        # Under the names that the base's own files have, which other engines look for.
        merged.to(stored).save_pretrained(draft, save_original_format=not is_exaone)
        if is_exaone:
            llama_config(merged.config).save_pretrained(draft)
        (processor or base.tokenizer).save_pretrained(draft)
        licence = _licence(files, base.source)
        _write_card(draft, source, base.source, licence, _domain(files), sees=processor is not None)
        _check_answers(base.model_class, draft, probe, wanted, stored)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return licence


def _fetch(adapter: str, revision: str) -> tuple[Revision, Path]:
    if Path(adapter).is_dir():
        source, files = Revision(id=adapter, revision=LOCAL), Path(adapter)
    else:
        api = HfApi()
        with said_plainly(f"adapter {adapter}", api):
            files = Path(
                api.snapshot_download(
                    adapter,
                    revision=revision,
                    allow_patterns=["adapter_*", RUN_FILE, *_PROCESSOR_FILES],
                )
            )
        source = Revision(id=adapter, revision=files.name)
    if not (files / "adapter_config.json").is_file():
        raise BogamError(f"adapter {adapter}: no adapter_config.json; this is no PEFT adapter.")
    return source, files


def _stored_dtype(base: LoadedBase) -> torch.dtype:
    """The precision of the base's files, in which the result is saved."""
    path = base_file(base.source, "config.json")
    stated = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    name = stated.get("dtype") or stated.get("torch_dtype") or "float32"
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _processor(files: Path, base: LoadedBase) -> ProcessorMixin | None:
    """The adapter's own one where it has one: it holds the limits for pictures of its training."""
    if base.processor is None or not (files / "processor_config.json").is_file():
        return base.processor
    return load_processor(files, base.model.config)


def _probe(base: LoadedBase, processor: ProcessorMixin | None) -> dict[str, torch.Tensor]:
    """Tokens from all over the vocabulary; for a model that sees, after a picture of noise."""
    last = base.model.config.get_text_config().vocab_size - 1
    tokens = torch.linspace(0, last, _PROBE_TOKENS).long()[None]
    if processor is None:
        return {"input_ids": tokens}
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    content = [{"type": "image"}, {"type": "text", "text": "?"}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], tokenize=False)
    return dict(processor(images=[Image.fromarray(noise)], text=[text], return_tensors="pt"))


def _logits(model: torch.nn.Module, probe: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(**probe).logits
    return logits.float()


def _check_answers(
    model_class: ModelClass,
    draft: Path,
    probe: dict[str, torch.Tensor],
    wanted: torch.Tensor,
    stored: torch.dtype,
) -> None:
    reloaded = model_class.from_pretrained(draft, dtype=torch.float32)
    difference = float((_logits(reloaded, probe) - wanted).abs().max())
    allowed = _TOLERANCE[stored] * max(1.0, float(wanted.abs().max()))
    if not difference <= allowed:
        raise BogamError(
            f"{draft}: the merged model answers differently from adapter and base together: "
            f"logits differ by up to {difference:.3g} (allowed: {allowed:.3g}). Nothing was "
            "written."
        )
    logger.info("merged; logits differ by up to %.3g", difference)


def _licence(files: Path, base: Revision) -> Licence:
    """Of the run that made the adapter; for an adapter from elsewhere, of its base."""
    readme = base_file(base, "README.md")
    card = ModelCard.load(readme).data.to_dict() if readme is not None else None
    of_base = licence_of_base(base.id, card)
    if not (files / RUN_FILE).is_file():
        return of_base
    return derive(of_base, find_licence(RunRecord.read(files / RUN_FILE).licence))


def _domain(files: Path) -> Domain:
    """Of the run that made the adapter, whose limits the merged model has too."""
    run = files / RUN_FILE
    return RunRecord.read(run).domain if run.is_file() else "general"


def _write_card(
    draft: Path,
    adapter: Revision,
    base: Revision,
    licence: Licence,
    domain: Domain,
    *,
    sees: bool,
) -> None:
    of_base = base_file(base, "LICENSE")
    if of_base is not None:
        shutil.copyfile(of_base, draft / "LICENSE")
    names = []
    models = []
    for part in (adapter, base):
        if part.revision == LOCAL:
            names.append(f"`{Path(part.id).name}` (a local folder)")
        else:
            names.append(f"`{part.id}` at commit `{part.revision}`")
            models.append(part.id)
    text = derived_card(
        "Merged model",
        licence,
        metadata={"base_model": models or None},
        sees=sees,
        domain=domain,
        made=Bilingual(
            "어댑터를 양자화하지 않은 기반 모델에 합친 모델입니다.",
            f"The adapter {names[0]} merged into the unquantised base {names[1]}.",
        ),
        checked=Bilingual(
            "합친 모델의 로짓이 어댑터와 기반 모델을 함께 쓴 것과 같음을 확인했습니다. 어댑터 "
            "카드의 수치는 학습 때의 형태로 잰 것이라 이 형태에서는 조금 다를 수 있습니다.",
            "Its logits were compared with those of adapter and base together. The numbers on the "
            "adapter's card were measured on adapter and base as trained; on this form they may "
            "differ a little.",
        ),
        data=Bilingual(
            "학습 자료는 어댑터와 기반 모델의 카드에 있습니다.",
            "What adapter and base were trained on stands on their cards.",
        ),
    )
    (draft / "README.md").write_text(text, encoding="utf-8")
