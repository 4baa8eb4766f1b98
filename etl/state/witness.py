"""The witness of a state database: a small file elsewhere on the machine that says how far the state has come.

A copy, a restored backup or a file that lost its write-ahead log knows less than the witness, and is refused before it
can send what was sent already. The witness is written after the transaction it tells of and before anybody is told that
it is durable: so it never claims more than the state ever held, and a POST never leaves before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from etl.core.errors import OUTDATED_HINT, StateOutdated
from etl.state import places
from etl.state.identity import Moment

FOLDER_VARIABLE = "CASEBOOK_ETL_WITNESS_FOLDER"
_BYTES = 160
"""Every text is padded to one length, so that it is replaced by one write in place."""


def witness_folder(environ: Mapping[str, str]) -> Path:
    """Where witnesses are kept: the folder named by the environment, else the user's own folder for state.

    >>> witness_folder({"XDG_STATE_HOME": "/data/ann/state"}).as_posix()
    '/data/ann/state/casebook-etl/witness'
    """
    named = environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    home = environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "casebook-etl" / "witness"


class Witness:
    """The witness of one state database; ``problem`` says why none can be kept, "" where one can."""

    def __init__(self, folder: Path, uuid: str) -> None:
        self.path = folder / f"{uuid}.json"
        self.problem = ""
        self._uuid = uuid
        self._epoch = 0
        self._descriptor: int | None = None

    def seen(self) -> Moment | None:
        """How far the state had come when it was last written on this machine; None where nothing readable tells."""
        try:
            found = json.loads(self.path.read_text("ascii"))
            return Moment(int(found["epoch"]), int(found["sequence"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, moment: Moment) -> None:
        """Opens the file for a new holder of the state and writes the first moment, durably."""
        self._epoch = moment.epoch
        try:
            places.make_private_folder(self.path.parent)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            self._descriptor = os.open(self.path, flags, 0o600)
            self._write(moment)
            os.fsync(self._descriptor)
        except OSError as error:
            self._fail(error)

    def note(self, sequence: int) -> None:
        """Says that so many transactions are durable; cheap, because losing it only makes the witness older."""
        try:
            self._write(Moment(self._epoch, sequence))
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Closes the file; doing it twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, moment: Moment) -> None:
        if self._descriptor is not None:
            text = json.dumps({"state": self._uuid, "epoch": moment.epoch, "sequence": moment.sequence})
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, text.ljust(_BYTES - 1).encode("ascii") + b"\n")

    def _fail(self, error: OSError) -> None:
        self.problem = error.strerror or type(error).__name__
        self.close()


def require_newest(place: object, witness: Witness, now: Callable[[], Moment]) -> None:
    """Raises StateOutdated where the witness has seen this state further on than it is.

    ``now`` reads how far the state is after the witness was read: beside a run both go on, and the state goes first.
    """
    seen = witness.seen()
    moment = now()
    if seen is None or moment >= seen:
        return
    raise StateOutdated(
        f"The state database {place} is older than the one last used here (it stands at epoch {moment.epoch}, transaction "
        f"{moment.sequence}; the witness {witness.path} has seen epoch {seen.epoch}, transaction {seen.sequence}): it was "
        "restored from a backup, copied, or moved without its -wal file. Records sent since then are unknown to it.",
        hint=OUTDATED_HINT,
    )
