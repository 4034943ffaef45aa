"""The licence of a result is the strictest of what it is made from, and a push has to keep it."""

from __future__ import annotations

import pytest

from cards.errors import BogamError
from cards.licences import (
    check_publication,
    derive,
    find_licence,
    licence_of_base,
    with_text_in,
)


@pytest.mark.parametrize(
    ("model", "licence", "metadata"),
    [
        ("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", "exaone", ("other", "exaone")),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "qwen-research", ("other", "qwen-research")),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "apache-2.0", ("apache-2.0", None)),
        ("llava-hf/llava-v1.6-mistral-7b-hf", "apache-2.0", ("apache-2.0", None)),
        ("upstage/SOLAR-10.7B-Instruct-v1.0", "cc-by-nc-4.0", ("cc-by-nc-4.0", None)),
    ],
)
def test_base_models_of_the_recipes(model, licence, metadata):
    found = licence_of_base(model, None)
    assert found.id == licence
    fields = found.metadata()
    assert (fields["license"], fields.get("license_name")) == metadata
    assert ("license_link" in fields) == (fields["license"] == "other")


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ({"license": "mit"}, "mit"),
        ({"license": "Apache-2.0"}, "apache-2.0"),
        ({"license": "other", "license_name": "exaone"}, "exaone"),
        ({"license": ["cc-by-4.0", "mit"]}, "cc-by-4.0+mit"),
    ],
)
def test_other_base_models_state_theirs_on_their_card(card, licence):
    assert licence_of_base("hospital/some-base", card).id == licence


@pytest.mark.parametrize("card", [None, {}, {"license": "other"}])
def test_a_base_without_a_licence_is_refused(card):
    with pytest.raises(BogamError, match="hospital/some-base: its licence is not known"):
        licence_of_base("hospital/some-base", card)


@pytest.mark.parametrize(
    ("base", "data", "result"),
    [
        ("exaone", "aihub", "exaone+aihub"),
        ("apache-2.0", "aihub", "aihub"),
        ("cc-by-nc-4.0", "aihub", "cc-by-nc-4.0+aihub"),
        ("qwen-research", "gpl-3.0", "qwen-research+gpl-3.0"),
        ("apache-2.0", "cc-by-4.0", "cc-by-4.0"),
        ("apache-2.0", "apache-2.0", "apache-2.0"),
        ("exaone", "mit", "exaone"),
        ("exaone+aihub", "aihub", "exaone+aihub"),
    ],
)
def test_the_strictest_wins_and_no_duty_is_lost(base, data, result):
    derived = derive(find_licence(base), find_licence(data))
    assert derived.id == result
    assert derived == derive(find_licence(data), find_licence(base))
    assert derived == find_licence(result)
    parts = [find_licence(base), find_licence(data)]
    assert derived.non_commercial == any(part.non_commercial for part in parts)
    assert derived.redistribution == all(part.redistribution for part in parts)
    assert derived.name_prefix == next((p.name_prefix for p in parts if p.name_prefix), "")


def test_ai_hub_material_is_never_public():
    licence = find_licence("aihub")
    check_publication(licence, "hospital/medical-qa", private=True)
    with pytest.raises(BogamError, match="Publish it as a private repository"):
        check_publication(licence, "hospital/medical-qa", private=False)


def test_derivatives_of_exaone_carry_its_name():
    licence = find_licence("exaone+aihub")
    check_publication(licence, "hospital/EXAONE-3.5-medical-qa", private=True)
    with pytest.raises(BogamError, match="Call it EXAONE-medical-qa"):
        check_publication(licence, "hospital/medical-qa", private=True)


@pytest.mark.parametrize(
    ("stated", "source", "right"),
    [
        ("apache-2.0", "cc-by-nc-4.0", "cc-by-nc-4.0"),
        ("mit", "aihub", "aihub"),
        ("exaone", "aihub", r"exaone\+aihub"),
        ("apache-2.0", "gpl-3.0", "gpl-3.0"),
    ],
)
def test_a_looser_licence_than_that_of_the_material_is_refused(stated, source, right):
    with pytest.raises(BogamError, match=f"Publish it under {right}"):
        check_publication(
            find_licence(stated),
            "hospital/EXAONE-model",
            private=True,
            made_from=(find_licence(source),),
        )


def test_a_licence_nobody_has_read_stays_private():
    licence = find_licence("house-rules-1.0")
    assert licence.metadata()["license_name"] == "house-rules-1.0"
    with pytest.raises(BogamError, match="private"):
        check_publication(licence, "hospital/model", private=False)
    assert derive(licence, find_licence("apache-2.0")).id == "house-rules-1.0"


def test_a_licence_nobody_read_links_to_the_text_that_is_there():
    unread = find_licence("acme-terms")
    assert with_text_in(unread, {"LICENSE.txt", "a"}).link == "LICENSE.txt"
    assert with_text_in(unread, {"a"}).link == "LICENSE"
    assert with_text_in(find_licence("mit"), {"LICENSE"}).link.startswith("https://")
