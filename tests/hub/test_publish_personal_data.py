"""What a release says of people is refused, redacted, or left in for a reason that all can read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cards.audit import audit_dataset_folder
from cards.dataset_card import render_dataset_card
from cards.errors import BogamError
from cards.records import DatasetRecord, Histogram
from hub.gates.personal_data import PersonalDataPolicy
from hub.publish import publish_dataset, publish_model

NUMBER = "900101-1234567"
ANSWERS = ["물을 자주 마시고 쉬십시오.", "열이 38도를 넘으면 병원에 가십시오."]


def test_personal_data_stops_a_release_before_anything_is_sent(
    hub, fresh_id, make_dataset_folder, plain_card
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder([*ANSWERS, f"제 번호는 {NUMBER}입니다"])
    with pytest.raises(BogamError) as refusal:
        publish_dataset(folder, repo_id, card=plain_card.of, api=api)
    assert "in data/train-00000-of-00001.parquet, messages.content: train-2" in str(refusal.value)
    assert NUMBER not in str(refusal.value)
    assert not api.repo_exists(repo_id, repo_type="dataset")


def test_redacted_rows_are_published_and_the_own_folder_keeps_its_rows(
    hub, fresh_id, make_dataset_folder
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder([f"제 번호는 {NUMBER}입니다", *ANSWERS])
    policy = PersonalDataPolicy("redact")

    first = publish_dataset(
        folder, repo_id, card=render_dataset_card, personal_data=policy, api=api
    )
    again = publish_dataset(
        folder, repo_id, card=render_dataset_card, personal_data=policy, api=api
    )

    assert again.commit == first.commit
    import pyarrow.parquet as pq

    shard = "data/train-00000-of-00001.parquet"
    local = Path(api.hf_hub_download(repo_id, shard, repo_type="dataset"))
    rows = pq.read_table(local).to_pylist()
    assert (
        rows[0]["output"] == rows[0]["messages"][0]["content"] == "제 번호는 [주민등록번호]입니다"
    )
    assert rows[1]["output"] == ANSWERS[0]
    assert NUMBER in pq.read_table(folder / shard).to_pylist()[0]["output"]
    record = DatasetRecord.read(
        Path(api.hf_hub_download(repo_id, "dataset.json", repo_type="dataset"))
    )
    assert record.publication.personal_data.found == {"resident registration number": 4}
    [finding] = [one for one in record.findings if one.kind == "personal_data"]
    assert (finding.count, finding.severity) == (4, "info")
    assert record.artifacts[shard] == hashlib.sha256(local.read_bytes()).hexdigest()
    assert record.splits["train"].bytes == local.stat().st_size
    card = Path(api.hf_hub_download(repo_id, "README.md", repo_type="dataset")).read_text()
    assert "resident registration number" in card


def test_redaction_is_refused_where_pictures_may_show_what_it_takes_out(
    hub, fresh_id, make_dataset_folder, plain_card
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder([f"제 번호는 {NUMBER}입니다", *ANSWERS])
    record = DatasetRecord.read(folder / "dataset.json")
    width = {"image width": Histogram(unit="pixels", edges=(0, 100), counts=(4,))}
    record.model_copy(update={"histograms": width}).write(folder / "dataset.json")
    with pytest.raises(BogamError, match="in which nothing can be redacted"):
        publish_dataset(
            folder, repo_id, card=plain_card.of, personal_data=PersonalDataPolicy("redact"), api=api
        )
    assert not api.repo_exists(repo_id, repo_type="dataset")


@pytest.mark.parametrize("action", ["redact", "allow"])
def test_a_person_in_a_sample_row_is_not_on_the_card(
    hub, fresh_id, make_dataset_folder, action
) -> None:
    """Samples are those of the rows as they are published; allowed ones are not shown."""
    from cards.dataset_card import shards_by_split
    from cards.row_description import measure_rows, sample_rows

    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder([f"제 번호는 {NUMBER}입니다", *ANSWERS])
    record = DatasetRecord.read(folder / "dataset.json")
    shards = shards_by_split(record)
    described = {"samples": sample_rows(folder, shards), "histograms": measure_rows(folder, shards)}
    assert NUMBER in described["samples"][0].messages[0].content
    record.model_copy(update=described).write(folder / "dataset.json")
    policy = PersonalDataPolicy(action, "모두 지어낸 번호" if action == "allow" else None)
    publish_dataset(folder, repo_id, card=render_dataset_card, personal_data=policy, api=api)

    local = Path(api.snapshot_download(repo_id, repo_type="dataset", local_dir=folder / "again"))
    readme = (local / "README.md").read_text(encoding="utf-8")
    assert NUMBER not in readme
    assert NUMBER not in (local / "dataset.json").read_text(encoding="utf-8")
    assert ("제 번호는 \\[주민등록번호\\]입니다" in readme) == (action == "redact")
    assert [check for check in audit_dataset_folder(local) if not check.ok] == []


def test_personal_data_that_stays_has_its_reason_on_the_card(
    hub, fresh_id, make_dataset_folder
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder([f"제 번호는 {NUMBER}입니다"])
    policy = PersonalDataPolicy("allow", "모두 지어낸 번호")
    publish_dataset(folder, repo_id, card=render_dataset_card, personal_data=policy, api=api)
    card = Path(api.hf_hub_download(repo_id, "README.md", repo_type="dataset")).read_text()
    assert "모두 지어낸 번호" in card
    record = DatasetRecord.read(
        Path(api.hf_hub_download(repo_id, "dataset.json", repo_type="dataset"))
    )
    assert record.publication.personal_data.reason == "모두 지어낸 번호"
    assert [one.severity for one in record.findings if one.kind == "personal_data"] == ["warning"]


def test_predictions_are_not_redacted(make_model_folder, plain_card) -> None:
    with pytest.raises(BogamError, match="predictions cannot be redacted"):
        publish_model(
            make_model_folder(),
            "org/x",
            card=plain_card.of,
            personal_data=PersonalDataPolicy("redact"),
        )
