"""Changes of the state database as values: what the loader asks the store's one writer to make durable.

A change that concerns a record names it by record key. All changes given to one ``commit`` become durable together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from etl.core.keys import RecordKey
from etl.core.records import RunId, TargetId


@dataclass(frozen=True, slots=True)
class Intend:
    """A POST of this record may be at the server from now on (state ``intent``; attempt number + 1).

    ``fingerprint`` and ``field_hashes`` describe the payload; ``scope`` is the record key of the parent under which a
    record without a marker is looked for.
    """

    key: RecordKey
    entity: str
    mapping: str
    fingerprint: str
    field_hashes: bytes
    scope: RecordKey | None = None


@dataclass(frozen=True, slots=True)
class PendingLink:
    """A reference to be set by a later PATCH."""

    field: str
    parent: RecordKey


@dataclass(frozen=True, slots=True)
class MarkCreated:
    """The record exists under this id; its deferred links and its upload become pending in the same transaction.

    ``upload_bytes`` is None where nothing is to be uploaded.
    """

    key: RecordKey
    target_id: TargetId
    links: tuple[PendingLink, ...] = ()
    upload_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class MarkUpdated:
    """A PATCH took effect: these are now the record's fingerprint and field hashes."""

    key: RecordKey
    fingerprint: str
    field_hashes: bytes
    links: tuple[PendingLink, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkRejected:
    """The record is certainly not in the target: refused, never sent, or so decided by a person who looked.

    ``status`` is the HTTP status where there was one, ``error`` the answer's code and pointer.
    """

    key: RecordKey
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class MarkUncertain:
    """Outcome unclear and the target cannot be asked reliably: held for a later ask or a person."""

    key: RecordKey
    error: str


@dataclass(frozen=True, slots=True)
class MarkDuplicate:
    """The target holds more than one record with this marker; dependents use ``target_id``, the oldest."""

    key: RecordKey
    target_id: TargetId


@dataclass(frozen=True, slots=True)
class MarkBlocked:
    """A parent that the record needs is not there. ``parent`` names it. Never overwrites a created record."""

    key: RecordKey
    entity: str
    mapping: str
    parent: RecordKey


@dataclass(frozen=True, slots=True)
class MarkLinked:
    """A deferred link was set, or is not to be set any more because the source does not have it."""

    key: RecordKey
    field: str


@dataclass(frozen=True, slots=True)
class MarkUploaded:
    """The bytes of an attachment are stored."""

    key: RecordKey


@dataclass(frozen=True, slots=True)
class StoreAttribute:
    """An attribute of a created record that was read back, such as ``assignment_id``."""

    key: RecordKey
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """The record was in Casebook already and is ours from now on; nothing was sent. ``fingerprint`` and ``field_hashes``
    describe what would have been sent, so that only later changes of the source are.
    """

    key: RecordKey
    entity: str
    mapping: str
    target_id: TargetId
    fingerprint: str
    field_hashes: bytes


@dataclass(frozen=True, slots=True)
class MarkUndoing:
    """A DELETE of this record may be at the server from now on."""

    key: RecordKey


@dataclass(frozen=True, slots=True)
class MarkSpared:
    """The record stays in Casebook after all: somebody changed it, or Casebook refused to delete it."""

    key: RecordKey


@dataclass(frozen=True, slots=True)
class MarkUndone:
    """The record is not in Casebook any more, or (adopted) not ours; its id, links and upload are forgotten."""

    key: RecordKey


@dataclass(frozen=True, slots=True)
class MarkRestored:
    """What a run changed, or a link that was never set had promised, is as it was before: so are fingerprint, field hashes
    and the run that wrote last.
    """

    key: RecordKey
    fingerprint: str
    field_hashes: bytes
    run_id: RunId


@dataclass(frozen=True, slots=True)
class MarkUnlinked:
    """A deferred link that was set is not set any more, and pending again."""

    key: RecordKey
    field: str


Change: TypeAlias = (
    Intend
    | MarkCreated
    | MarkUpdated
    | MarkRejected
    | MarkUncertain
    | MarkDuplicate
    | MarkBlocked
    | MarkLinked
    | MarkUploaded
    | StoreAttribute
    | Adopt
    | MarkUndoing
    | MarkSpared
    | MarkUndone
    | MarkRestored
    | MarkUnlinked
)
