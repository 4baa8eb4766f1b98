"""What can become of a source row and of a record: the buckets of the ledger and the states of the state database."""

from __future__ import annotations

from enum import StrEnum


class Bucket(StrEnum):
    """Where a base row ends in the ledger; each row of each mapping is in exactly one."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ADOPTED = "adopted"
    MERGED = "merged"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    PENDING = "pending"


LOADED = frozenset({Bucket.CREATED, Bucket.UPDATED, Bucket.UNCHANGED, Bucket.ADOPTED})


class RecordState(StrEnum):
    """The durable state of a record in the state database (loading protocol)."""

    PLANNED = "planned"
    BLOCKED = "blocked"
    INTENT = "intent"
    CREATED = "created"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    DUPLICATE = "duplicate"
    UNDOING = "undoing"
    UNDONE = "undone"


THERE = frozenset({RecordState.CREATED, RecordState.DUPLICATE})
"""A record in one of these states is in Casebook under an id that state knows."""
UNDECIDED = (RecordState.INTENT, RecordState.UNCERTAIN)
"""Perhaps in the target: a request left, or may have, and nobody knows what became of it."""
ABSENT = (RecordState.PLANNED, RecordState.BLOCKED, RecordState.REJECTED, RecordState.UNDONE)
"""Of a record in one of these states it is held to be certain that it is not in Casebook."""
SEND_AGAIN = "send_again"
"""Begins the error of a record that was certainly not applied for a reason outside the record (a missing role, no
connection): state says ``rejected``, people are told ``pending``, and the next run sends it without being asked."""
DECIDED_ABSENT = f"{SEND_AGAIN} decided absent"
"""The error of a record of which a person who looked has said that it is not in Casebook."""
DELETED_ON_PURPOSE = "deleted_on_purpose"
"""Names the stored attribute of a created record of which a person has said that it was deleted in Casebook on purpose;
its value is empty again once the record is seen there again."""
HELD = "held"
"""Begins the error of an uncertain record that no question can settle, only a person: it is not even asked about."""


class Action(StrEnum):
    """What a plan step does with a record."""

    CREATE = "create"
    UPDATE = "update"
    NOTHING = "nothing"
    BLOCKED = "blocked"
    ADOPT = "adopt"


class AttemptClass(StrEnum):
    """The three classes of an attempt; code with only two of them is the origin of most duplicates."""

    COMMITTED = "committed"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
