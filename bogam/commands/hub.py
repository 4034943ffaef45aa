"""`bogam hub ...`: the embedded Hub, its accounts and its upkeep."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path("work/hub"),
    show_default=True,
    help="The folder that holds the Hub's store.",
)


@click.group()
def hub() -> None:
    """Run and look after the embedded Hub."""


@hub.command()
@root_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8088, show_default=True)
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True), help="PEM file.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True), help="PEM file.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Listen off loopback without TLS: something in front of this server encrypts.",
)
def serve(
    root: Path,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    allow_remote: bool,
) -> None:
    """Serve the store until Ctrl-C."""
    from hub.server.serve import serve as run

    logging.getLogger("hub.server.serve").setLevel(logging.INFO)
    run(
        root,
        host,
        port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        allow_remote=allow_remote,
    )


@hub.group()
def user() -> None:
    """People who have tokens."""


@user.command("add")
@click.argument("name")
@click.option("--full-name", default="", help="As shown to others.")
@click.option("--email")
@root_option
def add_user(name: str, full_name: str, email: str | None, root: Path) -> None:
    """Add a user."""
    from hub.server.accounts import add_user as add

    add(root, name, full_name=full_name, email=email)
    click.echo(f"added; now: bogam hub token create {name} --root {root}")


@hub.group()
def org() -> None:
    """Organisations: names under which several users publish."""


@org.command("add")
@click.argument("name")
@click.argument("members", nargs=-1, required=True)
@click.option("--full-name", default="", help="As shown to others.")
@root_option
def add_organisation(name: str, members: tuple[str, ...], full_name: str, root: Path) -> None:
    """Add an organisation, or members to one that exists."""
    from hub.server.accounts import add_organisation as add

    add(root, name, members, full_name=full_name)
    click.echo(f"{name}: {', '.join(members)} may write to its repos")


@hub.group()
def token() -> None:
    """Tokens: what HF_TOKEN is set to."""


@token.command()
@click.argument("user")
@click.option("--name", default="token", show_default=True)
@click.option("--role", type=click.Choice(["read", "write"]), default="write", show_default=True)
@root_option
def create(user: str, name: str, role: str, root: Path) -> None:
    """Make a token and print it, this once."""
    from hub.server.accounts import create_token

    click.echo(create_token(root, user, name=name, role="read" if role == "read" else "write"))


@token.command()
@click.argument("user")
@root_option
def revoke(user: str, root: Path) -> None:
    """Make all of a user's tokens worthless."""
    from hub.server.accounts import revoke_tokens

    click.echo(f"{revoke_tokens(root, user)} tokens revoked")


@hub.group()
def key() -> None:
    """Keys of users who sign verifications: only theirs make a badge on a page."""


@key.command("add")
@click.argument("user")
@click.argument("public_key")
@root_option
def add_key(user: str, public_key: str, root: Path) -> None:
    """Put down that a user signs with a key, as `bogam verify --attach` prints it."""
    from hub.server.signing_keys import add_key as add

    click.echo(f"{user} signs with the key {add(root, user, public_key)}")


@key.command("revoke")
@click.argument("user")
@root_option
def revoke_keys(user: str, root: Path) -> None:
    """Let no key of a user count any more."""
    from hub.server.signing_keys import revoke_keys as revoke

    click.echo(f"{revoke(root, user)} keys revoked")


@hub.command()
@root_option
def fsck(root: Path) -> None:
    """Read every file back and compare it with its hash; exit 1 when something is wrong."""
    from bogam.report import bars
    from hub.server.maintenance import fsck as check

    with bars() as progress:
        task = progress.add_task("Reading the store", total=None)
        report = check(root, lambda done, total: progress.update(task, completed=done, total=total))
    for problem in report.problems:
        click.echo(f"{problem.kind}: {problem.subject}: {problem.detail}")
    click.echo(
        f"{report.blobs} files ({report.bytes:,} bytes), {report.commits} commits, "
        f"{report.trees} trees read; {len(report.problems)} problems; "
        f"{report.orphan_files} left-over files that gc would remove"
    )
    sys.exit(0 if report.is_clean else 1)


@hub.command()
@root_option
def gc(root: Path) -> None:
    """Delete files that no commit names and uploads that were never finished."""
    from hub.server.maintenance import gc as collect

    report = collect(root)
    click.echo(
        f"removed {report.blobs} files ({report.bytes:,} bytes), {report.commits} commits, "
        f"{report.trees} trees, {report.stale_files} unfinished or left-over files"
    )
