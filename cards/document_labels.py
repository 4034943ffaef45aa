"""What the fields and units of a medical document are called in Chinese, Korean and English.

One table for both sides: the synthesis writes its answers by it, and the scores read answers by
it. A field's name is that of the boxes in the dataset (`patient.name`, `drug.dose`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["zh", "ko", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "ko", "en")


class Word(NamedTuple):
    zh: str
    ko: str
    en: str

    def of(self, language: Language) -> str:
        return {"zh": self.zh, "ko": self.ko, "en": self.en}[language]


FIELD_LABELS = {
    field: Word(*labels)
    for field, labels in {
        "patient.name": ("病人姓名", "환자 성명", "Patient"),
        "patient.resident_number": ("身份证号", "주민등록번호", "Resident number"),
        "patient.number": ("患者登记号", "환자등록번호", "Patient number"),
        "issue.date": ("处方日期", "교부일", "Date of issue"),
        "dispensing.date": ("调配日期", "조제일", "Dispensed on"),
        "pharmacy.name": ("药房", "약국", "Pharmacy"),
        "hospital.name": ("医疗机构", "의료기관", "Hospital"),
        "doctor.name": ("医生", "의사", "Doctor"),
        "diagnosis.code": ("疾病编码", "질병분류기호", "Disease codes"),
        "drug.name": ("处方药物", "처방 의약품", "Drug"),
        "drug.dose": ("每次剂量", "1회 투약량", "Single dose"),
        "drug.frequency": ("每日服用次数", "1일 투여횟수", "Times a day"),
        "drug.days": ("总疗程", "총 투약일수", "Days in all"),
        "drug.directions": ("用法", "용법", "Directions"),
        "valid_days": ("有效期", "사용기간", "Valid for"),
        "exam.date": ("检查日期", "검진일", "Date of examination"),
        "test.judgement": ("判定", "판정", "Judgement"),
        "overall.judgement": ("综合判定", "종합판정", "Overall judgement"),
        "period": ("诊疗期间", "진료기간", "Period"),
        "item.copay": ("本人负担", "본인부담금", "Patient's share"),
        "item.insurer": ("公团负担", "공단부담금", "Insurer's share"),
        "item.self_pay": ("全额自付", "전액본인부담", "Paid in full by the patient"),
        "item.uncovered": ("非医保", "비급여", "Not covered"),
        "total.amount": ("诊疗费总额", "진료비 총액", "Total costs"),
        "total.insurer": ("公团负担总额", "공단부담 총액", "Insurer's total"),
        "total.patient": ("患者负担总额", "환자부담 총액", "Patient's total"),
        "paid.total": ("已付金额", "납부한 금액", "Amount paid"),
        "paid.card": ("刷卡", "카드", "By card"),
        "paid.cash": ("现金", "현금", "In cash"),
    }.items()
}

AMOUNT_UNITS = (
    Word("片", "정", "tablet"),
    Word("粒", "캡슐", "capsule"),
    Word("包", "포", "sachet"),
    Word("滴", "방울", "drop"),
    Word("贴", "매", "patch"),
    Word("单位", "단위", "unit"),
    Word("喷", "회분무", "puff"),
    Word("毫升", "mL", "mL"),
    Word("克", "g", "g"),
)
"""What a single dose is counted or measured in."""
UNIT_SYMBOLS = ("mL", "g")
"""Units that English writes the same for one and for many."""
TIMES = Word("次", "회", "time")
DAYS = Word("天", "일", "day")


def plural(unit: str) -> str:
    """The English word for several."""
    return unit + ("es" if unit.endswith("ch") else "s")
