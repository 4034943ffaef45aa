"""Any row of a split is found, labels are counted, and pictures stay unread until asked for."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Image, List, Value
from PIL import Image as Pictures

from hub.server.store.blobs import StoredBlob
from hub.server.tables.cells import make_cell
from hub.server.tables.columns import UnreadableTableError
from hub.server.tables.pictures import UnreadablePictureError, media_type, thumbnail
from hub.server.tables.reader import TableReader
from hub.server.tables.splits import find_splits

if TYPE_CHECKING:
    from pathlib import Path


def _png(width: int, height: int, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Pictures.new(mode, (width, height), "red" if mode == "RGB" else 0).save(out, "PNG")
    return out.getvalue()


def _blob(path: Path) -> StoredBlob:
    content = path.read_bytes()
    return StoredBlob(hashlib.sha256(content).hexdigest(), len(content), None, path)


@pytest.fixture
def shards(tmp_path: Path) -> list[StoredBlob]:
    """Two files of 700 and 300 rows in row groups of 128, numbered through."""
    features = Features(
        {
            "id": Value("string"),
            "images": List(Image()),
            "label": ClassLabel(names=["영수증", "처방전"]),
            "quality": Value("string"),
            "raw": Value("binary"),
        }
    )
    blobs = []
    for name, numbers in (("a", range(700)), ("b", range(700, 1000))):
        rows: dict[str, list[Any]] = {
            "id": [f"row-{n}" for n in numbers],
            "images": [
                [{"bytes": _png(1 + n % 5, 3), "path": f"{n}.png"}] * (n % 3) for n in numbers
            ],
            "label": [n % 2 for n in numbers],
            "quality": [("scan", "phone", None)[n % 3] for n in numbers],
            "raw": [b"\0\1"] * len(numbers),
        }
        path = tmp_path / f"{name}.parquet"
        Dataset.from_dict(rows, features=features).to_parquet(path, batch_size=128)
        blobs.append(_blob(path))
    return blobs


def test_rows_are_found_wherever_they_are(shards: list[StoredBlob]) -> None:
    reader = TableReader()
    assert reader.row_count(shards) == 1000
    for numbers in ([0], [699, 700], [127, 128, 129], [5, 640, 999], list(range(690, 715))):
        assert [row["id"] for row in reader.rows(shards, numbers)] == [f"row-{n}" for n in numbers]
    assert reader.rows(shards, [1000, 5000]) == []
    assert reader.rows(shards, []) == []


def test_pictures_are_named_and_not_read(shards: list[StoredBlob]) -> None:
    [row] = TableReader().rows(shards, [5])
    assert row["images"] == [{"path": "5.png"}, {"path": "5.png"}]
    assert "raw" not in row


def test_a_picture_is_given_byte_for_byte(shards: list[StoredBlob]) -> None:
    reader = TableReader()
    assert reader.image(shards, 704, "images", 1) == _png(1 + 704 % 5, 3)
    for number, column, item in ((704, "images", 2), (703, "images", -1), (702, "images", 0)):
        assert reader.image(shards, number, column, item) is None
    assert reader.image(shards, 704, "id", 0) is None
    assert reader.image(shards, 704, "raw", 0) is None
    assert reader.image(shards, 1000, "images", 0) is None


def test_labels_are_counted_and_filter(shards: list[StoredBlob]) -> None:
    reader = TableReader()
    facets = {facet.column: facet.counts for facet in reader.facets(shards)}
    assert facets == {
        "label": {"영수증": 500, "처방전": 500},
        "quality": {"scan": 334, "phone": 333, "∅": 333},
    }
    for wanted, expected in (
        ({"label": "처방전"}, [n for n in range(1000) if n % 2]),
        ({"quality": "∅"}, [n for n in range(1000) if n % 3 == 2]),
        ({"label": "처방전", "quality": "scan"}, [n for n in range(1000) if n % 6 == 3]),
        ({"label": "unknown"}, []),
        ({"id": "row-1"}, []),
        ({"missing": "x"}, []),
    ):
        assert reader.matching(shards, wanted).tolist() == expected


def test_a_filter_agrees_with_the_rows(shards: list[StoredBlob]) -> None:
    reader = TableReader()
    numbers = reader.matching(shards, {"quality": "phone"}).tolist()[-25:]
    assert {row["quality"] for row in reader.rows(shards, numbers)} == {"phone"}


def test_what_is_no_table_is_said_to_be_none(tmp_path: Path) -> None:
    for content in (b"", b"PAR1 no parquet PAR1", b"PAR1" + b"\xff" * 100 + b"\x10\0\0\0PAR1"):
        path = tmp_path / "x.parquet"
        path.write_bytes(content)
        with pytest.raises(UnreadableTableError):
            TableReader().row_count([_blob(path)])


def test_a_damaged_page_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": [f"{n} words" for n in range(1000)]}), path)
    content = bytearray(path.read_bytes())
    content[30:900] = b"\xff" * 870
    path.write_bytes(content)
    with pytest.raises(UnreadableTableError):
        TableReader().rows([_blob(path)], [10])


def test_every_kind_of_value_becomes_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    row = {
        "text": "가" * 1000,
        "huge": "x" * 50_000,
        "number": 12345,
        "share": 0.25,
        "flag": True,
        "list": ["a", None],
        "structure": [{"name": "값", "box": [1, 2]}],
        "messages": [{"role": "user", "content": "왜?"}, {"role": "assistant", "content": None}],
        "none": None,
        "moment": datetime(2026, 11, 21),
    }
    table = pa.Table.from_pylist([row])
    pq.write_table(table, path)
    reader = TableReader()
    blob = _blob(path)
    [read] = reader.rows([blob], [0])
    cells = {column.name: make_cell(column, read) for column in reader.columns([blob])}
    assert {name: cell.kind for name, cell in cells.items()} == {
        "text": "text",
        "huge": "text",
        "number": "number",
        "share": "number",
        "flag": "label",
        "list": "list",
        "structure": "structure",
        "messages": "messages",
        "none": "empty",
        "moment": "text",
    }
    assert cells["number"].text.start == "12,345"
    assert cells["text"].text.start + cells["text"].text.rest == row["text"]
    assert cells["huge"].text.left_out == 30_000
    assert [m.role for m in cells["messages"].messages] == ["user", "assistant"]
    assert "값" in cells["structure"].text.start


def test_small_copies_are_small_and_upright() -> None:
    with Pictures.open(io.BytesIO(thumbnail(_png(2000, 1000)))) as image:
        assert (image.format, image.size) == ("JPEG", (256, 128))
    out = io.BytesIO()
    exif = Pictures.Exif()
    exif[0x0112] = 6
    Pictures.new("RGB", (400, 200)).save(out, "JPEG", exif=exif)
    with Pictures.open(io.BytesIO(thumbnail(out.getvalue()))) as image:
        assert image.size == (128, 256)


def test_a_transparent_picture_lies_on_white() -> None:
    with Pictures.open(io.BytesIO(thumbnail(_png(10, 10, "RGBA")))) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    ],
)
def test_only_pictures_are_pictures(content: bytes) -> None:
    with pytest.raises(UnreadablePictureError):
        media_type(content)
    with pytest.raises(UnreadablePictureError):
        thumbnail(content)


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    out = io.BytesIO()
    Pictures.new("1", (20_000, 5_000)).save(out, "PNG")
    with pytest.raises(UnreadablePictureError, match="too many"):
        thumbnail(out.getvalue())


@pytest.mark.parametrize(
    ("paths", "card", "expected"),
    [
        (
            [
                "data/test-00000-of-00001.parquet",
                "data/train-00001-of-00002.parquet",
                "data/train-00000-of-00002.parquet",
                "README.md",
            ],
            {},
            {
                "train": ("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"),
                "test": ("data/test-00000-of-00001.parquet",),
            },
        ),
        (["predictions.parquet"], {}, {"predictions": ("predictions.parquet",)}),
        (
            ["x/1.parquet", "x/2.parquet"],
            {"configs": [{"data_files": [{"split": "dev", "path": "x/*.parquet"}]}]},
            {"dev": ("x/1.parquet", "x/2.parquet")},
        ),
        (
            ["a.parquet", "b.parquet"],
            {
                "configs": [
                    {"config_name": "ko", "data_files": "a.parquet"},
                    {"config_name": "en", "data_files": [{"split": "test", "path": ["b.parquet"]}]},
                ]
            },
            {"en/test": ("b.parquet",), "ko/train": ("a.parquet",)},
        ),
        (
            ["a.parquet"],
            {"configs": [7, {"data_files": {"x": [None]}}, None]},
            {"a": ("a.parquet",)},
        ),
        (["a.csv"], {"configs": "x"}, {}),
    ],
)
def test_files_are_put_into_splits(
    paths: list[str], card: dict[str, Any], expected: dict[str, tuple[str, ...]]
) -> None:
    assert find_splits(paths, card) == expected
