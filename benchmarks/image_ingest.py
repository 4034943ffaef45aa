"""Class folders of photos to parquet that carries its own bytes, and the checks on the way.

Baselines: `imagefolder` with `embed_table_storage` and `to_parquet`, which is what `push_to_hub`
does and which looks at no pixel; `Dataset.from_generator` over decoded images, which is what most
scripts do and which codes every photo anew as PNG; for the checks, a full decode by PIL and PDQ of
the whole picture. Each variant runs in a process of its own, so that peaks of memory can be told
apart.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measurement import Measurement

PHOTOS = 400
DECODED_PHOTOS = 40
"""The slow baselines get a part of the photos; their time grows with the number of photos."""
COMPARED = 5_000
ROUNDS = 2
CLASSES = ("0_irrelevant", "1_chat_history", "2_transaction_place", "3_drug_raw")

_PUSH_FORM = "imagefolder + embed + to_parquet, which checks nothing"
_DECODED = "from_generator, decoded images"
_FULL_DECODE = "PIL full decode + SHA-256 + PDQ of the full picture, one thread"


@dataclass(frozen=True)
class _Run:
    """One variant on `photos` photos: the fastest of its rounds, the largest of its peaks."""

    photos: int
    seconds: float
    peak_mb: float
    parquet_bytes: int

    @property
    def rate(self) -> float:
        return self.photos / self.seconds


def run() -> list[Measurement]:
    work = Path(tempfile.mkdtemp(prefix="bogam-images-"))
    try:
        source, part = work / "photos", work / "part"
        source_bytes = _write_photos(source, PHOTOS)
        part_bytes = _write_photos(part, DECODED_PHOTOS)
        decoded, full, pushed, built, checked, alone = _interleaved(
            [
                (_from_generator, part, DECODED_PHOTOS),
                (_check_fully, part, DECODED_PHOTOS),
                (_push_form, source, PHOTOS),
                (_build, source, PHOTOS),
                (_check, source, PHOTOS),
                (_check_in_one_thread, source, PHOTOS),
            ]
        )
    finally:
        shutil.rmtree(work)
    kilobytes = source_bytes / PHOTOS / 1000
    grown = decoded.parquet_bytes / part_bytes
    kept = built.parquet_bytes / source_bytes
    return [
        Measurement(f"{_PUSH_FORM} ({kilobytes:.0f} kB a photo)", pushed.rate, "photos/s"),
        Measurement(_DECODED, decoded.rate, "photos/s"),
        Measurement(
            "build: every bit decoded, hashed, copies found, metadata removed",
            built.rate,
            "photos/s",
            built.rate / decoded.rate,
            _DECODED,
        ),
        Measurement("the same build", built.rate, "photos/s", built.rate / pushed.rate, _PUSH_FORM),
        Measurement("parquet bytes per byte of the photos", kept, "bytes", grown / kept, _DECODED),
        Measurement(
            "peak memory of the build, above its imports",
            built.peak_mb,
            "MB",
            pushed.peak_mb / built.peak_mb,
            _PUSH_FORM,
        ),
        Measurement(
            "checks alone: header, every bit, SHA-256, PDQ; one thread",
            alone.rate,
            "photos/s",
            alone.rate / full.rate,
            _FULL_DECODE,
        ),
        Measurement(
            "the same checks, a thread a core",
            checked.rate,
            "photos/s",
            checked.rate / full.rate,
            _FULL_DECODE,
        ),
        Measurement(f"all pairs of {COMPARED:,} pictures compared", _compare(), "s"),
    ]


def _interleaved(variants: list[tuple[Callable[[Path, Path], None], Path, int]]) -> list[_Run]:
    """Run the variants in turn, several rounds, so that what else the machine does hits all."""
    context = multiprocessing.get_context("spawn")
    runs: list[list[_Run]] = [[] for _ in variants]
    for _ in range(ROUNDS):
        for number, (variant, source, photos) in enumerate(variants):
            with ProcessPoolExecutor(1, mp_context=context) as process:
                seconds, peak, size = process.submit(_timed, variant, source).result()
            runs[number].append(_Run(photos, seconds, peak, size))
    return [
        _Run(
            several[0].photos,
            min(one.seconds for one in several),
            max(one.peak_mb for one in several),
            several[0].parquet_bytes,
        )
        for several in runs
    ]


def _timed(variant: Callable[[Path, Path], None], source: Path) -> tuple[float, float, int]:
    """Seconds, MB of memory above what the imports took, and bytes of parquet written."""
    import datasets

    import loaders.drug_forensics  # noqa: F401 - imported before the clock starts

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory(prefix="bogam-images-") as out:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        variant(source, Path(out))
        seconds = time.perf_counter() - start
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        size = sum(path.stat().st_size for path in Path(out).rglob("*.parquet"))
    return seconds, max(peak, 0.1), size


def _push_form(source: Path, out: Path) -> None:
    import datasets
    from datasets.table import embed_table_storage

    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(source), split="train", cache_dir=str(out / "cache")
    )
    arrow = loaded.with_format("arrow")
    arrow.map(embed_table_storage, batched=True, batch_size=100).to_parquet(out / "x.parquet")


def _from_generator(source: Path, out: Path) -> None:
    import datasets

    def rows() -> Iterator[dict[str, Any]]:
        for path in sorted(source.rglob("*.jpg")):
            yield {"image": Image.open(path).convert("RGB"), "label": path.parent.name}

    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    made = datasets.Dataset.from_generator(rows, features=features, cache_dir=str(out / "cache"))
    made.to_parquet(out / "x.parquet")


def _build(source: Path, out: Path) -> None:
    from loaders.dataset_folder import build

    build("drug-forensics", source, out / "dataset", {"augment": "none"})


def _check(source: Path, out: Path) -> None:
    from loaders.image_files import read_images

    for _ in read_images(sorted(source.rglob("*.jpg")), source):
        pass


def _check_in_one_thread(source: Path, out: Path) -> None:
    from loaders.image_files import read_image

    for path in sorted(source.rglob("*.jpg")):
        read_image(path, path.name)


def _check_fully(source: Path, out: Path) -> None:
    import pdqhash

    for path in sorted(source.rglob("*.jpg")):
        hashlib.sha256(path.read_bytes()).hexdigest()
        pdqhash.compute(np.array(Image.open(path).convert("RGB")))


def _compare() -> float:
    """Seconds for pictures of which none is another's copy, and which look alike by chance."""
    from loaders.image_files import Gray, ImageFacts
    from loaders.near_images import near_pairs

    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (COMPARED, 5, 5), dtype=np.uint8)
    sketches = [np.asarray(Image.fromarray(b).resize((32, 32))).tobytes() for b in blocks]
    facts = [
        ImageFacts("JPEG", "RGB", 1, 1, 1, False, "", rng.bytes(32).hex(), 100, sketch)
        for sketch in sketches
    ]

    def gray(number: int) -> Gray:
        square = np.frombuffer(sketches[number], np.uint8).reshape(32, 32)
        return np.asarray(Image.fromarray(square).resize((128, 128)))

    start = time.perf_counter()
    near_pairs(facts, gray)
    return time.perf_counter() - start


def _write_photos(folder: Path, count: int) -> int:
    """JPEGs of 0.4 to 3 megapixels, every second one progressive; gives their bytes."""
    rng = np.random.default_rng(count)
    total = 0
    for number in range(count):
        width = int(rng.choice((595, 841, 1024, 1280, 2000), p=(0.35, 0.25, 0.2, 0.15, 0.05)))
        height = round(width * float(rng.choice((0.75, 1.414))))
        coarse = rng.integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 5, (height, width, 1)).astype(np.int16)
        pixels = np.clip(np.asarray(picture, dtype=np.int16) + grain, 0, 255).astype(np.uint8)
        path = folder / CLASSES[number % len(CLASSES)] / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=80, progressive=number % 2 == 1)
        total += path.stat().st_size
    return total
