"""`bogam`: one command a stage. Every command imports its floor inside its function.

Exit codes: 0 done, 1 a check failed (`verify`, `card lint`, `fsck`), 2 an error that the message
explains, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys

import click
from rich.console import Console
from rich.logging import RichHandler

from bogam.commands.ask import ask
from bogam.commands.build import build
from bogam.commands.card import card
from bogam.commands.compare import compare
from bogam.commands.demo import demo
from bogam.commands.environment import env
from bogam.commands.figures import figures
from bogam.commands.hub import hub
from bogam.commands.models import convert_base, merge
from bogam.commands.publish import publish
from bogam.commands.serve import serve
from bogam.commands.space import space
from bogam.commands.synth import synth
from bogam.commands.verify import verify
from bogam.process import bars_for_terminals_only, use_closed_network
from cards.errors import BogamError

stderr = Console(stderr=True, soft_wrap=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bogam")
@click.option("--verbose", is_flag=True, help="Show what each step does.")
def bogam(verbose: bool) -> None:
    """Korean medical and forensic datasets, fine-tunes and checkable cards, on a Hub.

    한국어 의료·수사 데이터셋, 미세조정, 검증 가능한 모델 카드.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=stderr, show_path=False)],
    )
    # At every import on a CPU it misses a package of kernels that nothing here needs.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


for command in (
    ask,
    build,
    card,
    compare,
    convert_base,
    demo,
    env,
    figures,
    hub,
    merge,
    publish,
    serve,
    space,
    synth,
    verify,
):
    bogam.add_command(command)


def main() -> None:
    """Entry point: an error meant for a person is one line, a bug keeps its traceback."""
    try:
        use_closed_network()
        bars_for_terminals_only()
        bogam(standalone_mode=False)
    except BogamError as error:
        stderr.print(f"[bold red]error:[/] {_escape(str(error))}")
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        stderr.print("interrupted; what was finished before is kept, run the same command again")
        sys.exit(130)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
