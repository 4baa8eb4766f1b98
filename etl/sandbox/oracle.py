"""The truth about a sandbox, for tests and reports in the same process: what it holds and what it was asked.

It reads the database directly, without views, lags or faults; a client never sees this much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from etl.sandbox.database import Database, JournalEntry, Selection
from etl.sandbox.schema import CUSTOM


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record as the sandbox holds it.

    ``attributes`` are as JSON:API shows them, with ``custom_fields`` nested and without nulls; ``links`` are all
    foreign keys by link name, whatever carries them on the wire.
    """

    entity: str
    id: str
    attributes: Mapping[str, object]
    links: Mapping[str, tuple[str, ...]]
    created_at: str
    created_by: str


@dataclass(frozen=True, slots=True)
class Oracle:
    """Reads one sandbox."""

    database: Database

    def counts(self) -> dict[str, int]:
        """Return number of records by entity, without the lists the tenant had from the start."""
        return self.database.counts()

    def records(self, entity: str) -> Sequence[HeldRecord]:
        """All records of an entity in the order of their creation."""
        rows = self.database.select(Selection((entity,)))
        links = self.database.links_within(entity)
        return [
            HeldRecord(
                row.entity, row.id, nested(row.attributes), links.get(row.id, {}), row.created_at, row.created_by
            )
            for row in rows
        ]

    def journal(self, method: str | None = None) -> Sequence[JournalEntry]:
        """Every request in order, of one method when given."""
        return self.database.journal(method)

    def markers(self) -> dict[str, int]:
        """How many records each marker created, counted over the creating requests."""
        found: dict[str, int] = {}
        for entry in self.database.journal("POST"):
            if entry.marker and entry.record_id:
                found[entry.marker] = found.get(entry.marker, 0) + 1
        return found


def nested(attributes: Mapping[str, object]) -> dict[str, object]:
    """Flat attributes with the custom fields in an object of their own.

    >>> nested({"name": "A", "custom_fields.tier": 1})
    {'name': 'A', 'custom_fields': {'tier': 1}}
    """
    plain = {name: value for name, value in attributes.items() if not name.startswith(CUSTOM)}
    custom = {name.removeprefix(CUSTOM): value for name, value in attributes.items() if name.startswith(CUSTOM)}
    return {**plain, "custom_fields": custom} if custom else plain


def as_document(value: HeldRecord | JournalEntry) -> dict[str, object]:
    """Return the value as plain JSON."""
    return asdict(value)
