"""The lease row: says inside the database itself who may write, as a number that grows with every holder.

The operating system's lock keeps a second process out; the epoch stops a first one that lost the lock without noticing
(a suspended machine, a copied lock file), because each of its transactions reads the row before it writes.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from etl.core.errors import StateError, StateLocked
from etl.state.lock import Holder
from etl.state.tables import LEASE


def take(connection: Connection, holder: Holder, *, adopt: bool = False) -> int:
    """Makes this process the holder inside the caller's transaction and returns its epoch.

    The lock must be held. Raises StateLocked if a process of another host has not given the lease back, because no
    lock of this host can tell whether it still lives; ``adopt`` is a person's word that it does not.
    """
    row = connection.execute(select(LEASE)).one()
    if not (row.released or adopt or row.host == holder.host):
        raise StateLocked(
            f"The state database was last held by process {row.pid} on host {row.host} "
            f"({row.command}, run {row.run_id or 'none'}, since {row.taken_at}), which never gave it back.",
            hint="Go on there; if that process has ended for good, use `casebook-etl state adopt` here.",
        )
    epoch = int(row.epoch) + 1
    connection.execute(update(LEASE).values({**_row(holder), "released": 0, "epoch": epoch}))
    return epoch


def holder(connection: Connection) -> Holder | None:
    """Who holds the lease and has not given it back; None where nobody does."""
    row = connection.execute(select(LEASE)).one()
    if row.released:
        return None
    return Holder(row.host, row.boot_id, row.pid, row.process_start, row.command, row.taken_at, row.run_id)


def ended_beside_us(connection: Connection, holder: Holder) -> bool:
    """Whether the last holder ended without giving the lease back, and the machine has not ended since: then what it wrote
    is there to the byte. The lock must be held; False where a machine does not tell one start of it from another.
    """
    row = connection.execute(select(LEASE)).one()
    return bool(not row.released and row.host == holder.host and row.boot_id == holder.boot_id and holder.boot_id)


def check(connection: Connection, epoch: int) -> None:
    """Raises StateError if another process has taken over since ``epoch``."""
    current = connection.execute(_EPOCH).scalar_one()
    if current != epoch:
        raise StateError(
            f"Another run has taken over the state database (epoch {current}, ours was {epoch}); nothing was written.",
            hint="Let the other run finish, then run again.",
        )


def give_back(connection: Connection, epoch: int) -> None:
    """Marks the lease as free inside the caller's transaction, if it is still ours."""
    connection.execute(update(LEASE).where(LEASE.c.epoch == epoch).values(released=1))


def name_run(connection: Connection, run_id: str) -> None:
    """Writes the holder's run into the lease inside the caller's transaction."""
    connection.execute(update(LEASE).values(run_id=run_id))


def _row(holder: Holder) -> dict[str, object]:
    return {
        "host": holder.host,
        "boot_id": holder.boot_id,
        "pid": holder.pid,
        "process_start": holder.process_start,
        "command": holder.command,
        "run_id": holder.run_id,
        "taken_at": holder.started,
    }


_EPOCH = select(LEASE.c.epoch).with_for_update()
"""Where rows can be locked, whoever takes over waits for the transaction that was checked."""
