"""Loading the model that is tuned: by id and revision, whole, and without remote code."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    ProcessorMixin,
)

from cards.errors import BogamError
from cards.records import Revision
from hub.refusals import said_plainly
from trainers.exaone import MODEL_TYPE as EXAONE
from trainers.exaone import register_exaone
from trainers.quantisation import keep_trainable, quantisation_config
from trainers.recipe_schema import BaseModelSection, ImagesSection, QuantisationSection
from trainers.vision_processor import is_vision_language, load_processor

logger = logging.getLogger(__name__)

ModelClass = type[AutoModelForCausalLM] | type[AutoModelForImageTextToText]
LOCAL = "local"
"""The revision of a folder on this machine."""


@dataclass(frozen=True)
class LoadedBase:
    """A base model ready for LoRA: weights frozen as they come, nothing wrapped."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: Revision
    compute_dtype: torch.dtype
    processor: ProcessorMixin | None = None
    """Of a vision-language model, `tokenizer` being its tokenizer; None for a text model."""

    @property
    def model_class(self) -> ModelClass:
        """The transformers class that loads this model, and what is trained on it."""
        return model_class(self.model.config)


def model_class(config: PreTrainedConfig) -> ModelClass:
    """The transformers class that loads a model with this config."""
    if is_vision_language(config):
        return cast("ModelClass", AutoModelForImageTextToText)
    return cast("ModelClass", AutoModelForCausalLM)


def load_base(
    section: BaseModelSection,
    *,
    precision: Literal["auto", "bf16", "fp32"] = "auto",
    quantisation: QuantisationSection | None = None,
    images: ImagesSection | None = None,
    device: torch.device | None = None,
) -> LoadedBase:
    """Load model and tokenizer of one commit; for a vision-language model, its processor too.

    Weights that are not quantised have the dtype of the computation. `device` is where the
    weights go; None leaves that to whoever trains (and, quantised, to transformers).

    Raises:
        BogamError: no such repo, folder or revision, no access, Hub not reachable, weights
            missing or misshapen, no chat template, limits for pictures that do not fit the model.
    """
    source = resolve_base(section)
    config = load_config(source)
    dtype = compute_dtype(precision)
    processor = load_base_processor(source, config, images)
    tokenizer = load_tokenizer(source) if processor is None else processor.tokenizer
    model = _load_model(source, config, dtype, quantisation, device)
    keep_trainable(model)
    # Padding is masked by position everywhere, so a pad token that equals eos is harmless.
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    if model.generation_config is not None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    return LoadedBase(model, tokenizer, source, dtype, processor)


def load_config(source: Revision) -> PreTrainedConfig:
    """The model's own config, of which architecture it is."""
    register_exaone()
    with loading_errors(source, "config"):
        config = AutoConfig.from_pretrained(source.id, **_at(source))
    assert isinstance(config, PreTrainedConfig)
    return config


def load_base_processor(
    source: Revision, config: PreTrainedConfig, images: ImagesSection | None
) -> ProcessorMixin | None:
    """The processor of a vision-language model, its tokenizer ready for use; None for others."""
    if not is_vision_language(config):
        if images is not None:
            raise BogamError(
                f"base model {source.id} ({config.model_type}) sees no pictures, but the recipe "
                "has a section `images`. Leave it out, or choose a vision-language model."
            )
        return None
    with loading_errors(source, "processor"):
        processor = load_processor(source.id, config, images, **_at(source))
    _check_tokenizer(source, processor.tokenizer)
    return processor


def compute_dtype(precision: Literal["auto", "bf16", "fp32"]) -> torch.dtype:
    """`auto` is bfloat16 on a GPU that has it, float32 elsewhere (CPUs are slower in bfloat16)."""
    has_bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    if precision == "bf16" and torch.cuda.is_available() and not has_bf16:
        raise BogamError(
            "schedule.precision: bf16 is asked for, but this GPU has none. "
            "Say auto or fp32 in the recipe."
        )
    if precision == "bf16" or (precision == "auto" and has_bf16):
        return torch.bfloat16
    return torch.float32


def resolve_base(section: BaseModelSection) -> Revision:
    """Which commit a branch or tag stands for now; `local` for a folder.

    With `HF_HUB_OFFLINE=1` the copy in the cache decides.
    """
    folder = Path(section.id)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise BogamError(
                f"base model {section.id}: the folder has no config.json. "
                "Name the folder that save_pretrained wrote."
            )
        return Revision(id=section.id, revision=LOCAL)
    if section.id.startswith((".", "/", "~")) or section.id.count("/") > 1:
        raise BogamError(f"base model {section.id}: no such folder.")
    return _on_the_hub(section)


def load_tokenizer(source: Revision) -> PreTrainedTokenizerBase:
    """The tokenizer with its chat template; a missing pad token becomes eos."""
    register_exaone()
    with loading_errors(source, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(source.id, **_at(source))
    _check_tokenizer(source, tokenizer)
    return tokenizer


def _check_tokenizer(source: Revision, tokenizer: PreTrainedTokenizerBase) -> None:
    if not tokenizer.chat_template:
        raise BogamError(
            f"base model {source.id}: its tokenizer has no chat template, so there is no way to "
            "tell question from answer. Choose an instruction-tuned model, or put a "
            "chat_template.jinja beside its tokenizer."
        )
    if tokenizer.eos_token_id is None:
        raise BogamError(f"base model {source.id}: its tokenizer has no eos token to end answers.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


def refuse_unpublishable(base: LoadedBase, repo: str) -> None:
    """Stop before training when others could not load an adapter of this base by `repo` alone."""
    if base.source.revision == LOCAL:
        raise BogamError(
            f"{repo} cannot be published: its base model is the folder {base.source.id}, which "
            "nobody else has. Publish that folder and put its Hub id into base_model.id."
        )
    if base.model.config.model_type == EXAONE:
        raise BogamError(
            f"{repo} cannot be published on {base.source.id}: plain transformers cannot load an "
            "EXAONE 3.x base. Convert it once (bogam convert-base) and put the converted repo "
            "into base_model.id; its weights are the same."
        )


def _load_model(
    source: Revision,
    config: PreTrainedConfig,
    dtype: torch.dtype,
    quantisation: QuantisationSection | None,
    device: torch.device | None,
) -> PreTrainedModel:
    arguments: dict[str, Any] = {"dtype": dtype, "use_safetensors": True, **_at(source)}
    if quantisation is not None:
        arguments["quantization_config"] = quantisation_config(quantisation, dtype)
    if device is not None:
        arguments["device_map"] = {"": device}
    with loading_errors(source, "model"):
        model, report = model_class(config).from_pretrained(
            source.id, output_loading_info=True, **arguments
        )
    lost = sorted(report["missing_keys"]) + sorted(report["mismatched_keys"])
    unread = sorted(report["unexpected_keys"])
    if lost or unread:
        raise BogamError(
            f"base model {source.id}: its weights do not fit its own config "
            f"({type(model).__name__}): {len(lost)} missing or misshapen {lost[:3]}, "
            f"{len(unread)} not used {unread[:3]}. The checkpoint is damaged or of another "
            "architecture; training on it would start from random weights."
        )
    return model


def _at(source: Revision) -> dict[str, str]:
    return {} if source.revision == LOCAL else {"revision": source.revision}


def _on_the_hub(section: BaseModelSection) -> Revision:
    api, what = HfApi(), f"base model {section.id}"
    with said_plainly(what, api):
        try:
            api.model_info(section.id, revision=section.revision)
            # Asked for by branch, so that the cache knows the branch too when offline.
            config = hf_hub_download(section.id, "config.json", revision=section.revision)
        except OfflineModeIsEnabled:
            return _cached(section)
        except GatedRepoError as error:
            raise BogamError(
                f"{what}: gated. Accept its terms on {api.endpoint}/{section.id} with the account "
                "of your token, then run again."
            ) from error
        except RepositoryNotFoundError as error:
            raise BogamError(
                f"{what}: neither a folder here nor a model on {api.endpoint} that this token may "
                "see. Check the spelling, HF_ENDPOINT and HF_TOKEN (`hf auth login`)."
            ) from error
        except RevisionNotFoundError as error:
            raise BogamError(
                f"{what}: no branch, tag or commit {section.revision!r} on {api.endpoint}. "
                "Correct base_model.revision."
            ) from error
        except RemoteEntryNotFoundError as error:
            raise BogamError(
                f"{what}: holds no config.json at {section.revision!r}, so it is no model that "
                "transformers can load."
            ) from error
    return _at_commit(section, config)


def _at_commit(section: BaseModelSection, cached: str) -> Revision:
    """The cache keeps each file in a folder called after its commit."""
    return Revision(id=section.id, revision=Path(cached).parent.name)


def _cached(section: BaseModelSection) -> Revision:
    found = try_to_load_from_cache(section.id, "config.json", revision=section.revision)
    if not isinstance(found, str):
        raise BogamError(
            f"base model {section.id} at {section.revision}: not in the cache of this machine, "
            "and HF_HUB_OFFLINE=1 forbids asking the Hub. Unset it once to download the model."
        )
    return _at_commit(section, found)


@contextmanager
def loading_errors(source: Revision, part: str) -> Iterator[None]:
    """What transformers raises for files that are missing, cut or misshapen, told shortly."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise BogamError(
            f"base model {source.id} ({source.revision}): its {part} could not be loaded: "
            f"{first_line}"
        ) from error
