"""From a document to its outcome: the intent made durable, the request, and what becomes of its answer.

A create leaves only under a durable intent; an update may be repeated, so state learns of it afterwards. A place in flight
is held from the first byte to the answer and never while the disk is waited for: more records than places are on their
way, those in front with intents that are durable, those behind with ids that are about to be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from etl.catalog.model import Entity
from etl.core.changes import Change, Intend, MarkCreated, MarkRejected, MarkRestored, MarkUpdated
from etl.core.errors import RecordRejected, ResponseLost, TargetBusy, TargetRefused
from etl.core.fingerprint import with_unknown_values, without
from etl.core.outcomes import DELETED_ON_PURPOSE, SEND_AGAIN, Action, Bucket, RecordState
from etl.core.records import Document, TargetId
from etl.load.ask import Asker, Question, Witness
from etl.load.brakes import Brakes
from etl.load.client_ids import ClientIds, is_there_already
from etl.load.course import Course, LoadSettings
from etl.load.documents import refusal_text
from etl.load.first import FirstAlone
from etl.load.flights import Flights
from etl.load.freshness import Freshness
from etl.load.lost_parents import blocked_by_lost_parent
from etl.load.patch import patch
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.scope import scope_id, scope_key
from etl.load.tail import Tail
from etl.load.unclear import Unclear
from etl.load.uploads import UploadLane

Reached = tuple[TargetId, Mapping[str, object]]
"""A record that was created: its id and what the answer shows of it."""


class Prepared(NamedTuple):
    """A request ready to leave. ``left_out`` are the optional references that it goes without."""

    record: PlannedRecord
    document: Document
    left_out: list[str]


class Sender:
    """Sends what is prepared and settles what comes of it."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, course: Course, settings: LoadSettings) -> None:
        self.ids = ClientIds(ports)
        self._ports = ports
        self._course = course
        self._settings = settings
        self._endings = course.endings
        self._commit = course.commits.commit
        self._flights = Flights(settings.concurrency)
        # What a kill would leave to be asked about is bounded: with each place in flight, two that wait for one.
        self._promises = asyncio.Semaphore(3 * settings.concurrency)
        self._tail = Tail(ports, planned, course.parents)
        self._uploads = UploadLane(self._tail, self._endings.guard)
        asker = Asker(ports.catalog, ports.target, ports.state, self.ids, course.twins)
        self._unclear = Unclear(ports, asker, course.schedule, settings.quiet_s)
        self._brakes = Brakes(ports.state, course.notes.stopped)
        self._first_alone = FirstAlone(self._brakes.is_proved)
        self._freshness = Freshness(ports, planned, settings.quiet_s)
        self._endings.also_stop(self._unclear.stop, self._tail.stop, self._uploads.stop)
        self._tasks: asyncio.TaskGroup

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Begins to send; the tasks end only by being cancelled."""
        self._tasks = tasks
        return self._flights.start(tasks) + self._uploads.start(tasks)

    async def until_uploaded(self) -> None:
        """Waits until what was taken in to be uploaded beside the load is uploaded or let go."""
        await self._uploads.until_empty()

    async def run_tail(self) -> None:
        """Sets links and uploads bytes that are still pending."""
        await self._tail.run(self._settings.concurrency)

    async def send(self, prepared: Prepared) -> Reached | None:
        """Sends a request, a create under an intent made durable. What was created, which is then to be :meth:`settled`; None
        where the record is settled, or asked about from here on.
        """
        record = prepared.record
        if record.action is Action.UPDATE:
            await self._flights.take(lambda: self._update_or_give_up(prepared))
            return None
        is_alone, asks = await self._first_alone.enter(record.entity), False
        try:
            async with self._promises:
                if self._endings.is_stopped(record.entity):
                    self._endings.give_up(record.key)
                    return None
                asks = await self._promise(prepared)
                created = await self._flights.take(lambda: self._create(prepared, asks=asks))
        finally:
            if is_alone:
                self._first_alone.leave(record.entity)
        if created is None and self._course.schedule.is_unsettled(record.key):
            question = self._question(prepared, asks=asks)
            self._tasks.create_task(self.find_out(record, question, prepared.left_out))
        return created

    async def settled(self, prepared: Prepared, created: Reached) -> None:
        """Makes the id durable under which a record was created; its children may go then."""
        await self._created(self._question(prepared), prepared.record, *created)

    def _question(self, prepared: Prepared, *, asks: bool = False) -> Question:
        record, document = prepared.record, prepared.document
        home = scope_id(self._entity(record.entity), document)
        return Question(record.key, record.entity, document, home, None if asks else document.id)

    async def _promise(self, prepared: Prepared) -> bool:
        """Makes the intent durable; True where its record is to be asked about instead of sent."""
        await self._freshness.assured()
        record, left_out = prepared.record, prepared.left_out
        documents = self._course.documents
        hashes, fingerprint = documents.hashes(record, left_out), documents.fingerprint(record, left_out)
        scope = scope_key(self._entity(record.entity), record)
        asks = self._freshness.asks_first(record.key)
        await self._commit(Intend(record.key, record.entity, record.mapping.name, fingerprint, hashes, scope))
        return asks

    async def _create(self, prepared: Prepared, *, asks: bool) -> Reached | None:
        """One POST, or none where the load was stopped meanwhile: then the intent is taken back."""
        record = prepared.record
        if not self._endings.is_stopped(record.entity):
            if not asks:
                return await self._post(record, prepared.document)
            # It may be there, as after a lost answer: what is found beside it may be it.
            self._course.twins.lost(record.key)
            return None
        if not asks:
            await self._commit(MarkRejected(record.key, None, f"{SEND_AGAIN} not sent"))
        self._endings.give_up(record.key)
        return None

    async def _post(self, record: PlannedRecord, document: Document) -> Reached | None:
        """One POST under a durable intent; None where the answer was lost or the record refused (and then settled)."""
        try:
            created = await self._ports.target.create(document, self._course.commits.still_ours)
        except ResponseLost as lost:
            self.ids.lost(record.key, lost)
            self._course.twins.lost(record.key)
            self._unclear.lost(record.key, lost.status)
            self._brakes.lost(record.entity)
            return None
        except RecordRejected as refused:
            await self._refused(record, refused)
            return None
        except (TargetBusy, TargetRefused) as error:
            # Certainly not applied, and not the record's fault: nothing to ask about later.
            await self._commit(MarkRejected(record.key, getattr(error, "status", None), f"{SEND_AGAIN} {error.code}"))
            self._course.twins.cleared(record.key)
            raise
        self._brakes.accepted(record.entity)
        self.ids.answered(document, created.id)
        return created.id, created.attributes

    async def _refused(self, record: PlannedRecord, refused: RecordRejected) -> None:
        """What a refusal means: the record is there already, or its parent is not any more, or it is the record's own fault."""
        if is_there_already(self._entity(record.entity), refused):
            self._unclear.known_there(record.key)
            return
        if not await blocked_by_lost_parent(self._ports, self._course.notes, record, refused):
            await self._commit(MarkRejected(record.key, refused.status, refusal_text(refused)))
            self._brakes.refused(record.entity, refused.status)
        self._course.twins.cleared(record.key)
        self._endings.give_up(record.key)

    async def find_out(self, record: PlannedRecord | None, question: Question, left_out: list[str]) -> None:
        """Settles a record whose answer was lost; ``record`` is None where it is not in this run's plan."""
        document, sent = question.document, set[TargetId]()

        async def resend() -> TargetId | None:
            if record is None or document is None:
                return None
            if record.action is not Action.CREATE:
                # It was sent once, is not there, and may be in Casebook under another id: that is the next plan's question.
                await self._commit(MarkRejected(record.key, None, f"{SEND_AGAIN} not there"))
                self._course.twins.cleared(record.key)
                self._endings.give_up(record.key)
                return None
            await self._course.roots.turn(self._course.parents.root(record), record.key)
            try:
                if self._endings.is_stopped(record.entity):
                    self._endings.give_up(record.key)
                    return None
                asks = await self._promise(Prepared(record, document, left_out))
                created = None if asks else await self._post(record, document)
            finally:
                self._course.roots.release(record.key)
            sent.update(created[:1] if created else ())
            return created[0] if created else None

        with self._endings.guard(question.key, question.entity):
            can_resend = record is not None and document is not None
            was_sent = not self._freshness.is_asking(question.key)
            found = await self._unclear.settle(question, resend if can_resend else None, was_sent=was_sent)
            if found is not None:
                if document is not None and question.sent_id is not None:
                    self.ids.answered(document, found)
                holds = () if found in sent else await self._as_found(question, record, found)
                await self._created(question, record, found, {}, *holds)
            elif self._course.schedule.is_unsettled(question.key):
                if self._ports.state.known([question.key])[question.key].state is RecordState.REJECTED:
                    self._course.twins.cleared(question.key)
                self._endings.give_up(question.key)

    async def _created(
        self,
        question: Question,
        record: PlannedRecord | None,
        target_id: TargetId,
        shown: Mapping[str, object],
        *holds: Change,
    ) -> None:
        """Makes a record durable that is there; ``holds`` says what of it is known to be there, where that is not what is
        planned.
        """
        links = record.late_links() if record else ()
        size = record.upload_bytes() if record else None
        created: list[Change] = [MarkCreated(question.key, target_id, links, size)]
        created += self._course.parents.shown_at_birth(question.key, question.entity, shown)
        await self._commit(*created, *holds)
        scope = scope_key(self._entity(question.entity), record) if record else None
        self._course.parents.remember(question.key, question.entity, target_id, scope)
        self._unclear.saw(question.entity, Witness(question.key, target_id, question.scope_id))
        self._course.twins.cleared(question.key)
        if record is not None and size is not None:
            self._uploads.offer(record, target_id, shown)
        self._endings.settle(question.key)

    async def _as_found(self, question: Question, record: PlannedRecord | None, target_id: TargetId) -> list[Change]:
        """What a record holds that an earlier request made, and that need not be what is planned."""
        is_as_sent = record is not None and not await self._freshness.differs(question, target_id)
        known = self._ports.state.known([question.key])[question.key]
        blob = known.field_hashes
        if record is None or blob != record.field_hashes:
            blob = without(self._ports.keys, blob, await self._unset_links(question.entity, target_id, record))
        if not is_as_sent:
            # What is there is not what would be sent, or its links and files are not known: the next plan sends everything
            # again, and sees to what the source has no more by then.
            return [MarkRestored(known.key, "", with_unknown_values(blob), known.run_id)]
        mark = self._ports.keys.fingerprint([blob])
        return [] if blob == known.field_hashes else [MarkRestored(known.key, mark, blob, known.run_id)]

    async def _unset_links(self, entity: str, target_id: TargetId, record: PlannedRecord | None) -> list[str]:
        """The links which Casebook shows empty and which are not promised anew: an earlier plan promised them at the most, so
        nothing of them is left there. None where it cannot be looked at.
        """
        try:
            shown = await self._ports.target.get(entity, target_id)
        except TargetRefused:
            return []
        promised = {link.field for link in record.late_links()} if record else set()
        return [
            name for name in self._entity(entity).links if shown and not shown.links.get(name) and name not in promised
        ]

    async def _update_or_give_up(self, prepared: Prepared) -> None:
        if self._endings.is_stopped(prepared.record.entity):
            self._endings.give_up(prepared.record.key)
        else:
            await self._update(*prepared)

    async def _update(self, record: PlannedRecord, document: Document, left_out: list[str]) -> None:
        """A PATCH and, where the file changed, its bytes; both can be repeated, so state learns of them afterwards."""
        known = self._ports.state.known([record.key])[record.key]
        notes = self._course.notes
        try:
            await patch(self._ports, known, document, file=self._tail.changes_file(record))
            stored = known.target_id is None or await self._tail.upload_changed(record, known.target_id)
        except RecordRejected as refused:
            is_gone = refused.status == 404  # noqa: PLR2004 - HTTP's own number
            if is_gone and self._ports.state.attribute(record.key, DELETED_ON_PURPOSE):
                notes.without_link[record.key] = Bucket.UNCHANGED
            else:
                code = "lost_in_target" if is_gone else "rejected_by_target"
                notes.failures[record.key] = (code, refusal_text(refused))
            self._endings.give_up(record.key)
            return
        if not stored:
            notes.failures[record.key] = ("file_missing", "its bytes could not be uploaded")
            self._endings.give_up(record.key)
            return
        links = tuple(link for link in record.late_links() if link.field in record.changed)
        if left_out:
            nothing_sent = set(left_out) >= record.changed and not record.cleared
            notes.without_link[record.key] = Bucket.UNCHANGED if nothing_sent else Bucket.UPDATED
        documents, before = self._course.documents, known.field_hashes
        hashes = documents.hashes(record, left_out, before)
        fingerprint = documents.fingerprint(record, left_out, before)
        await self._commit(MarkUpdated(record.key, fingerprint, hashes, links))
        self._endings.settle(record.key)

    def _entity(self, name: str) -> Entity:
        return self._ports.catalog.entity(name)
