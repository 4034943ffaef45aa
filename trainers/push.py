"""Publishing a finished run: what is allowed is settled before training, the rest afterwards."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from huggingface_hub import HfApi, ModelCard

from cards.errors import BogamError
from cards.licences import Licence, check_publication, derive, find_licence, licence_of_base
from cards.lint import publishable
from cards.records import Publication, Revision
from hub.publish import publish_model
from hub.push import look_at
from trainers.base_files import base_file
from trainers.base_model import LOCAL
from trainers.dataset_source import DatasetSource
from trainers.recipe_schema import Recipe
from trainers.release_folder import card_of
from trainers.run_folder import RunFolder

logger = logging.getLogger(__name__)

UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class PublicationPlan:
    """Where the result goes, and under which terms."""

    base_licence: Licence
    licence: Licence
    publication: Publication | None


def plan_publication(recipe: Recipe, base: Revision, dataset: DatasetSource) -> PublicationPlan:
    """Settle licence and target, so that nothing forbids the push after hours of training.

    Raises:
        BogamError: the licence, the target's name, a part that others cannot get, the token or
            the Hub forbids publishing as the recipe asks.
    """
    section = recipe.publication
    base_licence = _base_licence(base, needed=section.repo is not None)
    licence = derive(base_licence, dataset.licence)
    if section.repo is None:
        return PublicationPlan(base_licence, licence, None)
    for part, source in (("base model", base), ("dataset", dataset.revision)):
        if source.revision == LOCAL:
            raise BogamError(
                f"{section.repo} cannot be published: its {part} is the folder {source.id}, "
                "which nobody else has. Publish that first (a dataset with `bogam publish`, a "
                "model with `hf upload`) and put its Hub id into the recipe."
            )
    target = look_at(HfApi(), section.repo, "model", public=not section.private)
    check_publication(
        licence,
        section.repo,
        private=target.private,
        made_from=(base_licence, dataset.licence),
    )
    publication = Publication(repo_id=section.repo, private=target.private)
    return PublicationPlan(base_licence, licence, publication)


def publish(folder: RunFolder, publication: Publication) -> Revision:
    """Make the release one commit; a release that was published there already is left alone.

    Raises:
        BogamError: a gate refused, or the Hub did. Nothing is published then.
    """
    if folder.published.is_file():
        published = Revision.read(folder.published)
        if published.id == publication.repo_id:
            logger.info("%s: published before, commit %s", published.id, published.revision)
            return published
    done = publish_model(
        folder.release,
        publication.repo_id,
        card=lambda record: publishable(card_of(folder.release, record), record),
        public=not publication.private,
    )
    published = Revision(id=done.repo_id, revision=done.commit)
    published.write(folder.published)
    logger.info("%s: published, commit %s", done.url, done.commit)
    return published


def _base_licence(base: Revision, *, needed: bool) -> Licence:
    readme = base_file(base, "README.md")
    card_data = ModelCard.load(readme).data.to_dict() if readme is not None else None
    try:
        return licence_of_base(base.id, card_data)
    except BogamError:
        if needed:
            raise
        logger.warning(
            "base model %s: its licence is not known; the result is for this machine only", base.id
        )
        return find_licence(UNKNOWN_LICENCE)
