"""Words and sentences of the made-up questions and answers. None of it is medical advice.

A word that a particle follows is written `{d|은/는}`: the first form goes after a final consonant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SLOT = re.compile(r"\{(\w+)(?:\|(\w+)/(\w+))?\}")


@dataclass(frozen=True)
class Disease:
    """A disease with what answers say about it; `sign` is what one notices."""

    category: str
    department: str
    organ: str
    name: str
    english: str
    sign: str


_CATEGORIES: tuple[tuple[str, str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "감염성질환",
        "감염내과",
        "온몸",
        (
            ("독감", "Influenza", "높은 열"),
            ("대상포진", "Shingles", "띠 모양 물집"),
            ("볼거리", "Mumps", "귀밑 부기"),
        ),
    ),
    (
        "호흡기질환",
        "호흡기내과",
        "기도",
        (
            ("기관지염", "Bronchitis", "끈적한 가래"),
            ("폐기종", "Emphysema", "숨찬 느낌"),
            ("후두염", "Laryngitis", "쉰 목소리"),
        ),
    ),
    (
        "소화기질환",
        "소화기내과",
        "소화관",
        (
            ("위궤양", "Gastric ulcer", "명치 쓰림"),
            ("게실염", "Diverticulitis", "왼쪽 아랫배 통증"),
            ("식도염", "Esophagitis", "신물 역류"),
        ),
    ),
    (
        "순환기질환",
        "순환기내과",
        "심장",
        (
            ("부정맥", "Arrhythmia", "불규칙한 맥박"),
            ("심근염", "Myocarditis", "가슴 답답함"),
            ("판막증", "Valvular disease", "쉽게 지침"),
        ),
    ),
    (
        "눈질환",
        "안과",
        "눈",
        (
            ("다래끼", "Stye", "눈꺼풀 멍울"),
            ("황반변성", "Macular degeneration", "휘어 보이는 선"),
            ("비문증", "Floaters", "떠다니는 점"),
        ),
    ),
    (
        "귀코목질환",
        "이비인후과",
        "귀와 코",
        (
            ("축농증", "Sinusitis", "누런 콧물"),
            ("이석증", "BPPV", "빙글빙글 도는 느낌"),
            ("외이도염", "Otitis externa", "귓구멍 가려움"),
        ),
    ),
    (
        "피부질환",
        "피부과",
        "살갗",
        (
            ("습진", "Eczema", "붉은 반점"),
            ("모낭염", "Folliculitis", "노란 고름집"),
            ("백선", "Tinea", "둥근 비듬 자국"),
        ),
    ),
    (
        "근골격질환",
        "정형외과",
        "관절",
        (
            ("오십견", "Frozen shoulder", "굳은 어깨"),
            ("족저근막염", "Plantar fasciitis", "아침 발뒤꿈치 통증"),
            ("손목터널증후군", "Carpal tunnel syndrome", "손끝 저림"),
        ),
    ),
    (
        "치과질환",
        "치과",
        "입안",
        (
            ("구내염", "Stomatitis", "하얀 헌 자리"),
            ("치수염", "Pulpitis", "찬물에 시린 이"),
            ("부정교합", "Malocclusion", "어긋난 윗니와 아랫니"),
        ),
    ),
    (
        "뇌신경정신질환",
        "신경과",
        "신경",
        (
            ("불면증", "Insomnia", "얕은 잠"),
            ("수전증", "Hand tremor", "떨리는 손"),
            ("안면마비", "Facial palsy", "한쪽 얼굴 처짐"),
        ),
    ),
)
DISEASES = tuple(
    Disease(category, department, organ, *disease)
    for category, department, organ, diseases in _CATEGORIES
    for disease in diseases
)

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "검진": ("{d} 검진은 얼마나 자주 하나요?", "{d|을/를} 찾아내는 검진이 있나요?"),
    "식이, 생활": ("{d|이/가} 있을 때 무엇을 먹을까요?", "{d} 때문에 생활을 어떻게 고칠까요?"),
    "약물": ("{d}에 쓰는 약이 있나요?", "{d} 약을 먹을 때 무엇을 조심하나요?"),
    "예방": ("{d|은/는} 어떻게 예방하나요?", "{d|을/를} 미리 막고 싶습니다."),
    "운동": ("{d|이/가} 있어도 운동할 수 있나요?", "{d}에 맞는 운동은 무엇인가요?"),
    "원인": ("{d|은/는} 무엇 때문에 생기나요?", "{d}의 원인을 알고 싶습니다."),
    "재활": ("{d|을/를} 앓은 뒤 재활은 어떻게 하나요?", "{d} 재활을 언제 시작할까요?"),
    "정의": ("{d|은/는} 어떤 병인가요?", "{d|이/가} 무슨 뜻인지 모르겠습니다."),
    "증상": ("{d|이/가} 오면 무엇을 느끼나요?", "{d}의 증상을 설명해 주세요."),
    "진단": ("{d|은/는} 무엇으로 진단하나요?", "{d}인지 어떻게 확인하나요?"),
    "치료": ("{d|은/는} 어떻게 고치나요?", "{d} 치료를 알고 싶습니다."),
}
OPENINGS = (
    "{p} {t} {s} 때문에 힘들어합니다.",
    "{t} {p} {s|을/를} 이야기합니다.",
    "{p} 병원에 가기 전에 여쭙습니다.",
    "{t} 시작된 일이라 걱정입니다.",
    "{p} {t} 병원에 다닙니다.",
    "",
)
PEOPLE = (
    "이모가",
    "삼촌이",
    "짝꿍이",
    "이웃이",
    "장모님이",
    "시아버지가",
    "막내딸이",
    "큰아들이",
    "룸메이트가",
    "선배가",
    "사촌 누나가",
    "담임 선생님이",
)
TIMES = (
    "그제부터",
    "지난주부터",
    "보름 전부터",
    "장마가 끝난 뒤",
    "이사한 뒤",
    "겨울 내내",
    "여행을 다녀와서",
    "밤마다",
    "출근할 때마다",
    "석 달째",
)

INTRODUCTION = "{d|은/는} {o}에 생기며 {s|이/가} 나타납니다."
BODIES: Mapping[str, tuple[str, ...]] = {
    "검진": ("해마다 한 번 검진을 받으세요.", "가족력이 있으면 검진을 앞당기세요."),
    "식이, 생활": ("싱겁게 먹고 일찍 주무세요.", "술을 끊고 물을 자주 드세요."),
    "약물": ("처방받은 약은 제때 드세요.", "약을 바꿀 때는 먼저 물어보세요."),
    "예방": ("손을 자주 씻고 잘 쉬세요.", "무리하지 않으면 막을 수 있습니다."),
    "운동": ("가벼운 걷기부터 시작하세요.", "아프면 운동을 멈추세요."),
    "원인": ("피로와 염증이 흔한 원인입니다.", "나이와 습관이 함께 작용합니다."),
    "재활": ("천천히 움직임을 늘리세요.", "날마다 조금씩 연습하세요."),
    "정의": ("이름 그대로 그곳에 탈이 난 상태입니다.", "가볍게 지나가기도 하는 상태입니다."),
    "증상": ("사람마다 심한 정도가 다릅니다.", "밤에 더 심해지기도 합니다."),
    "진단": ("진찰과 간단한 검사로 확인합니다.", "사진을 찍어 확인하기도 합니다."),
    "치료": ("쉬면서 약으로 가라앉힙니다.", "오래가면 시술을 생각합니다."),
}
CONCLUSIONS = ("{c} 진료를 권합니다.", "불편하면 {c|을/를} 찾으세요.", "{c}에서 상담하세요.")


def fill(form: str, words: Mapping[str, str]) -> str:
    """Put the words in, each with the particle that fits its last syllable."""

    def word_and_particle(match: re.Match[str]) -> str:
        word = words[match[1]]
        if match[2] is None:
            return word
        return word + (match[2] if _ends_in_consonant(word) else match[3])

    return _SLOT.sub(word_and_particle, form)


def _ends_in_consonant(word: str) -> bool:
    """Syllables are laid out with 28 finals each, the first being none (Unicode, chapter 3.12)."""
    last = ord(word[-1]) - 0xAC00
    return 0 <= last < 11172 and last % 28 != 0
