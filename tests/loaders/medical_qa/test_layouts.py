"""The layouts in which the files are found, and how they are paired there."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.errors import BogamError
from loaders.medical_qa_sample import write_sample


def _write(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def _pairs(built: Any) -> set[tuple[str, str]]:
    return {(row["instruction"], row["output"].split("\n")[0]) for row in built.rows}


@pytest.mark.parametrize(
    "folders",
    [
        ("1.질문/{t}", "2.답변/{t}"),
        ("TL/1.질문/{t}", "TL/2.응답/{t}"),
        ("Training/02.라벨링데이터/1.질문/{t}", "Training/02.라벨링데이터/2.답변/{t}"),
        ("{c}_질문/{d}/{i}", "{c}_답변/{d}/{i}"),
        ("1.질문/{c}/{d}", "2.답변/{c}/{d}"),
        ("질문", "답변"),
    ],
)
def test_layouts_and_spellings_are_recognised(
    folders: tuple[str, str],
    tmp_path: Path,
    build_qa: Callable[..., Any],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    files = {}
    expected = set()
    for number, topic in enumerate(
        [("눈질환", "다래끼", "원인"), ("눈질환", "녹내장", "식이, 생활")]
    ):
        words = {"c": topic[0], "d": topic[1], "i": topic[2], "t": "/".join(topic)}
        stem = f"HC-Q-000000{number}", f"HC-A-0000009{number}"
        texts = f"{topic[1]} 질문 {number}", f"{topic[1]} 답 {number}"
        files[f"{folders[0].format(**words)}/{stem[0]}.json"] = question_file(texts[0], topic)
        files[f"{folders[1].format(**words)}/{stem[1]}.json"] = answer_file(texts[1], topic)
        expected.add(texts)
    built = build_qa(_write(tmp_path / "source", files))
    assert _pairs(built) == expected
    assert built.record.rejects == {}


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_tree_with_raw_names_is_read(
    encoding: str,
    tmp_path: Path,
    build_qa: Callable[..., Any],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    """As unpacked by a tool that wrote the bytes of the zip's names."""
    for side, name, data in (
        ("1.질문", "HC-Q-0000001.json", question_file("왜 그런가요?")),
        ("2.답변", "HC-A-00000002.json", answer_file("그래서 그렇습니다.")),
    ):
        folder = os.fsencode(tmp_path) + f"/src/{side}/눈질환/다래끼/원인".encode(encoding)
        path = Path(os.fsdecode(folder + b"/" + name.encode()))
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    built = build_qa(tmp_path / "src")
    assert _pairs(built) == {("왜 그런가요?", "그래서 그렇습니다.")}
    assert built.rows[0]["disease"] == "다래끼"


def test_composed_and_decomposed_sides_meet(
    tmp_path: Path,
    build_qa: Callable[..., Any],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    folder = unicodedata.normalize("NFD", "1.질문/눈질환/다래끼/원인")
    topic = tuple(unicodedata.normalize("NFD", word) for word in ("눈질환", "다래끼", "원인"))
    files = {
        f"{folder}/HC-Q-0000001.json": question_file("왜 그런가요?", topic),
        "2.답변/눈질환/다래끼/원인/HC-A-00000002.json": answer_file("그래서 그렇습니다."),
    }
    built = build_qa(_write(tmp_path / "source", files))
    assert _pairs(built) == {("왜 그런가요?", "그래서 그렇습니다.")}
    assert unicodedata.is_normalized("NFC", built.rows[0]["disease"])


def test_numbers_pair_within_a_folder(
    tmp_path: Path,
    build_qa: Callable[..., Any],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    """`q1.json` belongs to the `a1.json` of its own folder, whatever the topics say."""
    files = {}
    expected = set()
    for disease in ("다래끼", "녹내장"):
        for number in range(1, 13):
            texts = f"{disease}에 대한 물음 {number}", f"{disease}에 대한 답 {number}"
            topic = ("눈질환", disease, "원인")
            files[f"1.질문/눈질환/{disease}/q{number}.json"] = question_file(texts[0], topic)
            files[f"2.답변/눈질환/{disease}/a{number:02d}.json"] = answer_file(texts[1], topic)
            expected.add(texts)
    files["1.질문/눈질환/녹내장/q99.json"] = question_file("혼자 남은 물음")
    built = build_qa(_write(tmp_path / "source", files), pairing="number")
    assert _pairs(built) == expected
    assert {row["pairing"] for row in built.rows} == {"number"}
    assert built.record.rejects == {"folder_mismatch": 1}


def test_numbered_files_need_no_topic(tmp_path: Path, build_qa: Callable[..., Any]) -> None:
    files = {
        f"눈질환/{letter}{number}.json": content % number
        for number in range(1, 6)
        for letter, content in (
            ("q", b'{"question": "q%d?"}'),
            ("a", b'{"answer": {"body": "a%d"}}'),
        )
    }
    files["눈질환/a3.json"] = b'{"answer": {"body": "a3"'
    built = build_qa(_write(tmp_path / "source", files), pairing="number")
    assert _pairs(built) == {(f"q{n}?", f"a{n}") for n in (1, 2, 4, 5)}
    assert {row["disease_category"] for row in built.rows} == {"눈질환"}
    assert built.record.rejects == {"broken_json": 1, "no_counterpart": 1}


def test_topics_of_files_that_name_none_come_from_the_folders(
    tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    files = {
        "1.질문/눈질환/다래끼/원인/HC-Q-1.json": b'{"question": "q?"}',
        "2.답변/눈질환/다래끼/원인/HC-A-2.json": b'{"answer": {"body": "a"}}',
        "2.답변/눈질환/다래끼/치료/HC-A-3.json": b'{"answer": {"body": "b"}}',
    }
    built = build_qa(_write(tmp_path / "source", files))
    assert _pairs(built) == {("q?", "a")}
    assert [row["intention"] for row in built.rows] == ["원인"]
    assert built.record.rejects == {"no_counterpart": 1}


def test_folders_that_mean_something_else_are_ignored(
    tmp_path: Path,
    build_qa: Callable[..., Any],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    files = {
        "1.질문/2023/1차/납품/HC-Q-1.json": question_file("왜 그런가요?"),
        "2.답변/2023/2차/납품/HC-A-2.json": answer_file("그래서 그렇습니다."),
    }
    built = build_qa(_write(tmp_path / "source", files))
    assert len(built.rows) == 1
    assert "folders" in {finding.kind for finding in built.record.findings}


def test_a_folder_with_zips_is_read_as_one(tmp_path: Path, build_qa: Callable[..., Any]) -> None:
    """Training and validation zips as they come, one of them twice, and a stray file."""
    source = tmp_path / "1.데이터"
    write_sample(source / "Training/02.라벨링데이터/TL.zip", questions=300, answers=300, seed=1)
    write_sample(source / "Validation/02.라벨링데이터/VL.zip", questions=60, answers=60, seed=2)
    alone = build_qa(source, "alone")
    shutil.copy(source / "Validation/02.라벨링데이터/VL.zip", source / "copy.zip")
    (source / "읽어보세요.txt").write_text("안녕하세요")
    built = build_qa(source)
    assert built.record.rows == alone.record.rows == 360
    assert {row["question_id"] for row in built.rows} == {r["question_id"] for r in alone.rows}
    more = Counter(built.record.rejects)
    more.subtract(alone.record.rejects)
    # Of the copy: all sound files once more, and its flawed ones, one of which has the path of
    # one that says something else.
    flawed = {"broken_json": 1, "empty_text": 1, "junk": 1, "same_name": 1}
    assert +more == Counter(duplicate=120, not_in_layout=1, **flawed)


def test_links_are_not_followed(
    tmp_path: Path,
    build_qa: Callable[..., Any],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    outside = _write(tmp_path / "outside", {"HC-A-9.json": answer_file("밖에 있는 답")})
    source = _write(
        tmp_path / "source",
        {
            "1.질문/눈질환/다래끼/원인/HC-Q-1.json": question_file("왜 그런가요?"),
            "2.답변/눈질환/다래끼/원인/HC-A-2.json": answer_file("그래서 그렇습니다."),
        },
    )
    (source / "2.답변/눈질환/다래끼/원인/HC-A-3.json").symlink_to(outside / "HC-A-9.json")
    (source / "2.답변/눈질환/녹내장").symlink_to(outside, target_is_directory=True)
    (source / "2.답변/눈질환/다래끼/고리").symlink_to(source)
    built = build_qa(source)
    assert _pairs(built) == {("왜 그런가요?", "그래서 그렇습니다.")}
    assert built.record.rejects == {"link": 1, "not_in_layout": 2}


def test_numbers_that_do_not_match_are_explained(
    shared_data: Path, build_qa: Callable[..., Any]
) -> None:
    source = shared_data / "aihub_qa" / "sample" / "TL.zip"
    with pytest.raises(BogamError, match=r"none of 500 questions has an answer.*--pairing topic"):
        build_qa(source, pairing="number")


def test_names_with_backslashes_are_paths(
    build_qa: Callable[..., Any],
    write_zip: Callable[..., Path],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    source = write_zip(
        [
            ("1.질문\\눈질환\\다래끼\\원인\\HC-Q-1.json", question_file("왜 그런가요?")),
            ("2.답변\\눈질환\\다래끼\\원인\\HC-A-2.json", answer_file("그래서 그렇습니다.")),
            ("..\\1.질문\\눈질환\\다래끼\\원인\\HC-Q-3.json", question_file("밖으로?")),
            ("C:\\1.질문\\HC-Q-4.json", question_file("밖으로?")),
        ]
    )
    built = build_qa(source)
    assert _pairs(built) == {("왜 그런가요?", "그래서 그렇습니다.")}
    assert built.record.rejects == {"unsafe_path": 2}


def test_names_in_no_known_encoding_are_rejected(
    tmp_path: Path,
    build_qa: Callable[..., Any],
    write_zip: Callable[..., Path],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    whole = write_zip(
        [
            ("1.질문/눈질환/다래끼/원인/HC-Q-1.json", question_file("왜 그런가요?")),
            ("2.답변/눈질환/다래끼/원인/HC-A-2.json", answer_file("그래서 그렇습니다.")),
            ("odd!/HC-Q-3.json", question_file("어디에?")),
            ("fine/odd!.json", question_file("어디에?")),
        ]
    )
    source = tmp_path / "odd.zip"
    source.write_bytes(whole.read_bytes().replace(b"odd!", b"\xff\xfe\xff\x80"))
    built = build_qa(source)
    assert len(built.rows) == 1
    assert built.record.rejects == {"unreadable_name": 2}
    assert {line["path"] for line in built.lines("rejects.jsonl")} == {
        r"\xff\xfe\xff\x80/HC-Q-3.json",
        r"fine/\xff\xfe\xff\x80.json",
    }
