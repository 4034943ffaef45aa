"""One commit that makes a repo hold exactly the files of a release, read back afterwards."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cards.errors import BogamError
from cards.records import VERIFY_FILE
from hub.refusals import require_token, said_plainly
from hub.release import Release, RepoType

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile
    from rich.progress import Progress

logger = logging.getLogger(__name__)

_BRANCH = "main"
# The Hub makes it and needs it; a release neither has nor removes it.
_KEPT = ".gitattributes"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Target:
    """A repo as it is before a release; `head` is None where there is none yet."""

    head: str | None
    private: bool


@dataclass(frozen=True)
class Published:
    """What is on the Hub now."""

    repo_id: str
    repo_type: RepoType
    commit: str
    url: str
    """The page of the repo."""
    private: bool
    changed: tuple[str, ...]
    """Files that this release added or replaced; none when the repo held just this already."""
    removed: tuple[str, ...]
    """Files that were in the repo and are not in the release."""

    @property
    def is_new(self) -> bool:
        """Whether a commit was made."""
        return bool(self.changed or self.removed)


@dataclass(frozen=True)
class _Digest:
    """What a Hub tells of a file, computed here."""

    size: int
    sha256: str
    git_sha1: str

    def is_of(self, remote: RepoFile) -> bool:
        if remote.size != self.size:
            return False
        if remote.lfs is not None:
            return bool(remote.lfs.sha256 == self.sha256)
        return bool(remote.blob_id == self.git_sha1)


def look_at(api: HfApi, repo_id: str, repo_type: RepoType, *, public: bool = False) -> Target:
    """The repo before a release; `public` is what one that does not exist would be.

    Asks first who the token belongs to, so that a Hub that is down and a token that is wrong are
    told apart from a repo that is not there, and so that who may not write there learns it before
    anything is scanned or trained. Raises :class:`BogamError`.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    doing = f"Publishing {repo_id}"
    if repo_id.count("/") != 1:
        raise BogamError(f"{doing}: this is no name of a repo. A repo is called owner/name.")
    require_token(doing, api)
    with said_plainly(doing, api):
        _require_rights(doing, api, repo_id)
        try:
            info = api.repo_info(repo_id, repo_type=repo_type)
        except RepositoryNotFoundError:
            return Target(None, private=not public)
    return Target(info.sha, private=bool(info.private))


def _require_rights(doing: str, api: HfApi, repo_id: str) -> None:
    account = api.whoami()
    if account.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise BogamError(
            f"{doing}: the token of {account['name']} on {api.endpoint} may only read. "
            "Log in with one that may write (`hf auth login`)."
        )
    owner = repo_id.partition("/")[0]
    owners = [account["name"], *(one["name"] for one in account.get("orgs", []))]
    if owner.lower() not in {name.lower() for name in owners}:
        raise BogamError(
            f"{doing}: {account['name']} may not write under {owner} on {api.endpoint}, but under: "
            f"{', '.join(owners)}. Name one of these, or have {owner} add {account['name']} "
            "(`bogam hub org add` on a Hub of your own)."
        )


def push(
    api: HfApi,
    release: Release,
    paths: list[str],
    target: Target,
    message: str,
    progress: Progress | None = None,
) -> Published:
    """Make the repo hold `paths` of the release's folder, and nothing else, in one commit.

    A repo that does not exist is made first. When it holds just these files already there is no
    new commit. The commit is refused when the repo is no longer at `target.head`.

    Raises:
        BogamError: Hub out of reach, no right to write, somebody else was faster, or the Hub
            holds something else than what was sent.
    """
    doing = f"Publishing {release.repo_id}"
    digests = _digests(release.folder, paths, progress)
    with said_plainly(doing, api):
        remote = _files_at(api, release, target.head) if target.head else {}
    changed = [
        path for path in paths if path not in remote or not digests[path].is_of(remote[path])
    ]
    removed = sorted(path for path in remote if path not in digests and path != _KEPT)
    if not changed and removed == [VERIFY_FILE]:
        removed = []  # it still speaks of just these files
    commit = target.head
    if commit is None or changed or removed:
        with _room_for_bars(progress):
            commit = _commit(api, release, digests, changed, removed, target, message)
        with said_plainly(f"{doing}, reading back commit {commit}", api):
            _compare(release, digests, _files_at(api, release, commit), commit)
    for path in removed:
        logger.info("%s: %s is not part of this release and was removed", release.repo_id, path)
    prefix = "datasets/" if release.repo_type == "dataset" else ""
    return Published(
        repo_id=release.repo_id,
        repo_type=release.repo_type,
        commit=commit,
        url=f"{api.endpoint}/{prefix}{release.repo_id}",
        private=target.private,
        changed=tuple(changed),
        removed=tuple(removed),
    )


def _commit(
    api: HfApi,
    release: Release,
    digests: dict[str, _Digest],
    changed: list[str],
    removed: list[str],
    target: Target,
    message: str,
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[CommitOperationAdd | CommitOperationDelete] = []
    for path in changed:
        addition = CommitOperationAdd(path, release.folder / path)
        addition.upload_info.sha256 = bytes.fromhex(digests[path].sha256)
        operations.append(addition)
    operations += [CommitOperationDelete(path) for path in removed]
    doing = f"Publishing {release.repo_id}"
    parent = target.head
    if parent is None:
        with said_plainly(f"{doing}, making the repo", api):
            api.create_repo(
                release.repo_id,
                repo_type=release.repo_type,
                private=target.private,
                exist_ok=True,
            )
            parent = api.repo_info(release.repo_id, repo_type=release.repo_type).sha
    try:
        with said_plainly(doing, api), _data_files_expected():
            info = api.create_commit(
                release.repo_id,
                operations,
                commit_message=message,
                repo_type=release.repo_type,
                revision=_BRANCH,
                parent_commit=parent,
            )
    except BogamError as error:
        if target.head is not None:
            raise
        visibility = "private" if target.private else "public"
        raise BogamError(
            f"{error} The repo {release.repo_id} was just made; it is {visibility} and empty, and "
            "the same command completes it."
        ) from error
    return str(info.oid)


def _digests(folder: Path, paths: list[str], progress: Progress | None) -> dict[str, _Digest]:
    sizes = {path: (folder / path).stat().st_size for path in paths}
    task = progress.add_task("Hashing", total=sum(sizes.values())) if progress else None
    digests = {}
    for path, size in sizes.items():
        sha256 = hashlib.sha256()
        # https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
        sha1 = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        with (folder / path).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                sha256.update(chunk)
                sha1.update(chunk)
                if progress is not None and task is not None:
                    progress.advance(task, len(chunk))
        digests[path] = _Digest(size, sha256.hexdigest(), sha1.hexdigest())
    return digests


def _files_at(api: HfApi, release: Release, commit: str) -> dict[str, RepoFile]:
    from huggingface_hub.hf_api import RepoFile

    tree = api.list_repo_tree(
        release.repo_id, recursive=True, revision=commit, repo_type=release.repo_type
    )
    return {item.path: item for item in tree if isinstance(item, RepoFile)}


def _compare(
    release: Release, digests: dict[str, _Digest], remote: dict[str, RepoFile], commit: str
) -> None:
    differences = [
        f"{path}: {'is something else' if path in remote else 'is missing'}"
        for path, digest in digests.items()
        if path not in remote or not digest.is_of(remote[path])
    ]
    differences += [f"{path}: is too much" for path in remote if path not in {*digests, _KEPT}]
    if differences:
        raise BogamError(
            f"{release.repo_id} at commit {commit} is not what was sent:\n  "
            + "\n  ".join(differences)
            + "\nDo not use this commit; run the same command again."
        )


@contextmanager
def _data_files_expected() -> Iterator[None]:
    """The client wonders at parquet in a model repo; predictions belong there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "It seems that you are about to commit a data file")
        yield


@contextmanager
def _room_for_bars(progress: Progress | None) -> Iterator[None]:
    """The client draws bars of its own while it uploads."""
    if progress is None or not progress.live.is_started:
        yield
        return
    progress.stop()
    try:
        yield
    finally:
        progress.start()
