"""The seam to the state database: what planning and reports may see of it, and what a load writes.

One conformance suite in ``tests/contracts``, like every port.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from etl.core.changes import Change, PendingLink
from etl.core.keys import RecordKey
from etl.core.outcomes import RecordState
from etl.core.records import RunId, TargetId


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
