"""Run the benchmarks: `python -m benchmarks [NAME ...]`.

Each module here has `run()`, which measures its subject and a named baseline in the same run
and returns :class:`~benchmarks.measurement.Measurement` rows. Read the ratios: seconds depend
on the machine and on what else it does.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Measurement

NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "__main__", "measurement", "training_subjects"}
)


def main() -> None:
    unknown = [name for name in sys.argv[1:] if name not in NAMES]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    console = Console()
    for name in sys.argv[1:] or NAMES:
        module = import_module(f"benchmarks.{name}")
        table = Table(title=f"{name}: {(module.__doc__ or '').splitlines()[0]}")
        for heading in ("what", "value", "unit", "ratio", "against"):
            table.add_column(heading)
        rows: list[Measurement] = module.run()
        for row in rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
            table.add_row(row.name, f"{row.value:.4g}", row.unit, ratio, row.baseline or "")
        console.print(table)


if __name__ == "__main__":
    main()
