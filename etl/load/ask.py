"""Asks Casebook what became of a record whose answer was lost, by the best question the catalogue allows.

``filter`` and ``sweep`` look for the record's marker; ``scoped`` lists the children of a parent that we created, and
``created`` everything that our application created; both match whole contents, leaving out the ids that state knows. "None" means something only once it is proved that
we can see our own records: a nonsense marker must return nothing, and a record known to be there must be found. Where the
tenant takes ids of our choice, the record's own address is asked first, and may tell for certain.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from etl.catalog.model import Catalog, Entity, Marker
from etl.core.capabilities import Rung
from etl.core.errors import TargetError, TargetRefused
from etl.core.keys import RecordKey, marker
from etl.core.ports import Target
from etl.core.records import Document, JsonValue, RemoteRecord, TargetId
from etl.core.state_port import StateReader
from etl.load.client_ids import ClientIds
from etl.load.compare import additions, same_content
from etl.load.creator import creator
from etl.load.markers import read_marker
from etl.load.scope import home_in
from etl.load.sweep import Sweep
from etl.load.twins import Twins

NONSENSE = "mg1-" + "7" * 16
"""A marker that no record of ours can carry but by one chance in 2**80."""


class Answer(StrEnum):
    """What asking told. ``none``: not seen, which alone proves nothing; ``absent``: certainly not there."""

    FOUND = "found"
    SEVERAL = "several"
    NONE = "none"
    ABSENT = "absent"
    CANNOT_ASK = "cannot_ask"


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer with the record it names: the one found, or the oldest of several. ``why`` explains a refusal."""

    answer: Answer
    id: TargetId | None = None
    why: str = ""


class Question(NamedTuple):
    """What to look for: the record's key, its document where known, and the id of the parent it hangs on.

    ``sent_id`` is the id of our choice that every open attempt of it carried, None where that is not certain.
    """

    key: RecordKey
    entity: str
    document: Document | None
    scope_id: TargetId | None
    sent_id: TargetId | None = None


class Witness(NamedTuple):
    """A record of ours that is certainly there, by which sight is proved."""

    key: RecordKey
    id: TargetId
    scope_id: TargetId | None


class Asker:
    """Answers questions and remembers the entities for which sight was proved. ``twins`` tells what else is unclear."""

    def __init__(
        self,
        catalog: Catalog,
        target: Target,
        state: StateReader,
        ids: ClientIds | None = None,
        twins: Twins | None = None,
    ) -> None:
        self._ids = ids
        self._twins = twins or Twins()
        self._catalog = catalog
        self._target = target
        self._state = state
        self._sweep = Sweep(state)
        self._proved: set[str] = set()
        self._proving = asyncio.Lock()
        self._creator: JsonValue = None

    async def ask(self, question: Question) -> Asked:
        """What became of the record; every failure to ask is an answer, not an exception."""
        entity = self._catalog.entity(question.entity)
        asked = await self._by_id(self._ids, entity, question) if self._ids and entity.client_ids else None
        return asked or await self._by_marker(entity, question)

    async def _by_id(self, ids: ClientIds, entity: Entity, question: Question) -> Asked | None:
        """The certain answer that the id of our choice gives; None where it gives none."""
        try:
            found = await ids.find(entity, question.key)
        except TargetError:
            return None
        if found is not None:
            return Asked(Answer.FOUND, found.id)
        return Asked(Answer.ABSENT) if ids.proves_absence(entity, question.key, question.sent_id) else None

    async def _by_marker(self, entity: Entity, question: Question) -> Asked:
        obstacle = _obstacle(entity, question)
        rung = entity.marker
        if rung is None or obstacle:
            return Asked(Answer.CANNOT_ASK, why=obstacle)
        try:
            if rung.slot is not None:
                text, since = marker(question.key), self._sweep.since(question.key)
                return _summary(await self._marked(entity, rung, text, question.scope_id, since))
            return await self._by_content(entity, rung, question)
        except TargetError as error:
            return Asked(Answer.CANNOT_ASK, why=f"asking failed: {error.code}")

    def needs_witness(self, entity_name: str) -> bool:
        """Whether asking means something only once a record of ours is there, which shows under what name we create."""
        rung = self._catalog.entity(entity_name).marker
        return rung is not None and rung.ask == Rung.CREATED

    async def blind(self, entity_name: str, witness: Witness) -> str:
        """Why "none" cannot be relied on for an entity; "" where sight is proved, which is remembered."""
        async with self._proving:
            why = "" if entity_name in self._proved else await self._prove(self._catalog.entity(entity_name), witness)
            if not why:
                self._proved.add(entity_name)
            return why

    async def _prove(self, entity: Entity, witness: Witness) -> str:
        rung = entity.marker
        if rung is None or rung.ask == Rung.HOLD:
            return "there is no way to ask"
        is_filtered = rung.slot is not None and rung.ask == Rung.FILTER
        try:
            if is_filtered and await self._marked(entity, rung, NONSENSE, witness.scope_id, None):
                return "a nonsense marker found records"
            seen = await self._witnessed(entity, rung, witness)
        except TargetError as error:
            return f"asking failed: {error.code}"
        return "" if seen else "a record of ours that exists is not found"

    async def _witnessed(self, entity: Entity, rung: Marker, witness: Witness) -> bool:
        text = marker(witness.key)
        shown = self._target.list(entity.name, filters=self._filters(rung, text, witness.scope_id), newest_first=True)
        async for record in shown:
            if record.id == witness.id and (rung.slot is None or read_marker(entity, record.attributes) == text):
                return True
        return False

    async def _marked(
        self, entity: Entity, rung: Marker, text: str, scope_id: TargetId | None, since: str | None
    ) -> list[RemoteRecord]:
        """Records that carry a marker; a server that ignores the filter is caught by comparing each hit."""
        filters = self._filters(rung, text, scope_id)
        shown = self._target.list(entity.name, filters=filters, newest_first=True)
        back_to = since if rung.ask == Rung.SWEEP else None
        return [
            record
            async for page in self._sweep.pages(entity.name, shown, back_to)
            for record in page
            if read_marker(entity, record.attributes) == text
        ]

    async def _by_content(self, entity: Entity, rung: Marker, question: Question) -> Asked:
        """The child of the parent that looks most like what was sent, among those that no record of ours stands for.

        Twins are two records, so any of them answers for one of ours. What looks more like another record of ours of which
        nothing is certain is left to that one; where nobody knows what that one looks like, nothing can be told.
        """
        document = question.document
        free = await self._unclaimed(entity, rung, question, document) if document else []
        if document is None or not free:
            return Asked(Answer.NONE)
        home = home_in(entity, question.scope_id)
        others = self._twins.unclear_beside(home, question.key) if home else []
        if None in others:
            return Asked(Answer.CANNOT_ASK, why="another record may be meant, of which nothing is certain either")
        rivals = [other for other in others if other is not None]
        ours = [record for record in free if not any(_is_closer(other, document, record) for other in rivals)]
        return _summary(sorted(ours, key=lambda record: (additions(document, record), _age(record)))[:1])

    async def _unclaimed(
        self, entity: Entity, rung: Marker, question: Question, document: Document
    ) -> list[RemoteRecord]:
        """Records under the question's parent that carry all that was sent and that state does not know."""
        everything = rung.ask == Rung.CREATED
        children = self._target.list(
            entity.name, filters=self._filters(rung, "", question.scope_id), newest_first=everything
        )
        since = self._sweep.since(question.key) if everything else None
        pages = self._sweep.pages(entity.name, children, since)
        shown = [record async for page in pages for record in page if same_content(document, record)]
        claimed = self._state.by_target_id(entity.name, [record.id for record in shown])
        free = [record for record in shown if record.id not in claimed]
        if free and rung.ask == Rung.CREATED:
            us = await self._our_name(entity.name)
            free = [record for record in free if creator(record) == us]
        return free

    async def _our_name(self, asked: str) -> JsonValue:
        """The name under which Casebook shows what we create, read from a record that we certainly created.

        Raises TargetRefused where no such record shows one: then a record of the same content may be anybody's.
        """
        for name in (asked, *self._catalog.entities):
            known = None if self._creator else self._state.sample(name)
            shown = await self._target.get(name, known.target_id) if known and known.target_id else None
            self._creator = self._creator or (creator(shown) if shown else None)
            if self._creator:
                return self._creator
        raise TargetRefused(f"No record of ours shows who created it, so one of {asked} may be anybody's.")

    def _filters(self, rung: Marker, text: str, scope_id: TargetId | None) -> dict[str, str]:
        """What to list: the records with a marker where the tenant can tell them apart, else those below the parent."""
        if rung.ask == Rung.FILTER and rung.slot is not None:
            return {rung.slot: text}
        if rung.scope is None or scope_id is None or rung.ask == Rung.CREATED:
            return {}
        return {rung.scope: scope_id}


def _obstacle(entity: Entity, question: Question) -> str:
    """Why a record of this kind, or this record, cannot be asked about; "" where it can."""
    rung = entity.marker
    if rung is None:
        return "the catalogue names no way to ask for this entity"
    if rung.ask == Rung.HOLD:
        return "the tenant was found unable to answer for this entity"
    if rung.scope is not None and question.scope_id is None and rung.ask != Rung.CREATED:
        return f"it has no {rung.scope} under which it could be looked for"
    if rung.slot is None and question.document is None:
        return "its content is not in this run's records"
    return ""


def _summary(hits: list[RemoteRecord]) -> Asked:
    if not hits:
        return Asked(Answer.NONE)
    oldest = min(hits, key=_age)
    return Asked(Answer.FOUND if len(hits) == 1 else Answer.SEVERAL, oldest.id)


def _is_closer(other: Document, document: Document, record: RemoteRecord) -> bool:
    """Whether a record looks more like the other document than like this one."""
    return same_content(other, record) and additions(other, record) < additions(document, record)


def _age(record: RemoteRecord) -> tuple[str, str]:
    return record.created_at, record.id
