"""A comparison of two models as one HTML file: no script, no other file, light and dark."""

from __future__ import annotations

from pathlib import Path

from cards.card import count, metric, metric_value, p_value
from cards.compare import ComparedMetric, ModelComparison


def comparison_page(result: ModelComparison) -> str:
    """HTML that shows what :meth:`ModelComparison.to_dict` holds. All texts in it are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters["count"] = count
    titles = {one.difference.metric: one.title.both() for one in result.metrics}
    return environment.get_template("comparison.html.jinja").render(
        result=result,
        rows=[_row(one) for one in result.metrics],
        tests=sorted({one.difference.test for one in result.metrics}),
        primary=titles.get(result.primary, result.primary),
        equal=result.examples - result.first_better - result.second_better,
    )


def _row(one: ComparedMetric) -> dict[str, object]:
    gap, unit = one.difference, one.second.unit
    low, high = (metric_value(bound, unit) for bound in (gap.low, gap.high))
    sign = "+" if gap.difference >= 0 else ""
    winner = None
    if not gap.low <= 0 <= gap.high:
        winner = "B" if (gap.difference > 0) == one.second.higher_is_better else "A"
    return {
        "title": f"{one.title.both()} {'↑' if one.second.higher_is_better else '↓'}",
        "n": one.second.n,
        "first": metric(one.first),
        "second": metric(one.second),
        "difference": f"{sign}{metric_value(gap.difference, unit)} [{low}, {high}]",
        "p": p_value(gap.p_value),
        "winner": winner,
    }
