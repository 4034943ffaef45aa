"""What the builder says must stop publication does; what it leaves out does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from huggingface_hub import HfApi

from cards.dataset_card import render_dataset_card
from cards.errors import BogamError
from cards.records import DatasetRecord
from hub.publish import publish_dataset

Build = Callable[..., tuple[DatasetRecord, Path]]


class Hub(Protocol):
    def api(self, user: str | None) -> HfApi: ...


@pytest.mark.system
def test_a_picture_in_two_classes_is_not_published_until_it_is_settled(
    evidence: Path, build_evidence: Build, hub: Hub, fresh_id: Callable[[str], str]
) -> None:
    place = sorted((evidence / "2_transaction_place").iterdir())[0]
    shutil.copy(place, evidence / "0_irrelevant" / "copy.jpg")
    api, repo = hub.api("alice"), fresh_id("org")

    _, contradicting = build_evidence(evidence)
    with pytest.raises(BogamError, match=r"contradicting_labels \(1\)"):
        publish_dataset(contradicting, repo, card=render_dataset_card, api=api)
    assert not api.repo_exists(repo, repo_type="dataset")

    _, settled = build_evidence(evidence, contradictions="reject")
    publish_dataset(settled, repo, card=render_dataset_card, api=api)
    assert api.repo_exists(repo, repo_type="dataset")
