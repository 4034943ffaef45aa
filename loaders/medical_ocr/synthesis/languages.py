"""Printed Korean values as an answer in one language writes them; units are never mixed.

Names, codes, numbers and laboratory units stay as printed. Counting units (정, 회, 일, 원), dates,
directions, judgements and the names of tests and cost items are those of the answer's language.
Each function takes what stands on the page, so an answer holds nothing else.
"""

from __future__ import annotations

import re

from cards.document_labels import (
    AMOUNT_UNITS,
    DAYS,
    TIMES,
    UNIT_SYMBOLS,
    Language,
    Word,
    plural,
)

_UNITS = {unit.ko: unit for unit in AMOUNT_UNITS}

_PHRASES = {
    phrase: Word(zh, phrase, en)
    for phrase, zh, en in (
        ("식후 30분", "饭后30分钟", "30 minutes after meals"),
        ("식전 30분", "饭前30分钟", "30 minutes before meals"),
        ("아침 식후", "早饭后", "after breakfast"),
        ("저녁 식후", "晚饭后", "after dinner"),
        ("취침 전", "睡前", "before bed"),
        ("필요 시", "需要时", "when needed"),
        ("아침, 저녁 식후", "早晚饭后", "after breakfast and dinner"),
        ("환부에 바름", "涂抹患处", "apply to the affected area"),
        ("양안 점안", "双眼滴入", "into both eyes"),
        ("양쪽 콧속 분무", "双侧鼻腔喷入", "into both nostrils"),
        ("흡입 후 입안 헹굼", "吸入后漱口", "inhale, then rinse the mouth"),
        ("아픈 곳에 부착", "贴于痛处", "stick on the painful area"),
        ("공복", "空腹", "on an empty stomach"),
        ("피하 주사", "皮下注射", "inject under the skin"),
        ("정상A", "正常A", "Normal A"),
        ("정상B(경계)", "正常B(临界)", "Normal B (borderline)"),
        ("질환의심", "疑似疾病", "Suspected disease"),
        ("정상", "正常", "normal"),
        ("정상/정상", "正常/正常", "normal/normal"),
        ("음성", "阴性", "negative"),
        ("약양성(±)", "弱阳性(±)", "trace (±)"),
        ("양성(+1)", "阳性(+1)", "positive (+1)"),
        ("비활동성 폐결핵", "非活动性肺结核", "inactive pulmonary tuberculosis"),
        ("신장", "身高", "Height"),
        ("체중", "体重", "Weight"),
        ("체질량지수", "体质指数", "Body mass index"),
        ("허리둘레", "腰围", "Waist"),
        ("시력(좌/우)", "视力(左/右)", "Vision (left/right)"),
        ("청력(좌/우)", "听力(左/右)", "Hearing (left/right)"),
        ("혈압(최고/최저)", "血压(收缩压/舒张压)", "Blood pressure (systolic/diastolic)"),
        ("혈색소", "血红蛋白", "Haemoglobin"),
        ("공복혈당", "空腹血糖", "Fasting glucose"),
        ("총콜레스테롤", "总胆固醇", "Total cholesterol"),
        ("HDL-콜레스테롤", "高密度脂蛋白胆固醇", "HDL cholesterol"),
        ("중성지방", "甘油三酯", "Triglycerides"),
        ("LDL-콜레스테롤", "低密度脂蛋白胆固醇", "LDL cholesterol"),
        ("혈청크레아티닌", "血清肌酐", "Serum creatinine"),
        ("신사구체여과율(e-GFR)", "肾小球滤过率(e-GFR)", "Glomerular filtration rate (e-GFR)"),
        ("AST(SGOT)", "谷草转氨酶(AST)", "AST (SGOT)"),
        ("ALT(SGPT)", "谷丙转氨酶(ALT)", "ALT (SGPT)"),
        ("감마지티피(γ-GTP)", "γ-谷氨酰转肽酶", "Gamma-GTP"),
        ("요단백", "尿蛋白", "Urine protein"),
        ("흉부촬영", "胸部X线", "Chest X-ray"),
        ("진찰료", "诊察费", "Consultation"),
        ("입원료", "住院费", "Room"),
        ("식대", "伙食费", "Meals"),
        ("투약 및 조제료 행위료", "配药服务费", "Dispensing service"),
        ("투약 및 조제료 약품비", "药品费", "Dispensed drugs"),
        ("주사료 행위료", "注射服务费", "Injection service"),
        ("주사료 약품비", "注射药品费", "Injected drugs"),
        ("마취료", "麻醉费", "Anaesthesia"),
        ("처치 및 수술료", "处置及手术费", "Treatment and surgery"),
        ("검사료", "检查费", "Laboratory tests"),
        ("영상진단료", "影像诊断费", "Imaging"),
        ("치료재료대", "治疗材料费", "Medical supplies"),
        ("재활 및 물리치료료", "康复及物理治疗费", "Rehabilitation and physiotherapy"),
        ("CT 진단료", "CT诊断费", "CT"),
        ("MRI 진단료", "MRI诊断费", "MRI"),
        ("초음파 진단료", "超声诊断费", "Ultrasound"),
        ("제증명수수료", "证明手续费", "Certificates"),
    )
}  # fmt: skip

_NUMBER = re.compile(r"([\d.]+)(.*)")
_WRITTEN_DATE = re.compile(r"(\d{4})년 (\d{1,2})월 (\d{1,2})일")
_PERIOD = re.compile(r"(\d{4}\D\d\d\D\d\d)\D+(\d{4}\D\d\d\D\d\d)")


def phrase(printed: str, language: Language) -> str:
    """A set phrase in the language; KeyError when the page shows an unknown one."""
    return _PHRASES[printed].of(language)


def _parts(printed: str) -> tuple[str, str]:
    match = _NUMBER.fullmatch(printed)
    if match is None:
        raise ValueError(f"{printed!r} is no number with a unit")
    return match[1], match[2]


def _counted(number: str, unit: Word, language: Language) -> str:
    """A number with its unit, as the language writes it."""
    word = unit.of(language)
    if language != "en":
        return number + word
    return f"{number} {plural(word) if float(number) > 1 and word not in UNIT_SYMBOLS else word}"


def amount(printed: str, language: Language) -> str:
    """A single dose. A form that prints no unit gets none."""
    number, unit = _parts(printed)
    return _counted(number, _UNITS[unit], language) if unit else number


def times(printed: str, language: Language) -> str:
    """How often a day: the column's heading says what a bare number counts."""
    return _counted(_parts(printed)[0], TIMES, language)


def days(printed: str, language: Language) -> str:
    return _counted(_parts(printed)[0], DAYS, language)


def won(printed: str, language: Language) -> str:
    return printed + Word("韩元", "원", " won").of(language)


def day(printed: str, language: Language) -> str:
    """A date; one written with 년 월 일 takes the language's own way of writing."""
    match = _WRITTEN_DATE.fullmatch(printed)
    if match is None or language == "ko":
        return printed
    year, month, number = match.groups()
    if language == "zh":
        return f"{year}年{month}月{number}日"
    return f"{year}-{int(month):02}-{int(number):02}"


def period(printed: str, language: Language) -> str:
    """From one day to another."""
    match = _PERIOD.search(printed)
    if match is None:
        raise ValueError(f"{printed!r} is no period")
    first, last = match.groups()
    return Word(f"{first} 至 {last}", f"{first} ~ {last}", f"{first} to {last}").of(language)


def measured(value: str, unit: str, language: Language) -> str:
    """A result with its unit. Units of measurement are international and stay as printed."""
    text = phrase(value, language) if value in _PHRASES else value
    return f"{text} {unit}" if unit else text
