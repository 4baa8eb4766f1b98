"""What stands by while the one writer works: the witness, the copies, the room set aside for a full disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _heard(_sequence: int, _creates: int) -> None:
    """Nothing stands by."""


def _no_room() -> bool:
    return False


def _no_notices() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Attendants:
    """What the writing thread calls; nothing here may raise or wait.

    ``on_commit`` hears of each durable transaction before those who wait for it: its number and how many records it made
    created. ``give_room`` frees room on a full disk, False where none is set aside. ``damage_hint`` says what to do about
    a broken file, ``notices`` what people should be told of the state.
    """

    on_commit: Callable[[int, int], None] = _heard
    give_room: Callable[[], bool] = _no_room
    damage_hint: Callable[[], str] = str
    notices: Callable[[], tuple[str, ...]] = _no_notices


NOBODY = Attendants()
"""For a state that nothing stands by: one on a server has its own copies and its own disk."""
