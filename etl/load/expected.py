"""What Casebook should show of a record that was loaded: the document as sent, and the file that belongs to it.

Shared by verify, which reports every difference, and by undo, which spares what people have changed.
"""

from __future__ import annotations

from collections.abc import Iterable

from etl.catalog.model import Entity
from etl.core.records import Document, RemoteRecord
from etl.load.compare import Tolerances
from etl.load.parents import Parents
from etl.load.planned import SHA256_SUFFIX, SIZE_SUFFIX, PlannedRecord
from etl.load.ports import LoadPorts
from etl.load.render import Options, Renderer


class Expected:
    """Renders planned records as they should be shown; what is still to be sent is left out."""

    def __init__(self, ports: LoadPorts, options: Options) -> None:
        self._parents = Parents(ports.catalog, ports.target, ports.state, ports.clock)
        self._renderer = Renderer(ports.catalog, options)
        self._pending = {(key, link.field) for key, link in ports.state.pending_links()}
        self._not_uploaded = set(ports.state.pending_uploads())

    def prefetch(self, records: Iterable[PlannedRecord]) -> None:
        """Reads the parents of a batch in one question."""
        self._parents.prefetch(records)

    async def document(self, record: PlannedRecord) -> Document:
        """What should be shown: deferred links count once they were set, what was cleared is nothing."""
        links = await self._parents.links(record, self._settled(record, record.parents()))
        if record.emptied:
            references = {each.name for each in record.mapping.references}
            emptied = self._settled(record, record.emptied & references)
            links |= await self._parents.links(record, emptied, drop=False)
        return self._renderer.document(record, links)

    def _settled(self, record: PlannedRecord, fields: Iterable[str]) -> list[str]:
        return [name for name in fields if (record.key, name) not in self._pending]

    def is_uploaded(self, record: PlannedRecord) -> bool:
        """Whether a record's bytes have been stored, as far as state knows."""
        return record.key not in self._not_uploaded


def tolerances_of(entity: Entity, record: PlannedRecord) -> Tolerances:
    """By field, how a record may be shown other than it was sent: as the tenant's overlay and the mapping say."""
    tenants = {each.name: each.tolerate for each in entity.attributes.values() if each.tolerate}
    ours = record.mapping.tolerate
    return {name: (*tenants.get(name, ()), *ours.get(name, ())) for name in tenants.keys() | ours.keys()}


def file_differs(entity: Entity, record: PlannedRecord, shown: RemoteRecord, *, uploaded: bool) -> str | None:
    """The name of a record's file field where size or checksum are not those of the file, None where all is well.

    A tenant that shows neither (its catalogue lists no ``byte_size`` and no ``sha256``) cannot be asked. A file that
    state knows as outstanding is counted elsewhere.
    """
    field = record.file
    if field is None or not uploaded:
        return None
    for suffix, name in ((SIZE_SUFFIX, "byte_size"), (SHA256_SUFFIX, "sha256")):
        wanted = record.values.get(field.name + suffix)
        is_shown = name in entity.attributes or name in shown.attributes
        if wanted is not None and is_shown and shown.attributes.get(name) != wanted:
            return field.name
    return None
