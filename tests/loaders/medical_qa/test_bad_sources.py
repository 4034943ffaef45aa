"""Whatever is wrong with the source or the place to write is one clear error, and nothing stays."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.errors import BogamError
from loaders.medical_qa_sample import write_sample


def _empty_zip(path: Path) -> None:
    zipfile.ZipFile(path, "w").close()


def _zip_of_folders(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("1.질문")


def _truncated(path: Path) -> None:
    write_sample(path.with_name("whole.zip"), questions=50)
    whole = path.with_name("whole.zip").read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])


def _without_questions(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("2.답변/눈질환/다래끼/원인/HC-A-1.json", '{"answer": {"body": "a"}}')
        archive.writestr("설명.hwp", "")


def _without_answers(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.질문/눈질환/다래끼/원인/HC-Q-1.json", '{"question": "q"}')


def _unmatched(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.질문/눈질환/다래끼/원인/HC-Q-1.json", '{"question": "q"}')
        archive.writestr("2.답변/눈질환/다래끼/치료/HC-A-1.json", '{"answer": {"body": "a"}}')


def _unreadable_encoding(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            text = b'{"question": "\xff\xfe\xff\x80"}'
            archive.writestr(f"1.질문/눈질환/다래끼/원인/HC-Q-{number}.json", text)


def _empty_folder(path: Path) -> None:
    path.mkdir()


def _other_folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("nothing to see")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "not found"),
        (_empty_zip, "holds no files"),
        (_zip_of_folders, "holds no files"),
        (_empty_folder, "holds no files"),
        (_truncated, "cut off"),
        (lambda path: path.write_bytes(b"not a zip at all"), "is no zip file"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (_without_questions, r"no question can be used among 2 files \(not_in_layout 1\)"),
        (_other_folder, r"no question can be used among 1 files \(not_in_layout 1\)"),
        (_without_answers, "no answer can be used among 1 files"),
        (_unmatched, "none of 1 questions has an answer.*--pairing number"),
        (_unreadable_encoding, "no question can be used among 3 files .*unreadable_encoding 3"),
    ],
)
def test_an_unusable_source_is_explained(
    make: Callable[[Path], None], told: str, tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    source = tmp_path / "TL.zip"
    make(source)
    with pytest.raises(BogamError, match=told) as raised:
        build_qa(source)
    assert str(source) in str(raised.value)
    assert not (tmp_path / "built").exists()
    assert not (tmp_path / "built.partial").exists()


def test_an_unknown_option_gets_the_nearest_one(
    tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    with pytest.raises(BogamError, match=r"no option 'pairng'\. Did you mean pairing\?"):
        build_qa(tmp_path, pairng="topic")
    with pytest.raises(BogamError, match=r"pairing cannot be 'numbers'\. Did you mean number\?"):
        build_qa(tmp_path, pairing="numbers")


@pytest.mark.system
def test_a_full_disk_is_explained_and_leaves_nothing(tmp_path: Path) -> None:
    """On a file system of two megabytes, made for this process alone."""
    unshare = shutil.which("unshare")
    small = tmp_path / "small"
    small.mkdir()
    mount = [str(unshare), "--user", "--map-root-user", "--mount", "sh", "-c"]
    tmpfs = f"mount -t tmpfs -o size=2m none '{small}'"
    if unshare is None or subprocess.run([*mount, tmpfs], capture_output=True).returncode:
        pytest.skip("no file systems can be mounted here")
    source = tmp_path / "TL.zip"
    write_sample(source, questions=20_000)
    script = (
        "from pathlib import Path\n"
        "from cards.errors import BogamError\n"
        "from loaders.dataset_folder import build\n"
        "try:\n"
        f"    build('medical-qa', Path({str(source)!r}), Path({str(small)!r}) / 'out')\n"
        "except BogamError as error:\n"
        "    assert 'the disk is full' in str(error), error\n"
        f"    assert list(Path({str(small)!r}).iterdir()) == []\n"
        "else:\n"
        "    raise SystemExit('it was built')\n"
    )
    command = f"{tmpfs} && exec '{sys.executable}' -c \"$0\""
    done = subprocess.run([*mount, command, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
