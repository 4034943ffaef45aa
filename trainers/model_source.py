"""Where a model to ask is, and what its run says of it. Loads no weights and imports no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from cards.answer_classes import AnswerClass
from cards.errors import BogamError
from cards.records import PREDICTIONS_FILE, RUN_FILE, Revision, RunRecord
from hub.refusals import said_plainly
from trainers.recipe_schema import BaseModelSection, ImagesSection, QuantisationSection

LOCAL = "local"
"""The revision of a folder on this machine."""
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
MODEL_CONFIG = "config.json"
USUAL_NEW_TOKENS = 512
"""Longest answer of a model whose run is not known."""
# Everything but weights: configs, tokenizer, processor, record and card.
_SMALL_FILES = ["*.json", "*.jinja", "*.txt", "*.model", "README.md"]


@dataclass(frozen=True)
class ModelSource:
    """An adapter or a whole model at one commit."""

    name: str
    """As it was asked for: a Hub id or a folder."""
    revision: Revision
    folder: Path
    """Holds at least its small files."""
    base: BaseModelSection | None
    """Of an adapter, at the commit that the adapter names; None for a whole model."""
    run: RunRecord | None
    """The run that made it; None for a model from elsewhere."""

    @property
    def section(self) -> BaseModelSection:
        """What `trainers.base_model.load_base` loads: the adapter's base, or the model itself."""
        return self.base or BaseModelSection(
            id=self.revision.id,
            revision="main" if self.revision.revision == LOCAL else self.revision.revision,
        )

    @property
    def system_prompt(self) -> str | None:
        prompt = self._recipe.get("system_prompt")
        return None if prompt is None else str(prompt)

    @property
    def classes(self) -> tuple[AnswerClass, ...]:
        """The closed set of answers; empty where answers are free."""
        return tuple(AnswerClass.model_validate(one) for one in self._recipe.get("classes") or ())

    @property
    def max_new_tokens(self) -> int:
        """As many as it was measured with."""
        return int(self._recipe.get("evaluation", {}).get("max_new_tokens", USUAL_NEW_TOKENS))

    @property
    def images(self) -> ImagesSection | None:
        """The limits of pixels that it was trained with."""
        stated = self._recipe.get("images")
        return None if stated is None else ImagesSection.model_validate(stated)

    @property
    def quantisation(self) -> QuantisationSection | None:
        """How its run held the base in 4 bits; None where it did not."""
        stated = self._recipe.get("quantisation")
        return None if stated is None else QuantisationSection.model_validate(stated)

    @property
    def _recipe(self) -> dict[str, Any]:
        return self.run.recipe if self.run is not None else {}


def find_model(name: str, *, revision: str = "main") -> ModelSource:
    """Fetch the small files of a model and read them.

    Args:
        name: Hub id, or a folder: a release, a merged model, any that save_pretrained wrote.

    Raises:
        BogamError: neither a folder nor a repo, no access, Hub not reachable, or no model in it.
    """
    if Path(name).is_dir():
        at, folder = Revision(id=name, revision=LOCAL), Path(name)
    elif name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise BogamError(f"model {name}: no such folder, and a repo on a Hub is called owner/name.")
    else:
        folder = _downloaded(name, revision)
        at = Revision(id=name, revision=folder.name)
    base = _base_of(name, folder)
    if base is None and not (folder / MODEL_CONFIG).is_file():
        raise BogamError(
            f"model {name}: holds neither {ADAPTER_CONFIG} nor {MODEL_CONFIG}, so it is no model "
            "that transformers can load."
        )
    run = RunRecord.read(folder / RUN_FILE) if (folder / RUN_FILE).is_file() else None
    return ModelSource(name=name, revision=at, folder=folder, base=base, run=run)


def download_adapter(source: ModelSource) -> Path:
    """The folder of an adapter with its weights."""
    if source.revision.revision == LOCAL:
        return source.folder
    api = HfApi()
    with said_plainly(f"model {source.name}", api):
        return Path(
            api.snapshot_download(
                source.revision.id,
                revision=source.revision.revision,
                allow_patterns=[*_SMALL_FILES, ADAPTER_WEIGHTS],
            )
        )


def _downloaded(name: str, revision: str) -> Path:
    api = HfApi()
    with said_plainly(f"model {name}", api):
        try:
            return Path(api.snapshot_download(name, revision=revision, allow_patterns=_SMALL_FILES))
        except GatedRepoError as error:
            raise BogamError(
                f"model {name}: gated. Accept its terms on {api.endpoint}/{name} with the account "
                "of your token, then run again."
            ) from error
        except RepositoryNotFoundError as error:
            raise BogamError(
                f"model {name}: neither a folder here nor a model on {api.endpoint} that this "
                "token may see. Check the spelling, HF_ENDPOINT and HF_TOKEN (`hf auth login`)."
            ) from error
        except RevisionNotFoundError as error:
            raise BogamError(
                f"model {name}: no branch, tag or commit {revision!r} on {api.endpoint}."
            ) from error
        except LocalEntryNotFoundError as error:
            raise BogamError(
                f"model {name}: not in the cache of this machine, and {api.endpoint} cannot be "
                "reached. Is the Hub running, and HF_HUB_OFFLINE unset?"
            ) from error


def _base_of(name: str, folder: Path) -> BaseModelSection | None:
    path = folder / ADAPTER_CONFIG
    if not path.is_file():
        return None
    config = json.loads(path.read_text(encoding="utf-8"))
    base = config.get("base_model_name_or_path")
    if not base:
        raise BogamError(f"model {name}: its {ADAPTER_CONFIG} does not say which base it is for.")
    return BaseModelSection(id=base, revision=config.get("revision") or "main")


def predictions_file(source: ModelSource) -> Path | None:
    """The answers that a run was measured on, beside the model; None where there are none."""
    if source.revision.revision == LOCAL or source.run is None:
        path = source.folder / PREDICTIONS_FILE
        return path if path.is_file() else None
    with said_plainly(f"model {source.name}", HfApi()):
        return Path(
            hf_hub_download(source.revision.id, PREDICTIONS_FILE, revision=source.revision.revision)
        )


def sees_images(source: ModelSource) -> bool:
    """Whether it is a vision-language model, by its own config or its base's."""
    folder = source.folder
    if source.base is not None:
        base = source.base.id
        folder = Path(base) if Path(base).is_dir() else _downloaded(base, source.base.revision)
    config = folder / MODEL_CONFIG
    if not config.is_file():
        raise BogamError(f"model {source.name}: {config}: not found, so its kind is not known.")
    return "vision_config" in json.loads(config.read_text(encoding="utf-8"))
