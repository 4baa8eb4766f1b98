"""What a load knows beside the state database, for the outcomes of this run alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from etl.core.keys import RecordKey
from etl.core.outcomes import Bucket


@dataclass(slots=True)
class LoadNotes:
    """What the state database does not hold: local refusals by record (code, detail), records whose parent does not show yet
    what they need of it (with what), what became of records updated without a link that still waits for its parent (or not
    at all, because somebody acknowledged that they were deleted on purpose), entities that were stopped with the reason, by record the
    parent that is not in Casebook any more, and those of these parents that were deleted on purpose, as somebody acknowledged.
    """

    parents_unread: dict[RecordKey, str] = field(default_factory=dict)
    failures: dict[RecordKey, tuple[str, str]] = field(default_factory=dict)
    without_link: dict[RecordKey, Bucket] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    parents_gone: dict[RecordKey, RecordKey] = field(default_factory=dict)
    gone_on_purpose: set[RecordKey] = field(default_factory=set)
