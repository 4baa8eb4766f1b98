"""The sandbox's memory: one SQLite file in which a request's records and its journal row become durable together.

Records of all entities share one table with a JSON body, so that a tenant with other entities needs no other tables;
links have a table of their own, because both filters on parents and the refusal to delete a parent ask it. There is one
connection; a lock keeps readers of other threads (tests, reports) out of a half-done request.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

Cell: TypeAlias = "str | int | float | None"
Links: TypeAlias = "Mapping[str, tuple[str, ...]]"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, entity TEXT NOT NULL, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
  created_at TEXT NOT NULL, created_by TEXT NOT NULL, visible_at REAL NOT NULL, seeded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS records_newest ON records (entity, created_at DESC, id);
CREATE TABLE IF NOT EXISTS links (source TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL, holds INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS links_target ON links (target, name, source);
CREATE INDEX IF NOT EXISTS links_source ON links (source, name);
CREATE TABLE IF NOT EXISTS handles (value TEXT PRIMARY KEY, id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS handles_id ON handles (id);
CREATE TABLE IF NOT EXISTS journal (
  number INTEGER PRIMARY KEY, time TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, entity TEXT NOT NULL,
  status INTEGER, record_id TEXT, marker TEXT, content_type TEXT NOT NULL, authorized INTEGER NOT NULL, fault TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS journal_method ON journal (method, number);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it is kept.

    ``attributes`` are flat (``custom_fields.key``) and hold no nulls; ``links`` are those that travel as
    relationships.
    """

    entity: str
    id: str
    attributes: Mapping[str, object]
    links: Links
    created_at: str
    created_by: str

    def body(self) -> str:
        """Its stored form."""
        return orjson.dumps({"a": self.attributes, "l": self.links}).decode()


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One foreign key of a record. ``holds`` tells whether it keeps its target from being deleted."""

    name: str
    target: str
    holds: bool


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request as the sandbox took it.

    ``status`` is what the client was sent, None where it was sent nothing; ``record_id`` is the record that the
    request created, changed or removed.
    """

    number: int
    time: str
    method: str
    path: str
    entity: str
    status: int | None
    record_id: str | None
    marker: str | None
    content_type: str
    authorized: bool
    fault: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL over ``records`` with its bound values; its names come from the catalogue, never from a client.

    ``finds_ids`` says that it names few ids, so that the rows are better found by id than by entity.
    """

    sql: str
    values: tuple[Cell, ...] = ()
    finds_ids: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows, in which order, and which stretch of them."""

    members: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    order: str = "seq"
    limit: int = -1
    offset: int = 0


def json_place(name: str) -> str:
    """Return the SQL that reads a flat attribute out of a body; the same text as in the indexes, or they would not be used."""
    return f"json_extract(body, '$.a.\"{name}\"')"


class Database:
    """Everything the sandbox keeps. Changes happen inside :meth:`transaction`."""

    def __init__(self, path: str, indexed: Sequence[str] = ()) -> None:
        self._lock = threading.RLock()
        if path != ":memory:":
            # Whoever tries the program with real data has it here: readable by its owner only.
            Path(path).touch(mode=0o600)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(_TABLES)
        for place, name in enumerate(indexed):
            self._connection.execute(
                f"CREATE INDEX IF NOT EXISTS attribute_{place} ON records (entity, {json_place(name)})"
            )
        self._sizes: dict[str, int] = {}
        self._latest_visible: float = self._one("SELECT coalesce(max(visible_at), 0.0) FROM records")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what happens inside durable together, or not at all."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._sizes.clear()
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def secret(self) -> bytes:
        """Return the key that upload addresses are signed with; it outlives a restart."""
        with self.transaction():
            self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(32),))
            return bytes.fromhex(self._one("SELECT value FROM meta WHERE name = 'secret'"))

    # ------------------------------------------------------------ records

    def insert(self, row: Row, links: Sequence[LinkRow], handles: Sequence[str], visible_at: float) -> None:
        """Add a record."""
        self._connection.execute(
            "INSERT INTO records (entity, id, body, created_at, created_by, visible_at) VALUES (?, ?, ?, ?, ?, ?)",
            (row.entity, row.id, row.body(), row.created_at, row.created_by, visible_at),
        )
        self._latest_visible = max(self._latest_visible, visible_at)
        self._sizes.pop(row.entity, None)
        self._add_links(row.id, links)
        self._connection.executemany("INSERT INTO handles VALUES (?, ?)", [(handle, row.id) for handle in handles])

    def seed(self, row: Row) -> None:
        """Add or refreshes a row that the tenant has from the start."""
        self._connection.execute(
            "INSERT INTO records (entity, id, body, created_at, created_by, visible_at, seeded) VALUES (?, ?, ?, ?, ?, 0, 1)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (row.entity, row.id, row.body(), row.created_at, row.created_by),
        )

    def replace(self, row: Row, links: Sequence[LinkRow] | None = None) -> None:
        """Store a changed record; ``links`` None leaves its foreign keys."""
        self._connection.execute("UPDATE records SET body = ? WHERE id = ?", (row.body(), row.id))
        if links is not None:
            self._connection.execute("DELETE FROM links WHERE source = ?", (row.id,))
            self._add_links(row.id, links)

    def remove(self, record_id: str) -> None:
        """Take a record away with its foreign keys; those that point to it are the caller's."""
        self._sizes.clear()
        self._connection.execute("DELETE FROM records WHERE id = ?", (record_id,))
        self._connection.execute("DELETE FROM links WHERE source = ?1 OR target = ?1", (record_id,))
        self._connection.execute("DELETE FROM handles WHERE id = ?", (record_id,))

    def row(self, record_id: str) -> Row | None:
        """Return the record of this id, visible or not."""
        found = self._rows("SELECT entity, id, body, created_at, created_by FROM records WHERE id = ?", (record_id,))
        return found[0] if found else None

    def entity_of(self, record_id: str) -> str | None:
        """Return the entity of the record of this id."""
        found = self._connection.execute("SELECT entity FROM records WHERE id = ?", (record_id,)).fetchone()
        return found[0] if found else None

    def id_of_handle(self, handle: str) -> str | None:
        """Return the record that the server gave this handle."""
        found = self._connection.execute("SELECT id FROM handles WHERE value = ?", (handle,)).fetchone()
        return found[0] if found else None

    def pointing_to(self, record_id: str) -> list[tuple[str, str, bool]]:
        """Source id, link name and whether it holds, of every foreign key to a record from another one."""
        sql = "SELECT source, name, holds FROM links WHERE target = ?1 AND source <> ?1"
        return [(source, name, bool(holds)) for source, name, holds in self._connection.execute(sql, (record_id,))]

    def links_of(self, record_id: str) -> list[LinkRow]:
        """Return the foreign keys of a record."""
        found = self._connection.execute("SELECT name, target, holds FROM links WHERE source = ?", (record_id,))
        return [LinkRow(name, target, bool(holds)) for name, target, holds in found]

    def links_within(self, entity: str) -> dict[str, dict[str, tuple[str, ...]]]:
        """Targets by source and link name, of all records of an entity."""
        sql = "SELECT source, name, target FROM links JOIN records ON records.id = source WHERE entity = ? ORDER BY links.rowid"
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        with self._lock:
            for source, name, target in self._connection.execute(sql, (entity,)):
                links = found.setdefault(source, {})
                links[name] = (*links.get(name, ()), target)
        return found

    def select(self, selection: Selection) -> list[Row]:
        """Rows of a selection."""
        where, values = _where(selection)
        sql = f"SELECT entity, id, body, created_at, created_by FROM records WHERE {where} ORDER BY {selection.order} LIMIT ? OFFSET ?"  # noqa: S608 - names come from the catalogue, values are bound
        with self._lock:
            return self._rows(sql, (*values, selection.limit, selection.offset))

    def count(self, selection: Selection) -> int:
        """How many rows a selection has in all; of a whole entity it is remembered until the entity changes."""
        if len(selection.members) == 1 and not selection.conditions:
            return self._size(selection.members[0])
        where, values = _where(selection)
        with self._lock:
            return int(self._one(f"SELECT count(*) FROM records WHERE {where}", values))  # noqa: S608 - as above

    def _size(self, entity: str) -> int:
        with self._lock:
            if entity not in self._sizes:
                self._sizes[entity] = int(self._one("SELECT count(*) FROM records WHERE entity = ?", (entity,)))
            return self._sizes[entity]

    def hidden_now(self) -> tuple[Condition, ...]:
        """Return the condition that leaves out records not visible yet; none where all are."""
        now = time.time()
        return (Condition("visible_at <= ?", (now,)),) if self._latest_visible > now else ()

    def counts(self, *, seeded: bool = False) -> dict[str, int]:
        """Return the number of records by entity; those the tenant had from the start only when asked."""
        sql = "SELECT entity, count(*) FROM records WHERE seeded <= ? GROUP BY entity ORDER BY entity"
        with self._lock:
            return dict(self._connection.execute(sql, (seeded,)).fetchall())

    # ------------------------------------------------------------ journal

    def write_journal(self, entry: JournalEntry) -> None:
        """Add an entry; its number is given here."""
        self._connection.execute(
            "INSERT INTO journal (time, method, path, entity, status, record_id, marker, content_type, authorized, fault)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.time,
                entry.method,
                entry.path,
                entry.entity,
                entry.status,
                entry.record_id,
                entry.marker,
                entry.content_type,
                entry.authorized,
                entry.fault,
            ),
        )

    def journal(self, method: str | None = None) -> list[JournalEntry]:
        """All entries in order, of one method when given."""
        with self._lock:
            found = self._connection.execute(
                "SELECT * FROM journal WHERE ?1 IS NULL OR method = ?1 ORDER BY number", (method,)
            ).fetchall()
        return [_entry(cells) for cells in found]

    def _add_links(self, source: str, links: Sequence[LinkRow]) -> None:
        self._connection.executemany(
            "INSERT INTO links VALUES (?, ?, ?, ?)", [(source, link.name, link.target, link.holds) for link in links]
        )

    def _rows(self, sql: str, values: Sequence[Cell]) -> list[Row]:
        return [_row(*cells) for cells in self._connection.execute(sql, values)]

    def _one(self, sql: str, values: Sequence[Cell] = ()) -> Any:  # noqa: ANN401 - SQLite decides what a column holds
        return self._connection.execute(sql, values).fetchone()[0]


def _entry(cells: Sequence[Any]) -> JournalEntry:
    named = dict(zip(JournalEntry.__slots__, cells, strict=True))
    return JournalEntry(**{**named, "authorized": bool(named["authorized"])})


def _row(entity: str, record_id: str, body: str, created_at: str, created_by: str) -> Row:
    kept = orjson.loads(body)
    links = {name: tuple(targets) for name, targets in kept["l"].items()}
    return Row(entity, record_id, kept["a"], links, created_at, created_by)


def _where(selection: Selection) -> tuple[str, tuple[Cell, ...]]:
    marks = ", ".join("?" * len(selection.members))
    plus = "+" * any(condition.finds_ids for condition in selection.conditions)
    terms = [f"{plus}entity IN ({marks})", *(condition.sql for condition in selection.conditions)]
    values = (*selection.members, *(value for condition in selection.conditions for value in condition.values))
    return " AND ".join(terms), values
