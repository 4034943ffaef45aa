"""The metrics of document reading under the interface of `evaluate`, without a network."""

from __future__ import annotations

import math

import pytest

from trainers.reading_metrics import CharacterErrorRate, DoseSafety, FieldScores, WordErrorRate

PRINTED = "Drug: 가정, Single dose: 1 tablet, Times a day: 2 times, Days in all: 7 days"


def test_error_rates_are_over_the_sums_and_not_the_mean_of_rates():
    texts = {"predictions": ["ab", "xxxxxxxx"], "references": ["abcdefgh", "y"]}
    assert CharacterErrorRate().compute(**texts) == {"cer": (6 + 8) / 9}
    assert WordErrorRate().compute(**texts) == {"wer": 1.0}


def test_wrong_doses_are_counted_and_what_lists_no_drug_is_no_prescription():
    result = DoseSafety().compute(
        predictions=[PRINTED, PRINTED.replace("2 times", "3 times"), "Patient: 우철"],
        references=[PRINTED, PRINTED, "Patient: 우철"],
    )
    assert result == {"dose_safety": 0.5, "wrong_doses": 0.5, "wrong_dose_count": 1}
    nothing = DoseSafety().compute(predictions=["x"], references=["Patient: 우철"])
    assert math.isnan(nothing["dose_safety"])
    assert math.isnan(nothing["wrong_doses"])


def test_kinds_of_fields_are_about_the_examples_that_are_asked_for_them():
    result = FieldScores().compute(
        predictions=["Disease codes: H669\nPatient: 우철", "Patient: 우현"],
        references=["Disease codes: H669", "Patient: 우철"],
    )
    assert result == pytest.approx(
        {
            "field_f1": 2 * 1 / (2 + 3),
            "field_exact_match": 1 / 2,
            "field_f1/codes": 1.0,
            "field_exact_match/codes": 1.0,
            "field_f1/patient": 0.0,
            "field_exact_match/patient": 0.0,
        }
    )
