"""Made-up questions and answers in the layout of AI Hub's healthcare QA set.

For trying things out and for tests: the files have the real names, keys and folders, and answers
follow from disease and intention, so that even a very small model can learn them.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from cards.errors import BogamError
from loaders.aihub.sample_phrases import (
    BODIES,
    CONCLUSIONS,
    DISEASES,
    INTRODUCTION,
    OPENINGS,
    PEOPLE,
    QUESTIONS,
    TIMES,
    Disease,
    fill,
)

_BOM = b"\xef\xbb\xbf"
_DATE = (2024, 1, 1, 0, 0, 0)
_TOPICS = [(disease, intention) for disease in DISEASES for intention in QUESTIONS]


def write_sample(
    out: Path, questions: int = 5000, answers: int | None = None, seed: int = 42
) -> None:
    """Write a tree, or a zip if the name ends with .zip; the same arguments give the same bytes.

    Besides the questions and answers there are four flawed files, as in real deliveries: one cut
    off, one without a question, one about a disease without answers, and one of the Finder.

    Args:
        answers: None takes nine for ten questions.

    Raises:
        BogamError: `out` is there already, or cannot be written.
    """
    if out.exists():
        raise BogamError(f"{out}: is there already. Remove it or choose another --out.")
    files = _files(questions, questions * 9 // 10 if answers is None else answers, seed)
    partial = out.with_name(f"{out.name}.partial")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".zip":
            _write_zip(partial, files)
        else:
            _write_tree(partial, files)
        partial.rename(out)
    except OSError as error:
        raise BogamError(f"{out}: cannot be written: {error.strerror}.") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)


def _write_zip(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files:
            member = zipfile.ZipInfo(name, _DATE)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)


def _write_tree(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    shutil.rmtree(path, ignore_errors=True)
    made: set[str] = set()
    for name, data in files:
        folder, _, _ = name.rpartition("/")
        if folder not in made:
            (path / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        handle = os.open(path / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)


def _files(questions: int, answers: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file. Each topic comes up before one comes up again.

    As in the real set, no question has the number of an answer.
    """
    chance = random.Random(seed)
    for number in range(questions):
        disease, intention = _topic(number, chance)
        stem = f"HC-Q-{62 * number + 2 * (seed % 31):07d}"
        yield _path("1.질문", disease, intention, stem), _question(disease, intention, stem, chance)
    for number in range(answers):
        disease, intention = _topic(number, chance)
        stem = f"HC-A-{74 * number + 2 * (seed % 37) + 1:08d}"
        yield _path("2.답변", disease, intention, stem), _answer(disease, intention, stem, chance)
    yield from _flawed(chance)


def _topic(number: int, chance: random.Random) -> tuple[Disease, str]:
    """The first ones in order, then some more often than others."""
    if number < len(_TOPICS):
        return _TOPICS[number]
    return _TOPICS[int(len(_TOPICS) * chance.random() ** 1.5)]


def _path(top: str, disease: Disease, intention: str, stem: str) -> str:
    return f"{top}/{disease.category}/{disease.name}/{intention}/{stem}.json"


def _question(disease: Disease, intention: str, stem: str, chance: random.Random) -> bytes:
    words = {
        "d": disease.name,
        "s": disease.sign,
        "p": chance.choice(PEOPLE),
        "t": chance.choice(TIMES),
    }
    opening = fill(chance.choice(OPENINGS), words)
    text = f"{opening} {fill(chance.choice(QUESTIONS[intention]), words)}".strip()
    return _document(
        {
            "fileName": stem,
            "participantsInfo": {
                "participantID": f"P{chance.randrange(10**6):06d}",
                "gender": chance.choice(("남성", "여성")),
                "age": f"{chance.randrange(1, 8)}0대",
                "occupation": chance.choice(("학생", "회사원", "자영업", "무직")),
                "history": chance.random() < 0.3,
                "rPlace": chance.choice(
                    ("서울특별시/종로구", "경상북도/안동시", "울산광역시/남구")
                ),
            },
            **_labels(disease, intention),
            "question": text,
            "entities": [],
            "num_of_words": len(text.split()),
        }
    )


def _answer(disease: Disease, intention: str, stem: str, chance: random.Random) -> bytes:
    words = {
        "d": disease.name,
        "o": disease.organ,
        "s": disease.sign,
        "c": disease.department,
    }
    parts = {
        "intro": fill(INTRODUCTION, words),
        "body": chance.choice(BODIES[intention]),
        "conclusion": fill(chance.choice(CONCLUSIONS), words),
    }
    return _document(
        {
            "fileName": stem,
            **_labels(disease, intention),
            "department": [disease.department],
            "answer": parts,
            "num_of_words": sum(len(part.split()) for part in parts.values()),
        }
    )


def _labels(disease: Disease, intention: str) -> dict[str, object]:
    return {
        "disease_category": disease.category,
        "disease_name": {"kor": disease.name, "eng": disease.english},
        "intention": intention,
    }


def _document(content: dict[str, object]) -> bytes:
    return _BOM + orjson.dumps(content)


def _flawed(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    disease, intention = _TOPICS[0]
    folder = _path("1.질문", disease, intention, "HC-Q-9999990").rpartition("/")[0]
    whole = _question(disease, intention, "HC-Q-9999990", chance)
    yield f"{folder}/HC-Q-9999990.json", whole[: len(whole) // 2]
    blank = {"fileName": "HC-Q-9999991", **_labels(disease, intention), "question": " "}
    yield f"{folder}/HC-Q-9999991.json", _document(blank)
    lonely = Disease(disease.category, disease.department, disease.organ, "가상병", "None", "없음")
    stem = "HC-Q-9999992"
    yield _path("1.질문", lonely, intention, stem), _question(lonely, intention, stem, chance)
    yield f"{folder}/.DS_Store", b"\0\0\0\1Bud1"
