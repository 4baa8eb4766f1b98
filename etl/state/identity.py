"""Tells one state database from every other, and its older copies from its newest: an id, a count of transactions, doubt.

The facts stand in ``meta`` and change inside the transactions they count, so a copy of the file carries the count of the
moment it was made. ``doubted`` once set stays: only a rebuilt state knows again everything that was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import BigInteger, Connection, Text, cast, insert, select, update

from etl.core.outcomes import DECIDED_ABSENT, SEND_AGAIN
from etl.state.tables import LEASE, META, NOT_CREATED, RECORDS

_UUID, _SEQUENCE, _DOUBTED = "uuid", "sequence", "doubted"


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """How far a state database has come: the epoch of its latest holder, then the number of its transactions."""

    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Which state database this is and how far it has come. ``is_doubted``: it may not know all that was sent."""

    uuid: str
    moment: Moment
    is_doubted: bool


def new_identity() -> dict[str, str]:
    """The facts of ``meta`` that make a new state database one of its own."""
    return {_UUID: str(uuid4()), _SEQUENCE: "0"}


def identity(connection: Connection) -> Identity | None:
    """The identity that the database carries, None where nobody has given it one."""
    facts = {row.name: row.value for row in connection.execute(select(META))}
    if _UUID not in facts:
        return None
    epoch = int(connection.execute(select(LEASE.c.epoch)).scalar_one())
    return Identity(facts[_UUID], Moment(epoch, int(facts.get(_SEQUENCE, "0"))), _DOUBTED in facts)


def identified(connection: Connection) -> Identity:
    """The identity, given inside the caller's transaction where there was none (also by versions before 0.2)."""
    known = identity(connection)
    if known is not None:
        return known
    rows = [{"name": name, "value": value} for name, value in new_identity().items()]
    connection.execute(insert(META), rows)
    return identified(connection)


def advance(connection: Connection) -> int:
    """Counts the caller's transaction and returns its number."""
    number = connection.execute(_ADVANCE).scalar_one_or_none()
    if number is None:
        identified(connection)
        return advance(connection)
    return int(number)


def catch_up(connection: Connection, moment: Moment) -> None:
    """Puts epoch and count at least where a newer copy of this state was, so that the newer one counts as the older."""
    connection.execute(update(LEASE).where(LEASE.c.epoch < moment.epoch).values(epoch=moment.epoch))
    own = identified(connection).moment.sequence
    value = str(max(own, moment.sequence))
    connection.execute(update(META).where(META.c.name == _SEQUENCE).values(value=value))


def doubt(connection: Connection) -> None:
    """Remembers that records may have been sent of which this state knows nothing."""
    if not identified(connection).is_doubted:
        connection.execute(insert(META).values(name=_DOUBTED, value="yes"))
    # What a person decided about an older state may have been sent since: it is asked about like everything else.
    old = update(RECORDS).where(RECORDS.c.error == DECIDED_ABSENT, NOT_CREATED)
    connection.execute(old.values(error=f"{SEND_AGAIN} decided before"))


_ADVANCE = (
    update(META)
    .where(META.c.name == _SEQUENCE)
    .values(value=cast(cast(META.c.value, BigInteger) + 1, Text))
    .returning(META.c.value)
)
