"""Executes a plan: every record at most once, whatever is cut, lost or killed.

The protocol in one paragraph: an intent is durable before a POST leaves; a certain answer settles the record; an unclear
one is never followed by a second POST until asking the target, after the quiet period and with sight proved, has shown
that the first did not take effect. Records go as soon as their own parents' ids are durable.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from etl.core.changes import MarkBlocked
from etl.core.errors import Interrupted
from etl.core.keys import RecordKey
from etl.core.outcomes import HELD, SEND_AGAIN, UNDECIDED, Action, RecordState
from etl.core.records import Document, RunId, TargetId
from etl.core.state_port import KnownRecord
from etl.load.ask import Question
from etl.load.course import Course, LoadSettings
from etl.load.done import CreatedKeys
from etl.load.notes import LoadNotes
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options
from etl.load.scope import home_in, home_of, scope_id_of
from etl.load.sender import Prepared, Sender
from etl.load.waiting import BLOCK, LEAVE_OUT, WAIT, early_fields

_WORKERS = 4
"""For each place in flight so many records are on their way: the others wait for the disk, before they are sent and after.
The writer then gets groups so large that what a group costs is little for each record of it.
"""


class Loader:
    """Loads planned records. One use."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, options: Options, settings: LoadSettings) -> None:
        self._ports = ports
        self._planned = planned
        self._settings = settings
        self._course = course = Course.begin(ports, options, settings)
        self._commits, self._schedule = course.commits, course.schedule
        self._parents, self._documents = course.parents, course.documents
        self._waiting, self._endings = course.waiting, course.endings
        self._sender = Sender(ports, planned, course, settings)
        self._old: dict[RecordKey, KnownRecord] = {}
        self._homeless: dict[RecordKey, list[KnownRecord]] = defaultdict(list)
        self._suspecting = asyncio.Lock()
        self._tasks: asyncio.TaskGroup

    @property
    def notes(self) -> LoadNotes:
        """What this load knows beside the state database."""
        return self._course.notes

    def interrupt(self) -> None:
        """Asks the load to end: what is in flight is drained, nothing new is sent."""
        self._endings.stop(Interrupted("The run was interrupted.", hint="The same command goes on where it stopped."))

    async def run(self) -> None:
        """Loads everything that can be loaded. Raises what stopped it; state is true in any case."""
        async with asyncio.TaskGroup() as self._tasks:
            workers = [self._tasks.create_task(self._work()) for _ in range(_WORKERS * self._settings.concurrency)]
            workers += self._sender.start(self._tasks)
            # Should the state be lost, to another run or with its server, even a request that is being repeated ends.
            workers.append(self._tasks.create_task(self._commits.watch()))
            await self._reconcile()
            await self._feed()
            await self._drain()
            await self._sender.until_uploaded()
            for worker in workers:
                worker.cancel()
        if self._endings.fatal is None:
            await self._sender.run_tail()
        if self._endings.fatal is not None:
            raise self._endings.fatal

    async def _reconcile(self) -> None:
        """Settles what earlier runs left unclear before anything new is sent."""
        unclear = list(self._ports.state.in_state(*UNDECIDED))
        planned = self._planned.find([known.key for known in unclear])
        for known in unclear:
            if known.scope is not None and self._parent_id(known) is None:
                self._homeless[known.scope].append(known)
            else:
                await self._suspect(known, planned.get(known.key))
        open_records = [known for known in unclear if not known.error.startswith(HELD)]
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
        """Asks about an intent of an earlier run. One whose parent is being asked about waits, because it is looked for under
        that parent; so does a twin of one that is being asked about.
        """
        with self._endings.guard(known.key, known.entity):
            parent = self._unsettled_parent(record) if record else None
            if record is not None and parent is not None:
                self._old[known.key] = known
                self._schedule.wait_for(parent, record)
                return
            await self._suspect_below(known.scope)
            left_out = self._waiting.left_out(record) if record else []
            document = await self._old_document(known, record, left_out) if record else None
            if record is not None and document is not None and self._waits_for_twin(record, document):
                self._old[known.key] = known
                return
            question = Question(
                known.key, known.entity, document, self._parent_id(known), self._sender.ids.sent_then(known)
            )
            await self._sender.find_out(record, question, left_out)

    async def _suspect(self, known: KnownRecord, record: PlannedRecord | None) -> None:
        """Remembers a record without a marker that may be there: what is found beside it may be it."""
        home = home_in(self._ports.catalog.entity(known.entity), self._parent_id(known))
        if home is not None:
            left_out = self._waiting.left_out(record) if record else []
            document = await self._old_document(known, record, left_out) if record else None
            self._course.twins.suspect(home, known.key, document)

    async def _suspect_below(self, scope: RecordKey | None) -> None:
        """Remembers all that may be there below a parent which was not certain when the load began, before any is asked about."""
        async with self._suspecting:
            below = self._homeless.pop(scope, []) if scope is not None else []
            planned = self._planned.find([known.key for known in below]) if below else {}
            for known in below:
                await self._suspect(known, planned.get(known.key))

    def _unsettled_parent(self, record: PlannedRecord) -> RecordKey | None:
        """A parent that the record's request carries and that is on its way itself."""
        parents = record.parents()
        early = [key for name in early_fields(record) for key in parents[name] if key != record.key]
        return next((key for key in early if self._schedule.is_unsettled(key)), None)

    def _parent_id(self, known: KnownRecord) -> TargetId | None:
        """The id of the parent under which a record of an earlier run is looked for."""
        scope = known.scope
        return scope_id_of(self._ports.catalog, self._ports.state, known.entity, scope) if scope else None

    async def _old_document(self, known: KnownRecord, record: PlannedRecord, left_out: list[str]) -> Document | None:
        """What was sent then, or what would be sent now where the record is asked about by its marker; None where
        neither can be told.
        """
        fields = [name for name in early_fields(record) if name not in left_out]
        parents = {key for name in fields for key in record.parents()[name]}
        if not parents <= self._parents.created(parents).keys():
            return None
        if self._documents.fingerprint(record, left_out) != known.fingerprint and not self._is_marked(record.entity):
            return None
        return await self._documents.looked_for(record, fields)

    async def _feed(self) -> None:
        """Hands planned records to the workers, in load order, leaving out what is done."""
        self._ports.progress.start("load", len(self._planned))
        done = CreatedKeys(self._ports.state.created_keys())
        for left_out, batch in self._planned.outstanding(done):
            if self._endings.fatal is not None:
                break
            todo = self._outstanding(batch) if batch else []
            self._parents.prefetch(todo)
            self._ports.progress.advance(left_out + len(batch) - len(todo))
            for record in todo:
                if self._endings.fatal is None:
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
            if self._endings.is_stopped(record.entity):
                self._endings.give_up(record.key)
            elif old is not None:
                self._tasks.create_task(self._settle_old(old, record))
            else:
                with self._endings.guard(record.key, record.entity):
                    await self._process(record)

    async def _process(self, record: PlannedRecord) -> None:
        """Takes a record all the way, or puts it aside for a parent, or blocks it."""
        fields = early_fields(record)
        left_out = []
        for name in fields:
            verdict, parent = self._waiting.look(record, name)
            if verdict == WAIT:
                self._schedule.wait_for(parent, record)
                return
            if verdict == BLOCK:
                await self._commits.commit(MarkBlocked(record.key, record.entity, record.mapping.name, parent))
                self._endings.give_up(record.key)
                return
            if verdict == LEAVE_OUT:
                left_out.append(name)
        roots = self._course.roots
        if not roots.take(self._parents.root(record), record.key, lambda: self._schedule.again(record)):
            return
        try:
            prepared = await self._prepared(record, [name for name in fields if name not in left_out], left_out)
            created = await self._sender.send(prepared) if prepared else None
        finally:
            roots.release(record.key)
        if prepared is not None and created is not None:
            await self._sender.settled(prepared, created)

    async def _prepared(self, record: PlannedRecord, fields: list[str], left_out: list[str]) -> Prepared | None:
        """The record's request; None where it cannot be sent, or waits for a record that looks like it."""
        document = await self._documents.of(record, fields)
        if document is None:
            self._endings.give_up(record.key)
            return None
        if record.action is not Action.UPDATE and self._waits_for_twin(record, document):
            return None
        return Prepared(record, document, left_out)

    def _waits_for_twin(self, record: PlannedRecord, document: Document) -> bool:
        """Records that look alike under one parent are told apart only by settling one before the other."""
        home = home_of(self._ports.catalog.entity(record.entity), document)
        if home is None:
            return False
        twins = self._course.twins
        rival = twins.rival(home, document)
        if rival is not None:
            self._schedule.wait_for(rival, record)
            return True
        twins.hold(home, record.key, document)
        return False

    def _is_marked(self, entity: str) -> bool:
        """Whether records of an entity carry a marker by which they are found again."""
        rung = self._ports.catalog.entity(entity).marker
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
