"""Wordy answers: what they say is read, what they do not say is never guessed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from cards.answer_classes import AnswerClass, check_classes
from cards.errors import BogamError
from cards.label_parsing import AnswerParser

QUESTION = (
    "이 사진은 다음 중 무엇입니까? (0: 사건과 무관한 사진, 1: 마약 관련 대화 내역, "
    "2: 마약 거래 장소, 3: 마약 실물) 번호 하나로만 답하세요."
)
OPTIONS = QUESTION[QUESTION.index("(") + 1 : QUESTION.index(")")]

STATED = [
    ("2번입니다", 2),
    ("2입니다", 2),
    ("정답은 3번", 3),
    ("정답은3번입니다", 3),
    ("정답은 '2'입니다.", 2),
    ("답: 1", 1),
    ("번호: 3", 3),
    ("제 답은 1번이며, 텔레그램 화면이기 때문입니다.", 1),
    ("클래스 2에 해당합니다", 2),
    ("2로 분류됩니다", 2),
    ("2번인 것 같습니다", 2),
    ("2번입니다 사람은 없습니다", 2),
    ("사진 속에는 봉투 3개가 있습니다. 따라서 2번입니다.", 2),
    ("정답: 3\n설명: 흰 가루가 봉투 2개에 들어 있습니다.", 3),
    ("The answer is 3.", 3),
    ("The answer is two.", 2),
    ("Answer: 2", 2),
    ("Label = 0", 0),
    ("I would classify this image as 3.", 3),
    ("This image is classified as category 1.", 1),
    ("The correct option is 0 because it is unrelated to drugs.", 0),
    (r"\boxed{3}", 3),
]
NUMBERS = [
    ("3", 3),
    ("3.", 3),
    ("**3**", 3),
    ("３", 3),
    ("③", 3),
    ("[1]", 1),
    ("2 번", 2),
    ("3!!!", 3),
    ("Two", 2),
    ("2. 마약 거래 장소", 2),
    ("3) 마약 실물", 3),
    ("3번(마약 실물)", 3),
    ("(3) 마약 실물", 3),
    ("2번 마약 거래 장소", 2),
]
PHRASES = [
    ("이 사진은 마약 거래 장소로 보입니다", 2),
    ("이 사진은 마약거래장소입니다.", 2),
    ("마약 사진입니다", 3),
    ("마약 사진이 맞습니다", 3),
    ("마약 실물일 가능성이 높습니다", 3),
    ("이번 사진은 마약 실물입니다", 3),
    ("마약과 관련이 없습니다", 0),
    ("이 사진은 마약 관련 대화 내역과 관련이 없습니다", 0),
    ("This image shows a chat log about drugs.", 1),
    ("There are no drugs. It is unrelated.", 0),
    ("Chat_History", 1),
    ("drug raw", 3),
]
DENIED = [
    ("마약 사진이 아닙니다", None),
    ("마약 실물은 보이지 않습니다", None),
    ("대화 내역과 거래 장소가 모두 보이지 않습니다", None),
    ("무관하지 않습니다", None),
    ("3번이 아닙니다", None),
    ("3번으로 분류할 수 없습니다", None),
    ("1, 2번은 아닙니다", None),
    ("This is not a chat log.", None),
    ("neither a chat log nor a meeting place", None),
    ("3번이 아니라 2번입니다", 2),
    ("정답은 1번이 아니라 3번입니다", 3),
    ("3번 입니다. 2번은 아닙니다.", 3),
    ("마약 실물이 아니라 마약 거래 장소입니다", 2),
    ("마약 실물이 아닌 대화 내역입니다", 1),
    ("not 3 but 2", 2),
    ("This is not a chat log, it is a meeting place.", 2),
]
LEFT_OPEN = [
    "2번일 수도 있습니다",
    "2번인지 모르겠습니다",
    "2번입니까?",
    "3?",
    "1번 또는 2번입니다",
    "class 2 or class 3",
    "2나 3",
    "It might be 2",
    "I am not sure whether it is 2.",
    "마약 실물일 가능성이 있습니다",
    "모르겠습니다",
    "판단할 수 없습니다",
]
NO_ANSWER = [
    None,
    "",
    " \n",
    OPTIONS,
    QUESTION,
    "0, 1, 2, 3",
    "1번, 2번",
    "0~3 중 하나",
    "정답은 7번입니다",
    "12",
    "1.5",
    "1 gram of drug powder",
    "2 people",
    "사진에는 사람이 2명 있습니다.",
    "The image shows 3 pills.",
    "The photo was taken at 3 o'clock.",
    "강남역 2번 출구 사진입니다",
    "2번째 사진입니다",
    "2024년 3월 1일",
    "2:30 PM",
    "010-1234-5678",
    "No one knows",
    "The answer is 1 of the options",
    "대화 내역과 거래 장소가 모두 보입니다",
    "2번 마약 실물입니다",
    "2. 마약 실물",
    "3번 (마약 거래 장소)",
]


RECIPE = Path(__file__).resolve().parents[3] / "recipes/llava-v1.6-mistral-7b-drug-forensics.yaml"


@pytest.fixture(scope="module")
def parse() -> AnswerParser:
    """With the phrases of the recipe, which is what reads a real model's answers."""
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    return AnswerParser([AnswerClass.model_validate(known) for known in recipe["classes"]])


@pytest.mark.parametrize(("text", "number"), [*STATED, *NUMBERS, *PHRASES, *DENIED])
def test_an_answer_is_read_as_a_person_reads_it(
    parse: AnswerParser, text: str, number: int | None
) -> None:
    assert parse(text) == number


@pytest.mark.parametrize("text", [*LEFT_OPEN, *NO_ANSWER])
def test_what_names_no_class_is_not_guessed(parse: AnswerParser, text: str | None) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("answer", ["\n\n2", " 정답: 2번", " 2번입니다."])
def test_an_answer_after_the_repeated_question_counts(parse: AnswerParser, answer: str) -> None:
    assert parse(QUESTION + answer) == 2


def test_answers_need_not_be_numbers() -> None:
    parse = AnswerParser(
        [
            AnswerClass(answer="yes", name="usable", korean="쓸 수 있음"),
            AnswerClass(answer="no", name="unusable", korean="쓸 수 없음"),
        ]
    )
    assert [parse(text) for text in ("Yes", "no.", "unusable", "1")] == [0, 1, 1, None]


def test_a_long_answer_is_read_in_no_time(parse: AnswerParser) -> None:
    started = time.process_time()
    assert parse("이 사진은 3 " * 4000 + "장. 마약 실물, " * 4000 + "정답은 2번") == 2
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"answer": "0"}, "same answer '0'"),
        ({"name": "Irrelevant"}, "same name"),
        ({"korean": "사건과 무관한 사진"}, "same Korean name"),
        ({"phrases": ("무관",)}, "same phrase '무관'"),
        ({"phrases": ("",)}, "empty phrase"),
        ({"name": "unparsed"}, "names no class"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(
    classes: tuple[AnswerClass, ...], changed: dict[str, object], message: str
) -> None:
    second = classes[1].model_copy(update=changed)
    with pytest.raises(BogamError, match=message):
        check_classes([classes[0], second])
    with pytest.raises(BogamError, match="only chooses nothing"):
        check_classes(classes[:1])
