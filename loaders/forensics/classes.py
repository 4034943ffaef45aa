"""The classes of evidence photos: their folders, their names in two languages, their question."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cards.errors import BogamError


@dataclass(frozen=True)
class EvidenceClass:
    """A class is a folder of the source; its number is its place among the classes."""

    folder: str
    english: str
    korean: str


DEFAULT_CLASSES = (
    EvidenceClass("0_irrelevant", "irrelevant", "사건과 무관한 사진"),
    EvidenceClass("1_chat_history", "chat_history", "마약 관련 대화 내역"),
    EvidenceClass("2_transaction_place", "transaction_place", "마약 거래 장소"),
    EvidenceClass("3_drug_raw", "drug_raw", "마약 실물"),
)

_FORM = "folder=english/한국어, folder=english/한국어, ..."


def parse_classes(text: str | None) -> tuple[EvidenceClass, ...]:
    """Classes from `folder=english/korean, ...`; None gives the four of the drug set.

    Raises:
        BogamError: not of this form, fewer than two classes, or one name twice.
    """
    if text is None:
        return DEFAULT_CLASSES
    classes = []
    for entry in unicodedata.normalize("NFC", text).split(","):
        folder, _, names = entry.partition("=")
        english, _, korean = names.partition("/")
        found = EvidenceClass(folder.strip(), english.strip(), korean.strip())
        if not (found.folder and found.english and found.korean):
            raise BogamError(f"--classes: cannot read {entry.strip()!r}. Write {_FORM}")
        classes.append(found)
    for what, given in (
        ("folder", [known.folder for known in classes]),
        ("English name", [known.english for known in classes]),
        ("Korean name", [known.korean for known in classes]),
    ):
        twice = sorted({word for word in given if given.count(word) > 1})
        if twice:
            raise BogamError(f"--classes: the {what} {twice[0]!r} is given twice. Write {_FORM}")
    if len(classes) < 2:
        raise BogamError(f"--classes: one class is nothing to choose from. Write {_FORM}")
    return tuple(classes)


def parse_class_numbers(text: str | None, classes: Sequence[EvidenceClass]) -> frozenset[int]:
    """Numbers of classes from a list of numbers or English names, divided by commas.

    None gives the rarest of the drug set's classes, the places, if it is among `classes`.

    Raises:
        BogamError: no such class.
    """
    if text is None:
        return frozenset(n for n, known in enumerate(classes) if known == DEFAULT_CLASSES[2])
    numbers = set()
    names = {known.english: number for number, known in enumerate(classes)}
    for word in filter(None, (part.strip() for part in text.split(","))):
        number = int(word) if word.isdecimal() else names.get(word, -1)
        if not 0 <= number < len(classes):
            known = ", ".join(f"{n} {c.english}" for n, c in enumerate(classes))
            raise BogamError(f"--augment-classes: no class {word!r}. There are: {known}.")
        numbers.add(number)
    return frozenset(numbers)


def question(classes: Sequence[EvidenceClass]) -> str:
    """What the model is asked about every image; it answers with the number alone."""
    choices = ", ".join(f"{number}: {known.korean}" for number, known in enumerate(classes))
    return f"이 사진은 다음 중 무엇입니까? ({choices}) 번호 하나로만 답하세요."
