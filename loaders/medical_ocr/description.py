"""What the card of the medical OCR dataset says besides its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cards.records import Note
from loaders.medical_ocr.talks import DocumentType, Talk

TITLE = Note(ko="한국어 의료 문서 읽기", en="Reading Korean medical documents")
_TYPES: Mapping[DocumentType, Note] = {
    "prescription": Note(ko="처방전", en="prescriptions"),
    "checkup": Note(ko="건강검진 결과지", en="check-up results"),
    "bill": Note(ko="진료비 영수증", en="bills"),
    "label": Note(ko="조제약 라벨", en="labels of medicines"),
    "receipt": Note(ko="영수증", en="receipts"),
    "other": Note(ko="그 밖의 문서", en="others"),
}
_WITH_RESIDENT_NUMBER: frozenset[DocumentType] = frozenset({"prescription", "checkup"})
COLUMNS = {
    "document_id": Note(
        ko="갈라놓지 않는 묶음: 같은 사람이나 같은 그림(사본 포함)의 행",
        en="group never split apart: rows of the same person or picture, copies included",
    ),
    "document_type": Note(
        ko=(
            "prescription(처방전), checkup(건강검진 결과지), bill(진료비 영수증), "
            "label(조제약 라벨), receipt(영수증), other"
        ),
        en="prescription, checkup, bill, label, receipt or other",
    ),
    "language": Note(ko="대화의 언어: zh, ko, en", en="language of the talk: zh, ko, en"),
    "fields": Note(
        ko=(
            "그림에 적힌 값: 이름, 표의 줄 번호(표 밖은 -1), 값, 상자(왼쪽, 위, 오른쪽, 아래 픽셀; "
            "모르면 비어 있음)"
        ),
        en=(
            "values on the picture: name, line of the table (-1 outside), value, box (left, top, "
            "right, bottom in pixels; empty where not known)"
        ),
    ),
    "flags": Note(
        ko="규칙으로 찾은 원본 라벨의 결함", en="defects of the source's labels that rules found"
    ),
    "quality": Note(
        ko=(
            "만들어 그린 문서의 화질: print, scan-grey, scan-colour, copy, fax, phone, "
            "라벨은 thermal, thermal-faded"
        ),
        en=(
            "how a made-up page was degraded: print, scan-grey, scan-colour, copy, fax, phone; "
            "labels: thermal, thermal-faded"
        ),
    ),
    "made_up": Note(
        ko="`bogam synth`로 그린 문서: 적힌 사람이 실재하지 않음",
        en="drawn by `bogam synth`: nobody on it exists",
    ),
    "augmented_copy": Note(
        ko="다른 행의 그림을 변형한 사본 (train에만 있음)",
        en="the picture is an altered copy of another row's (only in train)",
    ),
    "width": Note(ko="보이는 그대로의 너비(픽셀)", en="pixels, as displayed"),
    "height": Note(ko="보이는 그대로의 높이(픽셀)", en="pixels, as displayed"),
    "source_sha256": Note(ko="원본 파일의 SHA-256", en="SHA-256 of the source's file"),
}
_NO_ADVICE = Note(
    ko=(
        "이 데이터로 학습한 모델의 답은 복약 지도나 진단이 아닙니다. "
        "용량은 반드시 원본과 대조하십시오."
    ),
    en=(
        "Answers of a model trained on this are neither advice on medicines nor a diagnosis. "
        "Compare every dose with the document itself."
    ),
)
_NOBODY = Note(
    ko="만들어 그린 문서의 사람, 기관, 번호는 실재하지 않습니다.",
    en="People, institutions and numbers on made-up pages do not exist.",
)
_IMPOSSIBLE_NUMBERS = Note(
    ko="만들어 그린 문서의 주민등록번호는 월이 81–92이고 검증 숫자도 틀립니다.",
    en="Resident numbers on made-up pages have months of 81 to 92 and wrong check digits.",
)
ANNOTATION = Note(
    ko=(
        "질문과 답은 원본 기록의 것이며, 영수증(CORD)의 질문은 그 라벨에서 틀로 만들었습니다. 원본 "
        "라벨의 결함은 규칙으로 찾아 flags 열에 적었고, 사람이 고치지 않았습니다."
    ),
    en=(
        "Questions and answers are those of the source's records; questions about receipts (CORD) "
        "are made from its labels by templates. Defects of the labels were found by rules and "
        "stand in the column `flags`; nobody corrected them."
    ),
)


def describe(talks: Sequence[Talk], *, made_up: bool) -> Note:
    """What the rows are, naming the kinds of documents that are among them.

    Args:
        made_up: all of them are.
    """
    there = {talk.document_type for talk in talks}
    kinds = [name for kind, name in _TYPES.items() if kind in there]
    korean, english = ", ".join(one.ko for one in kinds), ", ".join(one.en for one in kinds)
    return Note(
        ko=(
            f"{'프로그램이 그린 ' if made_up else ''}의료 문서 그림({korean})과 그 내용을 묻고 "
            "답하는 대화입니다. 문서 종류와 언어는 document_type, language 열에 있습니다. 여러 번 "
            "주고받는 대화는 나누지 않았고, 그림 파일은 다시 압축하지 않았습니다."
        ),
        en=(
            f"Pictures of medical papers{' that a program drew' if made_up else ''} ({english}) "
            "with talks about what stands on them; `document_type` and `language` say which. Talks "
            "of several turns are kept whole; pictures are not encoded again."
        ),
    )


def limits(talks: Sequence[Talk]) -> tuple[Note, ...]:
    """What the rows must not be taken for; of made-up pages only where there are some."""
    drawn = {talk.document_type for talk in talks if talk.made_up}
    return (
        _NO_ADVICE,
        *([_NOBODY] if drawn else []),
        *([_IMPOSSIBLE_NUMBERS] if drawn & _WITH_RESIDENT_NUMBER else []),
    )
