"""The repeatable tail of loading: links set by a later PATCH, and attachments' bytes.

Both are idempotent, so they are done again at will after an interruption; the attachment's *record* is not and goes
through the intent protocol like every other.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from etl.catalog.model import Link
from etl.core.changes import Change, MarkLinked, MarkRestored, MarkUploaded, PendingLink
from etl.core.errors import Finding, RecordRejected, SourceUnavailable, TargetRefused
from etl.core.fingerprint import entry_of, field_name_hash, kept, with_unknown_values
from etl.core.keys import RecordKey
from etl.core.records import Document, TargetId
from etl.load.parents import Parent, Parents
from etl.load.patch import patch
from etl.load.planned import SHA256_SUFFIX, PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.mapping.model import FileField

Item = TypeVar("Item")
UPLOADS_AT_ONCE = 4
"""Files are in memory as a whole while they are under way."""
_UPLOADS_IN_SIGHT = 10_000


class Tail:
    """Sets deferred links and uploads bytes."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, parents: Parents) -> None:
        self._ports = ports
        self._planned = planned
        self._parents = parents
        self._forbidden: set[str] = set()
        self._stopping = False

    def stop(self) -> None:
        """Begins nothing more; what is left stays pending."""
        self._stopping = True

    async def run(self, concurrency: int) -> None:
        """Everything that is pending; what cannot be done now stays pending."""
        links = list(self._ports.state.pending_links())
        children = self._parents.created({key for key, _ in links})
        many = [key for key, link in links if key in children and self._catalogued(children[key], link).many]
        planned = self._planned.find(many) if many else {}
        planned |= {record.key: record for record in self._planned.unlinked()}
        # Links of one record follow one another: the server would let one of them wait for the other.
        by_child = [list(each) for _, each in groupby(links, itemgetter(0))]
        await self._each(by_child, concurrency, lambda pending: self._links_of_one(pending, planned))
        await self._upload_rest()

    async def _links_of_one(
        self, links: Iterable[tuple[RecordKey, PendingLink]], planned: Mapping[RecordKey, PlannedRecord]
    ) -> None:
        for key, link in links:
            record = planned.get(key)
            if record is None or self._refers(record, link):
                await self._link(key, link, record)
            else:
                await self._end(record, link)

    async def _upload_rest(self) -> None:
        keys = list(self._ports.state.pending_uploads())
        if keys:
            self._ports.progress.start("attachments", len(keys))
        for start in range(0, len(keys), _UPLOADS_IN_SIGHT):
            pending = self._planned.find(keys[start : start + _UPLOADS_IN_SIGHT])
            await self._each(pending.values(), UPLOADS_AT_ONCE, self._upload_pending)

    async def upload(self, record: PlannedRecord, target_id: TargetId, shown: Mapping[str, object]) -> None:
        """Uploads a record's bytes to the address that its creation returned, or to a fresh one.

        Where that fails for this record alone the upload stays pending: the run's end asks for a new address.
        """
        try:
            stored = await self._store(record, target_id, shown)
        except RecordRejected:
            stored = False
        if stored:
            await self._commit(MarkUploaded(record.key))

    def changes_file(self, record: PlannedRecord) -> bool:
        """Whether an update replaces a record's bytes."""
        field = record.file
        return field is not None and field.name in record.changed

    async def upload_changed(self, record: PlannedRecord, target_id: TargetId) -> bool:
        """Uploads again where an update changed the file; False where that was to be done and could not."""
        return await self._store(record, target_id, {}) if self.changes_file(record) else True

    async def _link(self, key: RecordKey, link: PendingLink, record: PlannedRecord | None) -> None:
        """Sets one link where child and parent are there; one that holds many is set as a whole, from its record."""
        both = self._parents.created([key, link.parent])
        if len(both) < len({key, link.parent}) or both[key].entity in self._forbidden:
            return
        child, known = both[key], self._catalogued(both[key], link)
        if known.many and record is None:
            return
        wanted = record.parents().get(link.field, ()) if record and known.many else (link.parent,)
        there = self._parents.created(wanted)
        async with self._forgiving(child.entity):
            refs = tuple([await self._parents.ref(known, each, parent) for each, parent in there.items()])
            document = Document(child.entity, {}, {link.field: refs if known.many else refs[0]})
            await patch(self._ports, self._ports.state.known([key])[key], document, link=link.field)
            if len(there) == len(wanted):
                await self._commit(MarkLinked(key, link.field))
        self._ports.progress.advance(0)

    def _refers(self, record: PlannedRecord, link: PendingLink) -> bool:
        """Whether a planned record holds a pending link still, as its plan judged it."""
        parents = record.parents().get(link.field, ())
        many = self._ports.catalog.entity(record.entity).links[link.field].many
        return bool(parents) if many else link.parent in parents

    async def _end(self, record: PlannedRecord, link: PendingLink) -> None:
        """Ends a link that the source does not have any more: nothing is sent, and state knows again what was there before
        it was promised, if anything; or that it is set, in part or by a run that died of it.

        Where an update that says otherwise of this field did not take effect, the next plan judges anew.
        """
        created = self._parents.created([record.key]).get(record.key)
        if created is None or created.entity in self._forbidden:
            return
        keys, known = self._ports.keys, self._ports.state.known([record.key])[record.key]
        held, planned = (entry_of(keys, blob, link.field) for blob in (known.field_hashes, record.field_hashes))
        is_to_be_sent = link.field in record.parents() or link.field in record.emptied
        if is_to_be_sent and None not in (held, planned) and held != planned:
            return
        async with self._forgiving(record.entity):
            blob = known.field_hashes
            if not is_to_be_sent and await self._is_set(created, link):
                blob = with_unknown_values(blob, [field_name_hash(keys, link.field)])
            elif not is_to_be_sent:
                blob = kept(keys, record.field_hashes, blob, [link.field])
            changes: list[Change] = [MarkLinked(record.key, link.field)]
            if blob != known.field_hashes:
                changes.append(MarkRestored(record.key, keys.fingerprint([blob]), blob, known.run_id))
            # An image of nothing sent: undoing the run makes the link pending again.
            await patch(self._ports, known, Document(record.entity, {}, {}), link=link.field)
            await self._commit(*changes)

    async def _is_set(self, child: Parent, link: PendingLink) -> bool:
        """Whether Casebook shows what was promised, or of a link that holds many any parent at all."""
        shown = await self._ports.target.get(child.entity, child.id)
        there = shown.links.get(link.field) if shown else None
        if isinstance(there, tuple):
            return bool(there)
        parent = self._parents.created([link.parent]).get(link.parent)
        return there is not None and parent is not None and there.id == parent.id

    def _catalogued(self, child: Parent, link: PendingLink) -> Link:
        return self._ports.catalog.entity(child.entity).links[link.field]

    @asynccontextmanager
    async def _forgiving(self, entity: str) -> AsyncIterator[None]:
        """Leaves pending what was refused, so that the rest goes on; it is counted, and verify names it."""
        try:
            yield
        except RecordRejected:
            return
        except TargetRefused as refused:
            if refused.status != 403:  # noqa: PLR2004 - HTTP's own number
                raise
            self._forbidden.add(entity)

    async def _upload_pending(self, record: PlannedRecord) -> None:
        self._ports.progress.advance()
        created = self._parents.created([record.key]).get(record.key)
        if created is not None and record.entity not in self._forbidden:
            async with self._forgiving(record.entity):
                await self.upload(record, created.id, {})

    async def _store(self, record: PlannedRecord, target_id: TargetId, shown: Mapping[str, object]) -> bool:
        """Uploads; False where there is no address or no file to upload. Raises what the target raises."""
        step = self._ports.catalog.entity(record.entity).step("upload")
        name = step.url_attribute if step else None
        url = shown.get(name) if name else None
        if not isinstance(url, str):
            url = await self._fresh_url(record.entity, target_id, name)
        return url is not None and await self._put(record, url)

    async def _fresh_url(self, entity: str, target_id: TargetId, name: str | None) -> str | None:
        shown = await self._ports.target.get(entity, target_id)
        url = shown.attributes.get(name) if shown and name else None
        return url if isinstance(url, str) else None

    async def _put(self, record: PlannedRecord, url: str) -> bool:
        field = record.file
        size = record.upload_bytes()
        path = record.values.get(field.name) if field else None
        if field is None or size is None or not isinstance(field.value, FileField):
            return False
        try:
            body = self._ports.files.open(field.value.source, str(path))
        except SourceUnavailable:
            # It went away after the plan was made: this record's loss, not the run's.
            return False
        with body:
            content = await asyncio.to_thread(body.read, size + 1)
        planned = record.values.get(field.name + SHA256_SUFFIX)
        if len(content) != size or (planned and await asyncio.to_thread(_sha256, content) != planned):
            # Replaced or written to since: other bytes, and be they as many, may be somebody else's.
            finding = Finding("file_changed", "The file is not the one that it was when the plan was made")
            raise RecordRejected("The upload of an attachment was not begun.", status=400, findings=[finding])
        await self._ports.target.upload(url, io.BytesIO(content), size)
        return True

    async def _commit(self, *changes: Change) -> None:
        await asyncio.wrap_future(self._ports.state.commit(*changes))

    async def _each(self, items: Iterable[Item], concurrency: int, work: Callable[[Item], Awaitable[None]]) -> None:
        """Works on all items, some at a time, until told to stop."""
        waiting = iter(list(items))

        async def worker() -> None:
            for item in waiting:
                if self._stopping:
                    return
                await work(item)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(worker())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
