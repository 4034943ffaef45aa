"""The card of a dataset: a pure function of `dataset.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from cards import figures
from cards.benchmark import benchmark
from cards.card import FIGURES_FOLDER, Card, compose, record_digest
from cards.croissant import CROISSANT_FILE, croissant
from cards.licences import Licence, check_publication, find_licence, with_text_in
from cards.records import DatasetRecord, Histogram, Note
from cards.row_description import is_made_up
from cards.sample_sheet import SAMPLE_SHEET
from cards.tasks import Bilingual

if TYPE_CHECKING:
    from huggingface_hub.repocard_data import DatasetCardData

_SHARED_COLUMNS = {
    "id": Note(ko="행 번호, 데이터셋 안에서 하나뿐", en="row id, unique in the dataset"),
    "document_id": Note(
        ko="갈라놓지 않는 묶음: 값이 같은 행은 한 분할에만 있음",
        en="group that is never split apart: its rows stand in one split",
    ),
    "images": Note(ko="대화에 쓰인 이미지", en="images of the conversation"),
    "messages": Note(ko="대화(role, content)", en="the conversation (role, content)"),
}
_DOMAIN_LIMITS = {
    "medical": Note(
        ko="임상적으로 검증된 자료가 아니며 환자 진료의 근거로 쓸 수 없습니다.",
        en="The content was not clinically validated and is no basis for patient care.",
    ),
    "forensic": Note(
        ko="실제 사건의 분포를 대표하지 않으며 유무죄 판단의 근거로 쓸 수 없습니다.",
        en="The rows do not represent the distribution of real cases and prove nothing about "
        "anybody.",
    ),
}
_ABOUT_COPIES = re.compile(r"leak|duplicate|copies|same|shared|several|two_splits|^near_")
# https://github.com/huggingface/hub-docs/blob/main/datasetcard.md
_SIZE_CATEGORIES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)


def render_dataset_card(record: DatasetRecord) -> Card:
    """README and figures of a dataset.

    Raise :class:`~cards.errors.BogamError` when its licence forbids the push that
    `record.publication` describes.
    """
    licence = with_text_in(find_licence(record.licence), record.artifacts)
    repo_id = record.publication.repo_id if record.publication else None
    if record.publication:
        check_publication(licence, record.publication.repo_id, private=record.publication.private)
    title = record.title or Note(ko=record.name, en=record.name)
    files = {}
    statistics = {subject: values for subject, values in record.statistics.items() if values}
    if statistics:
        files[f"{FIGURES_FOLDER}/distributions.png"] = figures.distributions(
            statistics, {subject: _subject_title(record, subject) for subject in statistics}
        )
    if record.histograms:
        files[f"{FIGURES_FOLDER}/histograms.png"] = figures.histograms(
            record.histograms, {name: _measure(name).both("\n") for name in record.histograms}
        )
    files[CROISSANT_FILE] = croissant(record, licence, shards_by_split(record))
    files |= benchmark(record)
    domain_limit = _DOMAIN_LIMITS.get(record.domain)
    readme = compose(
        _metadata(record, licence, title),
        "dataset_card.md.jinja",
        record=record,
        repo_id=repo_id,
        title=title,
        licence=licence,
        rejected=sum(record.rejects.values()),
        columns=[
            {
                "name": name,
                "type": feature_type(feature),
                "note": record.columns.get(name) or _SHARED_COLUMNS.get(name),
            }
            for name, feature in record.features.items()
        ],
        statistics=statistics,
        histograms=[
            {"title": _measure(name), "unit": histogram.unit, "ranges": _ranges(histogram)}
            for name, histogram in record.histograms.items()
        ],
        copies=[one for one in record.findings if _ABOUT_COPIES.search(one.kind)],
        others=[one for one in record.findings if not _ABOUT_COPIES.search(one.kind)],
        made_up=is_made_up(record.findings),
        sample_sheet=SAMPLE_SHEET if SAMPLE_SHEET in record.artifacts else None,
        limits=[*record.limits, *([domain_limit] if domain_limit else [])],
        digest=record_digest(record),
    )
    return Card(readme, files)


def shards_by_split(record: DatasetRecord) -> dict[str, list[str]]:
    """{split: its parquet files}, in the order of their names.

    Files are named as `datasets` names them: `data/<split>-00000-of-00002.parquet`.
    """
    return {
        split: sorted(
            path
            for path in record.artifacts
            if path.endswith(".parquet") and path.rpartition("/")[2].startswith(f"{split}-")
        )
        for split in record.splits
    }


def _measure(name: str) -> Bilingual:
    known = {
        "characters (user)": Bilingual("질문 글자 수", "Characters of user messages"),
        "characters (assistant)": Bilingual("답 글자 수", "Characters of answers"),
        "image width": Bilingual("그림 너비(화소)", "Image width (pixels)"),
        "image height": Bilingual("그림 높이(화소)", "Image height (pixels)"),
    }
    return known.get(name, Bilingual(name, name))


def _ranges(histogram: Histogram) -> list[tuple[str, int]]:
    return [
        (f"{low:,}–{high - 1:,}", count)
        for low, high, count in zip(
            histogram.edges, histogram.edges[1:], histogram.counts, strict=False
        )
    ]


def feature_type(feature: Any) -> str:
    """A short name of one entry of `datasets.Features.to_dict()`: `string`, `list<image>`."""
    if isinstance(feature, list):
        return f"list<{feature_type(feature[0])}>"
    kind = feature.get("_type")
    if kind == "Value":
        return str(feature["dtype"])
    if kind in ("List", "LargeList", "Sequence"):
        return f"list<{feature_type(feature['feature'])}>"
    if kind == "ClassLabel":
        return f"class({', '.join(feature['names'])})"
    if kind is None:
        return (
            f"{{{', '.join(f'{name}: {feature_type(inner)}' for name, inner in feature.items())}}}"
        )
    return str(kind).lower()


def _metadata(record: DatasetRecord, licence: Licence, title: Note) -> DatasetCardData:
    """What the Hub and `load_dataset` read: configurations, splits, features, licence."""
    from datasets import DatasetInfo, Features
    from datasets.info import DatasetInfosDict
    from datasets.splits import SplitDict, SplitInfo
    from huggingface_hub.repocard_data import DatasetCardData

    terms: dict[str, Any] = {**licence.metadata(), **_gate(licence)}
    total_bytes = sum(split.bytes for split in record.splits.values())
    card_data = DatasetCardData(
        language=list(record.languages),
        **terms,
        pretty_name=title.en if title.en == title.ko else f"{title.ko} · {title.en}",
        task_categories=list(record.task_categories),
        size_categories=[_size_category(record.rows)],
        tags=["bogam", record.domain, *(["synthetic"] if is_made_up(record.findings) else [])],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": str(PurePosixPath(paths[0]).with_name(f"{split}-*"))}
                    for split, paths in shards_by_split(record).items()
                    if paths
                ],
            }
        ],
    )
    splits = SplitDict()
    for name, split in record.splits.items():
        splits.add(SplitInfo(name=name, num_bytes=split.bytes, num_examples=split.rows))
    info = DatasetInfo(
        features=Features.from_dict(record.features),
        splits=splits,
        download_size=total_bytes,
        dataset_size=total_bytes,
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(card_data)
    return card_data


def _gate(licence: Licence) -> Mapping[str, Any]:
    """Fields of the Hub's access form: https://huggingface.co/docs/hub/datasets-gated"""
    if licence.redistribution and not licence.research_only:
        return {}
    return {
        "extra_gated_prompt": " ".join(licence.notice_en),
        "extra_gated_fields": {
            "Name": "text",
            "Affiliation": "text",
            "I accept the terms of the licence": "checkbox",
        },
    }


def _size_category(rows: int) -> str:
    return next((name for limit, name in _SIZE_CATEGORIES if rows < limit), "100M<n<1B")


def _subject_title(record: DatasetRecord, subject: str) -> str:
    note = record.columns.get(subject)
    return f"{subject} · {note.ko}" if note else subject
