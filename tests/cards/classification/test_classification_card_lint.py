"""The card of a classifier passes the gate that it must pass when it is published."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from cards.lint import publishable
from cards.model_card import render_model_card
from cards.records import RunRecord


@pytest.mark.parametrize("kind", ["scored", "written"])
def test_the_card_of_a_classifier_is_clean(
    kind: str,
    request: pytest.FixtureRequest,
    run_of: Callable[[pa.Table], RunRecord],
    caplog: pytest.LogCaptureFixture,
) -> None:
    predictions = request.getfixturevalue(kind)
    run = run_of(predictions)
    publishable(render_model_card(run, predictions), run)
    assert caplog.records == []
