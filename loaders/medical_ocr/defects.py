"""Rules that prove a record wrong, or doubtful, from what it says itself.

A flag is a word on the row. Those in `UNSOUND` mean that an answer cannot be what the picture
shows: training on it teaches a model to invent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from cards.records import Note
from loaders.medical_ocr.cord import amount
from loaders.medical_ocr.prescription_answers import Claims
from loaders.medical_ocr.talks import Turn

CODES_NOT_ON_FORM = "codes_not_on_form"
NAME_NOT_PRINTABLE = "name_not_printable"
NUMBER_IN_NAME = "number_in_name"
DRUG_NAME_DAMAGED = "drug_name_damaged"
ANSWERS_CONTRADICT = "answers_contradict"
TOTAL_NOT_PRINTED = "total_not_printed"
UNSOUND = frozenset(
    {
        CODES_NOT_ON_FORM,
        NAME_NOT_PRINTABLE,
        DRUG_NAME_DAMAGED,
        ANSWERS_CONTRADICT,
        TOTAL_NOT_PRINTED,
    }
)

TOTAL_BELOW_ITEM = "total_below_item"
QUESTION_REPEATED = "question_repeated"
CODE_TWICE = "code_twice"
DRUG_TWICE = "drug_twice"
DOSE_DOES_NOT_FIT_FORM = "dose_does_not_fit_form"
UNITS_MIXED = "units_mixed"
UNITS_TRANSLATED = "units_translated"
LINES_DAMAGED = "lines_damaged"

FORM_SIZE = (595, 841)
CODES_ON_FORM = 2
"""The form that the set's prescriptions were drawn on, in pixels, prints so many codes."""

MEANINGS = {
    CODES_NOT_ON_FORM: Note(
        ko=f"서식에 인쇄되는 {CODES_ON_FORM}개보다 많은 질병분류기호를 답한 처방전입니다.",
        en="Prescriptions whose answers name more disease codes than the form prints "
        f"(it prints {CODES_ON_FORM}).",
    ),
    NAME_NOT_PRINTABLE: Note(
        ko="한글 글꼴에 없는 글자가 환자 이름에 있어 그림에 네모로 보이는 처방전입니다.",
        en="Prescriptions whose patient's name has characters that no Korean font "
        "holds: the picture shows boxes.",
    ),
    NUMBER_IN_NAME: Note(
        ko="주민등록번호가 이름 자리에 있고 번호는 없는 처방전입니다.",
        en="Prescriptions with the resident number in the name and no number.",
    ),
    DRUG_NAME_DAMAGED: Note(
        ko="약 이름의 마지막 한글 글자가 중국어 단위로 바뀐 처방전입니다.",
        en="Prescriptions with a drug whose last Korean syllable was replaced by a Chinese unit.",
    ),
    ANSWERS_CONTRADICT: Note(
        ko="같은 질문을 다시 하고 다르게 답한 대화입니다.",
        en="Talks that ask the same question again and answer it otherwise.",
    ),
    TOTAL_NOT_PRINTED: Note(
        ko="합계로 답한 수가 인쇄된 합계와 다른 영수증입니다.",
        en="Receipts whose answer to the total is not the total that is printed.",
    ),
    TOTAL_BELOW_ITEM: Note(
        ko="합계로 답한 수가 같은 대화의 한 품목 가격보다 작은 영수증입니다. "
        "할인이 없었다면 틀린 답입니다.",
        en="Receipts whose answer to the total is less than a price that the same talk "
        "gives: wrong, unless there was a discount.",
    ),
    QUESTION_REPEATED: Note(
        ko="같은 질문을 다시 하는 대화입니다.",
        en="Talks that ask the same question again.",
    ),
    CODE_TWICE: Note(
        ko="질병분류기호 하나를 두 번 적은 처방전입니다.",
        en="Prescriptions that name a disease code twice.",
    ),
    DRUG_TWICE: Note(
        ko="약 하나를 두 번 적은 처방전입니다.",
        en="Prescriptions that name a drug twice.",
    ),
    DOSE_DOES_NOT_FIT_FORM: Note(
        ko="정제나 캡슐의 양을 밀리리터로 적은 처방전입니다.",
        en="Prescriptions with a tablet or capsule measured in millilitres.",
    ),
    UNITS_MIXED: Note(
        ko="단위를 썼다 말았다 하거나 한 단위를 두 가지로 적은 처방전입니다.",
        en="Prescriptions that count with and without a unit, or write one unit in two ways.",
    ),
    UNITS_TRANSLATED: Note(
        ko="서식에는 한국어 단위가 있는데 답은 중국어 단위인 처방전입니다.",
        en="Prescriptions whose units are Chinese where the form prints Korean ones.",
    ),
    LINES_DAMAGED: Note(
        ko="약 줄의 구분 쉼표가 사라진 처방전입니다.",
        en="Prescriptions with drug lines whose separating commas are gone.",
    ),
}

_SOLID = re.compile(r"(정|캡슐)( |\d|$)")
_CHINESE_UNIT = re.compile(r"\d(片|次|天|粒|包)")
_DAMAGED = re.compile(r"[가-힣][片次天]")
_TOTAL_QUESTION = "What is the total sum?"
_PRICE_QUESTION = re.compile(r"What is the price of ")
# `price: 23,000, count: 1` and `(2x, Nasi Putih, 54,000)`
_PRICE = re.compile(r"price: ?(\S+?),? count:|, ([\d.,]+)\)$")


def prescription_flags(claims: Claims, image_size: tuple[int, int] | None) -> list[str]:
    """Flags of a prescription; `image_size` is None while the picture is not known."""
    flags = []
    if len(claims.codes) > CODES_ON_FORM and image_size in (None, FORM_SIZE):
        flags.append(CODES_NOT_ON_FORM)
    if any(not _in_korean_fonts(character) for character in claims.name):
        flags.append(NAME_NOT_PRINTABLE)
    if not claims.number and re.search(r"\d{6}-\d{7}", claims.name):
        flags.append(NUMBER_IN_NAME)
    if len(set(claims.codes)) < len(claims.codes):
        flags.append(CODE_TWICE)
    if len({drug.name for drug in claims.drugs}) < len(claims.drugs):
        flags.append(DRUG_TWICE)
    if misfit_lines(claims):
        flags.append(DOSE_DOES_NOT_FIT_FORM)
    if any(_DAMAGED.search(drug.name) for drug in claims.drugs):
        flags.append(DRUG_NAME_DAMAGED)
    if not all(drug.commas for drug in claims.drugs):
        flags.append(LINES_DAMAGED)
    if _units_mixed(claims):
        flags.append(UNITS_MIXED)
    if any(_CHINESE_UNIT.search(" ".join(drug[1:4])) for drug in claims.drugs):
        flags.append(UNITS_TRANSLATED)
    return flags


def misfit_lines(claims: Claims) -> int:
    """Drug lines that measure a tablet or a capsule in millilitres."""
    return sum(
        bool(_SOLID.search(drug.name)) and drug.dose.lower().endswith("ml") for drug in claims.drugs
    )


def talk_flags(turns: Sequence[Turn], printed_total: str | None) -> list[str]:
    """Flags of any talk; `printed_total` comes from the picture's annotation, if it has one."""
    flags = []
    answers: dict[str, list[str]] = defaultdict(list)
    for turn in turns:
        answers[turn.question.rsplit("\n", 1)[-1]].append(turn.answer)
    if any(len(given) > 1 for given in answers.values()):
        flags.append(QUESTION_REPEATED)
    if any(len(set(given)) > 1 for given in answers.values()):
        flags.append(ANSWERS_CONTRADICT)
    totals = [amount(given) for given in answers.get(_TOTAL_QUESTION, [])]
    prices = list(_prices(turns))
    if prices and any(total is not None and total < max(prices) for total in totals):
        flags.append(TOTAL_BELOW_ITEM)
    if printed_total is not None:
        right = amount(printed_total)
        if any(total != right for total in totals):
            flags.append(TOTAL_NOT_PRINTED)
    return flags


def _prices(turns: Sequence[Turn]) -> Iterator[int]:
    """Prices of items that the answers give."""
    for turn in turns:
        if _PRICE_QUESTION.search(turn.question):
            stated: str | None = turn.answer
        else:
            match = _PRICE.search(turn.answer)
            stated = (match[1] or match[2]) if match else None
        price = amount(stated) if stated else None
        if price is not None:
            yield price


def repeated_turns(turns: Sequence[Turn]) -> int:
    """Turns whose question was asked before in the same talk."""
    return len(turns) - len({turn.question.rsplit("\n", 1)[-1] for turn in turns})


def _in_korean_fonts(character: str) -> bool:
    """Korean fonts hold the characters of KS X 1001; simplified Chinese ones are not in it."""
    try:
        character.encode("euc_kr")
    except UnicodeEncodeError:
        # Rare Hangul is not in that standard, but in every font.
        return "가" <= character <= "힣"
    return True


def _units_mixed(claims: Claims) -> bool:
    for values in zip(*((drug.times, drug.days) for drug in claims.drugs), strict=True):
        if len({value.isdigit() for value in values}) > 1:
            return True
    units = {re.sub(r"[\d.]", "", drug.dose) for drug in claims.drugs}
    return len({unit.lower() for unit in units}) < len(units)


def resident_number_facts(number: str, today: date) -> tuple[bool, bool, bool] | None:
    """(foreigner, check digit right, born after `today`); None when it is no such number.

    The check digit is that of numbers given out before October 2020.
    """
    digits = number.replace("-", "")
    if not re.fullmatch(r"\d{13}", digits):
        return None
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    total = sum(int(d) * w for d, w in zip(digits[:12], weights, strict=True))
    foreign = digits[6] in "5678"
    right = ((13 if foreign else 11) - total % 11) % 10 == int(digits[12])
    century = {"9": 1800, "0": 1800, "3": 2000, "4": 2000, "7": 2000, "8": 2000}.get(
        digits[6], 1900
    )
    try:
        born = date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return foreign, right, False
    return foreign, right, born > today
