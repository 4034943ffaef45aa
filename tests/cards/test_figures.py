"""Figures: readable Hangul without a system font, no trace on global settings."""

from __future__ import annotations

import io
import warnings

import matplotlib
import numpy as np
import pytest
from PIL import Image

from cards.figures import before_and_after, distributions, loss_curve
from cards.page_sheet import SheetPage, page_sheet
from cards.records import LossPoint, Metric


def test_hangul_is_drawn_without_a_missing_glyph():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = distributions(
            {"질병": {"공기가슴증(기흉)": 3, "당뇨병": 5}}, {"질병": "질병 · disease"}
        )
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert pixels.min() < 100 < 250 < pixels.max()


def test_global_settings_of_matplotlib_stay():
    before = dict(matplotlib.rcParams)
    loss_curve([LossPoint(step=1, loss=2.0, learning_rate=1e-4)])
    assert dict(matplotlib.rcParams) == before


def test_somebody_elses_settings_change_nothing():
    points = [LossPoint(step=step, loss=3.0 / step, learning_rate=1e-4) for step in range(1, 9)]
    plain = loss_curve(points)
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.grid": True}):
        assert loss_curve(points) == plain


def test_the_figure_follows_the_numbers():
    def drawn(tuned: float) -> bytes:
        zero_shot, after = (
            Metric(value=value, low=value - 0.05, high=value + 0.05, n=10, unit="0-1")
            for value in (0.3, tuned)
        )
        return before_and_after({"chrf": "chrF2"}, {"chrf": zero_shot}, {"chrf": after})

    assert drawn(0.6) == drawn(0.6)
    assert drawn(0.6) != drawn(0.61)


def test_many_values_are_folded_into_the_rest():
    values = {f"질병 {number}": number for number in range(1, 401)}
    png = distributions({"disease": values}, {"disease": "disease"})
    assert Image.open(io.BytesIO(png)).size[1] < 1200


def test_what_does_not_vary_has_no_panel():
    varied = {"quality": {"thermal": 5, "faded": 3}}
    single = {"source": {"documents.jsonl": 8}}
    titles = {"quality": "quality", "source": "source"}
    assert distributions(single | varied, titles) == distributions(varied, titles)
    assert distributions(single, titles), "a record of nothing else keeps its figure"


@pytest.mark.filterwarnings("error")
def test_the_longest_title_leaves_room_for_the_bars():
    title = "만들어 그린 문서의 화질 " * 30
    png = distributions({"quality": {"thermal": 5, "faded": 3}}, {"quality": title})
    assert Image.open(io.BytesIO(png)).size[1] > 250


def test_a_long_title_goes_on_below_and_takes_no_room_from_the_bars():
    values = {"quality": {"thermal": 5, "faded": 3}}
    title = "quality · " + "만들어 그린 문서의 화질 " * 8
    pixels, short = (
        np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
        for png in (
            distributions(values, {"quality": title}),
            distributions(values, {"quality": "quality"}),
        )
    )
    assert (pixels[:, -3:] == 255).all(), "ink at the right edge"
    assert len(pixels) > len(short)

    def bar_rows(figure):
        return ((figure[..., 2] - figure[..., 0]) > 120).any(axis=1).sum()

    assert abs(bar_rows(pixels) - bar_rows(short)) <= 2


@pytest.mark.parametrize("size", [(336, 168), (200, 300)])
def test_a_sheet_is_no_larger_than_its_pictures_need(size):
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "PNG")
    sheet = page_sheet([SheetPage(f"{number}", out.getvalue()) for number in range(12)])
    pixels = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB"))
    assert (pixels < 200).any(axis=2).mean() > 0.6
