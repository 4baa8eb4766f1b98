"""The seams: what stages ask of adapters. Each port has one conformance suite in ``tests/contracts``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

import pyarrow as pa

from etl.core.changes import Change, PendingLink
from etl.core.images import BeforeImage
from etl.core.keys import RecordKey
from etl.core.outcomes import RecordState
from etl.core.records import Document, RemoteRecord, RunId, TargetId


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


# ---------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What the state database knows of a record. ``field_hashes`` is the blob given by the last durable change;
    ``adopted`` says that it was in Casebook before us; ``intent_at`` and ``updated_at`` are when its latest attempt was promised
    and when anything became of it, by this side's wall clock as ISO text in UTC.
    """

    key: RecordKey
    entity: str
    mapping: str
    state: RecordState
    fingerprint: str
    field_hashes: bytes
    attempt: int
    target_id: TargetId | None
    scope: RecordKey | None
    error: str
    run_id: RunId
    adopted: bool = False
    intent_at: str | None = None
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the state database remembers it. ``stage`` is ``extract``, ``plan``, ``load`` or ``done``."""

    run_id: RunId
    command: str
    started: str
    ended: str | None
    stage: str
    exit_code: int | None


class StateReader(Protocol):
    """What planning and reports may see."""

    def known(self, keys: Sequence[RecordKey]) -> dict[RecordKey, KnownRecord]:
        """The records among these keys that state knows."""
        ...

    def in_state(self, *states: RecordState) -> Iterator[KnownRecord]:
        """All records in one of these states (all records when none is given), ordered by entity and key."""
        ...

    def sample(self, entity: str) -> KnownRecord | None:
        """One record of an entity that we created, None where there is none; adopted ones do not count."""
        ...

    def latest(self, entity: str, count: int) -> Sequence[KnownRecord]:
        """So many of the records of an entity that we created, the latest first; adopted ones do not count."""
        ...

    def created_by(self, run_id: RunId) -> Iterator[KnownRecord]:
        """The records that a run created and that are still there, by entity and key; adopted ones are not among them."""
        ...

    def created_keys(self) -> Iterator[str]:
        """The keys of all created records, in no order: long texts of keys with nothing between them."""
        ...

    def size(self) -> int:
        """Number of records, whatever their state."""
        ...

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of records by (entity, state)."""
        ...

    def by_target_id(self, entity: str, ids: Sequence[TargetId]) -> dict[TargetId, RecordKey]:
        """Which of these Casebook ids are ours."""
        ...

    def attribute(self, key: RecordKey, name: str) -> str | None:
        """A stored attribute of a created record."""
        ...

    def attributed(self, name: str) -> Iterator[RecordKey]:
        """The records that have a stored attribute of this name which is not empty, by key."""
        ...

    def pending_links(self) -> Iterator[tuple[RecordKey, PendingLink]]:
        """Deferred links not yet set."""
        ...

    def pending_uploads(self) -> Iterator[RecordKey]:
        """Attachments whose bytes are outstanding."""
        ...

    def is_doubted(self) -> bool:
        """Whether records may have been sent of which this state knows nothing, so that each is asked about first."""
        ...

    def runs(self) -> Sequence[RunRow]:
        """All runs, newest first."""
        ...

    def open_run(self) -> RunRow | None:
        """The unfinished run that the next `run` continues."""
        ...

    def run_fingerprints(self, run_id: RunId) -> dict[str, str]:
        """The fingerprints a run was started with, empty for an unknown run."""
        ...


class Told(Protocol):
    """Hears once what became of changes, and says whether it has; told by the thread that writes, or by the caller's own
    where they are refused at once. A future that cannot be cancelled is one.
    """

    def set_result(self, _nothing: None, /) -> None:
        """They are durable."""
        ...

    def set_exception(self, error: BaseException, /) -> None:
        """They were not written: a StateError."""
        ...

    def done(self) -> bool:
        """Whether it was told."""
        ...


class StateStore(StateReader, Protocol):
    """The state database held for writing: one writer, group commit, a lock that keeps every other run out."""

    @property
    def broken(self) -> Future[None]:
        """Fails with the StateError that ended the writing, if one does: from then on nothing more may be sent."""
        ...

    @property
    def held_at(self) -> float:
        """When it was last certain that nobody else writes, on the clock that never goes back: a change became durable
        that was begun then.
        """
        ...

    def commit(self, *changes: Change) -> Future[None]:
        """Queues changes for the next group commit; the future is done when they are durable. Thread-safe."""
        ...

    def commit_telling(self, told: Told, *changes: Change) -> None:
        """As :meth:`commit`, for who waits on an event loop: a future for other threads costs more than all else here."""
        ...

    def start_run(self, run_id: RunId, command: str, started: str, fingerprints: Mapping[str, str]) -> None:
        """Remembers a new run, durable on return."""
        ...

    def set_stage(self, run_id: RunId, stage: str) -> None:
        """Moves a run on, durable on return."""
        ...

    def finish_run(self, run_id: RunId, ended: str, exit_code: int) -> None:
        """Closes a run (stage ``done``), durable on return."""
        ...

    def close(self) -> None:
        """Commits what is queued and gives the lock back."""
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
