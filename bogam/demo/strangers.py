"""A published model in somebody else's hands: plain transformers and none of our code.

It must give the answer that the predictions hold.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bogam.report import console
from cards.errors import BogamError

if TYPE_CHECKING:
    from cards.records import RunRecord

_BEGIN = """
import json, logging, sys
import torch

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it misses kernels nobody asked for
repo, messages, limit, picture = sys.argv[1:]
messages = json.loads(messages)
"""
_END = """
answer = model.generate(**inputs, max_new_tokens=int(limit), do_sample=False)
answer = answer[0, inputs["input_ids"].shape[1]:]
print(json.dumps(tokenizer.decode(answer, skip_special_tokens=True)))
ours = {"bogam", "cards", "hub", "loaders", "trainers"} & set(sys.modules)
assert not ours, ours
"""
_TEXT = """
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(repo)
model = AutoModelForCausalLM.from_pretrained(repo)
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
"""
_PICTURE = """
from PIL import Image
from transformers import AutoModelForImageTextToText

model = AutoModelForImageTextToText.from_pretrained(repo)
picture = Image.open(picture).convert("RGB")
asked = next(n for n, message in enumerate(messages) if message["role"] == "user")
for number, message in enumerate(messages):
    message["content"] = [{"type": "text", "text": message["content"]}]
    if number == asked:
        message["content"].insert(0, {"type": "image"})
"""
# Qwen2.5-VL's own processor also takes videos and needs torchvision for them. This is what it does
# with one picture.
_QWEN = """
from transformers import AutoImageProcessor, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(repo)
seen = AutoImageProcessor.from_pretrained(repo)(images=[picture], return_tensors="pt")
tokens = int(seen["image_grid_thw"].prod()) // 4
text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
text = text.replace("<|image_pad|>", "<|image_pad|>" * tokens)
inputs = {**tokenizer(text, return_tensors="pt"), **seen}
inputs["mm_token_type_ids"] = (inputs["input_ids"] == model.config.image_token_id).int()
"""
_OTHERS = """
from transformers import AutoProcessor

processor = AutoProcessor.from_pretrained(repo)
tokenizer = processor.tokenizer
text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
inputs = processor(images=[picture], text=text, return_tensors="pt", add_special_tokens=False)
"""


def try_it(repo_id: str, record: RunRecord, release: Path, dataset: Path) -> None:
    """Ask the published model a held-out question whose answer is known.

    Raises:
        BogamError: it could not be loaded, or it answers otherwise.
    """
    example = _example(release)
    row = _row(dataset, record, example["id"].partition("#")[0])
    messages = [{"role": "user", "content": example["prompt"]}]
    system = [turn["content"] for turn in row["messages"] if turn["role"] == "system"]
    for prompt in system or filter(None, [record.recipe["system_prompt"]]):
        messages.insert(0, {"role": "system", "content": prompt})
    images = row.get("images") or []
    sees = record.library_model_class == "AutoModelForImageTextToText"
    script = _BEGIN + _TEXT + _END
    if sees:
        is_qwen = "Qwen" in record.base_model.id
        script = _BEGIN + _PICTURE + (_QWEN if is_qwen else _OTHERS) + _END
    with tempfile.TemporaryDirectory(prefix="bogam-demo-") as folder:
        picture = Path(folder) / "picture"
        picture.write_bytes(images[0]["bytes"] if images else b"")
        limit = str(record.recipe["evaluation"]["max_new_tokens"])
        done = subprocess.run(
            [sys.executable, "-c", script, repo_id, json.dumps(messages), limit, str(picture)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            check=False,
        )
    if done.returncode:
        raise BogamError(f"{repo_id} could not be loaded by plain transformers; see above.")
    answer = json.loads(done.stdout.splitlines()[-1])
    console.print(
        f"질문 question:  {example['prompt']}\n"
        f"답변 answer:    {answer}\n"
        f"정답 reference: {example['reference']}",
        highlight=False,
        soft_wrap=True,
    )
    if answer.strip() != example["tuned"].strip():
        raise BogamError(
            f"{repo_id} loaded by plain transformers answers otherwise than in the "
            f"evaluation: {answer!r} instead of {example['tuned']!r}."
        )


def _example(release: Path) -> dict[str, Any]:
    """The first prediction; of scored classes the one that the model would most surely write."""
    import pyarrow.parquet as pq

    from cards.records import PREDICTIONS_FILE

    rows: list[dict[str, Any]] = pq.read_table(release / PREDICTIONS_FILE).to_pylist()
    return max(rows, key=lambda row: row.get("tuned_label_mass", 0.0))


def _row(dataset: Path, record: RunRecord, row_id: str) -> dict[str, Any]:
    import pyarrow.parquet as pq

    split = record.recipe["evaluation"]["split"]
    for shard in sorted((dataset / "data").glob(f"{split}-*.parquet")):
        for batch in pq.ParquetFile(shard).iter_batches(64):
            for row in batch.to_pylist():
                if row["id"] == row_id:
                    found: dict[str, Any] = row
                    return found
    raise ValueError(f"{row_id} is not in {split} of {dataset}")
