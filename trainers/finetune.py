"""Fine-tune one model after one recipe. :func:`finetune` and :func:`make_release` are the story.

    accelerate launch trainers/finetune.py recipes/<name>.yaml [key=value ...] [--dry-run]

What stands in the recipe's `output_dir`:

    recipe.json        what was started: resolved recipe, commits, number of processes
    log.txt            the run, step by step (log-1.txt: of the second process, and so on)
    samples.parquet    the base model's answers to some validation rows, if the recipe wants any
    zero_shot.parquet  its answers to the held-out rows
    checkpoints/       checkpoint-<step>/, whole or not there (manifest.json is written last)
    adapter/           the tuned weights as PEFT saves them
    release/           what is published, see `trainers.release_folder`; there once it is complete
    published.json     repo and commit, after the push

The same command again goes on after the last whole checkpoint, or publishes what is finished. A
folder that holds another run is refused. Exit codes: 0 done, 2 an error that the message explains,
130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console
from rich.syntax import Syntax

from cards.errors import BogamError
from cards.records import RUN_FILE, Revision, RunRecord
from trainers.recipe import load_recipe
from trainers.recipe_schema import Recipe

if TYPE_CHECKING:
    from trainers.dataset_source import DatasetSource
    from trainers.push import PublicationPlan
    from trainers.run_folder import RunFolder, StartedRun

logger = logging.getLogger(__name__)

SOME_SPACE = 2**16
"""Bytes; with less left on the disk, that is why a run failed."""


@dataclass(frozen=True)
class FinetuneResult:
    """What a run left behind. `published` is None where the recipe names no repo."""

    release: Path
    record: RunRecord
    published: Revision | None


def finetune(recipe: Recipe) -> FinetuneResult:
    """Run a recipe to its end, or take up where an earlier run of it stopped.

    Every process of a distributed run calls this.

    Raises:
        BogamError: anything that the person who wrote the recipe can put right.
        trainers.interruption.Interrupted: a signal stopped the training; the last checkpoint is
            whole.
    """
    # Importing these takes ten seconds; whoever only wants a recipe checked need not wait.
    import torch
    from accelerate import PartialState

    from trainers.base_model import resolve_base
    from trainers.dataset_fit import require_fit
    from trainers.dataset_source import find_dataset
    from trainers.push import plan_publication, publish
    from trainers.run_folder import RunFolder, StartedRun

    # What exactly is run, may its result be published, and was it begun before?
    processes = PartialState(cpu=not torch.cuda.is_available())
    folder = RunFolder(Path(recipe.output_dir))
    base = resolve_base(recipe.base_model)
    dataset = find_dataset(recipe.dataset)
    require_fit(recipe, dataset)
    plan = plan_publication(recipe, base, dataset)
    run = StartedRun.of(recipe, base, dataset.revision, processes.num_processes)
    folder.check(run)
    is_finished = folder.is_finished
    processes.wait_for_everyone()
    if is_finished:
        logger.info("%s is complete; nothing is trained again", folder.release)
    else:
        if processes.is_main_process:
            folder.begin(run)
        make_release(recipe, folder, run, dataset, plan)

    published = None
    if plan.publication is not None:
        if processes.is_main_process:
            publish(folder, plan.publication)
        processes.wait_for_everyone()
        published = Revision.read(folder.published)
    return FinetuneResult(folder.release, RunRecord.read(folder.release / RUN_FILE), published)


def make_release(
    recipe: Recipe,
    folder: RunFolder,
    run: StartedRun,
    dataset: DatasetSource,
    plan: PublicationPlan,
) -> None:
    """From base model and dataset to a complete `folder.release`."""
    import gc

    from accelerate import PartialState

    from cards import scoring
    from trainers.base_model import load_base, refuse_unpublishable
    from trainers.comparison import comparison
    from trainers.kept_pictures import keep_pictures
    from trainers.lora_targets import lora_config
    from trainers.release_folder import assemble, write_record_and_card
    from trainers.run_data import read_run_data
    from trainers.run_record import make_record
    from trainers.samples import answer_samples
    from trainers.training import train
    from trainers.training_audit import check_reloaded

    processes = PartialState()
    device = None if processes.device.type == "cpu" else processes.device
    load = partial(
        load_base,
        recipe.base_model.model_copy(update={"revision": run.base_model.revision}),
        precision=recipe.schedule.precision,
        quantisation=recipe.quantisation,
        images=recipe.images,
    )
    base = load(device=device)
    if plan.publication is not None:
        refuse_unpublishable(base, plan.publication.repo_id)
    lora_config(base.model, recipe.tuning)  # says now, not after hours, what the model lacks
    data = read_run_data(recipe, dataset, base)

    samples = answer_samples(base, data.samples, recipe.evaluation, folder, run)
    load_whole = partial(load, quantisation=None, device=device)
    compare = comparison(recipe, folder, run, base, data, load_whole)
    trained = train(recipe, folder, base, data, load, device)
    predictions = scoring.score(recipe.task, compare(trained.model))
    predictions = keep_pictures(recipe.task, predictions, data.evaluation)

    # Record and card follow from the files. The files must load as the model that was trained.
    if processes.is_main_process:
        artifacts = assemble(folder.draft, folder.adapter, run.base_model, predictions)
        record = make_record(
            recipe, run, dataset, plan, data, trained, samples, predictions, artifacts
        )
        write_record_and_card(folder.draft, record)
    reference = trained.reference
    del base, trained  # makes room for the model that is loaded from the draft
    gc.collect()
    if processes.is_main_process:
        check_reloaded(folder.draft, reference, recipe.quantisation, device)
        folder.draft.rename(folder.release)
    processes.wait_for_everyone()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Fine-tune one model after one recipe.")
    parser.add_argument("recipe", help="a file of recipes/")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="schedule.epochs=1 ...")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be trained and what memory it takes, without the weights",
    )
    given = parser.parse_intermixed_args(arguments)
    process = int(os.environ.get("RANK", "0"))  # set by the launcher
    # What concerns all processes alike is said by the first one.
    console = Console(stderr=True, soft_wrap=True, quiet=process != 0)
    try:
        recipe = load_recipe(given.recipe, given.overrides)
        text = yaml.safe_dump(recipe.resolved(), allow_unicode=True, sort_keys=False)
        console.print(Syntax(text, "yaml", background_color="default"))
        if given.dry_run:
            return _dry_run(recipe, console)
        with _full_disk_said(Path(recipe.output_dir)):
            return _run(recipe, console, process)
    except BogamError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("interrupted; what was finished before is kept, run the same command again")
        return 130


def _dry_run(recipe: Recipe, console: Console) -> int:
    from trainers.run_log import quiet_libraries

    with quiet_libraries():
        from trainers.dry_run import described, dry_run

        console.print(described(dry_run(recipe)), markup=False, highlight=False)
    return 0


def _run(recipe: Recipe, console: Console, process: int) -> int:
    from trainers.interruption import Interrupted
    from trainers.run_log import run_log

    with run_log(Path(recipe.output_dir), process, console):
        try:
            result = finetune(recipe)
        except Interrupted as stopped:
            console.print(str(stopped), markup=False, highlight=False)
            return 130
    for metric, tuned in result.record.metrics["tuned"].items():
        before = result.record.metrics["zero_shot"][metric]
        console.print(f"{metric}: {before.value:.4g} -> {tuned.value:.4g}", highlight=False)
    place = result.published.id if result.published else str(result.release)
    console.print(f"done: {place}", markup=False, highlight=False)
    return 0


@contextmanager
def _full_disk_said(folder: Path) -> Iterator[None]:
    """The libraries beneath say it in a dozen ways."""
    try:
        yield
    except Exception as error:
        if not folder.is_dir() or shutil.disk_usage(folder).free > SOME_SPACE:
            raise
        raise BogamError(
            f"{folder}: the disk is full. Free some space and run the same command again; it "
            "goes on after the last whole checkpoint."
        ) from error


def _prepare_process() -> None:
    """Before the libraries are imported that read the environment."""
    from hub.environment import apply_to_process, closed_network

    if endpoint := os.environ.get("HF_ENDPOINT"):
        apply_to_process(closed_network(endpoint))
    # Outside training, where `trainers.interruption` lets a step end first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


if __name__ == "__main__":
    _prepare_process()
    sys.exit(main())
