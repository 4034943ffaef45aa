"""The authors' layout: every record and every chart is in a row or among the rejects."""

from __future__ import annotations

import datasets
import orjson
import pytest

from cards.audit import audit_dataset_folder
from cards.dataset_card import render_dataset_card
from cards.errors import BogamError
from cards.records import Note


def test_the_real_sample_is_counted_as_its_readme_says(shared_data, build_from):
    built = build_from(shared_data / "chartqa" / "ChartQA Dataset")
    record = built.record
    assert record.raw_items == 66 + 64
    assert {name: split.rows for name, split in record.splits.items()} == {
        "train": 34,
        "validation": 14,
        "test": 14,
    }
    assert record.rejects == {"no_counterpart": 4 + 2}
    assert record.items_used == 62 + 62
    assert record.statistics["human_or_machine"] == {"machine": 62}
    assert record.licence == "gpl-3.0"
    assert record.languages == ("en",)
    assert built.finding("near_charts_in_two_splits") is None, "charts of one template differ"
    assert built.finding("alpha_channel").count == 62
    folder = shared_data / "chartqa" / "ChartQA Dataset" / "val" / "png"
    for row in built.rows["validation"]:
        (image,) = row["images"]
        assert image["bytes"] == (folder / row["file_name"]).read_bytes()
    turkey = next(row for row in built.rows["validation"] if row["labels"] == ["Turkey"])
    assert [message["role"] for message in turkey["messages"]] == ["system", "user", "assistant"]
    assert turkey["messages"][1]["content"] == (
        "What country was ranked second with a 42.88 percent infection rate?"
    )
    assert turkey["messages"][2]["content"] == "Turkey"


def test_a_folder_above_is_read_too(made_up, build_from):
    above, inside = build_from(made_up), build_from(made_up / "ChartQA Dataset")
    assert above.rows == inside.rows
    assert above.finding("made_up").count == inside.finding("made_up").count == 80
    assert above.record.rejects == {}
    assert above.record.languages == ("en", "ko")


def test_made_up_charts_are_not_said_to_be_those_of_chartqa(made_up, build_from):
    built = build_from(made_up)
    record = built.record
    assert record.licence == "cc0-1.0"
    card = render_dataset_card(record).readme
    assert "drew from random numbers" in card
    false = ("Masry", "Statista", "GPL", "written by people", "wrote the question", "사람이 쓴")
    assert not [word for word in false if word in card + record.to_json()]
    assert record.title == Note(
        ko="차트 질의응답(ChartQA) (지어낸 자료)", en="ChartQA: questions about charts (made up)"
    )
    assert record.columns["human_or_machine"].en.startswith("style of the question")
    assert "only name the style" in built.finding("made_up").detail


def test_two_builds_give_the_same_bytes(source, build_from):
    first, second = build_from(source.root), build_from(source.root)
    assert first.record == second.record


def test_the_built_folder_passes_the_audit_and_loads(source, build_from):
    built = build_from(source.root)
    card = render_dataset_card(built.record)
    assert "Statista" in card.readme
    for path, data in {"README.md": card.readme.encode(), **card.files}.items():
        (built.folder / path).parent.mkdir(exist_ok=True)
        (built.folder / path).write_bytes(data)
    assert [check for check in audit_dataset_folder(built.folder) if not check.ok] == []
    loaded = datasets.load_dataset("parquet", data_dir=str(built.folder / "data"))
    image = loaded["test"][0]["images"][0]
    assert (image.mode, image.size) == ("RGBA", (448, 336))


def test_all_labels_stay_and_the_first_is_the_answer(source, build_from):
    records = source.records("test")
    records[0]["label"] = [" gray ", "grey", "gray", ""]
    source.write("test", records)
    rows = build_from(source.root).rows["test"]
    row = next(row for row in rows if row["question"] == records[0]["query"])
    assert row["labels"] == ["gray", "grey"]
    assert row["messages"][-1] == {"role": "assistant", "content": "gray"}


def test_what_cannot_be_a_row_is_rejected_with_its_reason(source, build_from):
    sound = source.records("train")
    name, other = sound[0]["imgname"], sound[-1]["imgname"]
    assert name != other
    broken = [
        (dict(sound[0]), "duplicate"),
        ({"imgname": name, "query": "How many?"}, "missing_key"),
        ({"imgname": name, "query": "How many?", "label": 3}, "wrong_type"),
        ({"imgname": name, "query": "How many?", "label": ["3", 4]}, "wrong_type"),
        ({"imgname": name, "query": "How many?", "label": []}, "empty_text"),
        ({"imgname": name, "query": "\u200b ", "label": "3"}, "empty_text"),
        ({"imgname": name, "query": None, "label": "3"}, "wrong_type"),
        ({"imgname": 5, "query": "How many?", "label": "3"}, "wrong_type"),
        ({"imgname": f"../{name}", "query": "How many?", "label": "3"}, "unsafe_path"),
        ({"imgname": "gone.png", "query": "How many?", "label": "3"}, "no_counterpart"),
        ("a text", "wrong_type"),
    ]
    source.write("train", sound + [record for record, _ in broken])
    (source.png("train") / "idle.png").write_bytes(b"no record asks what this is")
    tables = source.png("train").parent / "tables"
    tables.mkdir()
    (tables / "x.csv").write_text("a,b\n")
    (source.root / "notes.txt").write_text("notes")
    (source.root / ".DS_Store").write_bytes(b"\x00")
    (source.png("train") / "link.png").symlink_to(source.png("train") / name)
    built = build_from(source.root)
    expected = {
        f"ChartQA Dataset/train/train_augmented.json#{len(sound) + number}": reason
        for number, (_, reason) in enumerate(broken, 1)
    }
    assert built.rejects == expected | {
        "ChartQA Dataset/train/png/idle.png": "no_counterpart",
        "ChartQA Dataset/train/png/link.png": "link",
        "ChartQA Dataset/train/tables/x.csv": "not_needed",
        "notes.txt": "not_in_layout",
        ".DS_Store": "junk",
    }
    assert built.record.rows == 48


def test_a_broken_chart_takes_its_records_with_it(source, build_from):
    cut, text = (sorted(source.png("train").iterdir())[place] for place in (0, 1))
    cut.write_bytes(cut.read_bytes()[:2000])
    text.write_text("no image")
    built = build_from(source.root)
    assert built.rejects[f"ChartQA Dataset/train/png/{cut.name}"] == "truncated"
    assert built.rejects[f"ChartQA Dataset/train/png/{text.name}"] == "not_an_image"
    assert built.record.rejects == {"no_counterpart": 8, "not_an_image": 1, "truncated": 1}
    assert {row["file_name"] for row in built.rows["train"]}.isdisjoint({cut.name, text.name})


def test_odd_items_are_used_and_noted(source, saved_again, build_from):
    chart = sorted(source.png("train").iterdir())[0]
    chart.write_bytes(saved_again(chart.read_bytes(), "JPEG", quality=90))
    records = source.records("train")
    contradiction = {**records[0], "label": "something else"}
    lost = {**records[0], "query": "How many caf\ufffds?"}
    source.write("train", [*records, contradiction, lost])
    built = build_from(source.root)
    assert built.record.rejects == {}
    noted = {line["path"]: line["reason"] for line in built.lines("notices.jsonl")}
    assert noted == {
        f"ChartQA Dataset/train/png/{chart.name}": "wrong_extension",
        f"ChartQA Dataset/train/train_augmented.json#{len(records) + 1}": "labels_contradict",
    }
    assert built.finding("lost_characters").count == 1


def test_a_name_in_decomposed_hangul_finds_its_chart(source, build_from):
    records = source.records("train")
    old = records[0]["imgname"]
    (source.png("train") / old).rename(source.png("train") / "강수량.png")
    for part in ("human", "augmented"):
        renamed = [
            {**r, "imgname": "강수량.png"} if r["imgname"] == old else r
            for r in source.records("train", part)
        ]
        source.write("train", renamed, part)
    assert build_from(source.root).record.rejects == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [(b'[{"imgname": "a.png", ', "is no JSON"), (b'{"imgname": "a.png"}', "a list of records")],
)
def test_a_file_of_records_that_is_none_stops_the_build(source, build_from, content, words):
    source.file("val", "human").write_bytes(content)
    with pytest.raises(BogamError, match=f"val_human.json: .*{words}"):
        build_from(source.root)


def test_a_byte_order_mark_and_tabs_do_no_harm(source, build_from):
    before = build_from(source.root)
    text = orjson.dumps(source.records("test"), option=orjson.OPT_INDENT_2).replace(b"  ", b"\t")
    source.file("test").write_bytes(b"\xef\xbb\xbf" + text)
    assert build_from(source.root).rows == before.rows


def test_a_missing_split_or_part_is_no_error(source, build_from):
    source.file("val").unlink()
    source.file("val", "human").unlink()
    source.file("test", "human").unlink()
    built = build_from(source.root)
    assert set(built.record.splits) == {"train", "test"}
    assert {row["human_or_machine"] for row in built.rows["test"]} == {"machine"}


def test_folders_without_chartqa_are_told_what_is_expected(tmp_path, build_from):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BogamError, match=r"no ChartQA in it.*Found: nothing"):
        build_from(tmp_path / "empty")
    (tmp_path / "file.zip").write_bytes(b"PK")
    with pytest.raises(BogamError, match=r"file\.zip: is no folder"):
        build_from(tmp_path / "file.zip")


def test_charts_that_all_went_missing_stop_the_build(source, build_from):
    for split in ("train", "val", "test"):
        for chart in source.png(split).iterdir():
            chart.unlink()
    with pytest.raises(BogamError, match=r"none of them became a row .*no_counterpart: 48"):
        build_from(source.root)
