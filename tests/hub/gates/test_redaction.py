"""Redaction takes out personal data and nothing else, and a second time nothing at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cards.errors import BogamError
from hub.gates import pii
from hub.gates.personal_data import PersonalDataPolicy, checked, findings, require_none
from hub.gates.redaction import redact_files
from hub.gates.text_scan import scan_files

NUMBER = "900101-1234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("messages", messages),
            ("label", pa.int32()),
            ("score", pa.float32()),
        ],
        metadata={"huggingface": '{"info": {}}'},
    )
    rows = [
        {
            "id": f"r{index}",
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": None}],
            "label": index,
            "score": 0.1 * index,
        }
        for index, text in enumerate(["열이 납니다", f"제 번호는 {NUMBER}", "끝"] * 10)
    ]
    table = pa.Table.from_pylist(rows, schema)
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=7, compression="ZSTD")
    (tmp_path / "rejects.jsonl").write_text(
        json.dumps({"path": f"{NUMBER}.json", "reason": "empty"}, ensure_ascii=False) + "\n"
    )
    return tmp_path


PATHS = ["rejects.jsonl", "train.parquet"]


def test_only_personal_data_changes(folder: Path) -> None:
    before = pq.read_table(folder / "train.parquet")
    redact_files(folder, PATHS)
    after = pq.read_table(folder / "train.parquet")

    assert after.schema.equals(before.schema, check_metadata=True)
    assert [row["messages"][0]["content"] for row in after.to_pylist()[:3]] == [
        "열이 납니다",
        "제 번호는 [주민등록번호]",
        "끝",
    ]
    assert after.drop_columns("messages").equals(before.drop_columns("messages"))
    untouched = [index for index in range(30) if index % 3 != 1]
    assert after.take(untouched).equals(before.take(untouched))
    layout = pq.read_metadata(folder / "train.parquet")
    assert [layout.row_group(group).num_rows for group in range(5)] == [7, 7, 7, 7, 2]
    assert layout.row_group(0).column(0).compression == "ZSTD"
    assert json.loads((folder / "rejects.jsonl").read_text())["path"] == "[주민등록번호].json"


def test_nothing_is_found_afterwards_and_nothing_changes_again(folder: Path) -> None:
    redact_files(folder, PATHS)
    scan = scan_files(folder, PATHS, {"personal data": pii.detector()})["personal data"]
    assert scan.found == 0
    digests = [hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in PATHS]
    redact_files(folder, PATHS)
    again = [hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in PATHS]
    assert again == digests


def test_the_file_that_a_release_was_linked_from_keeps_its_text(folder: Path) -> None:
    release = folder / "release"
    release.mkdir()
    os.link(folder / "train.parquet", release / "train.parquet")
    redact_files(release, ["train.parquet"])
    assert NUMBER in str(pq.read_table(folder / "train.parquet").to_pylist())
    assert NUMBER not in str(pq.read_table(release / "train.parquet").to_pylist())


def test_what_cannot_be_redacted_is_said(folder: Path) -> None:
    with pytest.raises(BogamError, match=r"run\.json: holds personal data"):
        redact_files(folder, ["run.json"])


def test_refusal_names_counts_columns_and_rows_but_no_value(folder: Path) -> None:
    scan = scan_files(folder, PATHS, {"personal data": pii.detector()})["personal data"]
    with pytest.raises(BogamError) as refusal:
        require_none(scan, "Publishing org/x")
    text = str(refusal.value)
    assert (
        "10 x resident registration number (suspected) in train.parquet, messages.content" in text
    )
    assert "r1, r4, r7" in text
    assert "rejects.jsonl, path: line 1" in text
    assert NUMBER not in text


def test_the_record_says_what_was_found_and_why_it_stayed(folder: Path) -> None:
    scan = scan_files(folder, PATHS, {"personal data": pii.detector()})["personal data"]
    allowed = PersonalDataPolicy("allow", "모두 지어낸 번호입니다")
    check = checked(scan, allowed)
    assert check.found == {"resident registration number": 11}
    assert (check.texts_scanned, check.reason) == (scan.cells, "모두 지어낸 번호입니다")
    [finding] = findings(scan, allowed)
    assert (finding.count, finding.severity) == (11, "warning")
    assert "messages.content" in finding.detail
    assert "left in: 모두 지어낸 번호입니다" in finding.detail
    [finding] = findings(scan, PersonalDataPolicy("redact"))
    assert finding.severity == "info"


@pytest.mark.parametrize(
    ("action", "reason"), [("allow", None), ("allow", "  "), ("refuse", "why"), ("redact", "why")]
)
def test_a_reason_belongs_to_allowing_and_to_nothing_else(action: str, reason: str | None) -> None:
    with pytest.raises(BogamError, match="reason"):
        PersonalDataPolicy(action, reason)  # type: ignore[arg-type]
