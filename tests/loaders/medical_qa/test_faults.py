"""Every planted fault is found where it was put, and no sound file is rejected."""

from __future__ import annotations

import json
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loaders.medical_qa_sample import write_sample

REJECTED = {
    "broken_json": {"broken_json"},
    "trailing_garbage": {"broken_json"},
    "empty_question": {"empty_text"},
    "missing_key": {"missing_key"},
    "wrong_answer_type": {"wrong_type", "missing_key"},  # null is no other type: it is nothing
    "empty_answer": {"empty_text"},
    "unmatched_folder": {"folder_mismatch"},
    "unmatched_pair": {"no_counterpart"},
    "huge_file": {"too_large"},
    "zero_byte": {"empty_file"},
    "symlink": {"link"},
    "junk": {"junk"},
    "zip_slip": {"unsafe_path"},
    "zip_same_name": {"same_name"},
}
NOTICED = {
    "bom_flip": "byte_order_mark",
    "cp949_content": "encoding",
    "utf16_content": "encoding",
    "list_root": "wrapped_in_list",
    "duplicate_text": "duplicate_text",
    "duplicate_id": "duplicate_id",
    "upper_ext": "upper_case_extension",
    "control_chars": "control_characters",
    "spaced_folder": "blanks_in_folder_name",
    "nfd_name": "decomposed_name",
}
SAMPLES = ("tree", "TL.zip", "TL_cp949_faults.zip", "TL_mac_nfd.zip")


def _assert_found(built: Any, truth: dict[str, Any]) -> None:
    rejects: dict[str, set[str]] = defaultdict(set)
    notices: dict[str, set[str]] = defaultdict(set)
    for line in built.lines("rejects.jsonl"):
        rejects[line["path"]].add(line["reason"])
    for line in built.lines("notices.jsonl"):
        notices[line["path"]].add(line["reason"])
    missed = [
        (fault, path, rejects[path], notices[path])
        for fault, paths in truth["faults"].items()
        for path in paths
        if not rejects[path] & REJECTED.get(fault, set())
        and NOTICED.get(fault) not in notices[path]
    ]
    assert not missed
    planted = {path for paths in truth["faults"].values() for path in paths}
    for path, reasons in rejects.items():
        assert path in planted or reasons <= {"not_needed"}, (path, reasons)


def _assert_surplus_is_real(built: Any) -> None:
    """An answer is left out as not needed only where every question has one of its own."""
    most: dict[tuple[str, str], int] = {}
    uses = Counter((row["disease"], row["intention"], row["answer_id"]) for row in built.rows)
    for (disease, intention, _), count in uses.items():
        most[disease, intention] = max(count, most.get((disease, intention), 0))
    for line in built.lines("rejects.jsonl"):
        if line["reason"] == "not_needed":
            path = unicodedata.normalize("NFC", line["path"])
            disease, intention = [part.strip() for part in path.split("/")[-3:-1]]
            assert most[disease, intention] == 1, line


@pytest.mark.parametrize("sample", SAMPLES)
def test_faults_of_the_samples_are_found(
    sample: str, shared_data: Path, build_qa: Callable[..., Any]
) -> None:
    folder = shared_data / "aihub_qa" / "sample"
    built = build_qa(folder / sample)
    truth = json.loads((folder / f"{sample}.truth.json").read_text(encoding="utf-8"))
    assert built.record.raw_items == truth["files_written"]
    _assert_found(built, truth)
    _assert_surplus_is_real(built)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tree", ["--faults", "all"]),
        ("TL.zip", ["--zip", "--faults", "all,zip_slip"]),
        ("TL.zip", ["--zip", "--faults", "all,zip_slip", "--name-encoding", "cp949"]),
        ("TL.zip", ["--zip", "--faults", "all", "--nfd", "--answers-dir", "2.응답"]),
        ("TL.zip", ["--zip", "--faults", "all", "--no-bom", "--prefix", "Training/02.라벨링/TL"]),
        ("TL.zip", ["--zip", "--faults", "all", "--indent", "2", "--level", "0"]),
    ],
)
def test_faults_of_generated_sources_are_found(
    name: str,
    arguments: list[str],
    make_tree: Callable[..., tuple[Path, dict[str, Any]]],
    build_qa: Callable[..., Any],
) -> None:
    sizes = ["--questions", "400", "--answers", "350", "--diseases", "1", "--fault-count", "3"]
    source, truth = make_tree(name, *sizes, "--huge-bytes", "200000", *arguments)
    if truth["args"]["nfd"]:
        del truth["faults"]["nfd_name"]  # it differs from the rest only where the rest is composed
    built = build_qa(source)
    _assert_found(built, truth)
    _assert_surplus_is_real(built)
    counted = Counter(line["reason"] for line in built.lines("rejects.jsonl"))
    assert counted == built.record.rejects
    assert built.record.raw_items == built.record.items_used + counted.total()
    assert built.record.raw_items == truth["files_written"]


def test_rows_say_what_the_files_say(shared_data: Path, build_qa: Callable[..., Any]) -> None:
    """Against a reading of the same zip by the standard library alone."""
    source = shared_data / "aihub_qa" / "sample" / "TL.zip"
    documents = {}
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            stem = name.rpartition("/")[2].removesuffix(".json")
            documents[stem] = json.loads(archive.read(name).decode("utf-8-sig"))
    rows = build_qa(source).rows
    assert len(rows) == sum(stem.startswith("HC-Q") for stem in documents)
    assert len({row["question_id"] for row in rows}) == len(rows)
    for row in rows:
        asked, answered = documents[row["question_id"]], documents[row["answer_id"]]
        parts = [answered["answer"][part].strip() for part in ("intro", "body", "conclusion")]
        assert row["instruction"] == asked["question"].strip()
        assert row["output"] == "\n".join(part for part in parts if part)
        assert row["messages"] == [
            {"role": "user", "content": row["instruction"]},
            {"role": "assistant", "content": row["output"]},
        ]
        assert row["department"] == answered["department"]
        for document in (asked, answered):
            assert document["disease_category"] == row["disease_category"]
            assert document["disease_name"]["kor"] == row["disease"]
            assert document["intention"] == row["intention"]


def test_flaws_of_the_made_up_sample_are_found(
    tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    write_sample(tmp_path / "TL", questions=330, answers=330)
    built = build_qa(tmp_path / "TL")
    assert built.record.rows == 330
    assert built.record.annotation.en.startswith("Questions and answers are AI Hub's own")
    by_frequency = sorted(built.record.statistics["department"].values(), reverse=True)
    assert list(built.record.statistics["department"].values()) == by_frequency
    assert built.record.rejects == {
        "broken_json": 1,
        "empty_text": 1,
        "junk": 1,
        "no_counterpart": 1,
    }


def test_what_was_made_up_is_nowhere_said_to_be_of_ai_hub(
    tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    write_sample(tmp_path / "TL", questions=40, answers=40)
    record = build_qa(tmp_path / "TL", made_up=True).record
    assert record.title.en == "AI Hub healthcare QA (made up)"
    assert record.annotation.en.startswith("A program made up the questions and the answers.")
    assert "AI Hub's own, neither" not in record.to_json()
