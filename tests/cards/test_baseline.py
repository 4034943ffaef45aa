"""The score of answers that need no model."""

import random
import string

import pyarrow as pa
import pytest

from cards.baseline import rows_of_other_documents, trivial_baseline
from cards.records import Metric


def answers(
    references: list[str], documents: list[str] | None = None, prompts: list[str] | None = None
) -> pa.Table:
    rows = len(references)
    return pa.table(
        {
            "id": [f"q{row}" for row in range(rows)],
            "document_id": documents or [f"d{row}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": prompts or [f"{row}?" for row in range(rows)],
            "reference": references,
            "zero_shot": ["zero"] * rows,
            "tuned": references,
        }
    )


def baseline(table: pa.Table, seed: int = 0, resamples: int = 20) -> Metric | None:
    return trivial_baseline("generation", table, resamples=resamples, seed=seed)


def test_nobody_is_given_an_answer_of_the_same_document() -> None:
    """Nor of another question, where another document was asked the same."""
    draw = random.Random(5)
    for seed in range(200):
        rows = draw.randrange(2, 40)
        documents = [f"d{draw.randrange(1 + rows // draw.randrange(1, 6))}" for _ in range(rows)]
        asked = [f"{draw.randrange(1 + rows // 3)}?" for _ in range(rows)]
        if draw.random() < 0.3:
            documents[: rows * 2 // 3] = ["giant"] * (rows * 2 // 3)
        others = rows_of_other_documents(answers(documents, documents, asked), seed)
        if len(set(documents)) == 1:
            assert others is None
            continue
        for row, other in enumerate(others):
            assert documents[other] != documents[row]
    # Each of three pages was asked all questions.
    documents, asked = [f"d{row // 4}" for row in range(12)], [f"{row % 4}?" for row in range(12)]
    others = rows_of_other_documents(answers(documents, documents, asked), 1)
    assert [asked[other] for other in others] == asked


def test_another_document_answers_the_same_question() -> None:
    """However often each page was asked, and in whatever order."""
    asked = ["성명?", "What is the dose?", "무엇인가요?"]
    said = ["가나다", "abc", "12 3"]
    numbers = [number for page in range(12) for number in ([0, 1, 2], [2, 0], [1])[page % 3]]
    documents = [f"d{page}" for page in range(12) for _ in ([0, 1, 2], [2, 0], [1])[page % 3]]
    talks = [f"처음 묻는 말\n\n답\n\n{asked[number]}" for number in numbers]
    level = baseline(answers([said[number] for number in numbers], documents, talks), seed=3)
    assert level.value == 1.0


def test_the_commonest_answer_counts_where_it_scores_better() -> None:
    references = ["예"] * 8 + ["아니요", "모름"]
    assert baseline(answers(references)).value == pytest.approx(0.8)


def test_the_seed_decides_who_gets_whose() -> None:
    references = [string.ascii_letters[start : start + start % 7 + 1] for start in range(40)]
    once, again, other = (baseline(answers(references), seed, 50) for seed in (1, 1, 2))
    assert once == again != other
    assert once.low < once.value < once.high


def test_of_a_single_document_nothing_can_be_said() -> None:
    assert baseline(answers(["답"])) is None
    assert baseline(answers(["답", "말"], ["d", "d"])) is None


def test_where_nothing_can_be_measured_there_is_no_baseline() -> None:
    """Not a number in a record could not be read again."""
    blank = answers(["", ""], prompts=["?", "?"])
    more = {"document_type": ["label"] * 2, "language": ["ko"] * 2}
    for name, values in more.items():
        blank = blank.append_column(name, pa.array(values))
    assert trivial_baseline("medical_ocr", blank, resamples=10, seed=0) is None
