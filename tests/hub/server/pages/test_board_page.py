"""A board shows who reports what on a dataset, the best first, to those who may know."""

from __future__ import annotations

import json
import pkgutil
import re
from typing import TYPE_CHECKING

import pytest

from cards import tasks
from cards.records import Metric, RunRecord
from cards.tasks import Bilingual, find_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    FreshId = Callable[[str], str]
    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system


@pytest.fixture
def board_id(
    publish: Callable[..., str],
    fresh_id: FreshId,
    make_model_folder: Callable[..., Path],
) -> str:
    """A dataset on which three models report: two with a run record, one with a card alone."""
    dataset_id = publish(fresh_id("org"), {"README.md": "---\nlicense: mit\n---\n"})
    run = RunRecord.read(make_model_folder() / "run.json")

    def metric(value: float, spread: float, n: int, unit: str = "0-1", up: bool = True) -> Metric:
        return Metric(
            value=value,
            low=value - spread,
            high=value + spread,
            n=n,
            unit=unit,
            higher_is_better=up,
        )

    for owner, name, score, loss in (("org", "good", 0.9, 2.5), ("alice", "fair", 0.7, 1.5)):
        changes = {
            "dataset": run.dataset.model_copy(update={"id": dataset_id}),
            "metrics": {
                "zero_shot": {"accuracy": metric(0.25, 0.05, 400)},
                "tuned": {
                    "accuracy": metric(score, 0.03, 400),
                    "perplexity": metric(loss, 0.1, 400, "per token", up=False),
                    "macro_<b>f1": metric(score, 0.03, 400),
                    "recall/receipt": metric(score, 0.03, 400),
                },
            },
        }
        head = f"---\ndatasets: [{dataset_id}]\n---\n# Model\n"
        files = {"README.md": head, "run.json": run.model_copy(update=changes).to_json()}
        publish(f"{owner}/{name}-{dataset_id.split('-')[-1]}", files, type="model")
    index = f"""---
datasets: [{dataset_id}]
model-index:
- name: other
  results:
  - task: {{type: x}}
    dataset: {{type: {dataset_id}, name: d, split: test}}
    metrics:
    - {{type: accuracy, value: 0.8}}
    - {{type: perplexity, value: 2.0}}
    - {{type: accuracy, value: .nan}}
    - {{type: x, value: a}}
---
"""
    name = f"org/other-{dataset_id.split('-')[-1]}"
    files = {"README.md": index, "run.json": json.dumps({"schema_version": 1, "no": "record"})}
    publish(name, files, type="model")
    return dataset_id


def _ranks(page: str, metric: str) -> list[str]:
    section = page.split(f"<code>{metric}</code> ·")[1].split("</section>")[0]
    return re.findall(r'<th scope="row"><a href="/[^/]+/([a-z]+)-', section)


def test_models_are_ranked_with_their_intervals(visit: Visit, board_id: str) -> None:
    page = visit("alice").get(f"/datasets/{board_id}/board").text
    assert _ranks(page, "accuracy") == ["good", "other", "fair"]
    assert _ranks(page, "perplexity") == ["fair", "other", "good"]
    for expected in ("0.870 – 0.930", "0.670 – 0.730", "400", "0.250", "22222222"):
        assert expected in page
    assert f'href="/datasets/{board_id}/board"' in visit("alice").get(f"/datasets/{board_id}").text


def test_a_model_whose_verification_does_not_hold_comes_last(
    hub: ServedHub, visit: Visit, board_id: str
) -> None:
    best = f"org/good-{board_id.split('-')[-1]}"
    hub.api("alice").upload_file(
        path_or_fileobj=b"{}", path_in_repo="verify.json", repo_id=best, repo_type="model"
    )
    page = visit("alice").get(f"/datasets/{board_id}/board").text
    assert _ranks(page, "accuracy") == ["other", "fair", "good"]
    assert "verification does not hold" in page


def test_a_models_page_sums_up_its_run_in_names_that_can_be_broken(
    visit: Visit, board_id: str
) -> None:
    page = visit("alice").get(f"/org/good-{board_id.split('-')[-1]}").text
    assert '<th scope="row">Accuracy</th>' in page and "0.870 – 0.930" in page
    assert '<th scope="row">macro_<wbr>&lt;b&gt;f1</th>' in page
    assert "recall/receipt" not in page  # stands in the card


def test_metrics_are_called_what_the_cards_call_them(visit: Visit, board_id: str) -> None:
    model = f"/org/good-{board_id.split('-')[-1]}"
    korean = {"Accept-Language": "ko"}
    assert '<th scope="row">정확도</th>' in visit("alice").get(model, **korean).text
    board = visit("alice").get(f"/datasets/{board_id}/board", **korean).text
    assert "정확도 <small><code>accuracy</code>" in board
    titles: dict[str, Bilingual] = {}
    for module in pkgutil.iter_modules(tasks.__path__):
        for metric in find_task(module.name).metrics:
            assert titles.setdefault(metric.name, metric.title) == metric.title


def test_a_benchmark_has_a_board_before_its_first_model(
    visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    repo_id = publish(fresh_id("org"), {"eval.yaml": "name: made for tests\n"})
    visitor = visit("alice")
    assert f'href="/datasets/{repo_id}/board"' in visitor.get(f"/datasets/{repo_id}").text
    assert "reports results on this dataset yet" in visitor.get(f"/datasets/{repo_id}/board").text


def test_private_models_are_on_nobody_elses_board(
    hub: ServedHub, visit: Visit, board_id: str
) -> None:
    hub.api("alice").update_repo_settings(board_id, repo_type="dataset", private=False)
    assert _ranks_or_none(visit(None), board_id) == []
    assert _ranks_or_none(visit("bob"), board_id) == []
    assert _ranks_or_none(visit("reader"), board_id) == ["good", "other"]
    assert "/board" not in visit("bob").get(f"/datasets/{board_id}").text


def _ranks_or_none(visitor: Visitor, board_id: str) -> list[str]:
    page = visitor.get(f"/datasets/{board_id}/board").text
    return _ranks(page, "accuracy") if "accuracy" in page else []


def test_a_gated_model_shows_what_its_card_says_and_no_more(
    hub: ServedHub, visit: Visit, board_id: str
) -> None:
    api = hub.api("alice")
    number = board_id.split("-")[-1]
    api.update_repo_settings(board_id, repo_type="dataset", private=False)
    for name in ("good", "other"):
        api.update_repo_settings(f"org/{name}-{number}", private=False, gated="manual")
    page = visit("bob").get(f"/datasets/{board_id}/board").text
    assert _ranks(page, "accuracy") == ["other"]
    assert "0.87 – 0.93" not in page
