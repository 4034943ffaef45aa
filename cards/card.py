"""A card: the README of a repo and its figures, made from records alone.

Same records, same bytes: nothing here reads a clock, the environment, or a dictionary in an order
that was not written down. Every text that comes out of a record is escaped, so a file name or a
disease name cannot become markup.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from cards.records import Metric, Record

if TYPE_CHECKING:
    from huggingface_hub.repocard_data import CardData
    from jinja2 import Environment

CARD_FILE = "README.md"
FIGURES_FOLDER = "figures"
CARD_FORMAT = 5
"""Printed on every card; changes when what is rendered from the same record does, so that an
audit sends a card of another format to the version that wrote it instead of calling it false.

1: metrics, classes, examples. 2: parts, citation, `.eval_results`; histograms, samples,
Croissant and `eval.yaml` of datasets. 3: code spans in what builders say of their datasets.
4: distributions of what varies, sheets of the size of their pictures; whole examples in
abstention, the n of each metric, what earlier turns in a prompt are; groups and oddities by name,
annotation as recorded, how many rows there were to draw from. 5: the trivial baseline.
"""

_TEMPLATES = Path(__file__).parent / "templates"
_MARKUP = re.compile(r"([\\`*_\[\]{}#|~!<>&])")
_CODE_SPAN = re.compile(r"(`[\w./-][\w ./-]*`)")


@dataclass(frozen=True)
class Card:
    """`files` holds figures (PNG) and metadata files (UTF-8) by their path in the repo."""

    readme: str
    files: Mapping[str, bytes]

    def write(self, folder: Path) -> None:
        """Put the README and the files into a folder, over any of the same name."""
        (folder / CARD_FILE).write_text(self.readme, encoding="utf-8", newline="\n")
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)


def compose(metadata: CardData, template: str, **values: Any) -> str:
    """YAML metadata and the rendered `cards/templates/<template>`: a whole README."""
    body = _environment().get_template(template).render(card_format=CARD_FORMAT, **values)
    body = re.sub(r"\n{3,}", "\n\n", body).strip()
    return f"---\n{metadata.to_yaml()}\n---\n\n{body}\n"


def record_digest(record: Record) -> str:
    """SHA-256 of the record as `write` puts it on the disk."""
    return hashlib.sha256(record.to_json().encode()).hexdigest()


def escape(text: object) -> str:
    """One line of Markdown that shows the text and does nothing else."""
    return _inert(" ".join(str(text).split()))


def prose(text: object) -> str:
    """The same, but words between backticks become code: a builder's sentences name columns."""
    pieces = _CODE_SPAN.split(" ".join(str(text).split()))
    return "".join(piece if turn % 2 else _inert(piece) for turn, piece in enumerate(pieces))


def code(text: object) -> str:
    """A code span, also within a table."""
    flat = " ".join(str(text).split()).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def count(value: int) -> str:
    return f"{value:,}"


def size(byte_count: int) -> str:
    """1.2 MB, in powers of 1000."""
    amount = float(byte_count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{byte_count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def metric_value(value: float, unit: str) -> str:
    """Three decimals on the scale 0 to 1, else four significant digits."""
    return f"{value:.3f}" if unit == "0-1" else f"{value:.4g}"


def metric(value: Metric) -> str:
    """`0.412 [0.398, 0.426]`"""
    low, high = (metric_value(bound, value.unit) for bound in (value.low, value.high))
    return f"{metric_value(value.value, value.unit)} [{low}, {high}]"


def p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def fenced_yaml(value: Any) -> str:
    """A YAML block whose fence is longer than any run of backticks within."""
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100).strip()
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}yaml\n{text}\n{fence}"


def python_literal(text: str) -> str:
    """The text as Python source on one line, without a backtick."""
    return json.dumps(text, ensure_ascii=False).replace("`", "\\u0060")


def hub_link(repo_id: str, repo_type: Literal["model", "dataset"]) -> str:
    """A link that holds on any Hub; the last part of the name where it is a folder."""
    if not is_repo_id(repo_id):
        return code(repo_id.rpartition("/")[2])
    return f"[{escape(repo_id)}]({'/datasets' if repo_type == 'dataset' else ''}/{repo_id})"


def is_repo_id(text: str) -> bool:
    """Of the form `organisation/name`, as the Hub allows it."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text, re.ASCII) is not None


def _inert(line: str) -> str:
    return _MARKUP.sub(_escaped, line)


def _escaped(found: re.Match[str]) -> str:
    character = found.group(1)
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(character, f"\\{character}")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # the output is Markdown: `e` and `code` escape what records hold
    )
    environment.filters.update(
        e=escape,
        prose=prose,
        code=code,
        count=count,
        size=size,
        number=number,
        metric=metric,
        p=p_value,
        fenced_yaml=fenced_yaml,
        python=python_literal,
        hub_link=hub_link,
    )
    environment.globals.update(share=share, metric_value=metric_value)
    return environment
