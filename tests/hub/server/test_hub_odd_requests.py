"""Requests that no client sends: refused in words, never by a failure of the server."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from cards.errors import BogamError
from hub.server.process import HubProcess
from hub.server.serve import serve

if TYPE_CHECKING:
    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system

WRONG = [None, 1, -1, 1e300, True, "", "\0", "x" * 300, "../..", [], [1], {}, {"a": [None]}]

CALLS = [
    ("POST", "/api/repos/create", ["name", "organization", "type", "visibility", "private", "sdk"]),
    ("DELETE", "/api/repos/delete", ["name", "organization", "type"]),
    ("POST", "/api/repos/move", ["fromRepo", "toRepo", "type"]),
    ("POST", "/api/validate-yaml", ["content", "repoType"]),
    ("PUT", "{api}/settings", ["visibility", "private", "gated"]),
    ("POST", "{api}/preupload/main", ["files", "gitIgnore"]),
    ("POST", "{api}/paths-info/main", ["paths", "expand"]),
    ("POST", "{api}/branch/odd", ["startingPoint"]),
    ("POST", "{api}/tag/main", ["tag", "message"]),
    ("POST", "{api}/super-squash/missing", ["message"]),
    ("POST", "{api}/discussions", ["title", "description", "pullRequest"]),
    ("POST", "{api}/discussions/1/comment", ["comment"]),
    ("POST", "{api}/discussions/1/status", ["status", "comment"]),
    ("POST", "{api}/discussions/1/title", ["title"]),
    ("POST", "{api}/discussions/1/merge", ["comment"]),
    ("POST", "{api}/discussions/1/comment/x/edit", ["content"]),
    ("POST", "{api}/user-access-request/handle", ["user", "requestId", "status"]),
    ("POST", "{api}/user-access-request/grant", ["user"]),
    ("POST", "{api}/duplicate", ["repository", "visibility"]),
    ("POST", "{api}/lfs-files/duplicate", ["target", "files"]),
    ("POST", "{api}/lfs-files/batch", ["deletions"]),
    ("POST", "/{repo}.git/info/lfs/objects/batch", ["operation", "objects", "transfers"]),
    ("POST", "/{repo}.git/info/lfs/objects/verify", ["oid", "size"]),
]
VALID = {
    "name": "odd-name",
    "fromRepo": "alice/none",
    "toRepo": "alice/odd-too",
    "tag": "odd",
    "title": "A title",
    "operation": "upload",
    "objects": [],
    "files": [],
    "target": {"type": "model", "name": "alice/none"},
    "repository": "alice/copy-of-odd",
}


@pytest.fixture(scope="module")
def repo_id(hub: ServedHub, fresh_id: FreshId) -> str:
    repo_id = fresh_id("alice")
    hub.api("alice").create_repo(repo_id)
    hub.api("alice").create_discussion(repo_id, title="The first")
    return repo_id


@pytest.mark.parametrize(("method", "path", "fields"), CALLS, ids=[call[1] for call in CALLS])
def test_a_field_of_the_wrong_type_is_refused(
    hub: ServedHub, repo_id: str, method: str, path: str, fields: list[str]
) -> None:
    url = path.format(api=f"/api/models/{repo_id}", repo=repo_id)
    valid = {field: VALID[field] for field in fields if field in VALID}
    with hub.http("alice") as client:
        for field, value in itertools.product(fields, WRONG):
            answer = client.request(method, url, json={**valid, field: value})
            assert answer.status_code < 500, (field, value, answer.text)
        for body in (b"", b"null", b"[]", b"\xff\xfe", b"{" * 5000, b'{"a": "\\ud800"}'):
            headers = {"Content-Type": "application/json"}
            answer = client.request(method, url, content=body, headers=headers)
            assert answer.status_code < 500, (body[:20], answer.text)


@pytest.mark.parametrize(
    "item",
    [None, 1, "x", [], {}, {"oid": 1, "size": 1}, {"oid": "0" * 64, "size": "1"},
     {"oid": "0" * 64, "size": -1}, {"oid": "../../x", "size": 1}, {"oid": "0" * 64, "size": 1e30}],
    ids=str,
)  # fmt: skip
def test_an_odd_object_is_refused(hub: ServedHub, repo_id: str, item: object) -> None:
    with hub.http("alice") as client:
        body = {"operation": "upload", "objects": [item]}
        assert client.post(f"/{repo_id}.git/info/lfs/objects/batch", json=body).status_code == 400
        if not (isinstance(item, dict) and "oid" in item):
            files = {"files": [item]}
            url = f"/api/models/{repo_id}/preupload/main"
            assert client.post(url, json=files).status_code in {400, 422}


@pytest.mark.parametrize(
    "path",
    [
        "/{repo}/resolve/main/%00",
        "/{repo}/resolve/main/%FF%FE",
        "/{repo}/resolve/%2e%2e/x",
        "/{repo}/resolve/main/..%2F..%2Fetc%2Fpasswd",
        "/{repo}/resolve/main/%2Fetc%2Fpasswd",
        "/api/models/{repo}/tree/main/..",
        "/api/models/{repo}/tree/main?cursor=%FF",
        "/api/models/{repo}/tree/main?cursor=AAAA",
        "/api/models/{repo}/commits/main?cursor=nonsense",
        "/api/models/{repo}/discussions/99999999999999999999",
        "/api/models/{repo}/discussions?p=99999999999999999999",
        "/api/models/{repo}/discussions/0",
        "/api/models?limit=99999999999999999999",
        "/api/models?cursor=bnVsbA==",
        "/api/models?sort=; DROP TABLE repos",
        "/api/models?search=%00'\"",
        "/api/models/a%2Fb/c",
        "/static/../../serve.py",
        "/static/%2e%2e/%2e%2e/serve.py",
        "/avatars/%3Cscript%3E.svg",
        "//",
        "/%",
    ],
)
def test_an_odd_path_leads_nowhere(hub: ServedHub, repo_id: str, path: str) -> None:
    with hub.http("alice") as client:
        answer = client.get(path.format(repo=repo_id))
    assert answer.status_code < 500
    assert b"root:" not in answer.content
    assert b"import uvicorn" not in answer.content
    assert b"<script>" not in answer.content


def test_a_body_that_is_too_large_is_refused(hub: ServedHub, repo_id: str) -> None:
    with hub.http("alice") as client:
        large = b" " * (17 * 1024 * 1024)
        assert client.post("/api/repos/create", content=large).status_code == 413
        line = b'{"key":"header","value":{"summary":"' + b"x" * (21 * 1024 * 1024) + b'"}}'
        url = f"/api/models/{repo_id}/commit/main"
        assert client.post(url, content=line).status_code == 413


def test_a_port_in_use_is_named(hub: ServedHub, tmp_path: Path) -> None:
    with pytest.raises(BogamError, match=f"127.0.0.1:{hub.process.port}.*--port"):
        serve(tmp_path, port=hub.process.port)


def test_a_server_does_not_outlive_who_started_it(
    tmp_path: Path, still_running: Callable[..., list[psutil.Process]]
) -> None:
    program = (
        "import os, sys; from pathlib import Path; from hub.server.process import HubProcess\n"
        f"hub = HubProcess(Path({str(tmp_path)!r})); hub.start()\n"
        "print(hub.pid, flush=True); os._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False
    )
    with suppress(psutil.NoSuchProcess):
        assert not still_running([psutil.Process(int(done.stdout))])
    with HubProcess(tmp_path):
        pass
