"""The dataset card: what `load_dataset` reads from it is what lies in the folder."""

from __future__ import annotations

import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard

from cards.dataset_card import feature_type, render_dataset_card, shards_by_split
from cards.errors import BogamError
from cards.records import DatasetRecord, Note


def test_load_dataset_follows_the_card(dataset_folder, tmp_path):
    (dataset_folder / "data" / "notes.parquet").write_bytes(b"of no split, so never read")
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    loaded = load_dataset(str(dataset_folder), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 500, "test": 100}
    assert loaded["train"].features.to_dict() == record.features
    assert loaded["test"][0]["messages"][0] == {
        "role": "user",
        "content": "공기가슴증(기흉) 질문 500",
    }
    streamed = load_dataset(str(dataset_folder), split="test", streaming=True)
    assert next(iter(streamed))["id"] == "r500"


def test_load_dataset_refuses_a_split_that_lost_rows(dataset_folder, tmp_path):
    """The card's `dataset_info` is checked by `datasets` itself."""
    import pyarrow.parquet as pq
    from datasets.exceptions import DatasetGenerationError
    from datasets.utils.info_utils import NonMatchingSplitsSizesError

    shard = dataset_folder / "data" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(shard).slice(0, 99), shard)
    with pytest.raises((NonMatchingSplitsSizesError, DatasetGenerationError)):
        load_dataset(str(dataset_folder), cache_dir=str(tmp_path / "cache"))


def test_metadata_is_what_the_hub_reads(dataset_folder):
    data = DatasetCard((dataset_folder / "README.md").read_text(encoding="utf-8")).data
    assert data.language == ["ko"]
    assert (data.license, data["license_name"]) == ("other", "aihub")
    assert data["license_link"].startswith("https://aihub.or.kr/")
    assert data.size_categories == ["n<1K"]
    assert data.task_categories == ["question-answering", "text-generation"]
    assert "AI Hub" in data.pretty_name
    assert "must stay private" in data["extra_gated_prompt"]
    (config,) = data["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "data/train-*"},
        {"split": "test", "path": "data/test-*"},
    ]
    sizes = {split["name"]: split["num_examples"] for split in data["dataset_info"]["splits"]}
    assert sizes == {"train": 500, "test": 100}


def test_counts_findings_and_rejects_are_on_the_card(dataset_folder):
    readme = (dataset_folder / "README.md").read_text(encoding="utf-8")
    assert "원본 1,300개 항목 가운데 1,250개를 썼고 50개는" in readme
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    whole = record.model_copy(update={"rejects": {}, "items_used": 1300, "counting_ko": "셈"})
    assert "원본 1,300개 항목을 모두 썼습니다." in render_dataset_card(whole).readme
    assert "| 셈 · a question file and an answer file" in render_dataset_card(whole).readme
    assert "| `train` | 500 | 83.3 % |" in readme
    assert "| `empty_text` | 30 | 2.3 % |" in readme
    assert "no key that joins them" in readme
    assert "| 당뇨병 | 150 | 25.0 % |" in readme
    assert "not medical advice" in readme
    assert 'load_dataset("hospital/ai-hub-medical-qa")' in readme
    for residue in ("{{", "{%", "None", "Undefined", "\n\n\n"):
        assert residue not in readme


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (None, "gate has not run"),
        ({"policy": "refuse", "texts_scanned": 10}, "nothing in the form of personal data"),
        (
            {"policy": "redact", "texts_scanned": 10, "found": {"KR_RRN": 3}},
            "3 occurrences in the form of personal data were found; all were redacted",
        ),
        (
            {
                "policy": "allow",
                "texts_scanned": 10,
                "found": {"PHONE": 2},
                "reason": "병원 대표 번호",
            },
            "이유 · Reason: 병원 대표 번호",
        ),
    ],
)
def test_the_card_says_what_the_personal_data_gate_found(dataset_folder, check, said):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    publication = {"repo_id": "hospital/ai-hub-medical-qa", "private": True}
    if check:
        publication["personal_data"] = check
    record = DatasetRecord.model_validate(
        record.model_dump(by_alias=True, exclude_none=True) | {"publication": publication}
    )
    assert said in render_dataset_card(record).readme


def test_ai_hub_material_gets_no_public_card(dataset_folder):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    public = record.model_copy(
        update={"publication": record.publication.model_copy(update={"private": False})}
    )
    with pytest.raises(BogamError, match="private"):
        render_dataset_card(public)


def test_shards_belong_to_the_split_of_their_name(dataset_folder):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    assert shards_by_split(record) == {
        "train": ["data/train-00000-of-00001.parquet"],
        "test": ["data/test-00000-of-00001.parquet"],
    }


def test_types_are_readable():
    from datasets import ClassLabel, Features, Image, List, Value

    features = Features(
        {
            "id": Value("string"),
            "images": List(Image()),
            "label": ClassLabel(names=["없음", "대화"]),
            "messages": List({"role": Value("string"), "content": Value("string")}),
        }
    ).to_dict()
    assert {name: feature_type(feature) for name, feature in features.items()} == {
        "id": "string",
        "images": "list<image>",
        "label": "class(없음, 대화)",
        "messages": "list<{role: string, content: string}>",
    }


def test_a_name_of_the_source_cannot_break_a_table(dataset_folder, page_of):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    hostile = "a|b `c` <b>d</b>\n## e"
    record = record.model_copy(
        update={
            "source": record.source.model_copy(update={"path_name": hostile}),
            "statistics": {"disease": {hostile: 600}},
            "rejects": {hostile: 50},
        }
    )
    readme = render_dataset_card(record).readme
    assert "\n## e" not in readme
    assert "<b>" not in page_of(readme)


def test_a_builder_may_name_columns_in_code_and_nothing_else(dataset_folder, page_of):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    said = "The column `disease`, drawn by `bogam synth`: `<b>` ` *x* ``[a](b)"
    note = Note(ko=said, en=said)

    page = page_of(render_dataset_card(record.model_copy(update={"description": note})).readme)

    assert "The column <code>disease</code>, drawn by <code>bogam synth</code>: `&lt;b&gt;`" in page
    assert "` *x* ``[a](b)" in page
