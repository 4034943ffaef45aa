"""What commands that load a model have in common."""

from __future__ import annotations

import click

revision_option = click.option("--revision", default="main", show_default=True)
four_bits_option = click.option(
    "--load-in-4bit",
    is_flag=True,
    help="Hold the weights in 4 bits, the vision tower excepted, as the run did or would have.",
)
