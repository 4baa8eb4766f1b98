"""The one thread that writes: everything queued becomes one transaction, then all who wait for it are told.

While a transaction runs the queue fills, so the group's size adapts to the disk without a timer. A write error is
final: the page cache may have lost what the disk refused, so nothing is tried again and every later commit fails. Only a
full disk is met by giving the reserved room back: what is in flight is still written down, and nothing new is begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from etl.core.changes import Adopt, Change, Intend, MarkBlocked, MarkCreated, MarkDuplicate, MarkUndone
from etl.core.errors import StateDamaged, StateError
from etl.core.ports import Clock
from etl.core.state_port import Told
from etl.state import identity, lease
from etl.state.attendants import Attendants
from etl.state.backing import BROKEN, Backing, error_name, is_unfit
from etl.state.bookkeeping import Entry, SetStage, StartRun, enter
from etl.state.draft import Draft
from etl.state.tables import RECORDS
from etl.state.transitions import Moment, RecordRow

_GIVES_ID = {MarkCreated, MarkDuplicate, Adopt}
_FULL = "SQLITE_FULL"
_FULL_HINT = "Make room on the disk of the runs folder, then run again: the run goes on from what is durable."


@dataclass(slots=True, eq=False)
class Unit:
    """What one caller wants durable together: changes of records, or one entry of the books. Not frozen: that takes longer
    to make, and there are two for each record.
    """

    told: Told
    changes: Sequence[Change]
    entry: Entry | None = None


class Durable(Future[None]):
    """Done when what was queued is durable; cannot be cancelled, since what is queued will be written."""

    def cancel(self) -> bool:
        """Does nothing."""
        return False


class Committer:
    """Owns the write connection from :meth:`start` until :meth:`close` has returned.

    ``broken`` fails with the StateError that ended the writing, if one does. It never succeeds, and cannot be cancelled.
    ``held_at`` is when the last durable transaction was about to end in which the lease was ours (until it ends, nobody
    else can take it), in seconds of the clock.
    """

    def __init__(
        self,
        connection: Connection,
        backing: Backing,
        *,
        epoch: int,
        run_id: str,
        clock: Clock,
        attendants: Attendants | None = None,
    ) -> None:
        self.broken: Future[None] = Durable()
        self._connection = connection
        self._backing = backing
        self._attendants = attendants or Attendants()
        self.held_at = clock.monotonic()
        self._full: StateError | None = None
        self._moment = Moment("", run_id, epoch)
        self._clock = clock
        self._queue: SimpleQueue[Unit | None] = SimpleQueue()
        self._gate = Lock()
        self._refusal: StateError | None = None
        self._failure: StateError | None = None
        self._group: list[Unit] = []
        # As they are stored: nobody else writes while the lease is ours, and without it nothing is written.
        self._intents: dict[str, RecordRow] = {}
        self._thread = Thread(target=self._work, name="state-committer", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def submit(self, unit: Unit) -> None:
        """Queues a unit, which hears that it is durable, or the StateError if it was not written."""
        with self._gate:
            refusal = self._refusal
            if not refusal:
                self._queue.put(unit)
        if refusal:
            unit.told.set_exception(refusal)

    def close(self) -> StateError | None:
        """Writes what is queued, ends the thread and returns the error that had stopped the writing, if one had."""
        self._refuse(StateError("The state database is closed.", hint="Open it again."))
        self._queue.put(None)
        self._thread.join()
        return self._failure

    def _work(self) -> None:
        try:
            for group in self._groups():
                self._group = group
                for part in _exact(group):
                    self._commit(part)
        finally:
            # Reached with work left only if this thread met a defect: nobody may wait for ever.
            self._abandon(StateError("The state database's writer has ended.", hint="Run again, and report it."))

    def _groups(self) -> Iterator[list[Unit]]:
        is_open = True
        while is_open:
            arrived = [*self._awaited(), *_drained(self._queue)]
            is_open = None not in arrived
            yield [unit for unit in arrived if unit]

    def _awaited(self) -> Iterator[Unit | None]:
        """What comes next; nothing after a rest, so that an empty transaction shows whether the state is still ours."""
        try:
            yield self._queue.get(timeout=self._backing.beat_s)
        except Empty:
            return

    def _commit(self, group: Sequence[Unit]) -> None:
        try:
            if not self._failure:
                _tell(group, self._write(group))
        except StateError as error:
            self._fail(error)
        except (DBAPIError, UnicodeError) as error:
            self._recover(group, error)
        if self._failure:
            _tell(group, dict.fromkeys(group, self._failure))

    def _recover(self, group: Sequence[Unit], error: DBAPIError | UnicodeError) -> None:
        if is_unfit(error):
            self._commit_singly(group, error)
        elif isinstance(error, DBAPIError) and error_name(error) == _FULL and self._make_room():
            self._commit(group)
        elif isinstance(error, DBAPIError):
            self._fail(self._final(error_name(error)))

    def _make_room(self) -> bool:
        """Gives the room set aside back, once; from then on outcomes are written and nothing new is begun."""
        if self._full is not None or not self._attendants.give_room():
            return False
        self._full = StateError(
            f"The disk of the state database is full ({_FULL}); nothing new is sent.", hint=_FULL_HINT
        )
        return True

    def _final(self, name: str) -> StateError:
        message = f"The state database cannot be written ({name})."
        if name in BROKEN:
            return StateDamaged(message, hint=self._attendants.damage_hint() or self._backing.repair)
        return StateError(message, hint=_FULL_HINT if name == _FULL else self._backing.repair)

    def _commit_singly(self, group: Sequence[Unit], error: Exception) -> None:
        # One unit's rows do not fit; which one is found by writing each in a transaction of its own.
        if len(group) == 1:
            _tell(group, {group[0]: self._unfit(group[0], error)})
        else:
            for unit in group:
                self._commit([unit])

    def _write(self, group: Sequence[Unit]) -> dict[Unit, StateError]:
        refused: dict[Unit, StateError] = {}
        now = replace(self._moment, at=self._clock.now().isoformat(timespec="milliseconds"))
        with self._connection.begin():
            lease.check(self._connection, now.epoch)
            sequence = identity.advance(self._connection)
            draft = Draft(self._connection, [change for unit in group for change in unit.changes], self._intents)
            for unit in group:
                try:
                    now = self._apply(draft, unit, now)
                except StateError as error:
                    refused[unit] = error
            draft.write()
            held_at = self._clock.monotonic()
        self._moment = now
        self.held_at = held_at
        draft.keep_intents(self._intents)
        done = [unit for unit in group if unit not in refused]
        self._attendants.on_commit(sequence, sum(map(_creates, done)), sum(map(_lasting, done)))
        return refused

    def _apply(self, draft: Draft, unit: Unit, now: Moment) -> Moment:
        if self._full and _begins(unit):
            raise self._full
        if unit.entry is None:
            draft.apply(unit.changes, now)
            return now
        enter(self._connection, unit.entry)
        return replace(now, run_id=unit.entry.run_id) if isinstance(unit.entry, StartRun | SetStage) else now

    def _unfit(self, unit: Unit, error: Exception) -> StateError:
        taken = self._taken_id(unit) if isinstance(error, IntegrityError) else None
        kind = error_name(error) if isinstance(error, DBAPIError) else type(error).__name__
        return taken or StateError(
            f"A change does not fit into the state database ({kind}); it was not written.",
            hint="Run again, and report it if it comes back.",
        )

    def _taken_id(self, unit: Unit) -> StateError | None:
        entities = {change.key: change.entity for change in unit.changes if isinstance(change, Intend | Adopt)}
        for change in unit.changes:
            if isinstance(change, MarkCreated | MarkDuplicate | Adopt) and (
                owner := self._owner(change, entities.get(change.key))
            ):
                return StateError(
                    f"{owner.entity} {change.target_id} belongs to record {owner.rk} already; "
                    f"record {change.key} cannot have the same id.",
                    hint="Look the id up in Casebook: two legacy records seem to have become one there.",
                )
        return None

    def _owner(self, change: MarkCreated | MarkDuplicate | Adopt, entity: str | None) -> Row[*tuple[Any, ...]] | None:
        stored = select(RECORDS.c.entity).where(RECORDS.c.rk == change.key).scalar_subquery()
        has_id = (RECORDS.c.entity == (entity or stored)) & (RECORDS.c.target_id == change.target_id)
        query = select(*RECORDS.c["entity", "rk"]).where(has_id, RECORDS.c.rk != change.key)
        with self._connection.begin():
            return self._connection.execute(query).first()

    def _fail(self, error: StateError) -> None:
        self._failure = error
        self._refuse(error)
        self._announce(error)

    def _announce(self, error: StateError) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)

    def _refuse(self, error: StateError) -> None:
        with self._gate:
            self._refusal = self._failure or self._refusal or error

    def _abandon(self, error: StateError) -> None:
        self._refuse(error)
        left = [*self._group, *(unit for unit in _drained(self._queue) if unit)]
        waiting = [unit for unit in left if not unit.told.done()]
        if waiting:
            self._failure = self._failure or error
            self._announce(self._failure)
        _tell(waiting, dict.fromkeys(waiting, error))


def _exact(group: Sequence[Unit]) -> Sequence[Sequence[Unit]]:
    """A group as it may be written: unit by unit where it both gives an id back and gives one out.

    Only the last row of each record is written, so two records that had one id after each other would not be seen.
    """
    changes = {type(change) for unit in group for change in unit.changes}
    return [[unit] for unit in group] if MarkUndone in changes and changes & _GIVES_ID else [group]


def _creates(unit: Unit) -> int:
    return sum(isinstance(change, MarkCreated) for change in unit.changes)


def _lasting(unit: Unit) -> int:
    """How many changes a state without them would lack: that a record waits for a parent every run finds out by itself."""
    return sum(not isinstance(change, MarkBlocked) for change in unit.changes)


def _begins(unit: Unit) -> bool:
    """Whether a unit promises something new, rather than writing down what became of it."""
    return isinstance(unit.entry, StartRun) or any(isinstance(change, Intend) for change in unit.changes)


def _tell(group: Sequence[Unit], refused: Mapping[Unit, StateError]) -> None:
    for unit in group:
        if unit in refused:
            unit.told.set_exception(refused[unit])
        else:
            unit.told.set_result(None)


def _drained(queue: SimpleQueue[Unit | None]) -> Iterator[Unit | None]:
    try:
        while True:
            yield queue.get_nowait()
    except Empty:
        return
