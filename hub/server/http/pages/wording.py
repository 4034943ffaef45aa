"""The words of the pages in English and in Korean.

Templates and the refusals of pages hold the English words; :data:`KOREAN` says them in Korean.
A name in braces stands for a value that the template gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
LANGUAGE_COOKIE = "hub_language"

_PREFERRED = re.compile(r"\s*([a-zA-Z]{2,3})(?:-[^;]*)?(?:;\s*q=([0-9.]{1,5}))?\s*")

KOREAN = {
    "A token has the role read or write": "토큰의 권한은 읽기 또는 읽기와 쓰기입니다.",
    "A token needs a name of at most 80 characters on one line": (
        "토큰에는 한 줄, 80자 이내의 이름이 필요합니다."
    ),
    "Access to these files is restricted, and you are not on the list.": (
        "이 파일은 허가받은 사람만 볼 수 있으며, 아직 허가되지 않았습니다."
    ),
    "All": "전체",
    "All {number} checks held when card and numbers were computed again from the records.": (
        "기록에서 카드와 수치를 다시 계산했을 때 검사 {number}개를 모두 통과했습니다."
    ),
    "Any": "모두",
    "At commit": "커밋",
    "Base model": "기반 모델",
    "Before tuning": "조정 전",
    "Board": "성적표",
    "Card": "카드",
    "Changed files": "바뀐 파일",
    "Clear filters": "조건 지우기",
    "Contents": "목차",
    "Conversation": "대화",
    "Copy it now: it is not shown again, and the Hub keeps only its hash.": (
        "지금 복사해 두십시오. 다시 보여 주지 않으며, 허브에는 해시만 남습니다."
    ),
    "Create a token": "토큰 만들기",
    "Create": "만들기",
    "Created": "만든 때",
    "Dataset": "데이터셋",
    "Dataset revision": "데이터셋 버전",
    "Datasets": "데이터셋",
    "Download": "내려받기",
    "Every row has this place in the split, counted from 0.": (
        "행 번호는 분할 안의 위치이며 0부터 셉니다."
    ),
    "Field": "항목",
    "Fields": "항목",
    "Files": "파일",
    "Files have changed since it was verified.": "검증한 뒤에 파일이 바뀌었습니다.",
    "Filter": "거르기",
    "First": "처음",
    "Folder": "폴더",
    "Go": "이동",
    "Go to row": "행으로 이동",
    "Higher is better": "높을수록 좋음",
    "History": "기록",
    "Hub": "허브",
    "Image": "그림",
    "Interval (95 %)": "구간 (95 %)",
    "Language": "언어",
    "Languages": "언어",
    "Last": "마지막",
    "Last change": "마지막 변경",
    "Library": "라이브러리",
    "Licence": "라이선스",
    "Log in": "로그인",
    "Log in first": "먼저 로그인하십시오.",
    "Log out": "로그아웃",
    "Log in to see this": "로그인해야 볼 수 있습니다",
    "Lower is better": "낮을수록 좋음",
    "Main navigation": "주 메뉴",
    "Metrics": "지표",
    "Model": "모델",
    "Models": "모델",
    "Name": "이름",
    "Name of the token": "토큰 이름",
    "Narrow down": "조건으로 좁히기",
    "Next": "다음",
    "No model that you may see reports results on this dataset yet.": (
        "이 데이터셋의 결과를 보고한 모델 가운데 볼 수 있는 것이 아직 없습니다."
    ),
    "No row has these labels.": "조건에 맞는 행이 없습니다.",
    "No token is known by these characters.": "알 수 없는 토큰입니다.",
    "Not allowed": "허용되지 않습니다",
    "Not found here": "여기에 없습니다",
    "Nothing here matches.": "맞는 것이 없습니다.",
    "Nothing is published here yet.": "아직 올라온 것이 없습니다.",
    "Only the first {shown} are shown; download the file to see the rest.": (
        "처음 {shown}만 보여 줍니다. 나머지는 파일을 내려받아 보십시오."
    ),
    "Pages of rows": "행 쪽 넘기기",
    "Parent": "이전 커밋",
    "Pictures": "그림",
    "Previous": "이전",
    "Private repos are shown after logging in.": "비공개 저장소는 로그인하면 보입니다.",
    "Repo": "저장소",
    "Repos": "저장소",
    "Revoke": "폐기",
    "Revoke {name}": "{name} 폐기",
    "Role": "권한",
    "Row": "행",
    "Rows": "행",
    "Rows are counted by whole numbers": "행 번호는 정수여야 합니다.",
    "Rows {first} to {last} of {total}": "전체 {total}행 가운데 {first}~{last}행",
    "Score": "점수",
    "Search repos": "저장소 검색",
    "Signed with the key": "서명한 열쇠",
    "Size": "크기",
    "Skip to content": "본문으로 건너뛰기",
    "So says whoever has the key below. This Hub does not know whose it is, and anybody can make "
    "one.": (
        "아래 열쇠를 가진 사람의 말입니다. 이 Hub는 누구의 열쇠인지 모르며, 열쇠는 누구나 만들 수 "
        "있습니다."
    ),
    "Some checks failed when it was verified.": "검증에서 통과하지 못한 검사가 있습니다.",
    "Spaces": "스페이스",
    "Split": "분할",
    "Storage": "용량",
    "Tags": "태그",
    "Task": "과제",
    "The model was asked again for {number} answers.": "모델에게 답 {number}개를 다시 물었습니다.",
    "The signature of verify.json is not sound.": "verify.json의 서명이 맞지 않습니다.",
    "The card changed": "카드가 바뀜",
    "Dots are scores, bars their intervals, rings the same model before tuning.": (
        "점은 점수, 막대는 구간, 고리는 같은 모델의 조정 전 점수입니다."
    ),
    "The lines are not shown: the file is no text, or too large.": (
        "줄을 보여 주지 않습니다. 글이 아니거나 너무 큰 파일입니다."
    ),
    "The rows cannot be read": "행을 읽을 수 없습니다",
    "There is no card yet.": "아직 카드가 없습니다.",
    "There is no repo of this name that you may see.": (
        "볼 수 있는 저장소 가운데 이런 이름은 없습니다."
    ),
    "There is no such file or folder in this version.": "이 버전에 그런 파일이나 폴더가 없습니다.",
    "There is no such picture": "그런 그림이 없습니다.",
    "There is no such token": "그런 토큰이 없습니다.",
    "There is no such user or organisation": "그런 사용자나 조직이 없습니다.",
    "This cannot be asked for": "요청할 수 없습니다",
    "This file is no text; download it to look inside.": (
        "글이 아닌 파일입니다. 내려받아서 보십시오."
    ),
    "This form is too old or not of this session. Load the page again.": (
        "오래되었거나 이 로그인의 것이 아닌 양식입니다. 페이지를 다시 여십시오."
    ),
    "This form was sent by another site and is refused": (
        "다른 사이트에서 보낸 양식이어서 받지 않습니다."
    ),
    "This repo has no such branch, tag or commit.": (
        "이 저장소에 그런 브랜치나 태그나 커밋이 없습니다."
    ),
    "This repo holds no parquet files, so there are no rows to show": (
        "이 저장소에는 parquet 파일이 없어 보여 줄 행이 없습니다."
    ),
    "To make the first token, ask whoever runs this Hub:": (
        "첫 토큰은 이 허브를 운영하는 사람이 만들어 줍니다:"
    ),
    "Token": "토큰",
    "Tokens": "토큰",
    "Tuned on": "조정에 쓴 데이터",
    "Unified, lines removed and added": "지운 줄과 더한 줄",
    "Updated": "고친 때",
    "Verification": "검증",
    "Verified by": "검증한 사람",
    "Whoever has a token may do what you may do. Revoke those that you no longer need.": (
        "토큰을 가진 사람은 당신과 같은 일을 할 수 있습니다. 쓰지 않는 토큰은 폐기하십시오."
    ),
    "You are logged in with a token that only reads, so it can only make tokens that read.": (
        "읽기 전용 토큰으로 로그인했으므로 읽기 전용 토큰만 만들 수 있습니다."
    ),
    "You logged in with a token that only reads: it cannot do that": (
        "읽기 전용 토큰으로 로그인했으므로 할 수 없는 일입니다."
    ),
    "Your new token {name}": "새 토큰 {name}",
    "Your tokens": "내 토큰",
    "added": "더함",
    "all {number}": "전체 {number}개",
    "and {number} more files": "그 밖에 파일 {number}개",
    "as in the conversation": "대화와 같음",
    "binary": "이진 값",
    "by {author}": "{author}",
    "changed": "바꿈",
    "empty": "빈 값",
    "files": "파일",
    "from {path}": "이전 위치 {path}",
    "gated": "허가제",
    "in use": "지금 사용 중",
    "more": "더 보기",
    "moved": "옮김",
    "private": "비공개",
    "read": "읽기",
    "read and write": "읽기와 쓰기",
    "removed": "지움",
    "row {number}": "{number}행",
    "see its rows": "행 보기",
    "signed by an unknown key": "모르는 열쇠로 서명됨",
    "verification does not hold": "검증이 맞지 않음",
    "verified by {name}": "{name} 검증",
    "verify.json speaks of another repo.": "verify.json은 다른 저장소의 것입니다.",
    "{number} characters more": "{number}자 더 있음",
    "{number} lines added, {removed} removed": "{number}줄 더함, {removed}줄 지움",
}


@dataclass(frozen=True)
class Wording:
    """The words of one language."""

    language: Language

    def __call__(self, english: str, **values: object) -> str:
        """The words for the English ones, with the values in their places.

        Values are put in as they are: the template escapes the whole.
        """
        text = KOREAN[english] if self.language == "ko" else english
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def sentence(self, english: str) -> str | None:
        """The words for a refusal; None for one that has no Korean, as most of the API have not."""
        return KOREAN.get(english) if self.language == "ko" else english


def choose_language(chosen: str | None, accepted: str) -> Language:
    """The visitor's own choice, else what the browser likes best (RFC 9110, 12.5.4)."""
    for language in LANGUAGES:
        if chosen == language:
            return language
    weights: dict[str, float] = {}
    for item in accepted[:200].split(","):
        match = _PREFERRED.fullmatch(item)
        if match is not None and match[2] != ".":
            weights.setdefault(match[1].lower(), float(match[2] or 1))
    return "ko" if weights.get("ko", 0.0) > weights.get("en", 0.0) else "en"
