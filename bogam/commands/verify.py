"""`bogam verify org/repo`: compute again what a card says."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("repo")
@click.option("--type", "repo_type", type=click.Choice(["model", "dataset"]))
@click.option("--revision", default="main", show_default=True)
@click.option(
    "--rerun",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Load the model and ask it N random examples of its predictions again.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the signed result here.")
@click.option("--attach", is_flag=True, help="Put the signed result into the repo: verify.json.")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="Ed25519 key to sign with, made where there is none; "
    "default: ~/.config/bogam/signing-key.pem.",
)
def verify(
    repo: str,
    repo_type: str | None,
    revision: str,
    rerun: int,
    out: Path | None,
    attach: bool,
    key: Path | None,
) -> None:
    """Check a repo on the Hub, or a folder: every number, hash and count on its card.

    Exit 1 when something does not hold, with a line for each number that differs.
    """
    from bogam import attestation
    from bogam.report import bars, console, show_verification
    from bogam.verify import verify as verify_repo
    from bogam.verify import verify_folder

    kind = {"model": "model", "dataset": "dataset"}.get(repo_type or "")
    folder = Path(repo)
    with bars() as progress:
        if folder.is_dir():
            result = verify_folder(folder, rerun=rerun, progress=progress)
        else:
            result = verify_repo(
                repo,
                repo_type=kind,  # type: ignore[arg-type]
                revision=revision,
                rerun=rerun,
                progress=progress,
            )
    show_verification(result)
    if out is not None or attach:
        signed = attestation.sign(result, key or attestation.default_key_file())
        console.print(
            f"signed by the key {signed.fingerprint} (public key: {signed.public_key})",
            highlight=False,
            soft_wrap=True,
        )
        if out is not None:
            signed.write(out)
        if attach:
            from huggingface_hub import HfApi

            commit = attestation.attach(signed, HfApi(library_name="bogam"))
            console.print(f"attached in commit {commit[:12]}", highlight=False)
    sys.exit(1 if result.failures else 0)
