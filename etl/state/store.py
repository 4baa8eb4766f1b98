"""The state database held for writing: questions of the reader, changes through the committer, the lock given back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from etl.core.changes import Change
from etl.core.errors import StateError
from etl.core.ports import Clock
from etl.core.records import RunId
from etl.core.state_port import Told
from etl.state import lease
from etl.state.attendants import NOBODY, Attendants
from etl.state.backing import Backing, error_name
from etl.state.bookkeeping import Entry, FinishRun, SetStage, SetWatermark, StartRun
from etl.state.committer import Committer, Durable, Unit
from etl.state.reader import SqlReader


def _nobody_asks() -> None:
    """How it ends concerns nobody."""


@dataclass(frozen=True, slots=True)
class Grip:
    """How a state is held: the connection that writes, what has to be undone at the end, who is told of the run and who
    of an end without any error.
    """

    connection: Connection
    held: ExitStack
    backing: Backing
    name_run: Callable[[str], None]
    attendants: Attendants = NOBODY
    end_well: Callable[[], None] = _nobody_asks


class SqlStore(SqlReader):
    """A ``StateStore``. ``epoch`` is the number of this holder of the lease. Use it as a context manager."""

    def __init__(self, grip: Grip, readers: Engine, *, epoch: int, clock: Clock) -> None:
        super().__init__(readers, grip.attendants.damage_hint)
        self.epoch = epoch
        self._connection = grip.connection
        self._grip = grip
        self._is_open = True
        run = self.open_run()
        if run:
            grip.name_run(run.run_id)
        run_id = run.run_id if run else ""
        self._committer = Committer(
            grip.connection, grip.backing, epoch=epoch, run_id=run_id, clock=clock, attendants=grip.attendants
        )
        self._committer.start()

    def notices(self) -> tuple[str, ...]:
        """What people should be told of this state: whole sentences."""
        return self._grip.attendants.notices()

    @property
    def broken(self) -> Future[None]:
        """Fails with the StateError that ended the writing, if one does: from then on nothing more may be sent."""
        return self._committer.broken

    @property
    def held_at(self) -> float:
        """When it was last certain that nobody else writes, on the clock that never goes back."""
        return self._committer.held_at

    def commit(self, *changes: Change) -> Future[None]:
        """Queues changes for the next group commit; the future is done when they are durable. Thread-safe.

        The changes of one call, which may be none at all, are written all or none. The future raises StateError if they were not written, and
        cannot be cancelled: what is queued will be written.
        """
        done = Durable()
        self.commit_telling(done, *changes)
        return done

    def commit_telling(self, told: Told, *changes: Change) -> None:
        """As :meth:`commit`; ``told`` is what the future would be."""
        self._committer.submit(Unit(told, changes))

    def start_run(self, run_id: RunId, command: str, started: str, fingerprints: Mapping[str, str]) -> None:
        """Remembers a new run at stage ``extract``, durable on return. Raises StateError."""
        text = json.dumps(dict(fingerprints), sort_keys=True)
        self._enter(StartRun(run_id, command, started, text))
        self._grip.name_run(run_id)

    def set_stage(self, run_id: RunId, stage: str) -> None:
        """Moves a run on, durable on return. Raises StateError."""
        self._enter(SetStage(run_id, stage))
        self._grip.name_run(run_id)

    def finish_run(self, run_id: RunId, ended: str, exit_code: int) -> None:
        """Closes a run (stage ``done``), durable on return. Raises StateError."""
        self._enter(FinishRun(run_id, ended, exit_code))

    def set_watermark(self, source: str, table: str, column: str, value: str, run_id: RunId) -> None:
        """Remembers how far a source column has been read, durable on return. Raises StateError."""
        self._enter(SetWatermark(source, table, column, value, run_id))

    def close(self) -> None:
        """Commits what is queued and gives the lock back. Raises the StateError that had stopped the writing."""
        failure = self._release()
        if failure:
            raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failure = self._release()
        if failure and error is None:
            raise failure

    def _enter(self, entry: Entry) -> None:
        done = Durable()
        self._committer.submit(Unit(done, (), entry))
        done.result()

    def _release(self) -> StateError | None:
        if not self._is_open:
            return None
        self._is_open = False
        failure = self._committer.close()
        super().close()
        try:
            if not failure:
                with self._connection.begin():
                    lease.give_back(self._connection, self.epoch)
                self._grip.end_well()
                self._grip.attendants.end_well()
        except DBAPIError as error:
            message = f"The state database could not be given back ({error_name(error)})."
            failure = StateError(message, hint=self._grip.backing.repair)
        finally:
            self._grip.held.close()
        return failure
