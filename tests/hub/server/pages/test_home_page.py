"""The front page finds repos by kind, words, task, licence and language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system


def _card(**head: object) -> str:
    lines = [f"{name}: {value}" for name, value in head.items()]
    return "---\n" + "\n".join(lines) + "\n---\n# Card\n"


@pytest.fixture
def listed(publish: Callable[..., str]) -> str:
    """Repos of `alice` that differ in what a visitor may ask for; gives the word they share."""
    publish(
        "alice/shelf-qa",
        {"README.md": _card(license="mit", language="ko", task_categories="[question-answering]")},
    )
    publish(
        "alice/shelf-pictures",
        {
            "README.md": _card(
                license="cc0-1.0", language="[ko, zh]", task_categories="[image-classification]"
            )
        },
    )
    model = _card(license="mit", language="[en, ko]", pipeline_tag="text-generation")
    publish("alice/shelf-model", {"README.md": model}, type="model")
    return "shelf"


def _found(visitor: Visitor, query: str) -> set[str]:
    page = visitor.get(f"/?{query}").text
    return set(re.findall(r'<h3><a href="(?:/datasets)?/alice/shelf-(\w+)">', page))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=shelf", {"qa", "pictures", "model"}),
        ("search=shelf&kind=datasets", {"qa", "pictures"}),
        ("search=shelf&kind=models", {"model"}),
        ("search=SHELF+pic", {"pictures"}),
        ("search=shelf&licence=mit", {"qa", "model"}),
        ("search=shelf&language=zh", {"pictures"}),
        ("search=shelf&language=ko", {"qa", "pictures", "model"}),
        ("search=shelf&task=text-generation", {"model"}),
        ("search=shelf&task=question-answering&licence=mit", {"qa"}),
        ("author=alice&search=shelf&kind=datasets", {"qa", "pictures"}),
        ("author=bob&search=shelf", set()),
        ("search=shelf&licence=no-such", set()),
    ],
)
def test_filters_find_what_the_cards_say(
    visit: Visit, listed: str, query: str, expected: set[str]
) -> None:
    assert _found(visit("alice"), query) == expected


def test_private_repos_count_only_for_those_who_see_them(visit: Visit, listed: str) -> None:
    assert _found(visit("bob"), "search=shelf") == set()
    assert _found(visit(None), "search=shelf") == set()
    assert "question-answering" in visit("alice").get("/?kind=datasets").text
    assert "question-answering" not in visit("bob").get("/?kind=datasets").text


def _counts(visitor: Visitor, query: str) -> dict[str, int]:
    page = visitor.get(f"/?{query}").text
    return {
        name.strip(): int(number)
        for name, number in re.findall(r'>([^<>]+) <span class="count">(\d+)</span>', page)
    }


def test_choices_count_what_is_left_to_choose_from(visit: Visit, listed: str) -> None:
    alice = visit("alice")
    everything = _counts(alice, "search=shelf")
    assert everything | {"All": 3, "Models": 1, "Datasets": 2} == everything
    assert everything | {"mit": 2, "cc0-1.0": 1, "ko": 3, "zh": 1, "en": 1} == everything
    narrowed = _counts(alice, "search=shelf&licence=mit")
    assert narrowed | {"All": 2, "Models": 1, "Datasets": 1, "mit": 2, "ko": 2} == narrowed
    assert not {"cc0-1.0", "zh", "image-classification"} & set(narrowed)
    assert "ko" not in _counts(alice, "search=no-such-shelf")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/datasets", "/?kind=datasets"),
        ("/models", "/?kind=models"),
        ("/alice", "/?author=alice"),
        ("/org", "/?author=org"),
    ],
)
def test_kinds_and_owners_have_the_addresses_of_the_public_hub(
    visit: Visit, path: str, address: str
) -> None:
    answer = visit(None).get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, address)


def test_an_owner_who_is_not_here_is_said(visit: Visit) -> None:
    answer = visit(None).get("/no-such-owner")
    assert answer.status_code == 404
    assert "no-such-owner" in answer.text


def test_a_card_with_anything_in_its_head_is_listed(
    hub: ServedHub, visit: Visit, publish: Callable[..., str], hostile_card: str
) -> None:
    publish("alice/odd-head", {"README.md": hostile_card})
    publish("alice/odd-number", {"README.md": _card(license=".inf", language="[.nan, 1.e400]")})
    publish(
        "alice/odd-model", {"README.md": _card(pipeline_tag="[a, b]", language="{a: b}")}, "model"
    )
    for path in ("/", "/?kind=datasets", "/?kind=models"):
        page = visit("alice").get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
    for repo_id in ("datasets/alice/odd-head", "datasets/alice/odd-number", "alice/odd-model"):
        assert visit("alice").get(f"/{repo_id}").status_code == 200


def test_long_lists_go_on_on_the_next_page(hub: ServedHub, visit: Visit) -> None:
    api = hub.api("alice")
    for number in range(35):
        api.create_repo(f"alice/many-{number:02d}", repo_type="dataset")
    visitor = visit("alice")
    first = visitor.get("/?kind=datasets&search=many-")
    assert len(re.findall(r'<h3><a href="/datasets/alice/many-', first.text)) == 30
    following = re.search(r'class="button" href="([^"]+cursor=[^"]+)"', first.text)
    assert following is not None
    second = visitor.get(following[1].replace("&amp;", "&"))
    names = [
        re.findall(r'<h3><a href="/datasets/alice/(many-\d+)', p.text) for p in (first, second)
    ]
    assert len(set(names[0] + names[1])) == 35
