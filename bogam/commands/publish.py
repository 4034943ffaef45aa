"""`bogam publish DIR`: a dataset folder to one commit on a Hub."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--repo", "repo_id", required=True, help="organisation/name on the Hub.")
@click.option("--public", is_flag=True, help="Make a public repo; licences may forbid it.")
@click.option(
    "--pii",
    type=click.Choice(["refuse", "redact", "allow"]),
    default="refuse",
    show_default=True,
    help="What to do about personal data.",
)
@click.option("--reason", help="Why personal data is allowed; it will stand on the card.")
def publish(folder: Path, repo_id: str, public: bool, pii: str, reason: str | None) -> None:
    """Publish what `bogam build` made: one commit, private unless said otherwise."""
    from bogam.report import bars, show_published
    from cards.dataset_card import render_dataset_card
    from cards.lint import publishable
    from hub.gates.personal_data import PersonalDataPolicy
    from hub.publish import publish_dataset

    policy = PersonalDataPolicy(pii, reason)  # type: ignore[arg-type]
    with bars() as progress:
        published = publish_dataset(
            folder,
            repo_id,
            card=lambda record: publishable(render_dataset_card(record), record),
            public=public,
            personal_data=policy,
            progress=progress,
        )
    show_published(published)
