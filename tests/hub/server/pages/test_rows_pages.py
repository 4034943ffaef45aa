"""The viewer shows any row and its pictures to those who may see them, as text and pictures."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING

import pytest
from datasets import ClassLabel, Dataset, Features, Image, List, Value
from PIL import Image as Pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    FreshId = Callable[[str], str]
    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system
ROWS = 120


def _picture(number: int) -> bytes:
    out = io.BytesIO()
    Pictures.new("RGB", (600, 300), (number, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def dataset_id(
    publish: Callable[..., str], fresh_id: FreshId, tmp_path: Path, hostile_text: str
) -> str:
    """120 rows with a conversation, a label and, in every second, a picture; row 3 is hostile."""
    features = Features(
        {
            "id": Value("string"),
            "images": List(Image()),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "label": ClassLabel(names=["영수증", hostile_text]),
            hostile_text: Value("string"),
        }
    )
    rows = []
    for number in range(ROWS):
        answer = hostile_text if number == 3 else f"답 {number}"
        rows.append(
            {
                "id": f"id-{number}",
                "images": [{"bytes": _picture(number), "path": hostile_text}] * (number % 2),
                "messages": [
                    {"role": "user", "content": f"질문 {number}"},
                    {"role": hostile_text if number == 3 else "assistant", "content": answer},
                ],
                "label": number % 2,
                hostile_text: hostile_text * 20,
            }
        )
    path = tmp_path / "train.parquet"
    Dataset.from_list(rows, features=features).to_parquet(path, batch_size=50)
    broken = [{"images": [{"bytes": b"<svg onload=alert(1)>", "path": "x.svg"}], "text": "t"}]
    Dataset.from_list(
        broken, Features({"images": List(Image()), "text": Value("string")})
    ).to_parquet(tmp_path / "broken.parquet")
    files = {
        "README.md": "---\nlicense: mit\n---\n",
        "data/train-00000-of-00001.parquet": path.read_bytes(),
        "data/broken-00000-of-00001.parquet": (tmp_path / "broken.parquet").read_bytes(),
        "data/unreadable-00000-of-00001.parquet": b"PAR1 no parquet",
    }
    return publish(fresh_id("org"), files)


def _shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr role="row" id="row-(\d+)"', page)]


def test_the_pages_of_a_split_hold_every_row_once(visit: Visit, dataset_id: str) -> None:
    visitor = visit("alice")
    address = f"/datasets/{dataset_id}/viewer"
    query = "?split=train"
    seen: list[int] = []
    while query:
        page = visitor.get(address + query).text
        seen += _shown(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        query = html.unescape(following[1]) if following else ""
    assert seen == list(range(ROWS))
    assert f"Rows 101 to {ROWS} of {ROWS}" in page


def test_rows_are_found_by_number_and_by_label(visit: Visit, dataset_id: str) -> None:
    visitor = visit("alice")
    address = f"/datasets/{dataset_id}/viewer?split=train"
    assert 77 in _shown(visitor.get(f"{address}&row=77").text)
    filtered = visitor.get(f"{address}&where.label=영수증&start=50").text
    assert _shown(filtered) == list(range(100, 120, 2))
    assert "답 100" in filtered
    assert "No row has these labels" in visitor.get(f"{address}&where.label=x").text
    assert "No row has these labels" in visitor.get(f"{address}&start=99999").text
    for odd in ("start=-1", "start=x", "row=9999999999999999999", "start=²"):
        assert visitor.get(f"{address}&{odd}").status_code == 400
    assert visitor.get(f"/datasets/{dataset_id}/viewer?split=none").status_code == 404


def test_texts_names_and_columns_of_strangers_stay_text(
    visit: Visit, dataset_id: str, hostile_text: str
) -> None:
    page = visit("alice").get(f"/datasets/{dataset_id}/viewer?split=train").text
    assert hostile_text not in page
    assert (
        html.escape(hostile_text, quote=False).replace("'", "&#39;").replace('"', "&#34;") in page
    )
    assert "<script" not in page
    assert "<img src=x" not in page


def test_pictures_are_small_on_the_page_and_whole_on_request(
    hub: ServedHub, visit: Visit, dataset_id: str
) -> None:
    visitor = visit("alice")
    page = visitor.get(f"/datasets/{dataset_id}/viewer?split=train").text
    sources = [
        html.unescape(source) for source in re.findall(r'<img src="([^"]+)" alt="Image', page)
    ]
    assert len(sources) == 12
    small = visitor.get(sources[0])
    assert small.headers["Content-Type"] == "image/jpeg"
    assert len(small.content) < 2000
    with Pictures.open(io.BytesIO(small.content)) as image:
        assert image.size == (256, 128)
    whole = visitor.get(sources[0] + "&whole=1")
    assert (whole.headers["Content-Type"], whole.content) == ("image/png", _picture(1))
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    for other in (visit(None), visit("bob")):
        assert other.get(sources[0]).status_code in {401, 404}
    # The browser may keep a picture, and must ask each time whether it still may show it.
    assert small.headers["Cache-Control"] == "private, no-cache"
    known = {"If-None-Match": small.headers["ETag"]}
    assert visitor.get(sources[0], **known).status_code == 304
    assert visit("bob").get(sources[0], **known).status_code == 404


def test_what_is_no_picture_is_not_given_out_as_one(visit: Visit, dataset_id: str) -> None:
    visitor = visit("alice")
    for query, status in (
        ("split=broken&row=0&column=images&item=0", 415),
        ("split=broken&row=0&column=images&item=0&whole=1", 415),
        ("split=train&row=0&column=images&item=0", 404),
        ("split=train&row=1&column=id&item=0", 404),
        ("split=train&row=999&column=images&item=0", 404),
        ("split=nothing&row=0&column=images&item=0", 404),
        ("split=unreadable&row=0&column=images&item=0", 415),
        ("split=train&row=x&column=images&item=0", 400),
    ):
        assert visitor.get(f"/datasets/{dataset_id}/picture/main?{query}").status_code == status


def test_a_table_that_cannot_be_read_is_named(visit: Visit, dataset_id: str) -> None:
    page = visit("alice").get(f"/datasets/{dataset_id}/viewer?split=unreadable")
    assert page.status_code == 200
    assert "unreadable-00000-of-00001.parquet" in page.text
    assert "cannot be read" in page.text


def test_a_repo_without_tables_has_no_viewer(
    visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    repo_id = publish(fresh_id("org"), {"README.md": "# Empty\n"})
    assert visit("alice").get(f"/datasets/{repo_id}/viewer").status_code == 404
    assert "/viewer" not in visit("alice").get(f"/datasets/{repo_id}").text


def test_predictions_of_a_model_are_shown_as_a_plain_table(
    visit: Visit, publish: Callable[..., str], fresh_id: FreshId, tmp_path: Path
) -> None:
    rows = [{"id": str(n), "output": "같다", "score": n / 8, "right": n > 1} for n in range(4)]
    Dataset.from_list(rows).to_parquet(tmp_path / "p.parquet")
    files = {"predictions.parquet": (tmp_path / "p.parquet").read_bytes()}
    repo_id = publish(fresh_id("org"), files, type="model")
    page = visit("alice").get(f"/{repo_id}/viewer").text
    assert '<th scope="col">output</th>' in page
    assert "0.375" in page
