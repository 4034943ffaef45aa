"""Which files travel as LFS objects and which are not wanted at all."""

from __future__ import annotations

from collections.abc import Iterable

from pathspec import GitIgnoreSpec

from hub.server.repositories import Kind

_EVERYWHERE = (
    "7z arrow bin bz2 ckpt ftz gz h5 joblib lfs.* lz4 mds mlmodel model msgpack npy npz onnx ot "
    "parquet pb pickle pkl pt pth rar safetensors tar tar.* tflite tgz wasm xz zip zst gguf"
)
_IN_DATASETS = (
    "pcm sam raw aac flac mp3 ogg wav bmp gif png tiff jpg jpeg webp mp4 webm avi mov tif pdf"
)
_LFS = " filter=lfs diff=lfs merge=lfs -text"


def gitattributes(kind: Kind) -> str:
    """The `.gitattributes` of a new repo: weights, archives and tables are LFS objects."""
    endings = f"{_EVERYWHERE} {_IN_DATASETS}" if kind == "dataset" else _EVERYWHERE
    patterns = [f"*.{ending}" for ending in endings.split()]
    return "".join(
        f"{pattern}{_LFS}\n" for pattern in [*patterns, "saved_model/**/*", "*tfevents*"]
    )


class LfsRules:
    """The patterns of a `.gitattributes` that ask for LFS."""

    def __init__(self, attributes: str) -> None:
        self._spec = GitIgnoreSpec.from_lines(_lfs_patterns(attributes))

    def is_lfs(self, path: str, size: int, sample: bytes, regular_bytes: int) -> bool:
        """By name, by size, or because the beginning is no text. Empty files never are."""
        if size == 0:
            return False
        return size > regular_bytes or b"\0" in sample or self._spec.match_file(path)


class IgnoreRules:
    """The patterns of a `.gitignore`."""

    def __init__(self, ignore: str) -> None:
        self._spec = GitIgnoreSpec.from_lines(ignore.splitlines())

    def is_ignored(self, path: str) -> bool:
        return self._spec.match_file(path)


def _lfs_patterns(attributes: str) -> Iterable[str]:
    for line in attributes.splitlines():
        pattern, *settings = line.split() or [""]
        if pattern and not pattern.startswith("#"):
            if "filter=lfs" in settings:
                yield pattern
            elif "-filter" in settings or "!filter" in settings:
                yield f"!{pattern}"
