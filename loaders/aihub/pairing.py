"""Which question goes with which answer: by the numbers in their names, or by topic.

AI Hub's set has no gold pairs: names of questions and answers share no number, and only (disease
category, disease, intention) joins them. There each question is given one answer of its topic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pair i is `questions[i]` with `answers[i]`: positions in the arrays that were given."""

    questions: Numbers
    answers: Numbers
    lonely_questions: Numbers
    """Have no answer."""
    lonely_answers: Numbers
    """Have no question."""
    surplus_answers: Numbers
    """Have questions of their topic, but fewer than there are answers."""


def pair_by_topic(
    question_topics: Numbers,
    question_groups: Numbers,
    answer_topics: Numbers,
    answer_groups: Numbers,
) -> Pairs:
    """Use every question of a topic that has answers once, and its answers equally often.

    How often two answers of a topic are used differs by one at most; where there are more answers
    than questions, each is used once or not at all. Questions of one group get the same answer or
    neighbouring ones, so that an answer that serves several questions ties few groups together.

    Args:
        question_topics, answer_topics: a number for each file; equal for the same topic. The files
            are given in the order that decides among them.
        question_groups, answer_groups: a number for each file; equal for what stays together.
    """
    topics = int(max(question_topics.max(initial=-1), answer_topics.max(initial=-1))) + 1
    asked = np.bincount(question_topics, minlength=topics)
    offered = np.bincount(answer_topics, minlength=topics)

    by_topic = np.argsort(answer_topics, kind="stable")
    place = _place_in_topic(answer_topics[by_topic], offered)
    needed = place < asked[answer_topics[by_topic]]
    chosen = np.sort(by_topic[needed])
    surplus = np.sort(by_topic[~needed])
    used = np.minimum(asked, offered)

    matched = offered[question_topics] > 0
    questions = _sorted_by_group(np.flatnonzero(matched), question_topics, question_groups)
    ordered_answers = _sorted_by_group(chosen, answer_topics, answer_groups)
    topic = question_topics[questions]
    count = np.where(offered > 0, asked, 0)
    turn = _place_in_topic(topic, count) * used[topic] // np.maximum(asked[topic], 1)
    first_answer = np.cumsum(used) - used
    answers = ordered_answers[first_answer[topic] + turn]
    back = np.argsort(questions, kind="stable")
    has_questions = asked[answer_topics[surplus]] > 0
    return Pairs(
        questions=questions[back],
        answers=answers[back],
        lonely_questions=np.flatnonzero(~matched),
        lonely_answers=surplus[~has_questions],
        surplus_answers=surplus[has_questions],
    )


def pair_by_number(
    question_numbers: NDArray[np.uint64], answer_numbers: NDArray[np.uint64]
) -> Pairs:
    """Pair what has the same number, where exactly one question and one answer have it."""
    known, numbers = np.unique(
        np.concatenate([question_numbers, answer_numbers]), return_inverse=True
    )
    asked, answered = numbers[: len(question_numbers)], numbers[len(question_numbers) :]
    single = (np.bincount(asked, minlength=len(known)) == 1) & (
        np.bincount(answered, minlength=len(known)) == 1
    )
    answer_of = np.zeros(len(known), dtype=np.int64)
    answer_of[answered] = np.arange(len(answered))
    questions = np.flatnonzero(single[asked])
    return Pairs(
        questions=questions,
        answers=answer_of[asked[questions]],
        lonely_questions=np.flatnonzero(~single[asked]),
        lonely_answers=np.flatnonzero(~single[answered]),
        surplus_answers=np.zeros(0, dtype=np.int64),
    )


def connect(pairs: Pairs, question_groups: Numbers, answer_groups: Numbers) -> Numbers:
    """Of each pair the number of its group: pairs that share a question or answer group, directly
    or by a chain of pairs, are in one."""
    offset = int(question_groups.max(initial=-1)) + 1
    count = offset + int(answer_groups.max(initial=-1)) + 1
    left = question_groups[pairs.questions]
    right = answer_groups[pairs.answers] + offset
    edges = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    component = connected_components(edges, directed=False)[1]
    return np.unique(component[left], return_inverse=True)[1].astype(np.int64)


def _sorted_by_group(files: Numbers, topics: Numbers, groups: Numbers) -> Numbers:
    """By topic, then group by group in the order of their first files."""
    first = np.full(int(groups.max(initial=-1)) + 1, len(topics), dtype=np.int64)
    np.minimum.at(first, groups[files], files)
    return files[np.lexsort((files, first[groups[files]], topics[files]))]


def _place_in_topic(topics: Numbers, counts: Numbers) -> Numbers:
    """0, 1, 2, ... within each topic; `topics` is sorted and topic t occurs `counts[t]` times."""
    return np.arange(len(topics)) - (np.cumsum(counts) - counts)[topics]
