"""Talks about a page in Chinese, Korean or English, answered from the log of what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml

from cards.document_labels import FIELD_LABELS, Language, Word
from loaders.medical_ocr.synthesis import languages as say

if TYPE_CHECKING:
    from numpy.random import Generator

    from loaders.medical_ocr.synthesis.page import Field

DocumentType = Literal["prescription", "checkup", "bill", "label"]
Turn = tuple[str, str]
"""A question and its answer."""

INTRODUCTIONS: dict[DocumentType, Word] = {
    "prescription": Word(
        "以下是韩国处方笺。", "다음은 처방전입니다.", "This is a Korean prescription."
    ),
    "checkup": Word(
        "以下是韩国健康体检结果单。",
        "다음은 건강검진 결과지입니다.",
        "These are the results of a Korean health check-up.",
    ),
    "bill": Word(
        "以下是韩国医院的诊疗费收据。",
        "다음은 진료비 영수증입니다.",
        "This is a Korean medical bill.",
    ),
    "label": Word(
        "以下是韩国的药品标签。", "다음은 조제약 라벨입니다.", "This is a Korean medicine label."
    ),
}  # fmt: skip


@lru_cache(maxsize=1)
def wordings() -> dict[str, dict[Language, list[str]]]:
    """{intent: {language: ways of asking}}, from `questions.yaml` beside this file."""
    text = Path(__file__).with_name("questions.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[Language, list[str]]] = yaml.safe_load(text)
    return table


_NONE = Word("没有", "없음", "none")


class _Log:
    """The drawn fields, by name; lines of a table by their number."""

    def __init__(self, fields: Sequence[Field], language: Language) -> None:
        self.language = language
        self._single = {field.name: field.value for field in fields if field.group < 0}
        self._lines: dict[int, dict[str, str]] = {}
        for field in fields:
            if field.group >= 0:
                self._lines.setdefault(field.group, {})[field.name] = field.value

    def __contains__(self, name: str) -> bool:
        return name in self._single

    def __getitem__(self, name: str) -> str:
        return self._single[name]

    def lines(self, name: str) -> list[dict[str, str]]:
        """Lines that hold `name`, from top to bottom."""
        return [line for _, line in sorted(self._lines.items()) if name in line]

    def pair(self, name: str, value: str) -> str:
        return f"{FIELD_LABELS[name].of(self.language)}: {value}"

    def stated(self, *names: str) -> list[str]:
        """`key: value` of those names that are on the page."""
        renderers: dict[str, Callable[[str, Language], str]] = {
            "issue.date": say.day, "exam.date": say.day, "period": say.period,
            "valid_days": say.days, "overall.judgement": say.phrase,
        }  # fmt: skip
        found = []
        for name in names:
            if name in self:
                render = renderers.get(name) or (
                    say.won if name.startswith(("total.", "paid.")) else lambda text, _: text
                )
                found.append(self.pair(name, render(self[name], self.language)))
        return found

    def drug(self, line: dict[str, str], *, named: bool = True) -> str:
        parts = [self.pair("drug.name", line["drug.name"])] if named else []
        parts += [
            self.pair("drug.dose", say.amount(line["drug.dose"], self.language)),
            self.pair("drug.frequency", say.times(line["drug.frequency"], self.language)),
            self.pair("drug.days", say.days(line["drug.days"], self.language)),
        ]
        return ", ".join(parts)

    def test(self, line: dict[str, str]) -> str:
        name = say.phrase(line["test.name"], self.language)
        value = say.measured(line["test.result"], line.get("test.unit", ""), self.language)
        parts = [f"{name}: {value}"]
        if "test.judgement" in line:
            judgement = say.phrase(line["test.judgement"], self.language)
            parts.append(self.pair("test.judgement", judgement))
        return ", ".join(parts)

    def item(self, line: dict[str, str]) -> str:
        amounts = [
            self.pair(name, say.won(line[name], self.language))
            for name in ("item.copay", "item.insurer", "item.self_pay", "item.uncovered")
            if name in line
        ]
        return ", ".join([say.phrase(line["item.name"], self.language), *amounts])

    def codes(self) -> str:
        values = [line["diagnosis.code"] for line in self.lines("diagnosis.code")]
        return self.pair("diagnosis.code", ", ".join(values))


class _Talk:
    """Collects turns; each question is worded by chance."""

    def __init__(self, rng: Generator, language: Language) -> None:
        self.rng, self.language, self.turns = rng, language, list[Turn]()

    def ask(self, intent: str, answer: str, **words: str) -> None:
        ways = wordings()[intent][self.language]
        question = ways[int(self.rng.integers(len(ways)))].format(**words)
        self.turns.append((question, answer))

    def some(self, lines: Sequence[dict[str, str]], most: int) -> list[dict[str, str]]:
        """Up to `most` different lines in the order of the page."""
        count = min(len(lines), int(self.rng.integers(1, most + 1)))
        chosen = self.rng.permutation(len(lines))[:count]
        return [lines[place] for place in sorted(chosen.tolist())]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def talk(
    document_type: DocumentType, fields: Sequence[Field], language: Language, rng: Generator
) -> list[Turn]:
    """Two to eight turns about one page, no question twice."""
    log, collected = _Log(fields, language), _Talk(rng, language)
    writers: dict[DocumentType, Callable[[_Log, _Talk], None]] = {
        "prescription": _prescription, "checkup": _checkup, "bill": _bill, "label": _label,
    }  # fmt: skip
    writers[document_type](log, collected)
    introduction = INTRODUCTIONS[document_type].of(language)
    first, *rest = collected.turns
    return [(f"{introduction}\n{first[0]}", first[1]), *rest]


def _prescription(log: _Log, talk: _Talk) -> None:
    patient = log.stated("patient.name", "patient.resident_number")
    issued = log.stated("issue.date", "hospital.name", "doctor.name")
    drugs = log.lines("drug.name")
    listed = "\n".join(log.drug(line) for line in drugs)
    talk.ask("prescription.patient", ", ".join(patient))
    talk.ask("codes", log.codes())
    if talk.chance(0.7):
        talk.ask("drugs", listed)
    for line in talk.some(drugs, 2):
        if talk.chance(0.6):
            talk.ask("one_drug", log.drug(line, named=False), name=line["drug.name"])
        else:
            directions = say.phrase(line["drug.directions"], log.language)
            talk.ask("directions", log.pair("drug.directions", directions), name=line["drug.name"])
    if talk.chance(0.4):
        talk.ask("issued", ", ".join(issued))
    if talk.chance(0.3):
        talk.ask("valid", ", ".join(log.stated("valid_days")))
    if talk.chance(0.6):
        talk.ask("prescription.all", "\n".join([*patient, *issued, log.codes(), listed]))


def _checkup(log: _Log, talk: _Talk) -> None:
    patient = log.stated("patient.name", "patient.resident_number", "exam.date")
    tests = log.lines("test.name")
    overall = log.stated("overall.judgement")
    talk.ask("checkup.patient", ", ".join(patient))
    for line in talk.some(tests, 4):
        name = say.phrase(line["test.name"], log.language)
        talk.ask("one_test", log.test(line), name=name)
    if talk.chance(0.5):
        odd = [log.test(line) for line in tests if line.get("test.judgement", "정상A") != "정상A"]
        talk.ask("abnormal", "\n".join(odd) or _NONE.of(log.language))
    if talk.chance(0.6):
        talk.ask("overall", ", ".join(overall))
    if talk.chance(0.5):
        talk.ask("checkup.all", "\n".join([*patient, *map(log.test, tests), *overall]))


def _bill(log: _Log, talk: _Talk) -> None:
    patient = log.stated("patient.name", "patient.number", "period")
    items = log.lines("item.name")
    totals = log.stated("total.amount", "total.insurer", "total.patient")
    talk.ask("bill.patient", ", ".join(patient))
    if talk.chance(0.7):
        talk.ask("total", ", ".join(log.stated("total.amount")))
    if talk.chance(0.6):
        talk.ask("share", ", ".join(log.stated("total.patient", "total.insurer")))
    for line in talk.some(items, 2):
        talk.ask("one_item", log.item(line), name=say.phrase(line["item.name"], log.language))
    if talk.chance(0.4):
        talk.ask("paid", ", ".join(log.stated("paid.total", "paid.card", "paid.cash")))
    if talk.chance(0.6):
        hospital = log.stated("hospital.name")
        talk.ask("bill.all", "\n".join([*patient, *hospital, *map(log.item, items), *totals]))


def _label(log: _Log, talk: _Talk) -> None:
    (line,) = log.lines("drug.name")
    patient = log.stated("patient.name")
    dispensed = log.stated("dispensing.date", "pharmacy.name")
    directions = log.pair("drug.directions", say.phrase(line["drug.directions"], log.language))
    talk.ask("label.patient", ", ".join(patient))
    talk.ask("label.drug", log.pair("drug.name", line["drug.name"]))
    talk.ask("label.dose", log.drug(line, named=False))
    if talk.chance(0.7):
        talk.ask("label.directions", directions)
    if talk.chance(0.7):
        talk.ask("label.dispensed", ", ".join(dispensed))
    if talk.chance(0.3):
        talk.ask("label.all", "\n".join([*patient, log.drug(line), directions, *dispensed]))
