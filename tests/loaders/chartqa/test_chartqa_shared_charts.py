"""A chart that stands in two splits is found, also saved again; different charts are not."""

from __future__ import annotations

import pytest

from loaders.charts.same_charts import group_charts
from loaders.charts.synthesis.canvas import plain_style
from loaders.charts.synthesis.chart import make_chart
from loaders.charts.synthesis.drawing import draw
from loaders.image_files import inspect
from loaders.near_images import resent_pairs


def borrow(source, from_split, to_split, data, name):
    """Puts a chart, in these bytes, and a question about it into another split."""
    (source.png(to_split) / name).write_bytes(data)
    question = {"imgname": name, "query": "What is the title?", "label": "Rainfall"}
    source.write(to_split, [*source.records(to_split), question])


def first_chart(source, split):
    return sorted(source.png(split).iterdir())[0]


def test_the_same_file_in_two_splits_stops_publication(source, build_from):
    chart = first_chart(source, "train")
    borrow(source, "train", "test", chart.read_bytes(), "other.png")
    built = build_from(source.root)
    found = built.finding("charts_in_two_splits")
    assert (found.severity, found.count) == ("stop", 1)
    assert f"png/{chart.name} = " in found.detail
    assert "png/other.png" in found.detail
    assert built.finding("near_charts_in_two_splits") is None
    assert [line["reason"] for line in built.lines("notices.jsonl")] == ["shared_by_splits"]
    (row,) = (row for row in built.rows["test"] if row["file_name"] == "other.png")
    twins = [row for row in built.rows["train"] if row["file_name"] == chart.name]
    assert {twin["document_id"] for twin in twins} == {row["document_id"]}
    assert row["id"] not in {twin["id"] for twin in twins}


@pytest.mark.parametrize(
    ("image_format", "scale", "options"),
    [("JPEG", 1.0, {"quality": 60}), ("PNG", 0.7, {}), ("JPEG", 1.5, {"quality": 85})],
)
def test_a_chart_saved_again_is_found_too(
    source, saved_again, build_from, image_format, scale, options
):
    chart = first_chart(source, "val")
    data = saved_again(chart.read_bytes(), image_format, scale, **options)
    borrow(source, "val", "test", data, "again.png")
    found = build_from(source.root).finding("near_charts_in_two_splits")
    assert (found.severity, found.count) == ("stop", 1)


def test_on_demand_its_rows_stay_in_the_later_split_only(source, saved_again, build_from):
    exact, near = sorted(source.png("train").iterdir())[:2]
    borrow(source, "train", "test", exact.read_bytes(), "exact.png")
    borrow(source, "train", "val", saved_again(near.read_bytes(), "PNG", 0.8), "near.png")
    kept, sorted_out = build_from(source.root), build_from(source.root, shared_charts="reject")
    assert sorted_out.rows["test"] == kept.rows["test"]
    assert sorted_out.rows["validation"] == kept.rows["validation"]
    names = {row["file_name"] for row in sorted_out.rows["train"]}
    assert names.isdisjoint({exact.name, near.name})
    assert sorted_out.record.rejects == {"duplicate": 8, "no_counterpart": 2}
    assert sorted_out.finding("charts_in_two_splits").severity == "info"
    ids = [{row["document_id"] for row in rows} for rows in sorted_out.rows.values()]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2])


def test_copies_within_a_split_are_one_document(source, saved_again, build_from):
    chart = first_chart(source, "train")
    borrow(source, "train", "train", saved_again(chart.read_bytes(), "PNG", 0.9), "copy.png")
    built = build_from(source.root)
    rows = [row for row in built.rows["train"] if row["file_name"] in (chart.name, "copy.png")]
    assert len(rows) == 5
    assert len({row["document_id"] for row in rows}) == 1
    assert built.record.findings[-1].kind == "near_duplicate"
    assert built.record.findings[-1].detail_ko.startswith("다른 항목과 같은 그림을 보여 줍니다.")


def test_different_charts_of_one_template_are_not_taken_for_copies(made_up, shared_data):
    folder = shared_data / "chartqa" / "ChartQA Dataset" / "val" / "png"
    pictures = [path.read_bytes() for path in sorted(folder.glob("*.png"))]
    pictures += [path.read_bytes() for path in sorted(made_up.rglob("*.png"))]
    groups = [
        chart.group for chart in group_charts([inspect(p) for p in pictures], pictures.__getitem__)
    ]
    assert len(set(groups)) == len(pictures)


def test_charts_with_nearly_the_same_hash_are_told_apart():
    """Two pies of the same colours and different shares, which the hash alone takes for one."""
    with plain_style():
        pair = [draw(make_chart(42, number)) for number in (362, 802)]
    facts = [inspect(data) for data in pair]
    assert len(resent_pairs(facts)) == 1
    assert len({chart.group for chart in group_charts(facts, pair.__getitem__)}) == 2
