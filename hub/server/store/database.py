"""SQLite behind the Hub: many readers, one writer at a time, nothing lost.

WAL with `synchronous=FULL` means that a transaction which returned is on the disk: SQLite
fsyncs its log before the commit is reported (https://www.sqlite.org/pragma.html#pragma_synchronous).
Other processes, such as a garbage collection, may use the same file at the same time.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cards.errors import BogamError
from hub.server.store.schema import SCHEMA, SCHEMA_VERSION, UPGRADES

DATABASE_FILE = "hub.sqlite3"
BUSY_SECONDS = 60.0

Transaction = sqlite3.Connection
"""A connection inside :meth:`Database.read` or :meth:`Database.write`."""


def make_root(root: Path) -> None:
    """Make the folder of a store, closed to other users of this machine."""
    if not root.exists():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)


def is_store(root: Path) -> bool:
    """Whether a folder holds a store."""
    return (root / DATABASE_FILE).is_file()


def timestamp(moment: datetime | None = None) -> str:
    """A moment (default: now) as the text that the tables and the clients use."""
    moment = moment or datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def timestamp_before(seconds: float) -> str:
    """The text of the moment so many seconds ago."""
    return timestamp(datetime.now(UTC) - timedelta(seconds=seconds))


class Database:
    """The tables, made on first use.

    Raises :class:`BogamError` when the file was written by another version.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / DATABASE_FILE
        self._writer = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._prepare()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A snapshot: everything read inside belongs to one moment."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """All or nothing, and on the disk when the block is left. Not to be nested."""
        with self._writer, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections; the last one folds the log into the file."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """An idle connection or a new one. Server threads come and go; connections stay."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def _prepare(self) -> None:
        with self.write() as tx:
            found = version = tx.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                _execute(tx, SCHEMA)
                tx.execute("INSERT INTO store VALUES ('id', ?)", (secrets.token_hex(16),))
                tx.execute("INSERT INTO store VALUES ('secret', ?)", (secrets.token_hex(32),))
                version = SCHEMA_VERSION
            while version in UPGRADES:
                _execute(tx, UPGRADES[version])
                version += 1
            if version != SCHEMA_VERSION:
                raise BogamError(
                    f"{self.path}: this store has format {version}, this program reads "
                    f"{SCHEMA_VERSION}. Serve it with the version of bogam that wrote it."
                )
            if version != found:
                tx.execute(f"PRAGMA user_version={version}")


def _execute(tx: Transaction, script: str) -> None:
    # executescript() would end the transaction: a half-made schema could remain.
    for statement in script.split(";\n"):
        if statement.strip():
            tx.execute(statement)


def store_value(tx: Transaction, key: str) -> str:
    """A value that belongs to the whole store: `id` or `secret`."""
    value: str = tx.execute("SELECT value FROM store WHERE key = ?", (key,)).fetchone()[0]
    return value
