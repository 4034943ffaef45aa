"""ChartQA: how its two layouts are read, which charts are the same, and made-up charts."""
