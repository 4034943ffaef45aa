"""The score of right answers to other questions."""

import string

import pyarrow as pa

from cards.chance import chance_level


def answers(references: list[str], documents: list[str] | None = None) -> pa.Table:
    rows = len(references)
    return pa.table(
        {
            "id": [f"q{row}" for row in range(rows)],
            "document_id": documents or [f"d{row}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": ["?"] * rows,
            "reference": references,
            "zero_shot": ["zero"] * rows,
            "tuned": references,
        }
    )


def test_nobody_is_given_an_answer_of_the_same_document():
    documents = [
        letter
        for number, letter in enumerate(string.ascii_letters[:20], 1)
        for _ in range(1 + number % 4)
    ]
    for seed in range(20):
        level = chance_level("generation", answers(documents, documents), resamples=10, seed=seed)
        assert (level.value, level.n, level.documents) == (0.0, len(documents), 20)


def test_where_all_answers_are_alike_knowing_their_look_is_enough():
    level = chance_level("generation", answers(["같은 답"] * 5), resamples=10, seed=0)
    assert level.value == 1.0


def test_the_same_question_of_another_document_gives_the_answer():
    """Each of ten pages is asked in Korean, then in English; no answer is of the other language."""
    references = ["가나다", "abc"] * 10
    documents = [f"d{row // 2}" for row in range(20)]
    level = chance_level("generation", answers(references, documents), resamples=10, seed=3)
    assert level.value == 1.0


def test_the_seed_decides_who_gets_whose():
    references = [string.ascii_letters[start : start + start % 7 + 1] for start in range(40)]
    once, again, other = (
        chance_level("generation", answers(references), resamples=50, seed=seed)
        for seed in (1, 1, 2)
    )
    assert once == again != other
    assert once.low < once.value < once.high


def test_of_a_single_example_nothing_can_be_said():
    assert chance_level("generation", answers(["답"]), resamples=10, seed=0) is None
