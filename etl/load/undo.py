"""Undoes a run: brings back what it changed, removes what it created, and spares what people have changed since.

Only ids that state recorded are ever deleted, children before parents, each after it was compared with what we last wrote
there. Every step is repeatable: a DELETE stands as an intent before it leaves, and 404 means gone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from etl.catalog.model import Entity
from etl.core.changes import Change, MarkCreated, MarkRestored, MarkSpared, MarkUndoing, MarkUndone
from etl.core.errors import EtlError, Interrupted, RecordRejected
from etl.core.fingerprint import entry_of, with_unknown_values
from etl.core.images import BeforeImage
from etl.core.keys import RecordKey, RecordKeys
from etl.core.outcomes import UNDECIDED, RecordState
from etl.core.records import RemoteRecord, RunId, TargetId
from etl.core.state_port import KnownRecord
from etl.load.ask import Answer, Asker, Question
from etl.load.client_ids import ClientIds
from etl.load.compare import STRICT, Tolerances, additions_to, differences
from etl.load.dependents import Dependents
from etl.load.expected import Expected, file_differs, tolerances_of
from etl.load.groups import quiet_group
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options
from etl.load.restoring import Restoring
from etl.load.scope import scope_id_of


@dataclass(frozen=True, slots=True)
class Spared:
    """A record that stays as it is, and why: ``edited`` (fields named), ``depended_on``, ``later_run``, ``duplicate``,
    ``refused`` or ``not_allowed`` by Casebook, ``no_records``, ``file_replaced``.
    """

    entity: str
    mapping: str
    key: RecordKey
    target_id: TargetId | None
    why: str
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class UndoResult:
    """What was undone, by entity: ``removed`` by us, ``gone`` before, ``restored`` values and links, ``released``
    (adopted ones are not ours any more); what was ``spared``; ``unclear`` requests of which nobody knows whether they took
    effect; ``unseen`` entities, whose dependents could not be looked for.
    """

    removed: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    restored: Counter[str] = field(default_factory=Counter)
    released: Counter[str] = field(default_factory=Counter)
    spared: list[Spared] = field(default_factory=list)
    unclear: Counter[str] = field(default_factory=Counter)
    unseen: list[str] = field(default_factory=list)


class Undoer:
    """Undoes one run. ``planned`` are that run's records. One use."""

    def __init__(
        self, ports: LoadPorts, planned: PlannedRecords, options: Options, run_id: RunId, concurrency: int
    ) -> None:
        self._ports = ports
        self._planned = planned
        self._options = options
        self._run_id = run_id
        self._gate = asyncio.Semaphore(concurrency)
        self._needed: set[RecordKey] = set()
        self._doomed: set[RecordKey] = set()
        self._restoring: Restoring
        self._expected: Expected
        self._stopping: EtlError | None = None
        self.result = UndoResult()

    def interrupt(self) -> None:
        """Asks for the end: what is in flight is finished, nothing new is begun."""
        self._stopping = Interrupted("The undoing was interrupted.", hint="The same command goes on where it stopped.")

    async def run(self) -> UndoResult:
        """Undoes everything that may be undone. Raises what stopped it; ``result`` is true in any case."""
        await self._ask_about_unclear()
        self._doomed = {known.key for known in self._ports.state.created_by(self._run_id)}
        await self._restore_all()
        self._expected = Expected(self._ports, self._options)
        dependents = Dependents(self._ports, self._doomed)
        self._needed |= await dependents.find()
        self.result.unseen = dependents.unseen
        await self._remove_all()
        await self._release_adopted()
        return self.result

    async def _ask_about_unclear(self) -> None:
        """Requests whose answer was lost: what is found by its marker is undone like the rest."""
        asker = Asker(self._ports.catalog, self._ports.target, self._ports.state, ClientIds(self._ports))
        unclear = self._ports.state.in_state(*UNDECIDED)
        ours = [known for known in unclear if known.run_id == self._run_id]
        planned = self._planned.find([known.key for known in ours])
        for known in ours:
            scope = known.scope
            scope_id = scope_id_of(self._ports.catalog, self._ports.state, known.entity, scope) if scope else None
            asked = await asker.ask(Question(known.key, known.entity, None, scope_id))
            if asked.answer is Answer.FOUND and asked.id is not None:
                await self._commit(*_found(known, planned.get(known.key), asked.id))
            else:
                self.result.unclear[known.entity] += 1

    # ------------------------------------------------------------ what the run changed

    async def _restore_all(self) -> None:
        """Brings changed values back, latest change first."""
        self._ports.progress.start("restore")
        self._restoring = Restoring(self._ports.keys, self._ports.state, self._run_id)
        for image in self._ports.images.backwards() if self._ports.images else ():
            if self._stopping:
                raise self._stopping
            if image.key not in self._doomed or image.link:
                await self._restore(image)
            self._ports.progress.advance()

    async def _restore(self, image: BeforeImage) -> None:
        known = self._ports.state.known([image.key]).get(image.key)
        if known is None or known.state is not RecordState.CREATED or known.target_id != image.target_id:
            return
        if known.run_id not in (self._run_id, image.run_id):
            self._spare(known, "later_run")
            return
        shown = await self._ports.target.get(known.entity, image.target_id)
        if shown is None:
            self.result.gone[known.entity] += 1
            return
        edited = _edited(image, shown, self._overlay(known.entity))
        if edited:
            self._spare(known, "edited", edited)
            return
        if any(differences(image.before, shown)):
            await self._ports.target.update(image.target_id, image.before)
        await self._commit(*self._restoring.changes(image, known))
        self.result.restored[known.entity] += 1
        if image.file:
            self._spare(known, "file_replaced")

    def _overlay(self, entity: str) -> Tolerances:
        attributes = self._ports.catalog.entity(entity).attributes.values()
        return {each.name: each.tolerate for each in attributes if each.tolerate}

    # ------------------------------------------------------------ what the run created

    async def _remove_all(self) -> None:
        """Removes created records, children first; what hangs together waits for each other by wave."""
        self._ports.progress.start("remove", len(self._doomed))
        met: set[RecordKey] = set()
        for records in self._planned.backwards():
            known = self._ports.state.known([each.key for each in records if each.key in self._doomed])
            self._expected.prefetch([each for each in records if each.key in known])
            async with quiet_group() as tasks:
                for record in records:
                    if record.key in known and known[record.key].state is not RecordState.UNDONE:
                        met.add(record.key)
                        tasks.create_task(self._remove(record, known[record.key]))
            if self._stopping:
                raise self._stopping
        for known_record in self._ports.state.known(sorted(self._doomed - met)).values():
            self._spare(known_record, "no_records")

    async def _remove(self, record: PlannedRecord, known: KnownRecord) -> None:
        async with self._gate:
            if self._stopping:
                return
            reason, fields = await self._why_not(record, known)
            if reason == "gone":
                await self._commit(MarkUndone(known.key))
                # Our own DELETE was on its way when an earlier undoing was cut off: it took effect.
                ours = known.state is RecordState.UNDOING
                (self.result.removed if ours else self.result.gone)[known.entity] += 1
            elif reason:
                await self._leave(record, known, reason, fields)
            else:
                await self._delete(record, known)
            self._ports.progress.advance()

    async def _why_not(self, record: PlannedRecord, known: KnownRecord) -> tuple[str, tuple[str, ...]]:
        """Why a record must stay, and which fields say so; ``gone`` where it is not there; "" where it may go."""
        entity = self._ports.catalog.entity(known.entity)
        if known.state is RecordState.DUPLICATE or known.target_id is None:
            return "duplicate", ()
        if known.key in self._needed:
            return "depended_on", ()
        if known.run_id != self._run_id:
            return "later_run", ()
        if "delete" not in entity.operations:
            return "not_allowed", ()
        shown = await self._ports.target.get(known.entity, known.target_id)
        if shown is None:
            return "gone", ()
        fields = tuple(await self._changed_fields(entity, _without_unset(self._ports.keys, record, known), shown))
        return ("edited", fields) if fields else ("", ())

    async def _changed_fields(self, entity: Entity, record: PlannedRecord, shown: RemoteRecord) -> list[str]:
        """The fields that are not as we last wrote them, and those that somebody filled."""
        sent = await self._expected.document(record)
        tolerances = tolerances_of(entity, record)
        changed = {each.field for each in differences(sent, shown, tolerances) if each.kind != "tolerated"}
        # What the run's records hold was sent, though the mapping may have changed since.
        ours = {name for name, value in record.values.items() if value not in (None, "", [])}
        changed |= set(additions_to(entity, sent, shown, tolerances)) - ours
        if (name := file_differs(entity, record, shown, uploaded=self._expected.is_uploaded(record))) is not None:
            changed.add(name)
        return sorted(changed)

    async def _delete(self, record: PlannedRecord, known: KnownRecord) -> None:
        if known.target_id is None:
            return
        await self._commit(MarkUndoing(known.key))
        try:
            was_there = await self._ports.target.delete(known.entity, known.target_id)
        except RecordRejected:
            await self._leave(record, known, "refused", ())
            return
        except EtlError as error:
            self._stopping = self._stopping or error
            return
        await self._commit(MarkUndone(known.key))
        (self.result.removed if was_there else self.result.gone)[known.entity] += 1

    async def _leave(self, record: PlannedRecord, known: KnownRecord, why: str, fields: tuple[str, ...]) -> None:
        """Spares a record and with it everything it hangs on: some servers delete children with their parent."""
        if known.state is not RecordState.DUPLICATE:
            await self._commit(MarkSpared(known.key))
        self._needed.update(key for keys in record.parents().values() for key in keys)
        self._spare(known, why, fields)

    async def _release_adopted(self) -> None:
        """What the run took over was there before it: it stays, and is not ours any more."""
        adopted = [
            known
            for known in self._ports.state.in_state(RecordState.CREATED)
            if known.adopted and known.run_id == self._run_id and known.key not in self._needed
        ]
        for known in adopted:
            await self._commit(MarkUndone(known.key))
            self.result.released[known.entity] += 1

    def _spare(self, known: KnownRecord, why: str, fields: Sequence[str] = ()) -> None:
        self.result.spared.append(
            Spared(known.entity, known.mapping, known.key, known.target_id, why, tuple(sorted(fields)))
        )

    async def _commit(self, *changes: Change) -> None:
        await asyncio.wrap_future(self._ports.state.commit(*changes))


def _found(known: KnownRecord, record: PlannedRecord | None, target_id: TargetId) -> Iterator[Change]:
    """A record is there after all, the work of the run that sent it: its links and its bytes are still to come."""
    if record is not None:
        yield MarkCreated(known.key, target_id, record.late_links(), record.upload_bytes())
        yield MarkRestored(known.key, known.fingerprint, known.field_hashes, known.run_id)
    else:
        # Should it be spared, the next plan sends everything again.
        yield MarkCreated(known.key, target_id)
        yield MarkRestored(known.key, "", with_unknown_values(known.field_hashes), known.run_id)


def _edited(image: BeforeImage, shown: RemoteRecord, tolerances: Tolerances) -> list[str]:
    """The fields that are neither as the run sent them nor as they were before it."""
    sent = {each.field for each in differences(image.sent, shown, tolerances) if each.kind != "tolerated"}
    before = {each.field for each in differences(image.before, shown, STRICT)}
    return sorted(sent & before)


def _without_unset(keys: RecordKeys, record: PlannedRecord, known: KnownRecord) -> PlannedRecord:
    """The record without the links that its plan promised and a later run ended before they were set."""
    blob = known.field_hashes
    gone = {each.name for each in record.mapping.references if blob and entry_of(keys, blob, each.name) is None}
    unset = gone & record.refers_to.keys()
    if not unset:
        return record
    values = {name: None if name in unset else value for name, value in record.values.items()}
    return record._replace(
        values=values, refers_to={name: each for name, each in record.refers_to.items() if name not in unset}
    )
