"""Figures: readable Hangul without a system font, no trace on global settings."""

from __future__ import annotations

import io
import warnings

import matplotlib
import numpy as np
from PIL import Image

from cards.figures import before_and_after, distributions, loss_curve
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
