"""Documents parsed together are judged as each of them alone."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest

from loaders.aihub.bulk_json import parse_documents
from loaders.aihub.names import Mark
from loaders.rejects import Reason

GOOD = [
    {"question": "왜요?", "intention": "원인", "other": {"question": [1, 2]}},
    {"answer": {"intro": "아", "body": None}, "department": ["안과", None]},
    {"disease_name": {"kor": "다래끼", "eng": "Stye"}, "disease_category": "눈질환"},
    {},
]
BAD = {
    Reason.BROKEN_JSON: [
        b'{"question": "a"',
        b'{"question": "a"} {"question": "b"}',
        b'{"question": "a"}}',
        b'{"question": "a\nb"',
        b'{"question": "\\ud800"}',
        b'{"question": "a",}',
        '{"question": "가'.encode()[:-1],
        b'{"question": "a\0b"}',
    ],
    Reason.WRONG_TYPE: [
        b'{"question": 5}',
        b'{"answer": "a"}',
        b'{"answer": {"body": 3}}',
        b'{"answer": [{"body": "b"}]}',
        b'{"department": [3]}',
        b"[]",
        b'[{"question": "a"}, {"question": "b"}]',
        b'"question"',
        b"17",
    ],
    Reason.EMPTY_FILE: [b"", b"  \r\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"],
    Reason.UNREADABLE_ENCODING: [b'{"question": "\xff\xff\x80"}', b"\xff\xfe\x00\xd8"],
}
BAD_ALONE = [(reason, document) for reason, documents in BAD.items() for document in documents]


def _row(parsed: Any, number: int) -> dict[str, Any]:
    return {key: value for key, value in parsed.table.to_pylist()[number].items() if value}


@pytest.mark.parametrize(("reason", "document"), BAD_ALONE)
def test_a_bad_document_is_told_and_its_neighbours_stay(reason: Reason, document: bytes) -> None:
    good = [json.dumps(content).encode() for content in GOOD]
    parsed = parse_documents([*good[:2], document, *good[2:]])
    assert {number: problem.reason for number, problem in parsed.problems.items()} == {2: reason}
    assert parsed.table.equals(parse_documents(good).table)


def test_the_verdict_does_not_depend_on_the_neighbours() -> None:
    chance = random.Random(1)
    documents = [document for _, document in BAD_ALONE]
    documents += [json.dumps(content).encode() for content in GOOD]
    documents += [b'{"question": "a", "x": NaN}', b'{"question": "a", "question": "b"}']
    alone = [parse_documents([document]) for document in documents]
    for _ in range(20):
        order = chance.sample(range(len(documents)), len(documents))
        together = parse_documents([documents[number] for number in order])
        rows = iter(together.table.to_pylist())
        for place, number in enumerate(order):
            problem = alone[number].problems.get(0)
            assert together.problems.get(place) == problem, documents[number]
            if problem is None:
                assert next(rows) == alone[number].table.to_pylist()[0], documents[number]


def test_halves_of_documents_do_not_make_a_whole_one() -> None:
    """Together these are two valid objects in two lines too few and two too many."""
    parsed = parse_documents([b'{"question": ', b'{"intention": "a"}}', b"{}{}", b"{}"])
    assert sorted(parsed.problems) == [0, 1, 2]
    assert parsed.table.num_rows == 1


@pytest.mark.parametrize(
    ("file", "marks"),
    [
        (b'{"question": "\xea\xb0\x80"}', Mark.NONE),
        (b'\xef\xbb\xbf{"question": "\xea\xb0\x80"}', Mark.BOM),
        (b'\xef\xbb\xbf\r\n {\n"question":\r\n"\xea\xb0\x80"\n}\n', Mark.BOM),
        ('{"question": "가"}'.encode("utf-16"), Mark.UTF16),
        (b"\xfe\xff" + '{"question": "가"}'.encode("utf-16-be"), Mark.UTF16),
        ('{"question": "가"}'.encode("cp949"), Mark.CP949),
        ('[{"question": "가"}]'.encode(), Mark.IN_LIST),
        ('[{"question": "가"}]'.encode("cp949"), Mark.IN_LIST | Mark.CP949),
        (b'{"question": "\\uac00", "question": "\\uac00"}', Mark.NONE),
    ],
)
def test_unambiguous_spellings_are_read_and_marked(file: bytes, marks: int) -> None:
    for files in ([file], [file, b'{"question": 5}']):
        parsed = parse_documents(files)
        assert _row(parsed, 0) == {"question": "가"}
        assert parsed.marks[0] == marks


def test_a_department_that_is_no_list_becomes_one() -> None:
    parsed = parse_documents([orjson.dumps({"department": "안과"})])
    assert _row(parsed, 0) == {"department": ["안과"]}


def test_no_documents_are_no_rows() -> None:
    assert parse_documents([]).table.num_rows == 0
