"""The repeatable tail of loading: links set by a later PATCH, and attachments' bytes.

Both are idempotent, so they are done again at will after an interruption; the attachment's *record* is not and goes
through the intent protocol like every other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from etl.core.changes import Change, MarkLinked, MarkUploaded, PendingLink
from etl.core.errors import RecordRejected
from etl.core.keys import RecordKey
from etl.core.records import Document, LinkValue, Ref, TargetId
from etl.load.parents import Parents
from etl.load.patch import patch
from etl.load.planned import SIZE_SUFFIX, PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.mapping.model import Field, FileField

Item = TypeVar("Item")


class Tail:
    """Sets deferred links and uploads bytes."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, parents: Parents) -> None:
        self._ports = ports
        self._planned = planned
        self._parents = parents

    async def run(self, concurrency: int) -> None:
        """Everything that is pending; what cannot be done now stays pending."""
        await _each(list(self._ports.state.pending_links()), concurrency, self._link)
        pending = self._planned.find(list(self._ports.state.pending_uploads()))
        await _each(pending.values(), concurrency, self._upload_pending)

    def upload_size(self, record: PlannedRecord) -> int | None:
        """Bytes to upload for a record, None where it carries no file."""
        field = _file_field(record)
        size = record.values.get(field.name + SIZE_SUFFIX) if field else None
        return size if isinstance(size, int) else None

    async def upload(self, record: PlannedRecord, target_id: TargetId, shown: Mapping[str, object]) -> None:
        """Uploads a record's bytes to the address that its creation returned, or to a fresh one."""
        step = self._ports.catalog.entity(record.entity).step("upload")
        name = step.url_attribute if step else None
        url = shown.get(name) if name else None
        if not isinstance(url, str):
            url = await self._fresh_url(record.entity, target_id, name)
        if url is None:
            return
        try:
            await self._put(record, url)
        except RecordRejected:
            # The address has expired or was refused; the run's end asks for a new one.
            return
        await self._commit(MarkUploaded(record.key))

    async def upload_changed(self, record: PlannedRecord, target_id: TargetId | None) -> None:
        """Uploads again where an update changed the file."""
        field = _file_field(record)
        if field is not None and field.name in record.changed and target_id is not None:
            await self.upload(record, target_id, {})

    async def _link(self, pending: tuple[RecordKey, PendingLink]) -> None:
        key, link = pending
        both = self._parents.created([key, link.parent])
        if len(both) < len({key, link.parent}):
            return
        child, parent = both[key], both[link.parent]
        entity = self._ports.catalog.entity(child.entity)
        ref = Ref(parent.entity, parent.id)
        value: LinkValue = (ref,) if entity.links[link.field].many else ref
        try:
            await patch(self._ports.target, entity, child.id, Document(entity.name, {}, {link.field: value}))
        except RecordRejected:
            # Stays pending and is counted; verify names it.
            return
        await self._commit(MarkLinked(key, link.field))
        self._ports.progress.advance(0)

    async def _upload_pending(self, record: PlannedRecord) -> None:
        created = self._parents.created([record.key]).get(record.key)
        if created is not None:
            await self.upload(record, created.id, {})

    async def _fresh_url(self, entity: str, target_id: TargetId, name: str | None) -> str | None:
        shown = await self._ports.target.get(entity, target_id)
        url = shown.attributes.get(name) if shown and name else None
        return url if isinstance(url, str) else None

    async def _put(self, record: PlannedRecord, url: str) -> None:
        field = _file_field(record)
        size = self.upload_size(record)
        path = record.values.get(field.name) if field else None
        if field is None or size is None or not isinstance(field.value, FileField):
            return
        with self._ports.files.open(field.value.source, str(path)) as body:
            await self._ports.target.upload(url, body, size)

    async def _commit(self, change: Change) -> None:
        await asyncio.wrap_future(self._ports.state.commit(change))


def _file_field(record: PlannedRecord) -> Field | None:
    return next((each for each in record.mapping.fields if isinstance(each.value, FileField)), None)


async def _each(items: Iterable[Item], concurrency: int, work: Callable[[Item], Awaitable[None]]) -> None:
    """Works on all items, some at a time."""
    waiting = iter(list(items))

    async def worker() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(worker())
