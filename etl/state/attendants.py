"""What stands by while the one writer works: the witness, the copies, the room set aside for a full disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _heard(_sequence: int, _creates: int, _changes: int) -> None:
    """Nothing stands by."""


def _no_room() -> bool:
    return False


def _nothing_to_end() -> None:
    """Nothing stands by."""


def _no_notices() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Attendants:
    """What the writing thread calls; nothing of it may raise or wait.

    ``on_commit`` hears of each durable transaction before those who wait for it: its number, how many records it made
    created, and how many changes it made that a state without it would lack. ``give_room`` frees room on a full disk, False
    where none is set aside. ``damage_hint`` says what to do about a broken file, ``notices`` what people should be told of the
    state. ``end_well`` is called once, by whoever closes the state, when the writing thread has ended without an error and the
    lock is held still; it may wait.
    """

    on_commit: Callable[[int, int, int], None] = _heard
    give_room: Callable[[], bool] = _no_room
    damage_hint: Callable[[], str] = str
    notices: Callable[[], tuple[str, ...]] = _no_notices
    end_well: Callable[[], None] = _nothing_to_end


NOBODY = Attendants()
"""For a state that nothing stands by: one on a server has its own copies and its own disk."""
