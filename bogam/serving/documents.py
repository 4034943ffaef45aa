"""Asking about a document in three languages, and reading the fields out of an answer."""

from __future__ import annotations

from typing import Any

from cards.document_answers import read_answer
from cards.document_labels import FIELD_LABELS, LANGUAGES
from loaders.medical_ocr.synthesis.questions import INTRODUCTIONS, wordings


def questions_about_documents() -> dict[str, dict[str, str]]:
    """{document type: {language: the question about all of it}}, worded as in training."""
    table = wordings()
    return {
        document: {
            language: f"{introduction.of(language)}\n{table[f'{document}.all'][language][0]}"
            for language in LANGUAGES
        }
        for document, introduction in INTRODUCTIONS.items()
    }


def read_fields(text: str) -> list[dict[str, Any]]:
    """The fields that an answer states, with what each is called; lines without one stay out.

    `owner` is the drug, cost item or test that a field belongs to, empty for none.
    """
    found = []
    for field in read_answer(text).fields:
        if not field.name:
            continue
        found.append(
            {
                "name": field.name,
                "labels": labels_of(field.name),
                "value": field.value,
                "owner": field.owner,
            }
        )
    return found


def labels_of(field: str) -> dict[str, str]:
    """What a field is called, by language; its own name where that is not known."""
    label = FIELD_LABELS.get(field)
    return label._asdict() if label is not None else dict.fromkeys(LANGUAGES, field)
