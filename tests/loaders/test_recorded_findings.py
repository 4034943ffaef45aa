"""What every builder says of its rows besides the rows."""

from __future__ import annotations

import re

import pytest

from loaders import DATASETS
from loaders.dataset_folder import find_builder
from loaders.notices import MEANINGS, Oddity


def test_every_oddity_is_told_in_both_languages() -> None:
    assert set(MEANINGS) == set(Oddity)
    for meaning in MEANINGS.values():
        assert re.search("[가-힣]", meaning.ko)
        assert not re.search("[가-힣]", meaning.en)


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_every_builder_says_what_it_never_splits(name: str) -> None:
    assert "never split apart: rows" in find_builder(name).COLUMNS["document_id"].en
