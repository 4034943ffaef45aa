"""`bogam env`: what to export so that nothing leaves the building."""

from pathlib import Path

import click


@click.command()
@click.option("--endpoint", default="http://127.0.0.1:8088", show_default=True)
@click.option("--token", help="A token of that Hub; left out, the one in use stays in use.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Caches and tokens of this Hub alone, so that repos of one name on two Hubs are not "
    "mistaken for each other; left out, the usual folder.",
)
def env(endpoint: str, token: str | None, home: Path | None) -> None:
    """Print the exports for a closed network: eval "$(bogam env)"."""
    from hub.environment import closed_network, shell_exports

    click.echo(shell_exports(closed_network(endpoint, token, home)))
