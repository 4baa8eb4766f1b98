"""Keeps a state from being used when it is not the newest, and keeps what it needs while it is used.

Without a :class:`Guard` (tests of the store alone) nothing outside the state's own folder is read or written.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from etl.core.ports import Clock
from etl.state import identity
from etl.state.attendants import Attendants
from etl.state.backups import Backups, damage_hint, is_copied
from etl.state.identity import Identity, Moment
from etl.state.reserve import Reserve
from etl.state.witness import Witness, require_newest


@dataclass(frozen=True, slots=True)
class Guard:
    """Where witnesses are kept; ``ask_first`` admits an old state, which is doubted from then on."""

    witnesses: Path
    ask_first: bool = False


class Keeper:
    """Admits one state, then stands by. ``file`` is the database's file, None where a server has it."""

    def __init__(self, place: object, file: Path | None, guard: Guard | None, clock: Clock) -> None:
        self._place = place
        self._guard = guard
        self._witness: Witness | None = None
        self._notices: list[str] = []
        self._file = file
        self._backups = Backups(file, clock) if file and is_copied(file) else None
        self._reserve = Reserve(file.with_name(file.name + ".reserve")) if file else None

    def admit(self, connection: Connection) -> None:
        """Inside the transaction that takes the lease, before it: raises StateOutdated if a newer one was used here."""
        known = identity.identified(connection)
        if self._guard is None:
            return
        self._witness = Witness(self._guard.witnesses, known.uuid)
        if self._guard.ask_first:
            if is_outdated(known.moment, self._witness) or not known.is_doubted:
                identity.doubt(connection)
                identity.catch_up(connection, self._witness.seen() or known.moment)
        else:
            require_newest(self._place, self._witness, lambda: known.moment)
        self._tell_of_missing(self._witness, known)

    def stand_by(self, connection: Connection, held: ExitStack) -> Attendants:
        """Begins witness and copies for the holder of the lease; ``held`` ends them."""
        if self._reserve:
            self._reserve.keep()
        if self._backups:
            held.callback(self._backups.close)
        if self._witness:
            with connection.begin():
                identity.advance(connection)
                reached = identity.identified(connection).moment
            self._witness.begin(reached)
            held.callback(self._witness.close)
        return Attendants(self._on_commit, self._give_room, self._damage_hint, self._told, self._end_well)

    def _tell_of_missing(self, witness: Witness, known: Identity) -> None:
        if known.moment.sequence and witness.seen() is None:
            self._notices.append(
                f"This machine has no witness of the state database ({witness.path}), so nothing tells whether it is the "
                "newest: it was moved here, or the witness was removed. It is watched from now on."
            )

    def _on_commit(self, sequence: int, creates: int, changes: int) -> None:
        if self._witness:
            self._witness.note(sequence)
        if self._backups:
            self._backups.note(creates, changes)

    def _end_well(self) -> None:
        if self._backups:
            self._backups.end_well()

    def _give_room(self) -> bool:
        return self._reserve.release() if self._reserve else False

    def _damage_hint(self) -> str:
        return damage_hint(self._file) if self._file else ""

    def _told(self) -> tuple[str, ...]:
        told = list(self._notices)
        if self._witness and self._witness.problem:
            told.append(f"The witness {self._witness.path} cannot be written ({self._witness.problem}).")
        if self._backups and self._backups.problem:
            told.append(f"The state database could not be copied ({self._backups.problem}).")
        return tuple(told)


def is_outdated(moment: Moment, witness: Witness) -> bool:
    """Whether the witness has seen this state further on than it is."""
    seen = witness.seen()
    return seen is not None and moment < seen
