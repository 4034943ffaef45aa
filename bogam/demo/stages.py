"""What the stages of every project do: account, dataset, tuning, verification."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bogam.demo.side_by_side import Work
from bogam.report import bars, show_dataset, show_lint, show_published, show_verification
from cards.errors import BogamError
from hub.server.accounts import add_organisation, add_user, create_token, has_user

if TYPE_CHECKING:
    from bogam.verify import Verification
    from hub.push import Published

USER, ORGANISATION = "demo", "org"

_TRAINER = Path(__file__).resolve().parent.parent.parent / "trainers/finetune.py"


def token_of(work: Path) -> str:
    """A write token of the demo's user; the file is the demo's own keyring."""
    root, keyring = work / "hub", work / "token"
    if not has_user(root, USER):
        add_user(root, USER)
    add_organisation(root, ORGANISATION, [USER])
    if not keyring.is_file():
        keyring.touch(mode=0o600)
    token = keyring.read_text(encoding="utf-8").strip()
    if not token:
        token = create_token(root, USER, name="demo")
        keyring.write_text(token + "\n", encoding="utf-8")
    return token


def build_dataset(builder: str, source: Path, folder: Path, options: Mapping[str, Any]) -> Path:
    """Raw files to rows, rejects and a record in `folder`, which is given back."""
    from loaders.dataset_folder import build

    with bars() as progress:
        # Another SOURCE than last time: the demo's folder is the demo's to replace.
        record = build(builder, source, folder, dict(options), force=True, progress=progress)
    show_dataset(record, folder)
    return folder


def publish_dataset(folder: Path, repo_id: str) -> Published:
    """The folder with its card, as one commit."""
    from cards.dataset_card import render_dataset_card
    from cards.lint import publishable
    from hub.publish import publish_dataset as publish

    with bars() as progress:
        published = publish(
            folder,
            repo_id,
            card=lambda record: publishable(render_dataset_card(record), record),
            progress=progress,
        )
    show_published(published)
    return published


def tuning(title: str, recipe: Path, output: Path) -> Work:
    """The trainer in processes of its own, launched as the recipe says."""
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--num_processes=1",
        "--num_machines=1",
        "--mixed_precision=no",
        "--dynamo_backend=no",
        str(_TRAINER),
        str(recipe),
        f"output_dir={output}",
    ]
    return Work(title, command, output.with_name(output.name + "-console.txt"))


def verify_repo(repo_id: str) -> Verification:
    """Every number of the repo's card against its files, and the card against the rules."""
    from bogam.card_lint import lint_repo
    from bogam.verify import verify

    result = verify(repo_id)
    show_verification(result)
    if result.failures:
        raise BogamError(f"{repo_id}: {len(result.failures)} checks failed; they stand above.")
    findings = lint_repo(repo_id)
    show_lint(findings, repo_id)
    if any(finding.severity == "error" for finding in findings):
        raise BogamError(f"the card of {repo_id} breaks rules; they stand above.")
    return result
