"""The operating system's lock beside the state database: who holds it may write, and the kernel frees it on death.

The lock file is never deleted (two processes could then hold locks on two files of one name); its text only names the
holder for the message that a second run shows, and decides nothing.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from etl.core.errors import StateError, StateLocked

if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30
    """Far behind the text, because Windows forbids others to read what is locked."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # flock, not lockf: a POSIX lock is lost as soon as the process closes any other descriptor of the file.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_MAX_TEXT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that writes to the state database. ``process_start`` is in the kernel's own units, 0 where unknown."""

    host: str
    boot_id: str
    pid: int
    process_start: int
    command: str
    started: str
    run_id: str = ""

    def __str__(self) -> str:
        run = f"run {self.run_id}" if self.run_id else "no run yet"
        return f"process {self.pid} on host {self.host} ({self.command}, {run}, since {self.started})"


def this_process(command: str, started: str) -> Holder:
    """This process as a holder; ``command`` and ``started`` are shown to people."""
    return Holder(platform.node(), _boot_id(), os.getpid(), _process_start(), command, started)


class FileLock:
    """An exclusive lock on a file, held from :meth:`acquire` to :meth:`release`."""

    def __init__(self, path: Path, holder: Holder) -> None:
        self._path = path
        self._holder = holder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock without waiting. Raises StateLocked, which names the holder."""
        descriptor = _open_private(self._path)
        try:
            _lock(descriptor)
        except OSError:
            message = f"The state database is in use by {_holder_text(descriptor)}."
            os.close(descriptor)
            raise StateLocked(message, hint="Wait until it has finished, or stop it there and run again.") from None
        self._descriptor = descriptor
        self._describe()

    def name_run(self, run_id: str) -> None:
        """Tells later readers of the lock file which run holds it."""
        self._holder = replace(self._holder, run_id=run_id)
        self._describe()

    def release(self) -> None:
        """Gives the lock back; doing it twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _describe(self) -> None:
        if self._descriptor is None:
            return
        text = json.dumps(asdict(self._holder)).encode()
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text)


def _open_private(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        message = f"The lock file {path} cannot be opened ({error.strerror})."
        raise StateError(message, hint="Give this user read and write access to it and to its folder.") from None


def _holder_text(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return str(Holder(**json.loads(os.read(descriptor, _MAX_TEXT_BYTES))))
    except (OSError, ValueError, TypeError):
        return "another process that has only just started"


def _boot_id() -> str:
    return _proc_text("/proc/sys/kernel/random/boot_id").strip()


def _process_start() -> int:
    # The second field is the program's name in brackets and may hold blanks, so count from the last bracket.
    fields = _proc_text("/proc/self/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 else 0  # noqa: PLR2004 - the 22nd field of proc(5)


def _proc_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
