"""How the way of a record ends in this run, and what an error on it ends beside: that record, its entity, or the load.

An error never changes what is durable: an intent under which something was sent stays one, and the next run asks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from etl.core.errors import (
    EtlError,
    RecordRejected,
    ResponseLost,
    StateError,
    TargetBusy,
    TargetRefused,
)
from etl.core.keys import RecordKey
from etl.core.ports import Progress
from etl.load.notes import LoadNotes
from etl.load.parents import ParentUnreadable
from etl.load.roots import Roots
from etl.load.schedule import Schedule
from etl.load.twins import Twins
from etl.load.waiting import Waiting

_FORBIDDEN = 403
_OF_THE_WAY = (TargetBusy, TargetRefused, ResponseLost, RecordRejected, StateError)


class Endings:
    """Ends records and the load. ``fatal`` is what stopped the load, None while it goes on."""

    def __init__(
        self, schedule: Schedule, waiting: Waiting, roots: Roots, twins: Twins, notes: LoadNotes, progress: Progress
    ) -> None:
        self.fatal: EtlError | None = None
        self._schedule = schedule
        self._waiting = waiting
        self._roots = roots
        self._twins = twins
        self._notes = notes
        self._progress = progress
        self._to_stop: list[Callable[[], None]] = []

    def also_stop(self, *stops: Callable[[], None]) -> None:
        """Names what is called when the load is stopped."""
        self._to_stop += stops

    def is_stopped(self, entity: str) -> bool:
        """Whether nothing more of an entity is sent."""
        return self.fatal is not None or entity in self._notes.stopped

    def stop(self, error: EtlError) -> None:
        """Ends the load: what is in flight is drained, nothing new is sent."""
        self.fatal = self.fatal or error
        for stop in self._to_stop:
            stop()

    def give_up(self, key: RecordKey) -> None:
        """Settles a record that will not be created in this run: those that wait for it need not hope."""
        self._waiting.given_up.add(key)
        self.settle(key)

    def settle(self, key: RecordKey) -> None:
        """Ends the way of a record."""
        self._twins.release(key)
        self._roots.release(key)
        self._schedule.settle(key)
        self._progress.advance()

    def guard(self, key: RecordKey, entity: str) -> AbstractContextManager[None]:
        """Keeps an error of the way to the target from ending more than it must; the intent stays durable."""
        return _Guard(self, key, entity)

    def failed(self, key: RecordKey, entity: str, error: BaseException | None) -> bool:
        """Ends what an error on a record's way has to end; False for a defect, which nothing here is to swallow."""
        if isinstance(error, ParentUnreadable):
            self._notes.parents_unread[key] = f"{error.entity} shows no {error.attribute}"
            self.give_up(key)
            return True
        if not isinstance(error, _OF_THE_WAY):
            return False
        if isinstance(error, TargetRefused) and error.status == _FORBIDDEN:
            self._notes.stopped[entity] = str(error)
        else:
            self.stop(error)
        if self._schedule.is_unsettled(key):
            self.give_up(key)
        return True


class _Guard:
    """A class, because a generator costs more than all it would do here."""

    __slots__ = ("_endings", "_entity", "_key")

    def __init__(self, endings: Endings, key: RecordKey, entity: str) -> None:
        self._endings = endings
        self._key = key
        self._entity = entity

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return error is not None and self._endings.failed(self._key, self._entity, error)
