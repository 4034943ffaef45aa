"""Small charts: everything asked about stands in its column, and a source of them builds."""

from __future__ import annotations

from io import BytesIO
from random import Random

import numpy as np
from PIL import Image

from loaders.charts.synthesis import write_charts
from loaders.charts.synthesis.questions import ask
from loaders.charts.synthesis.small import COLUMNS, LINES, draw_small, make_small_chart

PITCH = 28


def test_charts_are_small_and_their_bars_are_as_long_as_the_values():
    for number in range(150):
        chart = make_small_chart(3, number)
        (series,) = chart.series
        with Image.open(BytesIO(draw_small(chart))) as image:
            assert image.size == (COLUMNS * PITCH, LINES * PITCH)
            pixels = np.asarray(image.convert("RGB"), int)
        fill = np.array([int(series.colour.fill[n : n + 2], 16) for n in (1, 3, 5)])
        middles = pixels[PITCH * 3 // 2 : -PITCH : PITCH]
        lengths = (middles == fill).all(axis=2).sum(axis=1)[: len(series.values)]
        longest = lengths.max()
        for length, value in zip(lengths, series.values, strict=True):
            assert abs(length / longest - value / max(series.values)) < 0.02, number


def test_names_stand_before_the_bars_and_values_behind_them():
    for number in range(150):
        chart = make_small_chart(4, number)
        (series,) = chart.series
        with Image.open(BytesIO(draw_small(chart))) as image:
            grey = np.asarray(image.convert("L"), int)
        for line in range(1, len(series.values) + 1):
            row = grey[line * PITCH : (line + 1) * PITCH]
            assert row[:, : 4 * PITCH].min() < 90, "the name"
            assert row[:, -len(chart.number(series.values[line - 1])) * PITCH // 2 :].min() < 90
            assert row[:, int(8.6 * PITCH) : 10 * PITCH].min() > 200, "room between"


def test_every_question_has_an_answer_of_a_few_letters():
    parts = set()
    for number in range(300):
        chart = make_small_chart(5, number)
        assert len(set(chart.series[0].values)) == len(chart.categories) >= 2
        for question in ask(chart, Random(number), 2):
            parts.add(question.part)
            assert all(0 < len(label) <= 6 for label in question.labels)
    assert parts == {"human", "machine"}


def test_a_source_of_small_charts_builds(tmp_path, build_from):
    write_charts(tmp_path / "source", 80, 6, small=True)
    record = build_from(tmp_path / "source").record
    assert {split: info.rows for split, info in record.splits.items()} == {
        "train": 256,
        "validation": 32,
        "test": 32,
    }
    assert not [finding for finding in record.findings if finding.severity == "stop"]
