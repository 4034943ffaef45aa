"""Visitors of the pages: plain HTTP with a session, and a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from tests.conftest import ServedHub

HOSTILE_CARD = """---
license: mit
language: [ko, "<script>alert(1)</script>"]
tags: ["<img src=x onerror=alert(1)>", 7, null, {a: b}]
base_model: {not: a name}
task_categories: {not: a list}
license_link: javascript:alert(1)
model-index: [7, {results: [7, {dataset: 8}]}]
---
# 제목 <script>document.title = "ran"; alert(1)</script>

![그림](figures/loss.png) <img src="x.png" onerror="document.title = 'ran'; alert(1)">
![of another host](https://evil.example/pixel.png)
[click](javascript:alert(1)) <a href="javascript:alert(1)" id="content">x</a>
[broken](http://[x) [part](#제목)
<iframe src="https://evil.example"></iframe><style>body{display:none}</style>
<form action="https://evil.example"><input name="token"></form>
<svg onload="alert(1)"></svg><details open ontoggle="alert(1)"><summary>more</summary>text</details>
<h1>another first heading</h1> <img src="figures/loss.png" title="<img src=x onerror=alert(1)>">

| a | b |
|---|---|
| 1 | <b onclick="alert(1)">2</b> |
"""
HOSTILE_TEXT = (
    "</span></table><script>document.title='ran';alert(1)</script>"
    "\"'&<img src=x onerror=\"document.title='ran'\">"
)


@pytest.fixture(scope="session")
def hostile_card() -> str:
    """A card that tries to run a script, to leave its place, and to break what reads it."""
    return HOSTILE_CARD


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """A text or a name that runs if it is not escaped; it retitles the page when it does."""
    return HOSTILE_TEXT


@dataclass(frozen=True)
class Visitor:
    """A browser without a screen: follows nothing, keeps cookies, knows the forms of a page."""

    http: httpx2.Client

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.http.get(path, headers=headers)

    def send(self, page: str, action: str, **fields: str) -> httpx2.Response:
        """Fill in the form of a page that posts to `action`, hidden fields and all."""
        html = self.get(page).text
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.DOTALL)
        assert form is not None, f"{page} has no form for {action}"
        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
        return self.http.post(action, data={**dict(hidden), **fields})


@pytest.fixture
def visit(hub: ServedHub) -> Iterator[Callable[[str | None], Visitor]]:
    """`visit("alice")`: a visitor who logged in with a token; `visit(None)`: a stranger."""
    clients = []

    def come(user: str | None) -> Visitor:
        client = hub.http(None)
        client.headers["Accept"] = "text/html"
        clients.append(client)
        if user is not None:
            assert client.post("/login", data={"token": hub.tokens[user]}).status_code == 303
        return Visitor(client)

    yield come
    for client in clients:
        client.close()


@pytest.fixture
def publish(hub: ServedHub, tmp_path: Path) -> Callable[..., str]:
    """`publish(repo_id, {path: content}, type="dataset")`: a private repo with these files."""

    def make(repo_id: str, files: dict[str, bytes | str], type: str = "dataset") -> str:
        api = hub.api("alice")
        api.create_repo(repo_id, repo_type=type, exist_ok=True)
        folder = tmp_path / repo_id.replace("/", "-")
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
        api.upload_folder(repo_id=repo_id, repo_type=type, folder_path=folder)
        return repo_id

    return make
