"""Files that stand beside a base model's weights."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError

from cards.records import Revision
from hub.refusals import said_plainly
from trainers.base_model import LOCAL


def base_file(base: Revision, name: str) -> Path | None:
    """A file of the base model, on this machine; None where it has none of that name."""
    if base.revision == LOCAL:
        path = Path(base.id) / name
        return path if path.is_file() else None
    with said_plainly(f"base model {base.id}", HfApi()):
        try:
            return Path(hf_hub_download(base.id, name, revision=base.revision))
        except EntryNotFoundError:
            return None
