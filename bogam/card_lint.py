"""Linting the card of a repo on a Hub: its text files and the cards of what it is made from."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bogam.verify import find_repo
from cards.card import CARD_FILE, is_repo_id
from cards.lint import CardDocument, LintFinding, RepoType, lint_folder, result_files
from hub.refusals import said_plainly

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_MOST_LOOKED_UP = 10
"""A merge may name dozens of base models."""


def lint_repo(
    repo_id: str,
    *,
    repo_type: RepoType | None = None,
    revision: str = "main",
    api: HfApi | None = None,
) -> list[LintFinding]:
    """Lint the card of a repo; no weights are downloaded.

    Args:
        repo_type: None looks for a model and for a dataset of this name.
        revision: branch, tag or commit.
        api: the client to use; None takes Hub and token from HF_ENDPOINT and the login.

    Raises:
        BogamError: there is no such repo or revision, or the Hub fails.
    """
    from huggingface_hub import HfApi

    api = api or HfApi(library_name="bogam")
    doing = f"Linting the card of {repo_id}"
    with said_plainly(doing, api), tempfile.TemporaryDirectory(prefix="bogam-lint-") as name:
        repo_type, info = find_repo(api, repo_id, repo_type, revision, doing)
        folder = Path(name)
        files = frozenset(sibling.rfilename for sibling in info.siblings or ())
        for path in (CARD_FILE, *result_files(files)):
            if path in files:
                api.hf_hub_download(
                    repo_id, path, repo_type=repo_type, revision=info.sha, local_dir=folder
                )
        metadata = _metadata(folder / CARD_FILE)
        return lint_folder(
            folder,
            repo_type=repo_type,
            repo_id=info.id,
            files=files,
            base_models=_cards(api.model_info, metadata.get("base_model")),
            datasets=_cards(api.dataset_info, metadata.get("datasets")),
        )


def _metadata(readme: Path) -> dict[str, Any]:
    if not readme.is_file():
        return {}
    return CardDocument(readme.read_bytes().decode(errors="replace")).metadata


def _cards(look_up: Callable[[str], Any], named: object) -> dict[str, Mapping[str, Any] | None]:
    """{id: metadata of its card, None where the Hub has no such repo}."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    cards: dict[str, Mapping[str, Any] | None] = {}
    ids = [name for name in (named if isinstance(named, list) else [named]) if name]
    for repo_id in ids[:_MOST_LOOKED_UP]:
        if not isinstance(repo_id, str) or not is_repo_id(repo_id):
            continue  # the rules say so
        try:
            card_data = look_up(repo_id).card_data
        except (RepositoryNotFoundError, GatedRepoError):
            cards[repo_id] = None
        else:
            cards[repo_id] = card_data.to_dict() if card_data else {}
    return cards
