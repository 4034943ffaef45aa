"""The columns that follow from what was answered and what is printed: edits, fields and doses.

reference_characters, reference_words     lengths of the reference
reference_fields                          struct: its fields by kind
reference_drugs, reference_doses          its doses with a drug's name, and all of them
<side>_character_edits, <side>_word_edits fewest edits that turn the answer into the reference
<side>_fields, <side>_fields_right        structs: fields that the answer states, right ones
<side>_doses                              struct: doses of the reference by outcome, and
                                          `added`, those of the answer beyond them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cards.document_answers import KINDS, Kind, compare_fields, read_answer
from cards.dose_safety import OUTCOMES, compare_doses, count_outcomes
from cards.reading_scores import character_edits, word_edits
from cards.tasks import SIDES, Floats, Side

if TYPE_CHECKING:
    import pyarrow as pa


def derived_columns(predictions: pa.Table) -> dict[str, pa.Array]:
    """All columns above. An answer that is missing is empty."""
    references = predictions["reference"].to_pylist()
    expected = [read_answer(reference) for reference in references]
    printed = [compare_doses(one.doses, one.doses)[0] for one in expected]
    columns: dict[str, pa.Array] = {
        "reference_characters": _integers(
            character_edits("", reference).length for reference in references
        ),
        "reference_words": _integers(word_edits("", reference).length for reference in references),
        "reference_fields": _structs(
            [compare_fields(one, one).expected for one in expected], KINDS
        ),
        "reference_drugs": _integers(
            sum(one.expected.drug is not None for one in doses) for doses in printed
        ),
        "reference_doses": _integers(map(len, printed)),
    }
    for side in SIDES:
        answers = [answer or "" for answer in predictions[side].to_pylist()]
        pairs = list(zip(answers, references, strict=True))
        columns[f"{side}_character_edits"] = _integers(
            character_edits(*pair).edits for pair in pairs
        )
        columns[f"{side}_word_edits"] = _integers(word_edits(*pair).edits for pair in pairs)
        fields = []
        doses: list[dict[str, int]] = []
        for answer, reference in zip(map(read_answer, answers), expected, strict=True):
            fields.append(compare_fields(answer, reference))
            compared, added = compare_doses(answer.doses, reference.doses)
            doses.append({**count_outcomes(compared), "added": added})
        columns[f"{side}_fields"] = _structs([one.given for one in fields], KINDS)
        columns[f"{side}_fields_right"] = _structs([one.right for one in fields], KINDS)
        columns[f"{side}_doses"] = _structs(doses, (*OUTCOMES, "added"))
    return columns


def numbers(predictions: pa.Table, column: str) -> Floats:
    """(examples,) an integer column as float64."""
    return np.asarray(predictions[column].to_numpy(), np.float64)


def member(predictions: pa.Table, column: str, name: str) -> Floats:
    """(examples,) one number of a struct column as float64."""
    values = predictions[column].combine_chunks().field(name)
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def field_counts(
    predictions: pa.Table, side: Side, kinds: Sequence[Kind] = KINDS
) -> tuple[Floats, Floats, Floats]:
    """(examples,) fields of the reference, of the answer, and right ones, of these kinds."""
    columns = ("reference_fields", f"{side}_fields", f"{side}_fields_right")
    expected, given, right = (
        np.sum([member(predictions, column, kind) for kind in kinds], axis=0) for column in columns
    )
    return expected, given, right


def _integers(values: Iterable[int]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.int64())


def _structs(rows: Sequence[Mapping[Any, int]], names: Sequence[str]) -> pa.Array:
    import pyarrow as pa

    return pa.StructArray.from_arrays(
        [pa.array([row.get(name, 0) for row in rows], pa.int64()) for name in names], list(names)
    )
