"""Made-up charts: what is asked is what is drawn, and the same seed draws the same."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from random import Random

import numpy as np
import pytest
from PIL import Image

from cards.errors import BogamError
from loaders.charts.synthesis import write_charts
from loaders.charts.synthesis.canvas import plain_style
from loaders.charts.synthesis.chart import make_chart
from loaders.charts.synthesis.drawing import draw
from loaders.charts.synthesis.questions import ask, with_particle

MANY = range(400)


def drawn(seed, numbers):
    with plain_style():
        return [draw(make_chart(seed, number)) for number in numbers]


def test_a_chart_depends_on_seed_and_number_alone(made_up):
    written = {int(path.stem[-6:]): path.read_bytes() for path in made_up.rglob("*.png")}
    numbers = [79, 9, 40, 7]
    assert drawn(7, numbers) == [written[number] for number in numbers]
    assert drawn(8, [9]) != [written[9]]


def test_every_split_has_every_kind_in_both_languages(made_up):
    for split in ("train", "val", "test"):
        names = {path.name[:-11] for path in (made_up / "ChartQA Dataset" / split).rglob("*.png")}
        assert names == {
            f"{kind}_{language}"
            for kind in ("bar", "line", "pie", "grouped")
            for language in ("en", "ko")
        }


def test_nothing_is_cut_off_and_no_letter_is_missing():
    """The rim of each picture is background, and matplotlib does not warn of glyphs."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = drawn(3, range(16))
    for data in pictures:
        image = Image.open(BytesIO(data))
        assert image.mode == "RGBA"
        pixels = np.asarray(image)
        rim = np.concatenate([pixels[:3].reshape(-1, 4), pixels[-3:].reshape(-1, 4)])
        rim = np.concatenate([rim, pixels[:, :3].reshape(-1, 4), pixels[:, -3:].reshape(-1, 4)])
        assert (rim == pixels[0, 0]).all()
        assert len(image.getcolors(1 << 20)) > 20, "not an empty picture"


def test_a_users_matplotlib_settings_change_nothing():
    import matplotlib

    expected = drawn(7, [5])
    with matplotlib.rc_context(
        {"font.size": 30, "lines.antialiased": False, "text.hinting": "none"}
    ):
        assert drawn(7, [5]) == expected
        assert matplotlib.rcParams["font.size"] == 30


def value_of(chart, category, group=None):
    place = [words.en for words in chart.categories].index(category)
    series = next(s for s in chart.series if group is None or s.name.en == group)
    return series.values[place] / 10**chart.subject.decimals


def answer_again(chart, text):
    """What the question means, worked out from its words alone."""
    names = "|".join(re.escape(words.en) for words in chart.categories)
    group = re.search(r"\(([^)]+)\)", text)
    group = group and group[1]
    found = re.findall(rf"(?<!\w)({names})(?!\w)", text.replace(f"({group})", ""))
    values = {words.en: value_of(chart, words.en, group) for words in chart.categories}
    if text.startswith("What was the"):
        return values[found[-1]]
    if "difference" in text:
        return abs(values[found[-2]] - values[found[-1]])
    if "add up to" in text:
        return values[found[0]] + values[found[1]]
    if "over all groups" in text:
        return sum(value_of(chart, found[-1], series.name.en) for series in chart.series)
    if "above" in text:
        limit = float(text.rstrip("?").rsplit(" ", 1)[1])
        return sum(value > limit for value in values.values())
    if "highest" in text:
        return max(values, key=values.__getitem__)
    if "lowest" in text:
        return min(values, key=values.__getitem__)
    if "higher than" in text:
        return "Yes" if values[found[0]] > values[found[1]] else "No"
    what = re.fullmatch(r"Which color stands for (.+)\?", text)[1]
    if chart.slice_colours:
        return chart.slice_colours[[w.en for w in chart.categories].index(what)].en[0]
    return next(series.colour.en[0] for series in chart.series if series.name.en == what)


def test_answers_are_what_the_drawn_values_say():
    kinds = set()
    for number in MANY:
        chart = make_chart(5, number)
        if chart.language == "ko":
            continue
        for question in ask(chart, Random(number), 5):
            expected = answer_again(chart, question.text)
            if isinstance(expected, str):
                assert question.labels[0] == expected, question.text
            else:
                assert float(question.labels[0]) == pytest.approx(expected), question.text
            kinds.add(question.text.split()[2])
    assert len(kinds) > 8, "all kinds of questions came up"


def test_korean_and_english_questions_have_the_same_answers():
    """Only words differ: numbers are those of the English twin of the chart."""
    import dataclasses

    for number in MANY:
        chart = make_chart(5, number)
        twin = dataclasses.replace(chart, language="ko" if chart.language == "en" else "en")
        pairs = zip(ask(chart, Random(number), 5), ask(twin, Random(number), 5), strict=True)
        for ours, theirs in pairs:
            assert ours.part == theirs.part
            numbers = [re.fullmatch(r"[\d.]+", one.labels[0]) for one in (ours, theirs)]
            if all(numbers):
                assert ours.labels == theirs.labels


def test_no_two_values_of_a_chart_are_equal_and_shares_fill_the_pie():
    for number in MANY:
        chart = make_chart(11, number)
        values = [value for series in chart.series for value in series.values]
        assert len(set(values)) == len(values)
        assert min(values) > 0
        if chart.kind == "pie":
            assert sum(values) == 100


def test_questions_of_a_chart_differ():
    for number in MANY:
        texts = [question.text for question in ask(make_chart(2, number), Random(number), 2)]
        assert len(texts) == len(set(texts)) == 4


def test_particles_follow_the_last_sound():
    assert with_particle("강수량", "은", "는") == "강수량은"
    assert with_particle("방문객 수", "은", "는") == "방문객 수는"
    assert with_particle("방문객 수", "이", "가", "(남성)") == "방문객 수(남성)가"


def test_an_existing_folder_and_too_few_charts_are_refused(made_up, tmp_path):
    with pytest.raises(BogamError, match="is there already"):
        write_charts(made_up, charts=80)
    with pytest.raises(BogamError, match="at least 80"):
        write_charts(tmp_path / "few", charts=10)
    assert list(tmp_path.iterdir()) == []
