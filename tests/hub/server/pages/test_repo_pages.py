"""A repo's card, files, history and diffs."""

from __future__ import annotations

import hashlib
import html
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    FreshId = Callable[[str], str]
    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system


def test_a_card_is_shown_with_its_figures_and_nothing_of_it_runs(
    visit: Visit, publish: Callable[..., str], fresh_id: FreshId, hostile_card: str
) -> None:
    files = {"README.md": hostile_card, "figures/loss.png": b"\x89PNG\r\n\x1a\n"}
    repo_id = publish(fresh_id("org"), files)
    visitor = visit("alice")
    page = visitor.get(f"/datasets/{repo_id}")
    assert page.status_code == 200
    assert "제목" in page.text
    assert "mit" in page.text
    assert "<script" not in page.text
    assert 'href="javascript' not in page.text
    assert len(re.findall(r"<h1[\s>]", page.text)) == 1
    figure = re.search(r'<img src="([^"]+loss\.png)"', page.text)
    assert figure is not None
    image = visitor.get(figure[1])
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/png")


def test_files_have_sizes_and_hashes(
    visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    content = b"x" * 12345
    repo_id = publish(fresh_id("org"), {"data/b.bin": content, "a.txt": "words\n"}, type="model")
    visitor = visit("alice")
    root = visitor.get(f"/{repo_id}/tree/main").text
    assert f'href="/{repo_id}/tree/main/data"' in root
    assert f'href="/{repo_id}/blob/main/a.txt"' in root
    folder = visitor.get(f"/{repo_id}/tree/main/data").text
    digest = hashlib.sha256(content).hexdigest()
    assert digest in folder
    assert "12.3 kB" in folder
    file = visitor.get(f"/{repo_id}/blob/main/data/b.bin").text
    assert "12,345 B" in file
    assert digest in file
    assert "words" in visitor.get(f"/{repo_id}/blob/main/a.txt").text
    assert visitor.get(f"/{repo_id}/blob/main/data").headers["Location"] == (
        f"/{repo_id}/tree/main/data"
    )
    assert visitor.get(f"/{repo_id}/blob/main/missing").status_code == 404


def test_a_hostile_file_name_is_only_a_name(
    hub: ServedHub, visit: Visit, fresh_id: FreshId
) -> None:
    repo_id = fresh_id("org")
    api = hub.api("alice")
    api.create_repo(repo_id)
    name = "\"><img src=x onerror=alert(1)>&' #?%2e.txt"
    api.upload_file(path_or_fileobj=b"inside", path_in_repo=name, repo_id=repo_id)
    visitor = visit("alice")
    for path in ("tree/main", "commit/main", "commits/main", f"blob/main/{quote(name)}"):
        page = visitor.get(f"/{repo_id}/{path}")
        assert page.status_code == 200
        assert "<img src=x" not in page.text
    listing = visitor.get(f"/{repo_id}/tree/main").text
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+/blob/main/[^"]+)"', listing)]
    [link] = [link for link in links if "img" in link]
    assert "inside" in visitor.get(link).text


def test_a_folder_of_many_files_is_shown_page_by_page(
    visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    repo_id = publish(fresh_id("org"), {f"many/{n:04d}.txt": str(n) for n in range(210)}, "model")
    visitor = visit("alice")
    first = visitor.get(f"/{repo_id}/tree/main/many").text
    assert "0199.txt" in first
    assert "0200.txt" not in first
    following = re.search(r'class="button" href="(\?after=[^"]+)"', first)
    assert following is not None
    second = visitor.get(f"/{repo_id}/tree/main/many{following[1]}").text
    assert "0200.txt" in second
    assert "0199.txt" not in second.replace("after=0199.txt", "")


def test_the_history_marks_changes_of_the_card_and_shows_their_lines(
    hub: ServedHub, visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    repo_id = publish(fresh_id("org"), {"README.md": "# Card\n\nScore 0.5\n"}, type="model")
    api = hub.api("alice")
    upload = {"repo_id": repo_id, "path_in_repo": "README.md"}
    changed = api.upload_file(
        path_or_fileobj=b"# Card\n\nScore <b>0.9</b>\n", commit_message="Raise <i>it</i>", **upload
    ).oid
    other = api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id=repo_id).oid
    visitor = visit("alice")
    history = visitor.get(f"/{repo_id}/commits/main").text
    marked = re.findall(r'class="badge" href="/[^"]+/commit/(\w+)#', history)
    assert changed in marked
    assert other not in marked
    assert "Raise &lt;i&gt;it&lt;/i&gt;" in history
    page = visitor.get(f"/{repo_id}/commit/{changed}").text
    removed = re.search(r'<tr class="removed">.*?class="line">(.*?)</td>', page, re.DOTALL)
    added = re.search(r'<tr class="added">.*?class="line">(.*?)</td>', page, re.DOTALL)
    assert removed is not None
    assert added is not None
    assert (removed[1], added[1]) == ("Score 0.5", "Score &lt;b&gt;0.9&lt;/b&gt;")
    assert visitor.get(f"/{repo_id}/blob/{changed}/README.md").status_code == 200


def test_branches_with_a_slash_have_pages(
    hub: ServedHub, visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    repo_id = publish(fresh_id("org"), {"README.md": "# On main\n"}, type="model")
    hub.api("alice").create_branch(repo_id, branch="dev/x")
    hub.api("alice").upload_file(
        path_or_fileobj=b"there", path_in_repo="b.txt", repo_id=repo_id, revision="dev/x"
    )
    visitor = visit("alice")
    page = visitor.get(f"/{repo_id}/tree/dev%2Fx").text
    assert f"/{repo_id}/blob/dev%2Fx/b.txt" in page
    assert "there" in visitor.get(f"/{repo_id}/blob/dev%2Fx/b.txt").text
    assert "b.txt" not in visitor.get(f"/{repo_id}/tree/main").text


def test_a_moved_repo_is_found_under_its_old_name(
    hub: ServedHub, visit: Visit, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    old = publish(fresh_id("org"), {"README.md": "# Moves\n"}, type="model")
    new = fresh_id("org")
    hub.api("alice").move_repo(old, new)
    assert visit("alice").get(f"/{old}").headers["Location"] == f"/{new}"
