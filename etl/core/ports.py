"""The seams: what stages ask of adapters. Each port has one conformance suite in ``tests/contracts``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

import pyarrow as pa

from etl.core.images import BeforeImage
from etl.core.records import Document, RemoteRecord, TargetId


class Clock(Protocol):
    """Time, so that stages have none of their own."""

    def now(self) -> datetime:
        """The wall clock in UTC, for display only."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Waits."""
        ...


class Progress(Protocol):
    """Tells a person how far long work is; a silent one is legal."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Begins a stage; ``total`` counts rows or records, None where unknown."""
        ...

    def advance(self, count: int = 1) -> None:
        """Adds to the current stage."""
        ...

    def note(self, text: str) -> None:
        """Says one line that stays on the screen; never people's data."""
        ...


# ---------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class Utf8Lines:
    """How many lines of a file hold characters that only UTF-8 writes so, and the first of them, counted from 1."""

    count: int
    first: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What is known of a table after it was read: ``origin`` is a file name or ``SQL`` (never a password). ``as_utf8``
    doubts the declared encoding: the file was read in a one-byte one, and all of it is UTF-8.
    """

    origin: str
    encoding: str
    size_bytes: int | None
    sha256: str
    as_utf8: Utf8Lines | None = None


class Source(Protocol):
    """A legacy source. Every cell is text or null (mapping-language rule of one text form)."""

    name: str

    def tables(self) -> Sequence[str]:
        """The names of its tables, sorted. Raises SourceUnavailable."""
        ...

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of text columns plus the snapshot columns (``_row``, ``_line``, ``_damage``).

        At least one batch, empty if need be, so that columns are known. A row that cannot be read is kept: its cells
        are null and ``_damage`` holds a problem code. Raises SourceUnavailable or SourceUnreadable.
        """
        ...

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        ...


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file to be attached, as seen when the plan was made."""

    size_bytes: int
    sha256: str


class Files(Protocol):
    """Attachment bytes, confined to the declared folders."""

    def inspect(self, source: str, path: str) -> FileFacts | str:
        """Size and hash of a regular file, or the problem code that says why not (file_missing, file_refused)."""
        ...

    def open(self, source: str, path: str) -> BinaryIO:
        """The file's bytes. Raises SourceUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Join:
    """Another table's columns beside each base row, named ``alias.COLUMN``; base rows are never multiplied.

    ``match`` pairs a column visible so far (base or ``alias.COLUMN``) with a column of ``table``. ``expect`` is
    ``one``, ``at_most_one`` or ``many``; ``pick_order`` (columns of ``table``, ``-`` in front for descending) chooses
    among several by taking the ``first`` or the ``last``; without it the lowest row number wins and ``_matches`` tells.
    """

    alias: str
    table: str
    match: tuple[tuple[str, str], ...]
    expect: str = "at_most_one"
    pick_order: tuple[str, ...] = ()
    pick_take: str = "first"


@dataclass(frozen=True, slots=True)
class BaseQuery:
    """The base rows of a mapping: a snapshot table (``source.table``) with its joins, grouped where several rows
    become one record. ``columns`` are the visible names needed (``COLUMN`` or ``alias.COLUMN``).
    """

    table: str
    columns: tuple[str, ...]
    joins: tuple[Join, ...] = ()
    group_by: tuple[str, ...] = ()
    group_order: tuple[str, ...] = ()


class Tables(Protocol):
    """Questions about tables as a whole, answered out of core over Parquet."""

    def register(self, relation: str, path: str) -> None:
        """Makes a Parquet file readable under a name; registering again replaces."""
        ...

    def columns(self, relation: str) -> tuple[str, ...]:
        """The column names of a relation."""
        ...

    def count(self, relation: str) -> int:
        """Its number of rows."""
        ...

    def base(self, query: BaseQuery, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The base rows in row order (grouped: groups in order of their first row, rows of a group together, in the
        group's order), with ``_row``, ``_line``, ``_damage``, the asked columns, ``alias._matches`` (int64) for each
        join, and ``_group`` (int64, dense from 0) where grouped. Batches have ``batch_rows`` rows or, where rows are long,
        fewer; a group is never cut by one.
        """
        ...

    def unmatched(self, query: BaseQuery, alias: str) -> Iterator[pa.RecordBatch]:
        """``_row`` and ``_line`` of the undamaged rows of a joined table that no base row matches."""
        ...

    def rows(self, relation: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of a relation in the order of its file."""
        ...

    def query(self, text: str) -> Iterator[pa.RecordBatch]:
        """A SELECT in DuckDB's SQL over registered relations."""
        ...


@dataclass(frozen=True, slots=True)
class GraphReference:
    """A reference field as the record graph sees it. ``policy`` says what a parent that is not there does to the child:
    ``block``, ``empty`` or ``quarantine``.
    """

    field: str
    policy: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class GraphMapping:
    """The records of one mapping: their Parquet file and their reference columns."""

    mapping: str
    entity: str
    path: str
    references: tuple[GraphReference, ...] = ()


class RecordGraph(Protocol):
    """All records of a run and their references as a graph, on key columns alone and out of core.

    The calls are made in this order: ``open``, ``duplicates``, ``missing``, ``held_back``; then any other. The yielded
    batches of the first three have ``mapping, field, policy, _rk, _row, _line, parent, reason`` (a problem code; nulls
    where they do not apply); the graph has taken the consequence (quarantined, blocked, link left out) when they have been read to the end.
    """

    def open(self, mappings: Sequence[GraphMapping], known: Iterator[pa.RecordBatch]) -> None:
        """Reads the keys. ``known`` supplies ``_rk`` of records created by earlier runs: legal parents."""
        ...

    def duplicates(self) -> Iterator[pa.RecordBatch]:
        """Records that share their key; all of them are quarantined."""
        ...

    def missing(self) -> Iterator[pa.RecordBatch]:
        """References to records that do not exist, and to the record itself."""
        ...

    def held_back(self) -> Iterator[pa.RecordBatch]:
        """References to records that will not be loaded, to the last descendant."""
        ...

    def reference_counts(self) -> dict[tuple[str, str], int]:
        """Number of live references by (mapping, field)."""
        ...

    def edges(self, entity: str, without: Sequence[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
        """Live references between records of one entity: ``child``, ``parent`` (record numbers from 1), ``mapping``,
        ``field``, in the order of parents; the (mapping, field) pairs in ``without`` are left out.
        """
        ...

    def set_depths(self, depths: Iterable[pa.RecordBatch]) -> None:
        """Depth of records inside their entity: ``record``, ``depth``; whoever is not named has depth 0."""
        ...

    def defer(self, links: pa.Table) -> None:
        """Links of single records to be set later: ``record``, ``field``."""
        ...

    def places(self, links: pa.Table, reason: str) -> Iterator[pa.RecordBatch]:
        """Where the records of such links stand, in the form of the first three calls; changes nothing."""
        ...

    def block(self, records: pa.Table, reason: str) -> Iterator[pa.RecordBatch]:
        """Blocks records by number (``record``); yields them as the first three calls do."""
        ...

    def ordered(self, mapping: str) -> Iterator[pa.RecordBatch]:
        """The valid records of a mapping by depth, then row: all their columns, ``_depth`` (int), ``_dropped``
        (links left out, each ``field:parent``) and ``_deferred`` (fields whose link is set later), both list<string>.
        """
        ...

    def verdicts(self) -> Iterator[pa.RecordBatch]:
        """Every record: ``mapping, _rk, _row, status, reason, parent``."""
        ...

    def close(self) -> None:
        """Gives the temporary space back."""
        ...


# ---------------------------------------------------------------- target


Fence = Callable[[], Awaitable[None]]
"""Returns where a request may still leave; else raises."""


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to a create that certainly took effect; ``attributes`` is the record as the server shows it."""

    id: TargetId
    attributes: Mapping[str, object]


class Target(Protocol):
    """Casebook, or something that behaves like it. Every call has a hard deadline.

    ``create`` raises exactly one of: TargetBusy (certainly not applied; repeating under the same intent is safe, and was
    already tried within bounds), RecordRejected, ResponseLost (ask first) or TargetRefused. The other calls are safe to
    repeat and have been repeated within bounds before they raise the same errors.
    """

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
        """POST of one record. ``fence`` is awaited right before the first byte leaves, when all waiting is over; what it
        raises ends the call, and then certainly nothing was sent.
        """
        ...

    async def update(self, target_id: TargetId, document: Document) -> None:
        """PATCH: attributes merge, given links replace. RecordRejected with status 404 if it is gone."""
        ...

    async def delete(self, entity: str, target_id: TargetId) -> bool:
        """DELETE; False where it was gone already."""
        ...

    async def get(self, entity: str, target_id: TargetId) -> RemoteRecord | None:
        """One record, None where there is none (or none visible)."""
        ...

    def list(
        self, entity: str, *, filters: Mapping[str, str] | None = None, newest_first: bool = False
    ) -> AsyncIterator[RemoteRecord]:
        """All records, paged to the end with an explicit stable sort. ``filters`` are by attribute or link name, exact;
        every hit is compared again in the client where the value is visible.
        """
        ...

    async def options(self, lookup: str) -> Mapping[str, TargetId]:
        """Label to id of a lookup (or of a listed entity such as ``user``), fetched once and cached."""
        ...

    async def upload(self, url: str, body: BinaryIO, size_bytes: int) -> None:
        """Bytes to a pre-signed address, without the bearer header. RecordRejected with 403 if the URL expired."""
        ...

    async def close(self) -> None:
        """Closes connections."""
        ...


class BeforeImages(Protocol):
    """What records held before a run changed them, sealed."""

    async def keep(self, image: BeforeImage) -> None:
        """Adds an image, durable on return. Raises StateError."""
        ...

    def read(self) -> Iterator[BeforeImage]:
        """All images in the order in which they were kept. Raises StateDamaged."""
        ...

    def backwards(self) -> Iterator[BeforeImage]:
        """All images, the latest first. Raises StateDamaged."""
        ...


class ProblemSink(Protocol):
    """Takes problems as they arise and keeps them on disk."""

    def add(self, problems: pa.RecordBatch) -> None:
        """Adds rows of :data:`etl.core.problems.PROBLEM_SCHEMA`."""
        ...
