"""Drawing made-up charts in Korean and English, with questions whose answers are known."""

from loaders.charts.synthesis.writer import write_charts

__all__ = ["write_charts"]
