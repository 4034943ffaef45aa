"""A dataset in the words of Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/
croissant-spec.html), so that other tools find its files and columns: `croissant.json`.

Paths are relative to the file, so it holds wherever the repo is. `datePublished` is left out:
nothing here reads a clock, and the Hub dates every commit.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cards.records import DatasetRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cards.licences import Licence

CROISSANT_FILE = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
_SAME_NAME = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject",
    "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _SAME_NAME},
}
_ROWS = "rows"
_PARQUET = "application/x-parquet"


def croissant(
    record: DatasetRecord, licence: Licence, shards: Mapping[str, Sequence[str]]
) -> bytes:
    """JSON-LD with every shard and its hash, a set of files for each split, and all columns.

    Args:
        shards: {split: its parquet files}, see `cards.dataset_card.shards_by_split`.
    """
    title = record.title.en if record.title else record.name
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": record.name,
        "alternateName": title,
        "description": record.description.en if record.description else title,
        "license": licence.link,
        "inLanguage": list(record.languages),
        "keywords": ["bogam", record.domain, *record.task_categories],
        "version": record.builder.version,
        "url": "README.md",
    }
    if record.publication:
        owner = record.publication.repo_id.partition("/")[0]
        described["creator"] = {"@type": "sc:Organization", "name": owner}
    if record.annotation:
        described["rai:dataAnnotationProtocol"] = record.annotation.en
    if record.limits:
        described["rai:dataLimitations"] = [limit.en for limit in record.limits]
    described["distribution"] = [
        *(
            {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path.rpartition("/")[2],
                "contentUrl": path,
                "encodingFormat": _PARQUET,
                "sha256": record.artifacts[path],
            }
            for paths in shards.values()
            for path in paths
        ),
        {
            "@type": "cr:FileSet",
            "@id": "parquet",
            "name": "parquet",
            "description": "The shards of all splits.",
            "encodingFormat": _PARQUET,
            "includes": "data/*.parquet",
        },
    ]
    described["recordSet"] = [
        {
            "@type": "cr:RecordSet",
            "@id": _ROWS,
            "name": _ROWS,
            "description": f"{record.rows} rows; splits: "
            + ", ".join(f"{name} {split.rows}" for name, split in record.splits.items()),
            "key": {"@id": f"{_ROWS}/id"},
            "field": [
                _field(f"{_ROWS}/{name}", name, feature, _meaning(record, name), {"column": name})
                for name, feature in record.features.items()
            ],
        }
    ]
    return (json.dumps(described, ensure_ascii=False, indent=2) + "\n").encode()


def _meaning(record: DatasetRecord, column: str) -> str | None:
    note = record.columns.get(column)
    return note.en if note else None


def _field(
    identifier: str,
    name: str,
    feature: Any,
    meaning: str | None,
    extract: Mapping[str, str],
    inner: Sequence[str] = (),
) -> dict[str, Any]:
    """A column, or one part of the values of a column: `inner` leads to it from the column."""
    source: dict[str, Any] = {"fileSet": {"@id": "parquet"}, "extract": dict(extract)}
    if inner:
        source["transform"] = {"jsonPath": ".".join(inner)}
    field: dict[str, Any] = {"@type": "cr:Field", "@id": identifier, "name": name}
    if meaning:
        field["description"] = meaning
    repeated = False
    while (items := _items(feature)) is not None:
        feature, repeated = items, True
    if repeated:
        field["repeated"] = True
    field["source"] = source
    parts = feature if isinstance(feature, dict) and "_type" not in feature else None
    if parts is None:
        field["dataType"] = _data_type(feature)
        if feature["_type"] == "Image":
            source["transform"] = {"jsonPath": ".".join((*inner, "bytes"))}
        return field
    field["subField"] = [
        _field(f"{identifier}/{part}", part, kind, None, extract, (*inner, part))
        for part, kind in parts.items()
    ]
    return field


def _items(feature: Any) -> Any | None:
    """What a list holds; None for what is no list. See `datasets.Features.to_dict`."""
    if isinstance(feature, list):
        return feature[0]
    if isinstance(feature, dict) and feature.get("_type") in ("List", "LargeList", "Sequence"):
        return feature["feature"]
    return None


def _data_type(feature: Mapping[str, Any]) -> str:
    if feature["_type"] == "Image":
        return "sc:ImageObject"
    kind = str(feature.get("dtype", "")) if feature["_type"] == "Value" else "int64"
    if kind.startswith(("int", "uint")):
        return "sc:Integer"
    if kind.startswith(("float", "double", "decimal")):
        return "sc:Float"
    return {"bool": "sc:Boolean", "date32": "sc:Date"}.get(kind, "sc:Text")
