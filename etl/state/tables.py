"""The state database's tables as today's code uses them; every statement of the package is built from these.

The migrations hold their own frozen text, and a test compares the two. No column takes a person's value: record keys,
keyed hashes, Casebook's ids, codes and times are all there is.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData()
NOT_CREATED = text("records.state <> 'created'")
"""Stands word for word in every query for open records, because SQLite uses a partial index only then."""

META = Table(
    "meta",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

RECORDS = Table(
    "records",
    METADATA,
    Column("rk", Text, primary_key=True),
    Column("entity", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("field_hashes", LargeBinary, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("intent_epoch", BigInteger),
    Column("intent_at", Text),
    Column("target_id", Text),
    Column("scope", Text),
    Column("status", BigInteger),
    Column("error", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("adopted", BigInteger, nullable=False),
    UniqueConstraint("entity", "target_id", name="records_target"),
)
Index("records_open", RECORDS.c.state, RECORDS.c.entity, RECORDS.c.rk, sqlite_where=text("state <> 'created'"))

LINKS = Table(
    "links",
    METADATA,
    Column("rk", Text, ForeignKey("records.rk"), nullable=False),
    Column("field", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    PrimaryKeyConstraint("rk", "field"),
)
Index("links_pending", LINKS.c.rk, LINKS.c.field, sqlite_where=text("done = 0"))

UPLOADS = Table(
    "uploads",
    METADATA,
    Column("rk", Text, ForeignKey("records.rk"), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
)
Index("uploads_pending", UPLOADS.c.rk, sqlite_where=text("done = 0"))

ATTRIBUTES = Table(
    "attributes",
    METADATA,
    Column("rk", Text, ForeignKey("records.rk"), nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("rk", "name"),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("rk", Text, ForeignKey("records.rk"), nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("intent_at", Text, nullable=False),
    Column("class", Text),
    Column("status", BigInteger),
    Column("error", Text, nullable=False),
    Column("settled_at", Text),
    PrimaryKeyConstraint("rk", "attempt"),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("number", BigInteger, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("command", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("stage", Text, nullable=False),
    Column("exit_code", BigInteger),
    Column("fingerprints", Text, nullable=False),
)

WATERMARKS = Table(
    "watermarks",
    METADATA,
    Column("source", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    PrimaryKeyConstraint("source", "table_name", "column_name"),
)

LEASE = Table(
    "lease",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("process_start", BigInteger, nullable=False),
    Column("command", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("released", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)
