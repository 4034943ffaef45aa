"""What a commit changed is told completely and briefly."""

from __future__ import annotations

import random
import time

from hub.server.diffs import MOST_LINES, diff_lines


def _applied(before: list[str], after: list[str]) -> list[str]:
    """`after`, put together from `before` and the hunks."""
    result: list[str] = []
    position = 0
    for hunk in diff_lines(before, after).hunks:
        first = next((line.before for line in hunk if line.before is not None), None)
        if first is not None:
            result += before[position : first - 1]
            position = first - 1
        for line in hunk:
            if line.sign != "+":
                assert before[position] == line.text
                assert position == (line.before or 0) - 1
                position += 1
            if line.sign != "-":
                result.append(line.text)
                assert line.after == len(result)
    return result + before[position:]


def test_the_hunks_lead_from_one_text_to_the_other() -> None:
    source = random.Random(7)
    for _ in range(200):
        before = [source.choice("abcdef") for _ in range(source.randint(1, 60))]
        after = [line for line in before if source.random() > 0.1]
        for _ in range(source.randint(0, 5)):
            after.insert(source.randint(0, len(after)), source.choice("xyz"))
        assert _applied(before, after) == after


def test_far_changes_stand_apart_and_near_ones_together() -> None:
    before = [str(number) for number in range(100)]
    after = [*before[:10], "new", *before[11:16], "new", *before[17:80], *before[81:]]
    diff = diff_lines(before, after)
    assert [len(hunk) for hunk in diff.hunks] == [14 + 1, 7]
    assert (diff.added, diff.removed) == (2, 3)


def test_a_line_that_changed_is_removed_before_it_is_added() -> None:
    [hunk] = diff_lines(["a", "old", "older", "b"], ["a", "new", "b"]).hunks
    assert [line.sign + line.text for line in hunk] == [" a", "-old", "-older", "+new", " b"]


def test_equal_texts_have_no_hunks() -> None:
    assert diff_lines(["a"], ["a"]).hunks == []
    assert diff_lines([], []).hunks == []


def test_the_largest_texts_that_are_compared_take_no_second() -> None:
    before = [f"a {number}" for number in range(MOST_LINES)]
    after = [f"b {number}" for number in range(MOST_LINES)]
    began = time.process_time()
    diff = diff_lines(before, after)
    assert time.process_time() - began < 3
    assert (diff.added, diff.removed) == (MOST_LINES, MOST_LINES)
