"""The tables of the Hub's database.

Times are ISO 8601 in UTC with milliseconds, so that text order is time order. Commits and
trees never change once written; a ref is the only thing that moves.
"""

SCHEMA_VERSION = 2

_SIGNING_KEYS = """
CREATE TABLE signing_keys (
    public_key BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    created_at TEXT NOT NULL
) WITHOUT ROWID;
"""

UPGRADES = {1: _SIGNING_KEYS}
"""{version: what makes the next one of it}."""

SCHEMA = (
    """
CREATE TABLE store (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'organisation')),
    full_name TEXT NOT NULL,
    email TEXT,
    created_at TEXT NOT NULL
);

CREATE TABLE members (
    organisation_id INTEGER NOT NULL REFERENCES accounts (id),
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    role TEXT NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    PRIMARY KEY (organisation_id, user_id)
) WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('read', 'write')),
    digest BLOB NOT NULL UNIQUE,
    created_at TEXT NOT NULL
);

CREATE TABLE repos (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('model', 'dataset', 'space')),
    owner_id INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL COLLATE NOCASE,
    private INTEGER NOT NULL,
    gated TEXT CHECK (gated IN ('auto', 'manual')),
    sdk TEXT,
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    card TEXT NOT NULL DEFAULT '{}',
    UNIQUE (kind, owner_id, name)
);
CREATE INDEX repos_by_owner ON repos (owner_id);

CREATE TABLE repo_tags (
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    tag TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (repo_id, tag)
) WITHOUT ROWID;
CREATE INDEX repos_by_tag ON repo_tags (tag);

CREATE TABLE former_names (
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE INDEX former_names_by_repo ON former_names (repo_id);

CREATE TABLE commits (
    number INTEGER PRIMARY KEY,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    parent TEXT,
    tree TEXT NOT NULL,
    author_id INTEGER REFERENCES accounts (id),
    title TEXT NOT NULL,
    message TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (repo_id, id)
);

CREATE TABLE refs (
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (repo_id, name),
    FOREIGN KEY (repo_id, commit_id) REFERENCES commits (repo_id, id)
) WITHOUT ROWID;

CREATE TABLE trees (
    id TEXT PRIMARY KEY,
    content BLOB NOT NULL
);

CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    content BLOB,
    created_at TEXT NOT NULL
);

CREATE TABLE holdings (
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL REFERENCES blobs (sha256),
    created_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, sha256)
) WITHOUT ROWID;
CREATE INDEX holdings_by_blob ON holdings (sha256);

CREATE TABLE xorbs (
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    hash TEXT NOT NULL,
    lengths BLOB NOT NULL,
    runs TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE access_requests (
    id TEXT NOT NULL UNIQUE,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
    was_asked INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, user_id)
) WITHOUT ROWID;

CREATE TABLE discussions (
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    author_id INTEGER NOT NULL REFERENCES accounts (id),
    title TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'closed', 'merged')),
    is_pull_request INTEGER NOT NULL,
    base_ref TEXT,
    base_commit TEXT,
    merge_commit TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, number)
) WITHOUT ROWID;

CREATE TABLE discussion_events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    repo_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    author_id INTEGER NOT NULL REFERENCES accounts (id),
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TEXT NOT NULL,
    FOREIGN KEY (repo_id, number) REFERENCES discussions (repo_id, number) ON DELETE CASCADE
);
CREATE INDEX events_of_discussion ON discussion_events (repo_id, number, position);
"""
    + _SIGNING_KEYS
)
