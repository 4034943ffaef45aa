"""What the card of a document reader shows besides its metrics: fields, doses, the worst pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cards.card import metric_value
from cards.document_answers import KINDS, Kind, read_answer
from cards.dose_safety import OUTCOMES, DoseComparison, Outcome, compare_doses
from cards.licences import find_licence
from cards.page_sheet import PICTURE, SheetPage, page_sheet
from cards.reading_predictions import member, numbers
from cards.records import RunRecord
from cards.tasks import SIDES, Bilingual, Floats, Side, ratio

if TYPE_CHECKING:
    import pyarrow as pa

KIND_TITLES: Mapping[Kind, Bilingual] = {
    "patient": Bilingual("환자", "patient"),
    "codes": Bilingual("질병분류기호", "disease codes"),
    "drugs": Bilingual("약", "drugs"),
    "issue": Bilingual("발급", "issue: hospital, doctor, dates"),
    "costs": Bilingual("금액", "costs"),
    "named": Bilingual("검사 등 이름 붙은 값", "tests and other named values"),
    "lines": Bilingual("이름표 없는 줄", "lines without a label"),
}
OUTCOME_TITLES: Mapping[Outcome, Bilingual] = {
    "right": Bilingual("맞음", "right"),
    "wrong_number": Bilingual("**그럴듯하게 틀림**(숫자만 다름)", "**plausible but wrong** number"),
    "other_form": Bilingual("단위가 다르거나 덜 적음", "another unit, or incomplete"),
    "missing": Bilingual("그런 약이나 용량이 답에 없음", "no such drug or dose in the answer"),
}
SHEET = "worst_pages.png"
_WORST_SHOWN = 20
_DOSES_SHOWN = 10
_TEXT_SHOWN = 160
_PARTS = ("document_type", "language")


def worst_rows(predictions: pa.Table) -> list[int]:
    """Rows of the 20 worst answers of the tuned model by character error rate, one a document."""
    rates = predictions["tuned_cer"].to_numpy()
    documents = (
        predictions["document_id"].to_pylist()
        if "document_id" in predictions.column_names
        else list(range(predictions.num_rows))
    )
    chosen: dict[object, int] = {}
    for row in np.argsort(-rates, kind="stable").tolist():
        if rates[row] == 0 or len(chosen) == _WORST_SHOWN:
            break
        chosen.setdefault(documents[row], row)
    return list(chosen.values())


def rows_to_picture(predictions: pa.Table) -> list[int]:
    """Those of the worst rows whose page was made up; none where that is not known."""
    if "made_up" not in predictions.column_names:
        return []
    made_up = predictions["made_up"].to_pylist()
    return [row for row in worst_rows(predictions) if made_up[row]]


def reading_figures(run: RunRecord, predictions: pa.Table) -> dict[str, bytes]:
    """{file name: PNG} with the sheet of the worst pages, where there are pictures to show."""
    if not _may_show(run) or PICTURE not in predictions.column_names:
        return {}
    pictures = {
        row: picture
        for row in worst_rows(predictions)
        if (picture := predictions[PICTURE][row].as_py()) is not None
    }
    return {SHEET: worst_sheet(predictions, pictures)} if pictures else {}


def worst_sheet(predictions: pa.Table, pictures: Mapping[int, bytes]) -> bytes:
    """PNG of the worst pages, numbered as the card lists them; at least one has a picture.

    pictures: {row: encoded image}; a row without one is left out.
    """
    rates = predictions["tuned_cer"]
    return page_sheet(
        [
            SheetPage(f"{number} · CER {metric_value(rates[row].as_py(), '0-1')}", pictures[row])
            for number, row in enumerate(worst_rows(predictions), 1)
            if row in pictures
        ]
    )


def reading_section(run: RunRecord, predictions: pa.Table) -> dict[str, Any]:
    """The values of `medical_ocr.md.jinja`."""
    shown = _may_show(run)
    return {
        "kinds": _kinds(run, predictions),
        "doses": _doses(predictions),
        "wrong_doses": _wrong_doses(predictions) if shown else [],
        "parts": _parts(predictions),
        "worst": _worst(predictions) if shown else [],
        "sheet": SHEET in reading_figures(run, predictions),
    }


def _may_show(run: RunRecord) -> bool:
    """Where the licence keeps the data from being passed on, no answer is quoted either."""
    return find_licence(run.licence).redistribution


def _kinds(run: RunRecord, predictions: pa.Table) -> list[dict[str, Any]]:
    return [
        {
            "title": KIND_TITLES[kind],
            "fields": int(member(predictions, "reference_fields", kind).sum()),
            "measures": {
                measure: {side: run.metrics[side][f"{measure}/{kind}"] for side in SIDES}
                for measure in ("field_exact_match", "field_f1")
            },
        }
        for kind in KINDS
        if f"field_f1/{kind}" in run.metrics["tuned"]
    ]


def _doses(predictions: pa.Table) -> dict[str, Any] | None:
    """Doses of the references by outcome, and those that answers add."""
    total = int(numbers(predictions, "reference_doses").sum())
    if not total:
        return None

    def count(side: Side, outcome: str) -> int:
        return int(member(predictions, f"{side}_doses", outcome).sum())

    return {
        "total": total,
        "outcomes": [
            {
                "title": OUTCOME_TITLES[outcome],
                "zero_shot": count("zero_shot", outcome),
                "tuned": count("tuned", outcome),
            }
            for outcome in OUTCOMES
        ],
        "added": {side: count(side, "added") for side in SIDES},
    }


def _wrong_doses(predictions: pa.Table) -> list[dict[str, str]]:
    """The first plausible but wrong doses of the tuned model: id, drug, printed, answered."""
    rows = np.flatnonzero(member(predictions, "tuned_doses", "wrong_number"))
    found = []
    for row in rows.tolist():
        reference, answer = (
            read_answer(predictions[name][row].as_py()).doses for name in ("reference", "tuned")
        )
        compared, _ = compare_doses(answer, reference)
        found += [
            {"id": predictions["id"][row].as_py(), **_in_words(one)}
            for one in compared
            if one.outcome == "wrong_number"
        ]
        if len(found) >= _DOSES_SHOWN:
            break
    return found[:_DOSES_SHOWN]


def _in_words(compared: DoseComparison) -> dict[str, str]:
    assert compared.given is not None  # what is missing has no number
    return {
        "drug": compared.expected.drug or "질문의 약 · that of the question",
        "printed": " · ".join(part or "–" for part in compared.expected[1:]),
        "answered": " · ".join(part or "–" for part in compared.given[1:]),
    }


def _parts(predictions: pa.Table) -> list[dict[str, Any]]:
    """All metrics by document type and language, as far as the predictions have these columns."""
    present = [name for name in _PARTS if name in predictions.column_names]
    if not present:
        return []
    keys = list(zip(*(predictions[name].to_pylist() for name in present), strict=True))
    table = []
    for key in sorted(set(keys), key=lambda key: (-keys.count(key), str(key))):
        rows = np.array([one == key for one in keys])
        table.append(
            {
                "name": " · ".join(str(value) for value in key),
                "examples": int(rows.sum()),
                "listing_drugs": int((rows & (numbers(predictions, "reference_drugs") > 0)).sum()),
                "zero_shot": _measured(predictions, "zero_shot", rows),
                "tuned": _measured(predictions, "tuned", rows),
            }
        )
    return table


def _measured(predictions: pa.Table, side: Side, rows: NDArray[np.bool_]) -> dict[str, float]:
    """NaN for what the rows have none of."""

    def mean(column: str, of: NDArray[np.bool_]) -> float:
        return float(ratio(predictions[column].to_numpy()[of].sum(), np.asarray(of.sum())))

    def rate(edits: str, lengths: str) -> float:
        total: Floats = numbers(predictions, lengths)[rows].sum()
        return float(ratio(numbers(predictions, edits)[rows].sum(), total))

    drugs = rows & (numbers(predictions, "reference_drugs") > 0)
    return {
        "cer": rate(f"{side}_character_edits", "reference_characters"),
        "wer": rate(f"{side}_word_edits", "reference_words"),
        "anls": mean(f"{side}_anls", rows),
        "exact_match": mean(f"{side}_exact_match", rows),
        "dose_safety": mean(f"{side}_dose_safety", drugs) if drugs.any() else float("nan"),
    }


def _worst(predictions: pa.Table) -> list[dict[str, Any]]:
    return [
        {
            "id": predictions["id"][row].as_py(),
            "cer": metric_value(predictions["tuned_cer"][row].as_py(), "0-1"),
            # The turns before it are parted by blank lines.
            "question": _shortened(predictions["prompt"][row].as_py().rsplit("\n\n", 1)[-1]),
            "reference": _shortened(predictions["reference"][row].as_py()),
            "answer": _shortened(predictions["tuned"][row].as_py() or ""),
        }
        for row in worst_rows(predictions)
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + "…"
