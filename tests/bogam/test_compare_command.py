"""`bogam compare` as a user runs it, on folders and on repos of a real Hub over HTTP."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from bogam.cli import bogam
from bogam.compare import load_contestant
from cards.checks import file_digest
from cards.compare import compare_models
from cards.errors import BogamError
from cards.records import RunRecord
from cards.scoring import score, summarise

ANSWERS = [f"{n}번 답은 물을 마시고 쉬는 것입니다." for n in range(40)]


def write_run(folder: Path, right: int, plain_run: Callable[..., RunRecord]) -> None:
    """A finished run whose model knows the first `right` answers by heart."""
    folder.mkdir()
    predictions = score(
        "generation",
        pa.table(
            {
                "id": [f"r{n}" for n in range(40)],
                "split": ["test"] * 40,
                "prompt": [f"{n}번 질문" for n in range(40)],
                "reference": ANSWERS,
                "zero_shot": ["모르겠습니다"] * 40,
                "tuned": [*ANSWERS[:right], *["[bold]물[/bold]"] * (40 - right)],
            }
        ),
    )
    pq.write_table(predictions, folder / "predictions.parquet")
    metrics, comparison = summarise("generation", predictions, resamples=50, seed=1)
    plain_run(
        base_model={"id": "org/base", "revision": "1" * 40},
        dataset={"id": "org/qa", "revision": "2" * 40, "splits": {"test": 40}},
        licence="mit",
        metrics=metrics,
        comparison=comparison,
        seeds={"bootstrap": 1},
        artifacts={"predictions.parquet": file_digest(folder / "predictions.parquet")},
    ).write(folder / "run.json")


@pytest.fixture
def runs(tmp_path: Path, plain_run: Callable[..., RunRecord]) -> tuple[Path, Path]:
    write_run(tmp_path / "weak", 10, plain_run)
    write_run(tmp_path / "strong", 30, plain_run)
    return tmp_path / "weak", tmp_path / "strong"


def run(*arguments: object) -> Result:
    command = ["compare", *map(str, arguments)]
    return CliRunner().invoke(bogam, command, catch_exceptions=False, env={"COLUMNS": "160"})


def test_the_table_shows_the_difference_and_the_disagreements(runs: tuple[Path, Path]) -> None:
    done = run(*runs, "--disagreements", 3)
    assert done.exit_code == 0
    line = next(line for line in done.output.split("\n") if "Exact match" in line)
    assert "0.250 [" in line
    assert "0.750 [" in line
    assert "+0.500 [" in line
    assert "B better on 20" in done.output
    # Answers are shown as they are, not obeyed.
    assert "[bold]물[/bold]" in done.output


def test_json_is_the_whole_comparison(runs: tuple[Path, Path]) -> None:
    read = json.loads(run(*runs, "--json").output)
    assert read["examples"] == 40
    assert read["metrics"]["exact_match"]["difference"]["difference"] == pytest.approx(0.5)
    assert read["metrics"]["exact_match"]["difference"]["test"] == "exact McNemar"


@pytest.mark.system
def test_repos_are_compared_at_the_commit_that_is_named(hub, fresh_id, runs) -> None:
    names = []
    for folder in runs:
        api, repo_id = hub.api("alice"), fresh_id("org")
        api.create_repo(repo_id, private=True)
        api.upload_folder(repo_id=repo_id, folder_path=folder)
        names.append(repo_id)
    first, second = (load_contestant(name, api=hub.api("reader")) for name in names)
    result = compare_models(first, second, resamples=50)
    assert (result.first.id, result.second.id) == tuple(names)
    assert result.first.revision == hub.api("reader").model_info(names[0]).sha
    local = compare_models(*map(load_contestant, map(str, runs)), resamples=50)
    assert result.metrics == local.metrics


@pytest.mark.system
def test_a_model_that_bogam_did_not_evaluate_is_refused(hub, fresh_id) -> None:
    repo_id = fresh_id("org")
    hub.api("alice").create_repo(repo_id, private=True)
    with pytest.raises(BogamError, match=r"run.json and predictions.parquet missing"):
        load_contestant(repo_id, api=hub.api("reader"))
    with pytest.raises(BogamError, match="Comparing org/no-such"):
        load_contestant("org/no-such", api=hub.api("reader"))


def test_predictions_that_are_not_those_of_the_record_are_refused(
    runs: tuple[Path, Path],
) -> None:
    weak, strong = runs
    shutil.copyfile(strong / "predictions.parquet", weak / "predictions.parquet")
    with pytest.raises(BogamError, match="not the file that its record names"):
        load_contestant(str(weak))


def test_the_page_is_one_file_in_which_nothing_runs(
    tmp_path: Path, plain_run: Callable[..., RunRecord]
) -> None:
    """Answers are untrusted: they stand on the page as text."""
    for name, right in (("first", 5), ("second", 30)):
        write_run(tmp_path / name, right, plain_run)
    hostile = "<script>alert(1)</script><img src=x onerror=y>"
    path = tmp_path / "first" / "predictions.parquet"
    table = pq.read_table(path)
    answers = pa.array([*table["tuned"].to_pylist()[:-15], *[hostile] * 15])
    table = score(
        "generation", table.set_column(table.column_names.index("tuned"), "tuned", answers)
    )
    pq.write_table(table, path)
    record = json.loads((tmp_path / "first" / "run.json").read_bytes())
    record["artifacts"]["predictions.parquet"] = file_digest(path)
    (tmp_path / "first" / "run.json").write_text(json.dumps(record))

    page = tmp_path / "page.html"
    folders = [str(tmp_path / name) for name in ("first", "second")]
    done = CliRunner().invoke(bogam, ["compare", *folders, "--page", str(page)])
    assert done.exit_code == 0, done.output
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "http" not in re.sub(r'http-equiv="[^"]*"', "", html)
    result = compare_models(*(load_contestant(folder) for folder in folders))
    for one in result.metrics:
        assert f"{one.difference.difference:.3f}".lstrip("-") in html
    assert f"A {result.first_better}, B {result.second_better}" in html
    for example in result.disagreements:
        assert f"<code>{example.id}</code>" in html
