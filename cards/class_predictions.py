"""The predictions of a classification task: which classes, which probabilities, which answers.

The classes travel with the predictions, in the metadata of their Arrow schema, so that the file
alone says what each answer means and whoever reads it can compute everything again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from cards.answer_classes import UNPARSED, AnswerClass, check_classes
from cards.errors import BogamError
from cards.label_parsing import AnswerParser
from cards.tasks import SIDES, Floats, Side

if TYPE_CHECKING:
    import pyarrow as pa

FULL_PRECISION: Final = "full_precision"
"""The base model without the quantisation in which `zero_shot` is measured."""

_KEY = b"classes"
_CLASSES = TypeAdapter(tuple[AnswerClass, ...])


def with_classes(predictions: pa.Table, classes: Sequence[AnswerClass]) -> pa.Table:
    """The same table with the classes in its metadata, in the order of their numbers.

    Raise :class:`BogamError` as :func:`check_classes` does.
    """
    check_classes(classes)
    metadata = dict(predictions.schema.metadata or {})
    metadata[_KEY] = _CLASSES.dump_json(tuple(classes))
    return predictions.replace_schema_metadata(metadata)


def classes_of(predictions: pa.Table) -> tuple[AnswerClass, ...]:
    """Raise :class:`BogamError` when the predictions do not say what their classes are."""
    text = (predictions.schema.metadata or {}).get(_KEY)
    doing = "Scoring task 'classification'"
    if text is None:
        raise BogamError(
            f"{doing}: the predictions do not say what their classes are (no {_KEY.decode()!r} in "
            "the metadata of the schema). Write predictions.parquet again with the trainer."
        )
    try:
        classes = _CLASSES.validate_json(text)
    except ValidationError as error:
        raise BogamError(
            f"{doing}: the classes in the predictions cannot be read: {error.errors()[0]['msg']}. "
            "Write predictions.parquet again with the trainer."
        ) from error
    check_classes(classes)
    return classes


def class_numbers(
    predictions: pa.Table, column: str, classes: Sequence[AnswerClass]
) -> NDArray[np.int64]:
    """(examples,) the number of each row's class; -1 where the column names none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array([one.name for one in classes])
    found = pc.index_in(predictions[column].combine_chunks(), names).fill_null(-1)
    return np.asarray(found, dtype=np.int64)


def derived_columns(predictions: pa.Table) -> dict[str, pa.Array]:
    """`label`, `zero_shot_label`, `tuned_label` (class names or `unparsed`); with probabilities
    also `zero_shot` and `tuned`, the answer of the most probable class.

    Raise :class:`BogamError` for a reference that is no answer, and for probabilities that are
    none or are of other classes.
    """
    import pyarrow as pa

    classes = classes_of(predictions)
    by_answer = {one.answer: one.name for one in classes}
    references = predictions["reference"].to_pylist()
    for row, reference in enumerate(references):
        if reference not in by_answer:
            raise BogamError(
                f"Scoring task 'classification': row {predictions['id'][row]} has the reference "
                f"{reference!r}, which is no answer. Answers: {', '.join(by_answer)}."
            )
    columns = {"label": pa.array([by_answer[reference] for reference in references])}
    for side in SIDES:
        if f"{side}_probabilities" in predictions.column_names:
            likeliest = probabilities_of(predictions, side).argmax(axis=1)
            columns[f"{side}_label"] = pa.array([classes[number].name for number in likeliest])
            columns[side] = pa.array([classes[number].answer for number in likeliest])
        else:
            columns[f"{side}_label"] = _read_labels(predictions[side].to_pylist(), classes)
    return columns


def probabilities_of(predictions: pa.Table, side: Side | Literal["full_precision"]) -> Floats:
    """(examples, classes); raise :class:`BogamError` when they are no probabilities."""
    import pyarrow.compute as pc

    column = predictions[f"{side}_probabilities"]
    names = [one.name for one in classes_of(predictions)]
    doing = f"Scoring task 'classification': the column {side}_probabilities"
    if [field.name for field in column.type] != names:
        raise BogamError(
            f"{doing} is of the classes {', '.join(field.name for field in column.type)}; the "
            f"predictions' classes are {', '.join(names)}. Write predictions.parquet again."
        )
    values = np.column_stack(
        [pc.struct_field(column, name).to_numpy().astype(np.float64) for name in names]
    )
    with np.errstate(invalid="ignore"):
        wrong = ~((values >= 0).all(axis=1) & (np.abs(values.sum(axis=1) - 1) < 1e-6))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BogamError(
            f"{doing}: row {predictions['id'][row]} holds {values[row].tolist()}, which are no "
            f"probabilities that add up to 1 ({int(wrong.sum())} such rows). Evaluate again."
        )
    return values


def _read_labels(texts: Sequence[str | None], classes: Sequence[AnswerClass]) -> pa.Array:
    import pyarrow as pa

    parser = AnswerParser(classes)
    numbers = (parser(text) for text in texts)
    return pa.array([UNPARSED if number is None else classes[number].name for number in numbers])
