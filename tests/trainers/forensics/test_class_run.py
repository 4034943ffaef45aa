"""A classification recipe from base model to a release whose every number can be checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bogam.verify import verify_folder
from cards.class_predictions import classes_of
from cards.errors import BogamError
from cards.records import PREDICTIONS_FILE
from trainers.finetune import finetune
from trainers.label_scoring import label_log_probs


def test_a_run_scores_both_models_on_the_same_rows(
    class_recipe: Callable[..., Any], class_data: Callable[..., Any]
) -> None:
    from trainers.class_run import answer_classes, check_answers

    recipe = class_recipe(loss={"kind": "class_balanced", "gamma": 1.0})
    result = finetune(recipe)
    predictions = pq.read_table(result.release / PREDICTIONS_FILE)
    assert [one.name for one in classes_of(predictions)] == [
        one.name for one in recipe.classes or ()
    ]
    _, base, data = class_data()
    labels = check_answers(base, data, answer_classes(recipe))
    assert predictions["id"].to_pylist() == data.evaluation.ids
    names = [one.name for one in classes_of(predictions)]
    for number, row in enumerate(predictions["zero_shot_probabilities"].to_pylist()):
        alone = label_log_probs(base.model.eval(), data.evaluation.inputs([number]), labels)[0]
        assert [row[name] for name in names] == pytest.approx(
            alone.softmax(dim=0).tolist(), abs=1e-5
        )
    tuned = predictions["tuned_probabilities"].to_pylist()
    assert tuned != predictions["zero_shot_probabilities"].to_pylist()
    assert result.record.metrics["tuned"]["accuracy"].n == predictions.num_rows
    assert "calibration_error" in result.record.metrics["tuned"]
    assert not verify_folder(result.release).failures
    figures = {path.name for path in (result.release / "figures").iterdir()}
    assert {"confusion.png", "classes.png", "reliability.png", "abstention.png"} <= figures


def test_zero_shot_is_measured_in_four_bits_and_in_full_precision(
    class_recipe: Callable[..., Any],
) -> None:
    """Base and tuned model are compared in the same 4 bits; the whole base stands beside them."""
    recipe = class_recipe(
        tuning={"method": "qlora"}, quantisation={}, evaluation={"full_precision": True}
    )
    result = finetune(recipe)
    predictions = pq.read_table(result.release / PREDICTIONS_FILE)
    whole = finetune(class_recipe(output_dir=f"{recipe.output_dir}-whole"))
    unquantised = pq.read_table(whole.release / PREDICTIONS_FILE)
    full = [list(row.values()) for row in predictions["full_precision_probabilities"].to_pylist()]
    in_whole_run, in_4_bits = (
        [list(row.values()) for row in table["zero_shot_probabilities"].to_pylist()]
        for table in (unquantised, predictions)
    )
    assert np.allclose(full, in_whole_run, atol=1e-6)
    assert not np.allclose(full, in_4_bits, atol=1e-4)
    card = (result.release / "README.md").read_text(encoding="utf-8")
    accuracy = unquantised["zero_shot_accuracy"].to_numpy().mean()
    assert f"in full precision, not in 4 bits: {accuracy:.3f}"[:-1] in card
    assert not verify_folder(result.release).failures


def test_a_run_can_let_both_models_write_their_answers(
    class_recipe: Callable[..., Any],
) -> None:
    result = finetune(class_recipe(evaluation={"mode": "generate"}))
    predictions = pq.read_table(result.release / PREDICTIONS_FILE)
    assert "zero_shot_probabilities" not in predictions.column_names
    unread = np.array(predictions["zero_shot_label"].to_pylist()) == "unparsed"
    # A twin that was taught nothing writes nothing that names a class; none is left out or guessed.
    assert unread.any()
    metrics = result.record.metrics["zero_shot"]
    assert metrics["unparsed"].value == pytest.approx(unread.mean())
    assert metrics["accuracy"].n == predictions.num_rows
    assert metrics["accuracy"].value <= 1 - unread.mean()
    assert not verify_folder(result.release).failures


def test_answers_that_are_no_class_stop_the_run_before_training(
    class_recipe: Callable[..., Any], tmp_path: Path
) -> None:
    classes = [one.model_dump() for one in class_recipe().classes or ()]
    classes[3]["answer"] = "4"
    with pytest.raises(BogamError, match="its answer '3' is none of the recipe's classes"):
        finetune(class_recipe(classes=classes))
    assert not (tmp_path / "run" / "checkpoints").exists()
