"""Executes a plan: every record at most once, whatever is cut, lost or killed.

The protocol in one paragraph: an intent is durable before a POST leaves; a certain answer settles the record; an unclear
one is never followed by a second POST until asking the target, after the quiet period and with sight proved, has shown
that the first did not take effect. Records go as soon as their own parents' ids are durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from etl.catalog.model import Entity
from etl.core.changes import Change, Intend, MarkBlocked, MarkCreated, MarkRejected, MarkUpdated, PendingLink
from etl.core.errors import (
    EtlError,
    Interrupted,
    RecordRejected,
    ResponseLost,
    StateError,
    TargetBusy,
    TargetRefused,
)
from etl.core.keys import RecordKey
from etl.core.outcomes import HELD, SEND_AGAIN, Action, Bucket, RecordState
from etl.core.ports import KnownRecord
from etl.core.records import Document, RunId, TargetId
from etl.load.ask import Asker, Question, Witness
from etl.load.brakes import Brakes
from etl.load.client_ids import ClientIds, is_there_already
from etl.load.commits import Commits
from etl.load.documents import Documents, refusal_text
from etl.load.done import CreatedKeys
from etl.load.first import FirstAlone
from etl.load.freshness import Freshness
from etl.load.lane import Lane, Prepared
from etl.load.notes import LoadNotes
from etl.load.parents import Parents, ParentUnreadable
from etl.load.patch import patch
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options
from etl.load.roots import Roots
from etl.load.schedule import Schedule
from etl.load.scope import home_of, scope_id, scope_id_of, scope_key
from etl.load.tail import Tail
from etl.load.twins import Twins
from etl.load.unclear import Unclear
from etl.load.uploads import UploadLane
from etl.load.waiting import BLOCK, LEAVE_OUT, WAIT, Waiting, early_fields

Reached = tuple[TargetId, Mapping[str, object]]
"""A record that was created: its id and what the answer shows of it."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load: requests in flight, the quiet period in seconds, and whether of all records below one root (a case, a
    person, a provider) only one is on its way at a time.
    """

    concurrency: int
    quiet_s: float
    one_root_at_a_time: bool = True


class Loader:
    """Loads planned records. One use."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, options: Options, settings: LoadSettings) -> None:
        self._ports = ports
        self._planned = planned
        self._settings = settings
        self.notes = LoadNotes()
        self._commits = Commits(ports.state)
        self._parents = Parents(ports.catalog, ports.target, ports.state)
        self._documents = Documents(ports, options, self._parents, self.notes)
        # Many more than can be sent: where all of one root stand together, the next roots must be in sight.
        self._schedule = Schedule(max(16 * settings.concurrency, 1024))
        self._waiting = Waiting(self._parents, self._schedule, ports.state)
        self._lane = Lane(max(settings.concurrency // 4, 2))
        self._roots = Roots(apart=settings.one_root_at_a_time)
        self._tail = Tail(ports, planned, self._parents)
        self._uploads = UploadLane(self._tail, self._guard)
        self._ids = ClientIds(ports)
        asker = Asker(ports.catalog, ports.target, ports.state, self._ids)
        self._unclear = Unclear(ports, asker, self._schedule, settings.quiet_s)
        self._twins = Twins()
        self._brakes = Brakes(ports.state, self.notes.stopped)
        self._first_alone = FirstAlone(self._brakes.is_proved)
        self._freshness = Freshness(ports, planned, settings.quiet_s)
        self._old: dict[RecordKey, KnownRecord] = {}
        self._tasks: asyncio.TaskGroup
        self._fatal: EtlError | None = None

    def interrupt(self) -> None:
        """Asks the load to end: what is in flight is drained, nothing new is sent."""
        self._stop(Interrupted("The run was interrupted.", hint="The same command goes on where it stopped."))

    async def run(self) -> None:
        """Loads everything that can be loaded. Raises what stopped it; state is true in any case."""
        async with asyncio.TaskGroup() as self._tasks:
            senders = self._settings.concurrency
            workers = [self._tasks.create_task(self._work()) for _ in range(max(senders // 2, 2))]
            workers += [self._tasks.create_task(self._send_prepared()) for _ in range(senders)]
            uploading = self._uploads.start(self._tasks)
            # Should the state be lost, to another run or with its server, even a request that is being repeated ends.
            workers.append(self._tasks.create_task(self._commits.watch()))
            await self._reconcile()
            await self._feed()
            await self._drain()
            await self._uploads.until_empty()
            for worker in (*workers, *uploading):
                worker.cancel()
        if self._fatal is None:
            await self._tail.run(self._settings.concurrency)
        if self._fatal is not None:
            raise self._fatal

    # ------------------------------------------------------------ the flow of records

    async def _reconcile(self) -> None:
        """Settles what earlier runs left unclear before anything new is sent."""
        unclear = self._ports.state.in_state(RecordState.INTENT, RecordState.UNCERTAIN)
        open_records = [known for known in unclear if not known.error.startswith(HELD)]
        planned = self._planned.find([known.key for known in open_records])
        if open_records:
            self._ports.progress.note(
                f"{len(open_records)} requests of an earlier run have no certain outcome: asking."
            )
        for known in open_records:
            record = planned.get(known.key)
            self._schedule.adopt(known.key)
            self._tasks.create_task(self._settle_old(known, record))
        await self._schedule.until_quiescent()

    async def _settle_old(self, known: KnownRecord, record: PlannedRecord | None) -> None:
        """Asks about an intent of an earlier run; a twin of one that is being asked about waits for its turn."""
        async with self._guard(known.key, known.entity):
            left_out = self._waiting.left_out(record) if record else []
            document = await self._old_document(known, record, left_out) if record else None
            if record is not None and document is not None and self._waits_for_twin(record, document):
                self._old[known.key] = known
                return
            state, scope = self._ports.state, known.scope
            home = scope_id_of(self._ports.catalog, state, known.entity, scope) if scope else None
            question = Question(known.key, known.entity, document, home, self._ids.sent_then(known))
            await self._find_out(record, question, left_out)

    async def _old_document(self, known: KnownRecord, record: PlannedRecord, left_out: list[str]) -> Document | None:
        """What was sent then, or what would be sent now where the record is asked about by its marker; None where
        neither can be told.
        """
        fields = [name for name in early_fields(record) if name not in left_out]
        if self._documents.fingerprint(record, left_out) != known.fingerprint:
            parents = {key for name in fields for key in record.parents()[name]}
            if not self._is_marked(record.entity) or not parents <= self._parents.created(parents).keys():
                return None
        return await self._documents.of(record, fields)

    async def _feed(self) -> None:
        """Hands planned records to the workers, in load order, leaving out what is done."""
        self._ports.progress.start("load", len(self._planned))
        done = CreatedKeys(self._ports.state.created_keys())
        for left_out, batch in self._planned.outstanding(done):
            if self._fatal is not None:
                break
            todo = self._outstanding(batch) if batch else []
            self._parents.prefetch(todo)
            self._ports.progress.advance(left_out + len(batch) - len(todo))
            for record in todo:
                if self._fatal is None:
                    await self._schedule.add(record)
        self._schedule.end_feed()

    async def _drain(self) -> None:
        """Waits until every record is settled; those that wait for a record which never comes are released."""
        while self._schedule.unsettled:
            await self._schedule.until_finished()
            self._schedule.release_orphans()
            await asyncio.sleep(0)

    def _outstanding(self, batch: list[PlannedRecord]) -> list[PlannedRecord]:
        known = self._ports.state.known([record.key for record in batch])
        run = self._ports.state.open_run()
        return [
            record
            for record in batch
            if not self._schedule.is_unsettled(record.key)
            and not _is_done(record, known.get(record.key), run.run_id if run else None)
        ]

    async def _work(self) -> None:
        while True:
            record = await self._schedule.next()
            old = self._old.pop(record.key, None)
            if self._is_stopped(record.entity):
                self._give_up(record.key)
            elif old is not None:
                self._tasks.create_task(self._settle_old(old, record))
            else:
                async with self._guard(record.key, record.entity):
                    if not await self._process(record):
                        self._roots.release(record.key)

    async def _process(self, record: PlannedRecord) -> bool:
        """Prepares a record's request, or puts it aside for a parent, or blocks it. False where it is not on its way."""
        fields = early_fields(record)
        left_out = []
        for name in fields:
            verdict, parent = self._waiting.look(record, name)
            if verdict == WAIT:
                self._schedule.wait_for(parent, record)
                return False
            if verdict == BLOCK:
                await self._commit(MarkBlocked(record.key, record.entity, record.mapping.name, parent))
                self._give_up(record.key)
                return False
            if verdict == LEAVE_OUT:
                left_out.append(name)
        if not self._roots.take(self._parents.root(record), record.key, lambda: self._schedule.again(record)):
            return True
        return await self._prepare(record, [name for name in fields if name not in left_out], left_out)

    # ------------------------------------------------------------ requests

    async def _prepare(self, record: PlannedRecord, fields: list[str], left_out: list[str]) -> bool:
        document = await self._documents.of(record, fields)
        if document is None:
            self._give_up(record.key)
            return False
        prepared = Prepared(record, document, left_out)
        if record.action is not Action.UPDATE:
            return not self._waits_for_twin(record, document) and await self._prepare_create(prepared)
        await self._lane.put(prepared)
        return True

    async def _prepare_create(self, prepared: Prepared) -> bool:
        record = prepared.record
        is_alone, is_handed_over = await self._first_alone.enter(record.entity), False
        try:
            if self._is_stopped(record.entity):
                self._give_up(record.key)
            else:
                asks = await self._promise(prepared)
                await self._lane.put(replace(prepared, is_alone=is_alone, asks=asks))
                is_handed_over = True
        finally:
            if is_alone and not is_handed_over:
                self._first_alone.leave(record.entity)
        return is_handed_over

    def _waits_for_twin(self, record: PlannedRecord, document: Document) -> bool:
        """Records that look alike under one parent are told apart only by settling one before the other."""
        home = home_of(self._entity(record.entity), document)
        if home is None:
            return False
        rival = self._twins.rival(home, document)
        if rival is not None:
            self._schedule.wait_for(rival, record)
            return True
        self._twins.hold(home, record.key, document)
        return False

    async def _promise(self, prepared: Prepared) -> bool:
        """Makes the intent durable; True where its record is to be asked about instead of sent."""
        await self._freshness.assured()
        record, left_out = prepared.record, prepared.left_out
        hashes, fingerprint = self._documents.hashes(record, left_out), self._documents.fingerprint(record, left_out)
        scope = scope_key(self._entity(record.entity), record)
        asks = self._freshness.asks_first(record.key)
        await self._commit(Intend(record.key, record.entity, record.mapping.name, fingerprint, hashes, scope))
        return asks

    async def _send_prepared(self) -> None:
        while True:
            prepared = await self._lane.take()
            record = prepared.record
            async with self._guard(record.key, record.entity):
                try:
                    await self._send(prepared)
                finally:
                    self._roots.release(record.key)

    async def _send(self, prepared: Prepared) -> None:
        record = prepared.record
        if record.action is Action.UPDATE:
            if self._is_stopped(record.entity):
                self._give_up(record.key)
            else:
                await self._update(record, prepared.document, prepared.left_out)
            return
        try:
            created = await self._create(prepared)
        finally:
            if prepared.is_alone:
                self._first_alone.leave(record.entity)
        home = scope_id(self._entity(record.entity), prepared.document)
        sent_id = None if prepared.asks else prepared.document.id
        question = Question(record.key, record.entity, prepared.document, home, sent_id)
        if created is not None:
            # The sender goes on while the id becomes durable: only children wait for that.
            self._tasks.create_task(self._finish(question, record, *created))
        elif self._schedule.is_unsettled(record.key):
            self._tasks.create_task(self._find_out(record, question, prepared.left_out))

    async def _create(self, prepared: Prepared) -> Reached | None:
        """One POST, or none where the load was stopped meanwhile: then the intent is taken back."""
        record = prepared.record
        if not self._is_stopped(record.entity):
            return None if prepared.asks else await self._post(record, prepared.document)
        if not prepared.asks:
            await self._commit(MarkRejected(record.key, None, f"{SEND_AGAIN} not sent"))
        self._give_up(record.key)
        return None

    async def _finish(
        self, question: Question, record: PlannedRecord, target_id: TargetId, shown: Mapping[str, object]
    ) -> None:
        async with self._guard(record.key, record.entity):
            await self._created(question, record, target_id, shown)

    async def _post(self, record: PlannedRecord, document: Document) -> Reached | None:
        """One POST under a durable intent; None where the answer was lost or the record refused (and then settled)."""
        try:
            created = await self._ports.target.create(document)
        except ResponseLost as lost:
            self._ids.lost(record.key, lost)
            self._unclear.lost(record.key, lost.status)
            self._brakes.lost(record.entity)
            return None
        except RecordRejected as refused:
            if is_there_already(self._entity(record.entity), refused):
                self._unclear.known_there(record.key)
                return None
            await self._commit(MarkRejected(record.key, refused.status, refusal_text(refused)))
            self._give_up(record.key)
            self._brakes.refused(record.entity, refused.status)
            return None
        except (TargetBusy, TargetRefused) as error:
            # Certainly not applied, and not the record's fault: nothing to ask about later.
            await self._commit(MarkRejected(record.key, getattr(error, "status", None), f"{SEND_AGAIN} {error.code}"))
            raise
        self._brakes.accepted(record.entity)
        self._ids.answered(document, created.id)
        return created.id, created.attributes

    async def _find_out(self, record: PlannedRecord | None, question: Question, left_out: list[str]) -> None:
        """Settles a record whose answer was lost."""
        document = question.document

        async def resend() -> TargetId | None:
            if record is None or document is None:
                return None
            await self._roots.turn(self._parents.root(record), record.key)
            try:
                asks = await self._promise(Prepared(record, document, left_out))
                created = None if asks else await self._post(record, document)
            finally:
                self._roots.release(record.key)
            return created[0] if created else None

        async with self._guard(question.key, question.entity):
            can_resend = record is not None and document is not None
            was_sent = not self._freshness.is_asking(question.key)
            found = await self._unclear.settle(question, resend if can_resend else None, was_sent=was_sent)
            if found is not None:
                if document is not None and question.sent_id is not None:
                    self._ids.answered(document, found)
                await self._created(question, record, found, {})
            elif self._schedule.is_unsettled(question.key):
                self._give_up(question.key)

    async def _created(
        self, question: Question, record: PlannedRecord | None, target_id: TargetId, shown: Mapping[str, object]
    ) -> None:
        links = self._deferred_links(record) if record else ()
        size = self._tail.upload_size(record) if record else None
        created: list[Change] = [MarkCreated(question.key, target_id, links, size)]
        if record is None or await self._freshness.differs(question, target_id):
            # What is there is not what would be sent: the next plan compares with nothing and sends everything again.
            created.append(MarkUpdated(question.key, "", b""))
        await self._commit(*created)
        scope = scope_key(self._entity(question.entity), record) if record else None
        self._parents.remember(question.key, question.entity, target_id, scope)
        self._unclear.saw(question.entity, Witness(question.key, target_id, question.scope_id))
        if record is not None and size is not None:
            self._uploads.offer(record, target_id, shown)
        self._settle(question.key)

    async def _update(self, record: PlannedRecord, document: Document, left_out: list[str]) -> None:
        """A PATCH and, where the file changed, its bytes; both can be repeated, so state learns of them afterwards."""
        known = self._ports.state.known([record.key])[record.key]
        try:
            await patch(self._ports, known, document, file=self._tail.changes_file(record))
            stored = known.target_id is None or await self._tail.upload_changed(record, known.target_id)
        except RecordRejected as refused:
            self._note_refusal(record, refused)
            self._give_up(record.key)
            return
        if not stored:
            self.notes.failures[record.key] = ("file_missing", "its bytes could not be uploaded")
            self._give_up(record.key)
            return
        links = tuple(link for link in self._deferred_links(record) if link.field in record.changed)
        if left_out:
            nothing_sent = set(left_out) >= record.changed and not record.cleared
            self.notes.without_link[record.key] = Bucket.UNCHANGED if nothing_sent else Bucket.UPDATED
        hashes, fingerprint = self._documents.hashes(record, left_out), self._documents.fingerprint(record, left_out)
        await self._commit(MarkUpdated(record.key, fingerprint, hashes, links))
        self._settle(record.key)

    def _deferred_links(self, record: PlannedRecord) -> tuple[PendingLink, ...]:
        parents = record.parents()
        return tuple(PendingLink(name, key) for name in sorted(record.deferred) for key in parents.get(name, ()))

    # ------------------------------------------------------------ what went wrong

    def _is_stopped(self, entity: str) -> bool:
        return self._fatal is not None or entity in self.notes.stopped

    def _note_refusal(self, record: PlannedRecord, refused: RecordRejected) -> None:
        gone = refused.status == 404  # noqa: PLR2004 - HTTP's own number
        self.notes.failures[record.key] = ("lost_in_target" if gone else "rejected_by_target", refusal_text(refused))

    @asynccontextmanager
    async def _guard(self, key: RecordKey, entity: str) -> AsyncIterator[None]:
        """Keeps an error of the way to the target from ending more than it must; the intent stays durable."""
        try:
            yield
        except (TargetBusy, TargetRefused, ResponseLost, RecordRejected, ParentUnreadable, StateError) as error:
            if isinstance(error, ParentUnreadable):
                self.notes.failures[key] = ("parent_missing", f"{error.entity} shows no {error.attribute}")
                self._give_up(key)
                return
            forbidden = isinstance(error, TargetRefused) and error.status == 403  # noqa: PLR2004 - HTTP's own number
            if forbidden:
                self.notes.stopped[entity] = str(error)
            else:
                self._stop(error)
            if self._schedule.is_unsettled(key):
                self._give_up(key)

    def _stop(self, error: EtlError) -> None:
        self._fatal = self._fatal or error
        self._unclear.stop()
        self._tail.stop()
        self._uploads.stop()

    def _give_up(self, key: RecordKey) -> None:
        """Settles a record that will not be created in this run: those that wait for it need not hope."""
        self._waiting.given_up.add(key)
        self._settle(key)

    def _settle(self, key: RecordKey) -> None:
        self._twins.release(key)
        self._roots.release(key)
        self._schedule.settle(key)
        self._ports.progress.advance()

    async def _commit(self, *changes: Change) -> None:
        await self._commits.commit(*changes)

    def _entity(self, name: str) -> Entity:
        return self._ports.catalog.entity(name)

    def _is_marked(self, entity: str) -> bool:
        """Whether records of an entity carry a marker by which they are found again."""
        rung = self._entity(entity).marker
        return rung is not None and rung.slot is not None


def _is_done(record: PlannedRecord, known: KnownRecord | None, run_id: RunId | None) -> bool:
    """Whether the record needs nothing more in this run: done before an interruption, or left to reconciliation.

    What an earlier run saw refused stands in this plan because it is to be tried again; what this run saw refused is done.
    """
    if known is None or known.state in (RecordState.BLOCKED, RecordState.UNDONE) or known.error.startswith(SEND_AGAIN):
        return False
    if known.state is RecordState.REJECTED:
        return known.run_id == run_id
    return record.action is not Action.UPDATE or known.fingerprint == record.fingerprint
