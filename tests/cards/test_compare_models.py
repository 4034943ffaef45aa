"""Two models on one benchmark: paired, symmetric, and only where they can be compared."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from cards.compare import Contestant, compare_models
from cards.errors import BogamError
from cards.records import Revision, RunRecord
from cards.scoring import score, summarise

RESAMPLES = 200


def contestant(name: str, run: RunRecord, predictions: pa.Table) -> Contestant:
    return Contestant(Revision(id=f"org/{name}", revision="5" * 40), run, predictions)


def answering(predictions: pa.Table, column: str, name: str = "tuned") -> pa.Table:
    """The same examples, answered by a model that says what `column` holds."""
    table = predictions.set_column(
        predictions.column_names.index(name), name, predictions[column].combine_chunks()
    )
    return score("generation", table)


@pytest.fixture(scope="module")
def worse(predictions: pa.Table) -> pa.Table:
    table = predictions.set_column(
        predictions.column_names.index("tuned_nll"), "tuned_nll", predictions["zero_shot_nll"]
    )
    return answering(table, "zero_shot")


def test_it_says_what_the_card_says_when_the_first_is_the_zero_shot_model(
    run_record: RunRecord, predictions: pa.Table, worse: pa.Table
) -> None:
    result = compare_models(
        contestant("a", run_record, worse),
        contestant("b", run_record, predictions),
        resamples=RESAMPLES,
    )
    metrics, differences = summarise(
        "generation", predictions, resamples=RESAMPLES, seed=run_record.seeds["bootstrap"]
    )
    assert tuple(one.difference for one in result.metrics) == differences
    assert {one.difference.metric: one.second for one in result.metrics} == metrics["tuned"]
    assert {one.difference.metric: one.first for one in result.metrics} == metrics["zero_shot"]
    assert result.examples == predictions.num_rows
    assert (result.only_first, result.only_second, result.notes) == (0, 0, ())


def test_a_model_does_not_differ_from_itself(run_record: RunRecord, predictions: pa.Table) -> None:
    same = contestant("a", run_record, predictions)
    result = compare_models(same, same, resamples=RESAMPLES)
    for one in result.metrics:
        assert (one.difference.difference, one.difference.low, one.difference.high) == (0, 0, 0)
        assert one.difference.p_value == 1
    assert (result.first_better, result.second_better, result.disagreements) == (0, 0, ())


def test_changing_places_turns_the_difference_around(
    run_record: RunRecord, predictions: pa.Table, worse: pa.Table
) -> None:
    pair = contestant("a", run_record, worse), contestant("b", run_record, predictions)
    there = compare_models(*pair, resamples=RESAMPLES)
    back = compare_models(*reversed(pair), resamples=RESAMPLES)
    for one, other in zip(there.metrics, back.metrics, strict=True):
        assert one.difference.difference == pytest.approx(-other.difference.difference)
        assert one.difference.low == pytest.approx(-other.difference.high)
        assert one.difference.p_value == other.difference.p_value
    assert (there.first_better, there.second_better) == (back.second_better, back.first_better)


def test_the_order_of_the_rows_does_not_matter(
    run_record: RunRecord, predictions: pa.Table, worse: pa.Table
) -> None:
    shuffled = worse.take(np.random.RandomState(0).permutation(worse.num_rows))
    first = contestant("a", run_record, predictions)
    straight = compare_models(first, contestant("b", run_record, worse), resamples=RESAMPLES)
    mixed = compare_models(first, contestant("b", run_record, shuffled), resamples=RESAMPLES)
    assert straight == mixed


def test_disagreements_are_the_largest_differences_of_both_directions(
    run_record: RunRecord, predictions: pa.Table, worse: pa.Table
) -> None:
    result = compare_models(
        contestant("a", run_record, worse),
        contestant("b", run_record, predictions),
        resamples=RESAMPLES,
        shown=6,
    )
    gains = predictions["tuned_character_f1"].to_numpy() - worse["tuned_character_f1"].to_numpy()
    assert result.first_better == int((gains < 0).sum()) > 0
    assert result.second_better == int((gains > 0).sum()) > 0
    found = [one.second_score - one.first_score for one in result.disagreements]
    assert found[0] == pytest.approx(gains.min())
    assert found[1] == pytest.approx(gains.max())
    assert len(found) == 6
    row = predictions["id"].to_pylist().index(result.disagreements[1].id)
    assert result.disagreements[1].second == predictions["tuned"][row].as_py()
    assert result.disagreements[1].first == worse["tuned"][row].as_py()


def test_only_what_both_answered_counts_and_the_rest_is_stated(
    run_record: RunRecord, predictions: pa.Table, worse: pa.Table
) -> None:
    result = compare_models(
        contestant("a", run_record, predictions.slice(0, 100)),
        contestant("b", run_record, worse.slice(30)),
        resamples=RESAMPLES,
    )
    assert (result.examples, result.only_first, result.only_second) == (70, 30, 20)
    assert {one.first.n for one in result.metrics} == {70}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "org/another"}, "their dataset differs"),
        ({"revision": "9" * 40}, "their commit of the dataset differs"),
    ],
)
def test_another_benchmark_is_refused(
    run_record: RunRecord, predictions: pa.Table, changes: dict[str, str], message: str
) -> None:
    other = run_record.model_copy(update={"dataset": run_record.dataset.model_copy(update=changes)})
    with pytest.raises(BogamError, match=message):
        compare_models(
            contestant("a", run_record, predictions), contestant("b", other, predictions)
        )


def test_nothing_in_common_is_refused(run_record: RunRecord, predictions: pa.Table) -> None:
    with pytest.raises(BogamError, match="no example was answered by both"):
        compare_models(
            contestant("a", run_record, predictions.slice(0, 50)),
            contestant("b", run_record, predictions.slice(50)),
        )


def test_references_that_differ_are_refused(run_record: RunRecord, predictions: pa.Table) -> None:
    forged = answering(predictions, "tuned", name="reference")
    with pytest.raises(BogamError, match=r"reference of q000\d+ differs"):
        compare_models(
            contestant("a", run_record, predictions), contestant("b", run_record, forged)
        )


def test_an_example_that_stands_twice_is_refused(
    run_record: RunRecord, predictions: pa.Table
) -> None:
    twice = pa.concat_tables([predictions, predictions.slice(0, 1)])
    with pytest.raises(BogamError, match="more than once"):
        compare_models(contestant("a", run_record, predictions), contestant("b", run_record, twice))


def test_perplexity_of_two_tokenizers_is_not_compared(
    run_record: RunRecord, predictions: pa.Table
) -> None:
    tokens = pa.array([30] * predictions.num_rows)
    other = predictions.set_column(
        predictions.column_names.index("answer_tokens"), "answer_tokens", tokens
    )
    result = compare_models(
        contestant("a", run_record, predictions),
        contestant("b", run_record, other),
        resamples=RESAMPLES,
    )
    names = {one.difference.metric for one in result.metrics}
    assert "perplexity" not in names
    assert "character_f1" in names
    assert any("perplexity per token is not compared" in note for note in result.notes)


def test_other_settings_of_the_evaluation_are_told(
    run_record: RunRecord, predictions: pa.Table
) -> None:
    recipe = run_record.recipe | {"evaluation": {"split": "test", "max_new_tokens": 64}}
    other = run_record.model_copy(update={"recipe": recipe})
    result = compare_models(
        contestant("a", run_record, predictions),
        contestant("b", other, predictions),
        resamples=RESAMPLES,
    )
    assert result.notes == ("evaluation.max_new_tokens: 512 and 64",)


def test_it_is_valid_json(run_record: RunRecord, predictions: pa.Table, worse: pa.Table) -> None:
    result = compare_models(
        contestant("a", run_record, worse),
        contestant("b", run_record, predictions),
        resamples=RESAMPLES,
    )
    read = json.loads(json.dumps(result.to_dict()))
    assert read["first"]["id"] == "org/a"
    gain = read["metrics"]["character_f1"]
    assert gain["difference"]["difference"] == pytest.approx(
        gain["second"]["value"] - gain["first"]["value"]
    )
    assert len(read["disagreements"]) == 10
