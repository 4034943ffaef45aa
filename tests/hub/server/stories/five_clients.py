"""What a stranger does with a Hub, with the five unmodified clients, told by `HF_ENDPOINT` alone.

Run as `python five_clients.py NAMESPACE FOLDER`; ends with 0 when everything came back as sent.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NAMESPACE, FOLDER = sys.argv[1], Path(sys.argv[2])


def run_hf(*arguments: str) -> str:
    """The `hf` command that belongs to this Python."""
    command = [str(Path(sys.executable).with_name("hf")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stdout} {done.stderr}"
    return done.stdout


def with_huggingface_hub() -> None:
    from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download

    repo_id = f"{NAMESPACE}/plain"
    contents = {"a.txt": b"text", "sub/b.bin": os.urandom(300_000), "sub/c.bin": b"\0" * 5000}
    for path, content in contents.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_bytes(content)
    api = HfApi()
    assert api.whoami()["name"] == "alice"
    api.create_repo(repo_id)
    api.upload_folder(repo_id=repo_id, folder_path=FOLDER)
    snapshot = Path(snapshot_download(repo_id))
    assert {path: (snapshot / path).read_bytes() for path in contents} == contents
    assert Path(hf_hub_download(repo_id, "a.txt")).read_bytes() == b"text"
    assert HfFileSystem().read_bytes(f"{repo_id}/sub/b.bin") == contents["sub/b.bin"]
    # A changed file shares chunks with the one before: Xet sends only what is new.
    changed = contents["sub/b.bin"] + b"and more"
    api.upload_file(repo_id=repo_id, path_or_fileobj=changed, path_in_repo="sub/b.bin")
    assert Path(hf_hub_download(repo_id, "sub/b.bin")).read_bytes() == changed


def with_datasets() -> None:
    from datasets import Dataset, DatasetDict, load_dataset

    repo_id = f"{NAMESPACE}/rows"
    rows = {"question": [f"질문 {n}" for n in range(500)], "label": [n % 3 for n in range(500)]}
    parts = DatasetDict(train=Dataset.from_dict(rows), test=Dataset.from_dict(rows).select([1, 2]))
    parts.push_to_hub(repo_id, private=True)
    loaded = load_dataset(repo_id)
    assert loaded["train"].to_dict() == rows
    streamed = list(load_dataset(repo_id, split="test", streaming=True))
    assert [row["question"] for row in streamed] == ["질문 1", "질문 2"]


def with_transformers() -> None:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    repo_id = f"{NAMESPACE}/tiny-llama"
    words = {
        word: number for number, word in enumerate(["<unk>", "열이", "나요", "약을", "드세요"])
    }
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval()
    model.push_to_hub(repo_id, private=True)
    tokenizer.push_to_hub(repo_id)
    loaded = AutoModelForCausalLM.from_pretrained(repo_id)
    tokens = AutoTokenizer.from_pretrained(repo_id)("열이 나요", return_tensors="pt").input_ids
    assert tokens.tolist() == [[1, 2]]
    with torch.no_grad():
        assert torch.equal(loaded(tokens).logits, model(tokens).logits)


def with_peft() -> None:
    import torch
    from peft import AutoPeftModelForCausalLM, LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    repo_id = f"{NAMESPACE}/adapter"
    base = AutoModelForCausalLM.from_pretrained(f"{NAMESPACE}/tiny-llama")
    lora = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    adapted = get_peft_model(base, lora).eval()
    adapted.push_to_hub(repo_id, private=True)
    tokens = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        expected = adapted(tokens).logits
        for loader in (AutoPeftModelForCausalLM, AutoModelForCausalLM):
            assert torch.equal(loader.from_pretrained(repo_id)(tokens).logits, expected)


def with_the_hf_command() -> None:
    repo_id = f"{NAMESPACE}/by-command"
    assert "alice" in run_hf("auth", "whoami")
    run_hf("repos", "create", repo_id, "--private")
    file = FOLDER / "weights.safetensors"
    file.write_bytes(os.urandom(100_000))
    run_hf("upload", repo_id, str(file), "weights.safetensors")
    run_hf("download", repo_id, "weights.safetensors", "--local-dir", str(FOLDER / "down"))
    assert (FOLDER / "down" / "weights.safetensors").read_bytes() == file.read_bytes()
    assert repo_id in run_hf("models", "ls", "--author", NAMESPACE, "--format", "json")
    run_hf("repos", "delete", repo_id, "--yes")


if __name__ == "__main__":
    with_huggingface_hub()
    with_datasets()
    with_transformers()
    with_peft()
    with_the_hf_command()
