"""Which files a release may hold, and whether each is what its name says.

A release is pushed by allow-list: a kind of file that is not named here stays at home. Nothing in
it may run when somebody loads it, so there are no pickles, under whatever name, and no code.
"""

from __future__ import annotations

import pickletools
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from cards.errors import BogamError
from hub.gates.text_cells import QUOTED, parse_json, read_text

README = "README.md"
_SENTENCEPIECE = frozenset({"tokenizer.model", "spiece.model", "sentencepiece.bpe.model"})
_ADAPTER_CONFIG = "adapter_config.json"
_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_SHOWN_PROBLEMS = 20

# What commonly lies beside a model and must not be published, with the reason that helps.
_KNOWN_STRANGERS = {
    ".bin": "may be a pickle, which runs code when loaded; save weights as safetensors",
    ".pt": "a pickle, which runs code when loaded; save weights as safetensors",
    ".pth": "a pickle, which runs code when loaded; save weights as safetensors",
    ".ckpt": "a pickle, which runs code when loaded; save weights as safetensors",
    ".pkl": "a pickle, which runs code when loaded",
    ".npy": "may hold a pickle; save it as parquet or safetensors",
    ".npz": "may hold a pickle; save it as parquet or safetensors",
    ".py": "code; nobody should have to run it to load this",
}
_MAGIC = {
    b"PK\x03\x04": "a zip archive (torch.save writes pickles into one)",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array file, which may hold a pickle",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_CALLING_OPCODES = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "REDUCE", "BUILD", "NEWOBJ"})


def check_contents(folder: Path) -> list[str]:
    """The files of a release, as sorted paths relative to `folder`.

    Raises:
        BogamError: listing every file that may not be published, and why.
    """
    problems: list[str] = []
    paths: list[str] = []
    for path in sorted(_walk(folder)):
        relative = path.relative_to(folder).as_posix()
        problem = _problem_of(folder, path)
        if problem is None:
            paths.append(relative)
        else:
            problems.append(f"{relative}: {problem}")
    if README not in paths and not any(one.startswith(f"{README}:") for one in problems):
        problems.append(f"{README}: missing; a release without its card says nothing")
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        shown = [*problems[:_SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
        raise BogamError(
            f"{folder}: not fit to be published, nothing was sent:\n  " + "\n  ".join(shown)
        )
    return paths


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _problem_of(folder: Path, path: Path) -> str | None:
    if path.is_symlink():
        return "a symbolic link; put the file itself here"
    if not stat.S_ISREG(path.lstat().st_mode):
        return "not an ordinary file"
    if not path.name.isprintable() or "\\" in path.name:
        return "its name holds characters that cannot be published"
    check = _check_for(path.relative_to(folder))
    if check is None:
        reason = _KNOWN_STRANGERS.get(path.suffix, "not a kind of file that is published")
        return f"{reason}; remove it from the release"
    try:
        return _disguise(path) or check(folder, path)
    except BogamError as error:
        return str(error).removeprefix(f"{path}").lstrip(": ")


def _check_for(path: PurePath) -> Callable[[Path, Path], str | None] | None:
    if path.name in QUOTED:
        return _text
    if path.name in _SENTENCEPIECE:
        return _binary
    if path.as_posix() == "eval.yaml" or path.parent.as_posix() == ".eval_results":
        return _yaml if path.suffix == ".yaml" else None
    checks = {
        ".safetensors": _safetensors,
        ".parquet": _parquet,
        ".json": _json,
        ".jsonl": _jsonl,
        ".png": _png,
        ".jinja": _text,
        ".txt": _text,
        ".md": _readme if path.name == README else _text,
    }
    return checks.get(path.suffix)


def _disguise(path: Path) -> str | None:
    """What the first bytes say it is, where that is something else than its name says."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return f"is {what}, whatever its name says"
    if _is_pickle(head):
        return "is a pickle, which runs code when loaded, whatever its name says"
    return None


def _is_pickle(head: bytes) -> bool:
    """By its magic (protocol 2 and later), or because it reads as opcodes that call something
    (protocols 0 and 1, which are plain text)."""
    if len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        return True
    called = False
    try:
        for opcode, _, _ in pickletools.genops(head):
            called = called or opcode.name in _CALLING_OPCODES
            if opcode.name == "STOP":
                return called
    except (ValueError, IndexError):
        return False
    return False


def _safetensors(_: Path, path: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return None if file.keys() else "holds no tensor"
    except SafetensorError as error:
        return f"not a whole safetensors file ({error})"


def _parquet(_: Path, path: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        return f"not a whole parquet file ({error})"
    return None


def _png(_: Path, path: Path) -> str | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            if image.getexif():
                return "carries EXIF data, which may tell where and by whom it was taken"
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        return f"not a whole PNG image ({error})"
    return None


def _json(folder: Path, path: Path) -> str | None:
    content = parse_json(path, path.read_bytes())
    if not isinstance(content, dict):
        return None
    if "auto_map" in content:
        return (
            "names code of its own (auto_map); nobody should have to trust remote code to load "
            "this. Take the entry out, or publish under a class that transformers has"
        )
    if path.name == _ADAPTER_CONFIG:
        return _adapter_config(content)
    if path.name.endswith(".index.json") and isinstance(content.get("weight_map"), dict):
        shards = {str(shard) for shard in content["weight_map"].values()}
        missing = sorted(shard for shard in shards if not (path.parent / shard).is_file())
        if missing:
            return f"names shards that are not in the release: {', '.join(missing)}"
    return None


def _adapter_config(content: dict[str, Any]) -> str | None:
    base = content.get("base_model_name_or_path")
    if isinstance(base, str) and _REPO_ID.fullmatch(base) and not Path(base).exists():
        return None
    return (
        f"base_model_name_or_path is {base!r}, which is no repo on a Hub, so that nobody else "
        "could load the adapter. Name the base model as org/name"
    )


def _yaml(_: Path, path: Path) -> str | None:
    import yaml

    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        return f"not valid YAML ({error})"
    return None if isinstance(content, dict | list) else "holds neither a mapping nor a list"


def _jsonl(_: Path, path: Path) -> str | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                parse_json(path, line, f" line {number}")
    return None


def _text(_: Path, path: Path) -> str | None:
    return "not a text (NUL bytes)" if "\0" in read_text(path) else None


def _binary(_: Path, path: Path) -> str | None:
    return None if path.stat().st_size else "empty"


def _readme(_: Path, path: Path) -> str | None:
    from huggingface_hub import RepoCard
    from yaml import YAMLError

    text = read_text(path)
    if not text.startswith("---"):
        return "no metadata; a card begins with a block of YAML between two lines of ---"
    try:
        metadata = RepoCard(text).data.to_dict()
    except (ValueError, YAMLError) as error:
        return f"its metadata cannot be read: {error}"
    return None if metadata.get("license") else "its metadata name no `license`"
