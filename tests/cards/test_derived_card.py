"""Cards of models for which nothing was trained or measured."""

from __future__ import annotations

from cards.derived_card import derived_card
from cards.licences import find_licence
from cards.lint import lint_card
from cards.lint.finding import CardRepo
from cards.tasks import Bilingual

SAID = Bilingual("시험용입니다.", "For tests.")
DETOUR = Bilingual("`org/other`를 쓰십시오.", "Use `org/other`.")


def card(detour: Bilingual | None) -> str:
    return derived_card(
        "org/model",
        find_licence("apache-2.0"),
        made=SAID,
        checked=SAID,
        data=SAID,
        repo="org/model",
        detour=detour,
        metadata={"language": ["ko"]},
    )


def test_a_model_that_plain_transformers_cannot_load_says_what_to_do_instead() -> None:
    plain, other = card(None), card(DETOUR)
    assert 'repo = "org/model"' in plain and "org/other" not in plain
    assert "from_pretrained" not in other
    assert "## 쓰는 법 · How to load\n\n`org/other`를 쓰십시오.\n\nUse `org/other`.\n" in other
    for one in (plain, other):
        found = lint_card(one, CardRepo("model", frozenset({"README.md"}), "org/model"))
        assert "missing-how-to-load" not in {finding.rule for finding in found}
