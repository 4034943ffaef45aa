"""Users, organisations and tokens; and a server that does not open its door by itself."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cards.errors import BogamError
from hub.listening import is_loopback
from hub.server import accounts
from hub.server.process import HubProcess
from hub.server.serve import serve

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = pytest.mark.system


def test_whoami_tells_user_role_and_organisations(hub: ServedHub) -> None:
    alice, reader = hub.api("alice").whoami(), hub.api("reader").whoami()
    assert (alice["name"], alice["type"]) == ("alice", "user")
    assert alice["auth"]["accessToken"]["role"] == "write"
    assert reader["auth"]["accessToken"]["role"] == "read"
    assert [(org["name"], org["roleInOrg"]) for org in alice["orgs"]] == [("org", "admin")]
    assert hub.api("bob").whoami()["orgs"] == []
    with hub.http(None) as client:
        assert client.get("/api/whoami-v2").status_code == 401
        for header in ("Bearer hf_unknown", "Basic YTpi", "Bearer", "hf_unknown"):
            answer = client.get("/api/whoami-v2", headers={"Authorization": header})
            assert answer.status_code == 401


def test_overviews_count_what_the_caller_may_see(
    own_hub: Callable[..., ServedHub],
) -> None:
    hub = own_hub()
    api = hub.api("alice")
    api.create_repo("org/public", private=False)
    api.create_repo("org/private")
    api.create_repo("alice/data", repo_type="dataset", private=False)
    assert api.get_organization_overview("org").num_models == 2
    assert hub.api("bob").get_organization_overview("org").num_models == 1
    user = hub.api(None).get_user_overview("alice")
    assert (user.num_models, user.num_datasets) == (0, 1)
    assert [org.name for org in user.orgs] == ["org"]
    members = list(hub.api(None).list_organization_members("org"))
    assert [member.username for member in members] == ["alice", "reader"]
    with hub.http(None) as client:
        assert client.get(members[0].avatar_url).headers["Content-Type"] == "image/svg+xml"
    owned = list(api.list_user_repos("org"))
    assert {(repo.id, repo.visibility) for repo in owned} == {
        ("org/public", "public"),
        ("org/private", "private"),
    }


def test_a_token_is_stored_as_a_hash_and_dies_when_revoked(
    own_hub: Callable[..., ServedHub],
) -> None:
    hub = own_hub()
    token = accounts.create_token(hub.root, "bob", name="second")
    hub.api("bob").whoami()
    for file in hub.root.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file
            assert token.removeprefix("hf_").encode() not in file.read_bytes(), file
    # Made while the server runs, and known to it at once.
    with hub.http(None) as client:
        header = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/whoami-v2", headers=header).json()["name"] == "bob"
        assert accounts.revoke_tokens(hub.root, "bob") == 2
        assert client.get("/api/whoami-v2", headers=header).status_code == 401


def test_members_are_added_to_an_organisation_that_exists(tmp_path: Path) -> None:
    for user in ("a", "b"):
        accounts.add_user(tmp_path, user)
    accounts.add_organisation(tmp_path, "lab", ["a"])
    accounts.add_organisation(tmp_path, "lab", ["b"])
    with HubProcess(tmp_path) as process:
        from huggingface_hub import HfApi

        api = HfApi(process.endpoint, token=accounts.create_token(tmp_path, "b"))
        assert [(org["name"], org["roleInOrg"]) for org in api.whoami()["orgs"]] == [
            ("lab", "write")
        ]
        api.create_repo("lab/ours")


@pytest.mark.parametrize(
    "name", ["", "-a", "a b", "a/b", "../up", "api", "Datasets", "a--b", "a..b", "x" * 97, "한글"]
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BogamError, match="Cannot add"):
        accounts.add_user(tmp_path, name)


def test_a_name_belongs_to_one_account(tmp_path: Path) -> None:
    accounts.add_user(tmp_path, "kim")
    with pytest.raises(BogamError, match="taken"):
        accounts.add_user(tmp_path, "KIM")
    with pytest.raises(BogamError, match="a user has this name"):
        accounts.add_organisation(tmp_path, "kim", [])
    with pytest.raises(BogamError, match="no user 'lee'"):
        accounts.create_token(tmp_path, "lee")
    with pytest.raises(BogamError, match="no user 'lee'"):
        accounts.add_organisation(tmp_path, "lab", ["kim", "lee"])
    # The organisation was not half made.
    accounts.add_user(tmp_path, "lab")


def test_other_machines_are_not_served_in_the_clear(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.0.5", "hub.example"):
        with pytest.raises(BogamError, match="--tls-cert"):
            serve(tmp_path, host, 0)
    with pytest.raises(BogamError, match="certificate and its key"):
        serve(tmp_path, "127.0.0.1", 0, tls_cert=tmp_path / "cert.pem")
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")


def test_two_servers_do_not_share_a_store(own_hub: Callable[..., ServedHub]) -> None:
    hub = own_hub()
    command = [sys.executable, "-m", "hub.server", "--root", str(hub.root), "--port", "0"]
    with subprocess.Popen(
        [*command, "--until-stdin-ends"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as second:
        assert second.stderr is not None
        said = second.stderr.read()
        assert second.wait(timeout=60) == 2
    assert "another Hub server runs" in said
    assert len(said.splitlines()) == 1


def test_a_folder_without_a_hub_stays_so(tmp_path: Path) -> None:
    """A mistyped --root must not make a second Hub."""
    for act in (accounts.create_token, accounts.revoke_tokens):
        with pytest.raises(BogamError, match="there is no Hub in this folder"):
            act(tmp_path / "hubb", "kim")
    assert not accounts.has_user(tmp_path / "hubb", "kim")
    assert not (tmp_path / "hubb").exists()
    accounts.add_user(tmp_path / "hub", "kim")
    with pytest.raises(BogamError, match="no user 'lee'"):
        accounts.create_token(tmp_path / "hub", "lee")


def test_a_store_of_another_version_is_left_alone(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    accounts.add_user(tmp_path, "kim")
    with closing(sqlite3.connect(tmp_path / "hub.sqlite3")) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(BogamError, match="format 99"):
        accounts.add_user(tmp_path, "lee")
    with pytest.raises(BogamError, match="did not start"), HubProcess(tmp_path):
        pass


def test_tls_is_spoken_when_asked_for(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("openssl, which makes the test's certificate, is not there")
    with HubProcess(tmp_path / "store", tls=(certificate, key)) as process:
        import httpx2

        context = ssl.create_default_context(cafile=str(certificate))
        assert process.endpoint.startswith("https://")
        health = httpx2.get(f"{process.endpoint}/api/health", verify=context, timeout=60)
        assert health.status_code == 200
