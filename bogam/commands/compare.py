"""`bogam compare A B`: two models on the same benchmark."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--disagreements", default=10, show_default=True, type=click.IntRange(min=0))
@click.option("--json", "as_json", is_flag=True, help="Write everything as JSON.")
@click.option(
    "--page", type=click.Path(path_type=Path), help="Also write it as an HTML file of its own."
)
def compare(first: str, second: str, disagreements: int, as_json: bool, page: Path | None) -> None:
    """Compare the tuned answers of two models, repos or folders, to the same examples.

    Both must name the same commit of the same dataset. Intervals and p are of the difference,
    second minus first, paired by example.
    """
    from bogam.compare import load_contestant
    from bogam.report import console, show_comparison
    from cards.compare import compare_models
    from cards.comparison_page import comparison_page

    contestants = load_contestant(first), load_contestant(second)
    result = compare_models(*contestants, shown=disagreements)
    if page is not None:
        page.write_text(comparison_page(result), encoding="utf-8")
    if as_json:
        import json

        console.print_json(json.dumps(result.to_dict()), ensure_ascii=False)
    else:
        show_comparison(result)
