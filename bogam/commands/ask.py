"""`bogam ask org/model "question"`: one answer, or those to all rows of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bogam.commands.model_options import four_bits_option, revision_option
from cards.errors import BogamError

if TYPE_CHECKING:
    from PIL import Image

    from trainers.inference import ModelToAsk, Question


@click.command()
@click.argument("model")
@click.argument("question", required=False)
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A picture to ask about; may be given several times.",
)
@revision_option
@four_bits_option
@click.option("--max-new-tokens", type=click.IntRange(1), help="Default: as in the model's run.")
@click.option("--free", is_flag=True, help="Let a classifier write instead of scoring its classes.")
@click.option("--dataset", help="Ask about every row of this dataset (Hub id or folder).")
@click.option("--dataset-revision", default="main", show_default=True)
@click.option("--split", default="test", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="The parquet file of the answers.")
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True)
def ask(
    model: str,
    question: str | None,
    images: tuple[Path, ...],
    revision: str,
    load_in_4bit: bool,
    max_new_tokens: int | None,
    free: bool,
    dataset: str | None,
    dataset_revision: str,
    split: str,
    out: Path | None,
    batch_size: int,
) -> None:
    """Ask a tuned model, with the prompt that it was trained with.

    MODEL is a Hub id or a folder, of an adapter or of a whole model. A model that chooses from
    classes gives their probabilities.
    """
    from bogam.report import stderr

    if dataset is not None:
        if question is not None or images:
            raise BogamError(
                "--dataset brings questions and pictures of its own. Leave yours out, or ask "
                "without --dataset."
            )
        if out is None:
            raise BogamError("--dataset needs --out, the parquet file of the answers.")
        if out.suffix != ".parquet":
            raise BogamError(
                f"{out}: the answers are written as parquet. Name it {out.stem}.parquet."
            )
        if out.exists():
            raise BogamError(f"{out}: is there already. Remove it, or name another file.")
    elif question is None or not question.strip():
        raise BogamError("the question is empty. Write one, or name a --dataset.")
    pictures = [_read(path) for path in images]
    with stderr.status(f"loading {model}"):
        from trainers.inference import Question, load_model
        from trainers.model_source import find_model

        asked = load_model(find_model(model, revision=revision), load_in_4bit=load_in_4bit)
    if dataset is not None and out is not None:
        from trainers.batch_inference import answer_dataset

        report = answer_dataset(
            asked,
            dataset,
            split,
            out,
            revision=dataset_revision,
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
        )
        click.echo(
            f"{out}: {report.rows} rows, {report.kept} of them from before, "
            f"{report.errors} that could not be asked (column `error`)"
        )
        return
    assert question is not None
    asked_for = Question([{"role": "user", "content": question}], pictures)
    if asked.source.classes and not free:
        _show_classes(asked, asked_for)
    else:
        _stream(asked, asked_for, max_new_tokens)


def _read(path: Path) -> Image.Image:
    from loaders.image_containers import UnusableImage
    from loaders.image_files import inspect, read_rgb

    try:
        content = path.read_bytes()
        inspect(content)  # of an animation, say, one frame alone would be asked about
        return read_rgb(content)
    except OSError as error:
        raise BogamError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnusableImage as error:
        raise BogamError(
            f"{path}: cannot be used as a picture ({error}). JPEG, PNG, WebP, GIF and BMP can."
        ) from error


def _show_classes(asked: ModelToAsk, question: Question) -> None:
    from bogam.report import show_probabilities
    from trainers.inference import class_scores

    scores = class_scores(asked, [question])
    show_probabilities(
        asked.source.classes, scores.probabilities[0].tolist(), float(scores.label_mass[0])
    )


def _stream(asked: ModelToAsk, question: Question, max_new_tokens: int | None) -> None:
    from trainers.inference import answer

    text = answer(
        asked,
        question,
        max_new_tokens=max_new_tokens,
        on_text=lambda piece: click.echo(piece, nl=False),
    )
    click.echo("" if text else "(an empty answer)")
