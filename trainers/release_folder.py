"""What a run publishes: one folder, made whole, of files that anybody can load and check.

    adapter_model.safetensors, adapter_config.json    the tuned weights, naming their base by id
    tokenizer.json, tokenizer_config.json, chat_template.jinja
    processor_config.json                             of a model that sees
    predictions.parquet                               both models' answers, with scores
    run.json                                          `cards.records.RunRecord`
    README.md, figures/                               made from the two above
    LICENSE.txt                                       where the base model comes with one

All but the card, its figures and the record itself are hashed in the record.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cards.card import Card
from cards.model_card import render_model_card
from cards.records import PREDICTIONS_FILE, RUN_FILE, Revision, RunRecord
from trainers.base_files import base_file

CONFIG_FILE = "adapter_config.json"
LICENCE_FILE = "LICENSE.txt"
# What a saved adapter and its tokenizer consist of. PEFT and transformers also write a README
# with the local path of the base, and pickled arguments.
_PUBLISHED_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model")


def assemble(folder: Path, adapter: Path, base: Revision, predictions: pa.Table) -> dict[str, str]:
    """Fill a new folder with everything but record and card.

    Args:
        adapter: as `Trainer.save_model` left it.

    Returns:
        {path in the folder: sha256}, for the run record.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for path in sorted(adapter.iterdir()):
        if path.suffix in _PUBLISHED_SUFFIXES:
            shutil.copyfile(path, folder / path.name)
    config: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base.id
    config["revision"] = base.revision
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    pq.write_table(predictions, folder / PREDICTIONS_FILE, compression="zstd")
    # Several licences ask that a copy of them is passed on.
    licence = base_file(base, "LICENSE")
    if licence is not None:
        shutil.copyfile(licence, folder / LICENCE_FILE)
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def write_record_and_card(folder: Path, record: RunRecord) -> None:
    """`run.json`, and the card that follows from it and the predictions beside it."""
    record.write(folder / RUN_FILE)
    card_of(folder, record).write(folder)


def card_of(folder: Path, record: RunRecord) -> Card:
    """The card of a release, also for a record that differs from the one in the folder."""
    return render_model_card(record, pq.read_table(folder / PREDICTIONS_FILE))
