"""Makes a state database anew beside the one in use, and puts it in its place when it is complete.

The old file is moved aside, never deleted. Half a rebuilt state would double what it does not hold, so until it is whole
it has another name, and the lock of the real one is held all the time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.core.ports import Clock
from etl.state import places
from etl.state.backups import copy_to
from etl.state.keeper import Guard
from etl.state.lock import FileLock, this_process
from etl.state.opening import open_store
from etl.state.store import SqlStore

_PARTS = ("", "-wal", "-shm")


@contextmanager
def rebuilt_store(
    path: Path, *, project: str, target: str, key_check: str, clock: Clock, guard: Guard | None
) -> Iterator[SqlStore]:
    """An empty state to fill; when the block ends well it takes the place of the one at ``path``, which is moved aside.

    Raises StateLocked where somebody uses the state, and StateError.
    """
    path = path.resolve()
    draft = path.with_name(f"{path.name}.rebuilding")
    places.make_private_folder(path.parent)
    lock = FileLock(path.with_name(path.name + ".lock"), this_process("state rebuild", _text(clock)))
    lock.acquire()
    try:
        _remove(draft)
        with open_store(
            draft,
            project=project,
            target=target,
            key_check=key_check,
            run_command="state rebuild",
            clock=clock,
            guard=guard,
        ) as store:
            yield store
        _exchange(draft, path, _text(clock))
    finally:
        _remove(draft)
        lock.release()


def _exchange(draft: Path, path: Path, now: str) -> None:
    """At no moment is there no state: the old one is copied aside, loses its log, and is then replaced by one rename."""
    whole = path.with_name(f"{path.name}.rebuilt")
    whole.unlink(missing_ok=True)
    copy_to(draft, whole)
    aside = path.with_name(f"{path.name}.before-rebuild-{''.join(filter(str.isalnum, now))}")
    if path.exists():
        shutil.copy2(path, aside)
        places.make_private(aside)
    for part in _PARTS[1:]:
        old = path.with_name(path.name + part)
        if old.exists():
            old.replace(aside.with_name(aside.name + part))
    whole.replace(path)
    places.sync_folder(path.parent)


def _remove(draft: Path) -> None:
    for part in (*_PARTS, ".reserve", ".lock", ".closed"):
        draft.with_name(draft.name + part).unlink(missing_ok=True)


def _text(clock: Clock) -> str:
    return clock.now().isoformat(timespec="seconds")
