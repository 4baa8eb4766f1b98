"""Executes a plan: every record at most once, whatever is cut, lost or killed.

The protocol in one paragraph: an intent is durable before a POST leaves; a certain answer settles the record; an unclear
one is never followed by a second POST until asking the target, after the quiet period and with sight proved, has shown
that the first did not take effect. Records go as soon as their own parents' ids are durable.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from etl.catalog.model import Entity
from etl.catalog.payloads import Payloads
from etl.core.changes import Change, Intend, MarkBlocked, MarkCreated, MarkRejected, MarkUpdated, PendingLink
from etl.core.errors import EtlError, Finding, Interrupted, RecordRejected, ResponseLost, TargetBusy, TargetRefused
from etl.core.fingerprint import without
from etl.core.keys import RecordKey
from etl.core.outcomes import SEND_AGAIN, Action, Bucket, RecordState
from etl.core.ports import KnownRecord
from etl.core.records import Document, RunId, TargetId
from etl.load.ask import Asker, Question, Witness
from etl.load.first import FirstAlone
from etl.load.notes import LoadNotes
from etl.load.parents import Parents, ParentUnreadable, scope_id_of
from etl.load.patch import patch
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options, Renderer, UnknownOption
from etl.load.schedule import Schedule
from etl.load.tail import Tail
from etl.load.twins import Twins
from etl.load.unclear import Unclear

_REJECTED_ALL = 20
"""An entity whose first records are all refused, this many, is stopped: the mapping is wrong, not the data."""
_LOST_ALL = 5
"""An entity whose first answers are all lost, this many, is stopped: each of them is held until sight can be proved."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load: requests in flight and the quiet period in seconds."""

    concurrency: int
    quiet_s: float


class Loader:
    """Loads planned records. One use."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, options: Options, settings: LoadSettings) -> None:
        self._ports = ports
        self._planned = planned
        self._settings = settings
        self._renderer = Renderer(ports.catalog, options)
        self._payloads = Payloads(ports.catalog)
        self._parents = Parents(ports.catalog, ports.target, ports.state)
        self._schedule = Schedule(max(4 * settings.concurrency, 64))
        self._tail = Tail(ports, planned, self._parents)
        self._unclear = Unclear(
            ports, Asker(ports.catalog, ports.target, ports.state), self._schedule, settings.quiet_s
        )
        self._twins = Twins()
        self._first_alone = FirstAlone(self._is_proved)
        self._old: dict[RecordKey, KnownRecord] = {}
        self._given_up: set[RecordKey] = set()
        self._answers: Counter[tuple[str, bool]] = Counter()
        self._lost: Counter[str] = Counter()
        self._tasks: asyncio.TaskGroup
        self._fatal: EtlError | None = None
        self.notes = LoadNotes()

    def interrupt(self) -> None:
        """Asks the load to end: what is in flight is drained, nothing new is sent."""
        self._stop(Interrupted("The run was interrupted.", hint="The same command goes on where it stopped."))

    async def run(self) -> None:
        """Loads everything that can be loaded. Raises what stopped it; state is true in any case."""
        async with asyncio.TaskGroup() as self._tasks:
            workers = [self._tasks.create_task(self._work()) for _ in range(self._settings.concurrency)]
            # Should the state be lost, to another run or with its server, even a request that is being repeated ends.
            workers.append(self._tasks.create_task(self._watch_state()))
            await self._reconcile()
            await self._feed()
            await self._drain()
            for worker in workers:
                worker.cancel()
        if self._fatal is None:
            await self._tail.run(self._settings.concurrency)
        if self._fatal is not None:
            raise self._fatal

    # ------------------------------------------------------------ the flow of records

    async def _reconcile(self) -> None:
        """Settles what earlier runs left unclear before anything new is sent."""
        open_records = list(self._ports.state.in_state(RecordState.INTENT, RecordState.UNCERTAIN))
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
            left_out = self._left_out(record) if record else []
            document = await self._old_document(known, record, left_out) if record else None
            if record is not None and document is not None and self._waits_for_twin(record, document):
                self._old[known.key] = known
                return
            state, scope = self._ports.state, known.scope
            scope_id = scope_id_of(self._ports.catalog, state, known.entity, scope) if scope else None
            await self._find_out(record, Question(known.key, known.entity, document, scope_id), left_out)

    async def _old_document(self, known: KnownRecord, record: PlannedRecord, left_out: list[str]) -> Document | None:
        """What was sent then, or what would be sent now where the record is asked about by its marker; None where
        neither can be told.
        """
        fields = [name for name in self._early_fields(record) if name not in left_out]
        if self._fingerprint(record, left_out) != known.fingerprint:
            parents = {key for name in fields for key in record.parents()[name]}
            if not self._is_marked(record.entity) or not parents <= self._parents.created(parents).keys():
                return None
        return await self._document(record, fields)

    async def _feed(self) -> None:
        """Hands planned records to the workers, in load order, leaving out what is done."""
        self._ports.progress.start("load", len(self._planned))
        for batch in self._planned.batches():
            if self._fatal is not None:
                break
            todo = self._outstanding(batch)
            self._parents.prefetch(todo)
            self._ports.progress.advance(len(batch) - len(todo))
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
        wanted = [each for each in batch if each.action in (Action.CREATE, Action.UPDATE)]
        known = self._ports.state.known([record.key for record in wanted])
        run = self._ports.state.open_run()
        return [
            record
            for record in wanted
            if not self._schedule.is_unsettled(record.key)
            and not _is_done(record, known.get(record.key), run.run_id if run else None)
        ]

    async def _watch_state(self) -> None:
        await asyncio.wrap_future(self._ports.state.broken)

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
                    await self._process(record)

    async def _process(self, record: PlannedRecord) -> None:
        """Sends a record, or puts it aside for a parent, or blocks it."""
        fields = self._early_fields(record)
        left_out = []
        for name in fields:
            verdict, parent = self._look_at_parents(record, name)
            if verdict == "wait":
                self._schedule.wait_for(parent, record)
                return
            if verdict == "block":
                await self._commit(MarkBlocked(record.key, record.entity, record.mapping.name, parent))
                self._give_up(record.key)
                return
            if verdict == "leave_out":
                left_out.append(name)
        await self._send(record, [name for name in fields if name not in left_out], left_out)

    def _look_at_parents(self, record: PlannedRecord, field: str) -> tuple[str, RecordKey]:
        """What one reference means for the record now: ``go``, ``wait``, ``block`` or ``leave_out``, and for whom."""
        keys = record.parents().get(field, ())
        created = self._parents.created(keys)
        for key in keys:
            if key in created:
                continue
            if self._schedule.is_unsettled(key) or self._may_come(key):
                return "wait", key
            return ("leave_out" if record.policy(field) == "empty" else "block"), key
        return "go", record.key

    def _may_come(self, key: RecordKey) -> bool:
        """Whether a parent may still be fed: one never seen, or one that an earlier run could not load."""
        if not self._schedule.feeding or key in self._given_up:
            return False
        known = self._ports.state.known([key]).get(key)
        return known is None or known.state in (RecordState.BLOCKED, RecordState.REJECTED)

    def _early_fields(self, record: PlannedRecord) -> list[str]:
        """The references that this request carries: not the deferred ones, and for an update only what changed."""
        names = [name for name in record.parents() if name not in record.deferred]
        return names if record.action is Action.CREATE else [name for name in names if name in record.changed]

    # ------------------------------------------------------------ requests

    async def _send(self, record: PlannedRecord, fields: list[str], left_out: list[str]) -> None:
        document = await self._document(record, fields)
        if document is None:
            self._give_up(record.key)
        elif record.action is Action.UPDATE:
            await self._update(record, document, left_out)
        elif not self._waits_for_twin(record, document):
            await self._create(record, document, left_out)

    async def _document(self, record: PlannedRecord, fields: list[str]) -> Document | None:
        """The record as a document, or None where the tenant offers no such option (noted as a failure)."""
        updating = record.action is Action.UPDATE
        wanted = (record.changed | record.cleared) - record.deferred if updating else None
        names = [*fields, *(record.cleared & {each.name for each in record.mapping.references})] if updating else fields
        links = await self._parents.links(record, names, drop=not updating)
        try:
            document = self._renderer.document(record, links, only=wanted)
        except UnknownOption as unknown:
            self.notes.failures[record.key] = ("unknown_option", f"{unknown.field}: {unknown.lookup}")
            return None
        # The last guard: the server answers some values of a wrong type with 500, which would look like a lost answer.
        findings = self._payloads.check(document, partial=updating)
        if findings:
            self.notes.failures[record.key] = ("wrong_type", _findings_text(findings))
            return None
        return document

    def _waits_for_twin(self, record: PlannedRecord, document: Document) -> bool:
        """Records that look alike under one parent are told apart only by settling one before the other."""
        scope_id = _scope_id(self._entity(record.entity), document)
        if scope_id is None or self._is_marked(record.entity):
            return False
        home = (record.entity, scope_id)
        rival = self._twins.rival(home, document)
        if rival is not None:
            self._schedule.wait_for(rival, record)
            return True
        self._twins.hold(home, record.key, document)
        return False

    async def _create(self, record: PlannedRecord, document: Document, left_out: list[str]) -> None:
        question = Question(record.key, record.entity, document, _scope_id(self._entity(record.entity), document))
        async with self._first_alone.turn(record.entity):
            if self._is_stopped(record.entity):
                self._give_up(record.key)
                return
            created = await self._post(record, document, left_out)
        if created is not None:
            # The worker goes on while the id becomes durable: only children wait for that.
            self._tasks.create_task(self._finish(question, record, *created))
        elif self._schedule.is_unsettled(record.key):
            self._tasks.create_task(self._find_out(record, question, left_out))

    async def _finish(
        self, question: Question, record: PlannedRecord, target_id: TargetId, shown: Mapping[str, object]
    ) -> None:
        async with self._guard(record.key, record.entity):
            await self._created(question, record, target_id, shown)

    async def _post(
        self, record: PlannedRecord, document: Document, left_out: list[str]
    ) -> tuple[TargetId, Mapping[str, object]] | None:
        """One POST under a durable intent; None where the answer was lost or the record refused (and then settled)."""
        blob = without(self._ports.keys, record.field_hashes, left_out)
        fingerprint = self._fingerprint(record, left_out)
        scope = _scope_key(self._entity(record.entity), record)
        await self._commit(Intend(record.key, record.entity, record.mapping.name, fingerprint, blob, scope))
        try:
            created = await self._ports.target.create(document)
        except ResponseLost as lost:
            self._unclear.lost(record.key, lost.status)
            self._brake(record.entity)
            return None
        except RecordRejected as refused:
            await self._rejected(record, refused)
            return None
        except (TargetBusy, TargetRefused) as error:
            # Certainly not applied, and not the record's fault: nothing to ask about later.
            await self._commit(MarkRejected(record.key, getattr(error, "status", None), f"{SEND_AGAIN} {error.code}"))
            raise
        self._answers[record.entity, True] += 1
        return created.id, created.attributes

    async def _find_out(self, record: PlannedRecord | None, question: Question, left_out: list[str]) -> None:
        """Settles a record whose answer was lost."""
        document = question.document

        async def resend() -> TargetId | None:
            if record is None or document is None:
                return None
            created = await self._post(record, document, left_out)
            return created[0] if created else None

        async with self._guard(question.key, question.entity):
            can_resend = record is not None and document is not None
            found = await self._unclear.settle(question, resend if can_resend else None)
            if found is not None:
                await self._created(question, record, found, {})
            elif self._schedule.is_unsettled(question.key):
                self._give_up(question.key)

    async def _created(
        self, question: Question, record: PlannedRecord | None, target_id: TargetId, shown: Mapping[str, object]
    ) -> None:
        links = self._deferred_links(record) if record else ()
        size = self._tail.upload_size(record) if record else None
        created: list[Change] = [MarkCreated(question.key, target_id, links, size)]
        if record is None:
            # What was sent is not known any more: the next plan compares with nothing and sends everything again.
            created.append(MarkUpdated(question.key, "", b""))
        await self._commit(*created)
        self._parents.remember(question.key, question.entity, target_id)
        self._unclear.saw(question.entity, Witness(question.key, target_id, question.scope_id))
        if record is not None and size is not None:
            await self._tail.upload(record, target_id, shown)
        self._settle(question.key)

    async def _update(self, record: PlannedRecord, document: Document, left_out: list[str]) -> None:
        """A PATCH and, where the file changed, its bytes; both can be repeated, so state learns of them afterwards."""
        known = self._ports.state.known([record.key])[record.key]
        try:
            if known.target_id is not None and (document.attributes or document.links):
                await patch(self._ports.target, self._entity(record.entity), known.target_id, document)
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
        blob = without(self._ports.keys, record.field_hashes, left_out)
        await self._commit(MarkUpdated(record.key, self._fingerprint(record, left_out), blob, links))
        self._settle(record.key)

    def _left_out(self, record: PlannedRecord) -> list[str]:
        """The optional references whose parents are not there now."""
        parents = record.parents()
        created = self._parents.created({key for keys in parents.values() for key in keys})
        return [
            name
            for name in self._early_fields(record)
            if record.policy(name) == "empty" and not created.keys() >= set(parents[name])
        ]

    def _fingerprint(self, record: PlannedRecord, left_out: list[str]) -> str:
        return self._ports.keys.fingerprint([without(self._ports.keys, record.field_hashes, left_out)])

    def _deferred_links(self, record: PlannedRecord) -> tuple[PendingLink, ...]:
        parents = record.parents()
        return tuple(PendingLink(name, key) for name in sorted(record.deferred) for key in parents.get(name, ()))

    # ------------------------------------------------------------ what went wrong

    async def _rejected(self, record: PlannedRecord, refused: RecordRejected) -> None:
        await self._commit(MarkRejected(record.key, refused.status, _error_text(refused)))
        self._give_up(record.key)
        self._answers[record.entity, False] += 1
        if not self._answers[record.entity, True] and self._answers[record.entity, False] >= _REJECTED_ALL:
            self.notes.stopped[record.entity] = f"the first {_REJECTED_ALL} records were all refused"

    def _brake(self, entity: str) -> None:
        """Counts a lost answer; an entity of which nothing has succeeded yet is stopped before much is unclear."""
        self._lost[entity] += 1
        if self._lost[entity] >= _LOST_ALL and not self._is_proved(entity):
            self.notes.stopped[entity] = f"the first {_LOST_ALL} answers were all lost; the rest was not sent"

    def _is_proved(self, entity: str) -> bool:
        """Whether a record of this entity is known to be there: one that this run created, or one in state."""
        return self._answers[entity, True] > 0 or self._ports.state.sample(entity) is not None

    def _is_stopped(self, entity: str) -> bool:
        return self._fatal is not None or entity in self.notes.stopped

    def _note_refusal(self, record: PlannedRecord, refused: RecordRejected) -> None:
        gone = refused.status == 404  # noqa: PLR2004 - HTTP's own number
        self.notes.failures[record.key] = ("lost_in_target" if gone else "rejected_by_target", _error_text(refused))

    @asynccontextmanager
    async def _guard(self, key: RecordKey, entity: str) -> AsyncIterator[None]:
        """Keeps an error of the way to the target from ending more than it must; the intent stays durable."""
        try:
            yield
        except (TargetBusy, TargetRefused, ResponseLost, RecordRejected, ParentUnreadable) as error:
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

    def _give_up(self, key: RecordKey) -> None:
        """Settles a record that will not be created in this run: those that wait for it need not hope."""
        self._given_up.add(key)
        self._settle(key)

    def _settle(self, key: RecordKey) -> None:
        self._twins.release(key)
        self._schedule.settle(key)
        self._ports.progress.advance()

    async def _commit(self, *changes: Change) -> None:
        await asyncio.wrap_future(self._ports.state.commit(*changes))

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
    if known is None or known.state is RecordState.BLOCKED or known.error.startswith(SEND_AGAIN):
        return False
    if known.state is RecordState.REJECTED:
        return known.run_id == run_id
    return record.action is not Action.UPDATE or known.fingerprint == record.fingerprint


def _scope_key(entity: Entity, record: PlannedRecord) -> RecordKey | None:
    scope = entity.marker.scope if entity.marker else None
    keys = record.parents().get(scope, ()) if scope else ()
    return keys[0] if keys and scope not in record.deferred else None


def _scope_id(entity: Entity, document: Document) -> TargetId | None:
    scope = entity.marker.scope if entity.marker else None
    link = document.links.get(scope) if scope else None
    return link.id if link is not None and not isinstance(link, tuple) else None


def _error_text(refused: RecordRejected) -> str:
    """Status, codes and pointers: never a value."""
    return f"{refused.status} {_findings_text(refused.findings)}".strip()


def _findings_text(findings: Sequence[Finding]) -> str:
    return "; ".join(f"{finding.code} {finding.pointer}".strip() for finding in findings)
