"""CORD's receipt annotations to questions about the values that are printed.

An annotation is an object with `valid_line` (words with their corners and category), as JSON, as
a JSON string that holds JSON, or as `ground_truth` of the published rows. Every answer is the
printed text of one or more of its words: nothing is computed. (CORD: Park et al. 2019.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import xxhash
import yaml

from loaders.medical_ocr.talks import Fault, Field, Turn
from loaders.rejects import Reason

LANGUAGES = ("zh", "ko", "en")
_SINGLE = (
    "total.total_price",
    "sub_total.subtotal_price",
    "sub_total.tax_price",
    "sub_total.service_price",
    "total.cashprice",
    "total.changeprice",
)
_MOST_ITEMS_ASKED = 3
_DECIMALS = re.compile(r"(?<=\d)[.,]\d{2}$")


@dataclass(frozen=True)
class Receipt:
    """What an annotation says is printed; `size` is (width, height) of its picture, or None."""

    fields: tuple[Field, ...]
    size: tuple[int, int] | None

    def items(self) -> list[dict[str, str]]:
        """The lines of the menu: {nm, cnt, price, ...}, those with a name."""
        lines: dict[int, dict[str, str]] = {}
        for field in self.fields:
            if field.group >= 0:
                lines.setdefault(field.group, {})[field.name.removeprefix("menu.")] = field.value
        return [line for _, line in sorted(lines.items()) if "nm" in line]

    def single(self, name: str) -> str | None:
        """A value that is printed once; None when it is printed otherwise or not at all."""
        values = {field.value for field in self.fields if field.name == name}
        return values.pop() if len(values) == 1 else None


def is_annotation(value: object) -> bool:
    """Whether parsed JSON is one, in any of its three wrappings."""
    return isinstance(value, str) or (
        isinstance(value, dict) and bool({"valid_line", "ground_truth"} & value.keys())
    )


def read_annotation(value: object) -> Receipt | Fault:
    """Unwrap and read an annotation."""
    for _ in range(3):
        if isinstance(value, dict) and "ground_truth" in value:
            value = value["ground_truth"]
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                return Fault(Reason.BROKEN_JSON, f"the JSON within the string: {error}")
    if not isinstance(value, dict) or not isinstance(value.get("valid_line"), list):
        return Fault(Reason.MISSING_KEY, "valid_line")
    try:
        fields = _fields(value["valid_line"])
        size = value.get("meta", {}).get("image_size")
        shape = (int(size["width"]), int(size["height"])) if size else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Fault(Reason.WRONG_TYPE, f"not CORD's form: {type(error).__name__} {error}")
    if not fields:
        return Fault(Reason.EMPTY_TEXT, "no line has text")
    return Receipt(fields, shape)


def _fields(lines: list[dict[str, Any]]) -> tuple[Field, ...]:
    groups: dict[int, int] = {}
    fields = []
    for line in lines:
        words = [word for word in line["words"] if not word.get("is_key")]
        text = " ".join(str(word["text"]).strip() for word in words).strip()
        if not text:
            continue
        corners = [word["quad"] for word in words]
        across = [int(quad[f"x{n}"]) for quad in corners for n in range(1, 5)]
        down = [int(quad[f"y{n}"]) for quad in corners for n in range(1, 5)]
        group = -1
        category = str(line["category"])
        if category.startswith("menu."):
            group = groups.setdefault(int(line["group_id"]), len(groups))
        box = (min(across), min(down), max(across), max(down))
        fields.append(Field(category, text, group, box))
    return tuple(fields)


def receipt_talk(receipt: Receipt, key: str, seed: int) -> tuple[str, tuple[Turn, ...]]:
    """(language, turns): language, order and wording depend on `key` and `seed` alone.

    Only what has one answer is asked: items whose name is printed once, values printed once.
    """
    rng = np.random.default_rng(xxhash.xxh3_64_intdigest(key.encode(), seed))
    language = LANGUAGES[int(rng.integers(len(LANGUAGES)))]
    words = _wordings()

    def ask(intent: str, answer: str, **names: str) -> Turn:
        ways = words[intent][language]
        return Turn(ways[int(rng.integers(len(ways)))].format(**names), answer)

    items = receipt.items()
    often = Counter(item["nm"] for item in items)
    unique = [item for item in items if often[item["nm"]] == 1]
    turns = []
    if items:
        turns.append(ask("items", "\n".join(_line(item) for item in items)))
    chosen = rng.permutation(len(unique))[:_MOST_ITEMS_ASKED]
    for place in sorted(chosen.tolist()):
        item = unique[place]
        known = [key for key in ("price", "cnt") if key in item]
        if known:
            wanted = known[int(rng.integers(len(known)))]
            turns.append(ask(f"item_{wanted}", item[wanted], name=item["nm"]))
    for name in _SINGLE:
        value = receipt.single(name)
        if value is not None:
            turns.append(ask(name, value))
    if turns:
        introduction = words["introduction"][language][0]
        turns[0] = Turn(f"{introduction}\n{turns[0].question}", turns[0].answer)
    return language, tuple(turns)


def _line(item: dict[str, str]) -> str:
    return ", ".join(item[key] for key in ("nm", "cnt", "price") if key in item)


def amount(printed: str) -> int | None:
    """Whole units of money in a printed amount; None when it holds no digit.

    Points and commas part thousands (`134.000`, `1,241,790`); two digits after the last one are
    the decimals that some tills print (`181,500.00`) and are dropped.
    """
    digits = re.sub(r"\D", "", _DECIMALS.sub("", printed.strip()))
    return int(digits) if digits else None


@lru_cache(maxsize=1)
def _wordings() -> dict[str, dict[str, Sequence[str]]]:
    text = Path(__file__).with_name("receipt_questions.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Sequence[str]]] = yaml.safe_load(text)
    return table
