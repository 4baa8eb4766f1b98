"""Reads Casebook back and compares it with what was loaded: presence, fields, links and files of every record.

A whole reading lists each entity once to its end and matches it against state by id, so nothing is asked per record; a
sample asks for each chosen record, those held to be absent among them. What is found is missing, altered, cut, mislinked,
without its file, or a second record with one of our markers or with the content of one of ours, or one that state holds to
be absent.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from etl.catalog.model import Entity, Marker
from etl.core.capabilities import Rung
from etl.core.errors import TargetRefused
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import ABSENT, DELETED_ON_PURPOSE, THERE, UNDECIDED
from etl.core.records import JsonValue, LinkValue, RemoteRecord, TargetId
from etl.core.state_port import KnownRecord
from etl.load.compare import additions, differences, same_content
from etl.load.creator import creator, creators
from etl.load.expected import Expected, file_differs, tolerances_of
from etl.load.groups import quiet_group
from etl.load.markers import read_marker
from etl.load.planned import PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options
from etl.load.sampling import Scope, batched, chosen
from etl.load.scope import scope_id

_CODES = {
    "altered": "altered_in_target",
    "truncated": "truncated_in_target",
    "mislinked": "mislinked_in_target",
    "file": "file_differs_in_target",
}
_CHUNK = 5_000
_ASKED_AT_ONCE = 500
_IN_FLIGHT = 8
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class VerifyFinding:
    """One difference: a problem code, the record (None for a surplus one), its Casebook id and the field."""

    code: str
    entity: str
    mapping: str
    key: RecordKey | None
    target_id: TargetId
    field: str | None = None


@dataclass(slots=True)
class VerifyResult:
    """What was compared and what was found. ``checked`` counts records read back by entity, ``tolerated`` differences
    that were allowed by (entity, field, tolerance); doubles were not looked for in ``unsought`` entities. ``deleted`` counts
    those that are gone and were acknowledged to be, ``returned`` names those that were acknowledged and are there.
    """

    scope: Scope = field(default_factory=Scope)
    checked: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    findings: list[VerifyFinding] = field(default_factory=list)
    tolerated: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unsought: list[str] = field(default_factory=list)
    deleted: Counter[str] = field(default_factory=Counter)
    returned: list[RecordKey] = field(default_factory=list)


class Verifier:
    """Compares. Reads only. Fields are compared for every record that is in the run's planned records, but not those of
    adopted records, which were never sent.
    """

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, options: Options, scope: Scope | None = None) -> None:
        self._ports = ports
        self._planned = planned
        self._expected = Expected(ports, options)
        self._result = VerifyResult(scope or Scope())
        self._acknowledged = frozenset(ports.state.attributed(DELETED_ON_PURPOSE))
        self._unlisted: set[str] = set()

    async def run(self) -> VerifyResult:
        """Reads back what is in scope."""
        if not self._result.scope.is_all:
            return await self._run_sample()
        for (name, state), count in self._ports.state.counts().items():
            if state in THERE:
                self._result.expected[name] += count
        self._ports.progress.start("verify", self._result.expected.total())
        # State streams its records by entity, so one pass serves all of them.
        read = set()
        for name, there in groupby(self._ports.state.in_state(*THERE), key=lambda known: known.entity):
            read.add(name)
            await self._entity(self._ports.catalog.entity(name), there)
        await self._absent_entities(read)
        return self._result

    async def _absent_entities(self, read: Collection[str]) -> None:
        """The entities of which records were sent, and state holds every one of them to be absent."""
        sent = {known.entity for known in self._ports.state.in_state(*ABSENT) if known.attempt}
        for name in sorted(sent - set(read)):
            entity = self._ports.catalog.entity(name)
            if entity.marker is None or "list" not in entity.operations:
                continue
            try:
                await self._entity(entity, iter(()))
            except TargetRefused as refused:
                # A missing role may be why nothing of it was loaded; what was loaded is read back all the same.
                if refused.status != _FORBIDDEN:
                    raise
                self._result.unsought.append(name)
            self._result.checked.pop(name, None)

    async def _run_sample(self) -> VerifyResult:
        """Asks for every chosen record, and by its marker for doubles where the tenant can be asked so; in the same way for
        those that should not be there.
        """
        records = list(chosen(self._ports.state, self._result.scope))
        self._result.expected.update(known.entity for known in records if known.state in THERE)
        self._ports.progress.start("verify", len(records))
        for batch in batched(iter(records), _ASKED_AT_ONCE):
            entity = self._ports.catalog.entity(batch[0].entity)
            gate = asyncio.Semaphore(_IN_FLIGHT)
            async with quiet_group() as tasks:
                asked = [tasks.create_task(self._ask(entity, known, gate)) for known in batch]
            seen = {known.key: shown.result() for known, shown in zip(batch, asked, strict=True)}
            await self._compare({key: shown for key, shown in seen.items() if shown is not None}, entity)
        unfiltered = {known.entity for known in records if not self._is_filtered(known.entity)}
        self._result.unsought = sorted(unfiltered | self._unlisted)
        return self._result

    async def _ask(self, entity: Entity, known: KnownRecord, gate: asyncio.Semaphore) -> RemoteRecord | None:
        if known.target_id is None:
            async with gate:
                await self._find_late(entity, known)
            self._ports.progress.advance()
            return None
        async with gate:
            shown = await self._ports.target.get(entity.name, known.target_id)
            if self._is_filtered(entity.name) and not known.adopted:
                await self._find_doubles(entity, known)
        if shown is None:
            self._missing(known, known.target_id)
        else:
            self._result.checked[entity.name] += 1
            self._result.returned += self._acknowledged & {known.key}
        self._ports.progress.advance()
        return shown

    async def _find_late(self, entity: Entity, known: KnownRecord) -> None:
        """A record that state holds to be absent is a finding wherever it shows."""
        if not self._is_filtered(entity.name) or entity.name in self._unlisted:
            return
        try:
            await self._find_doubles(entity, known)
        except TargetRefused as refused:
            # The missing role may be why it is absent.
            if refused.status != _FORBIDDEN:
                raise
            self._unlisted.add(entity.name)

    async def _find_doubles(self, entity: Entity, known: KnownRecord) -> None:
        text, slot = marker(known.key), entity.marker.slot if entity.marker else None
        async for record in self._ports.target.list(entity.name, filters={slot or "": text}):
            if record.id != known.target_id and read_marker(entity, record.attributes) == text:
                self._add("duplicate_in_target", known.entity, known.mapping, known.key, record.id)

    def _is_filtered(self, name: str) -> bool:
        """Whether the tenant finds records of an entity by their marker."""
        rung = self._ports.catalog.entity(name).marker
        return rung is not None and rung.slot is not None and rung.ask == "filter"

    async def _entity(self, entity: Entity, there: Iterator[KnownRecord]) -> None:
        """One entity: what is there as it should be, what is surplus, what is missing."""
        seen: set[RecordKey] = set()
        strangers: list[RemoteRecord] = []
        writers: set[JsonValue] = set()
        async for chunk in _chunks(self._ports.target.list(entity.name)):
            ours = self._ports.state.by_target_id(entity.name, [record.id for record in chunk])
            await self._compare({ours[record.id]: record for record in chunk if record.id in ours}, entity)
            writers |= creators(record for record in chunk if record.id in ours)
            strangers += self._suspects(entity, [record for record in chunk if record.id not in ours], writers)
            seen.update(ours.values())
            self._ports.progress.advance(len(ours))
        self._result.checked[entity.name] = len(seen)
        self._result.returned += self._acknowledged & seen
        marked: dict[str | None, list[TargetId]] = defaultdict(list)
        for stranger in strangers:
            marked[read_marker(entity, stranger.attributes)].append(stranger.id)
        for known in there:
            if known.key not in seen and known.target_id is not None:
                self._missing(known, known.target_id)
            for double in marked.pop(marker(known.key), ()):
                self._add("duplicate_in_target", known.entity, known.mapping, known.key, double)
        self._held_absent(entity, marked)
        await self._surplus_by_content(entity, strangers, seen)

    def _missing(self, known: KnownRecord, target_id: TargetId) -> None:
        """A record that is not there: no finding where a person has said that it was deleted on purpose."""
        if known.key in self._acknowledged:
            self._result.deleted[known.entity] += 1
        else:
            self._add("lost_in_target", known.entity, known.mapping, known.key, target_id)

    def _held_absent(self, entity: Entity, marked: Mapping[str | None, list[TargetId]]) -> None:
        """Records with the marker of one that state holds to be absent: a request that took effect after somebody, or the
        quiet period, had decided that it never would. The next create would double it.
        """
        if not any(marked):
            return
        for known in self._ports.state.in_state(*ABSENT):
            if known.entity == entity.name:
                for there in marked.get(marker(known.key), ()):
                    self._add("duplicate_in_target", known.entity, known.mapping, known.key, there)

    def _suspects(self, entity: Entity, strangers: list[RemoteRecord], writers: set[JsonValue]) -> list[RemoteRecord]:
        """Records that are not ours by id but could be doubles of ours: they carry a marker, hang on a parent of ours, or
        (where neither can be) were created under our name.

        Whatever else lives in the tenant, other projects' records included, is passed over and not kept.
        """
        rung = entity.marker
        if rung is None or not strangers:
            return []
        if rung.slot is not None:
            return [each for each in strangers if read_marker(entity, each.attributes)]
        # What the tenant cannot be asked about is held, and then nothing tells by which of the two it was to be looked for.
        wanted = set() if rung.ask == Rung.CREATED else self._below_ours(entity, rung, strangers)
        if rung.ask in {Rung.CREATED, Rung.HOLD}:
            wanted |= {each.id for each in strangers if creator(each) in writers}
        return [each for each in strangers if each.id in wanted]

    def _below_ours(self, entity: Entity, rung: Marker, strangers: list[RemoteRecord]) -> set[TargetId]:
        """The strangers that hang on a parent of ours."""
        homes = {each.id: home for each in strangers if (home := scope_id(entity, each)) is not None}
        link = entity.links[rung.scope] if rung.scope else None
        if link is None or link.value is not None:
            return set(homes)
        known = {home for to in link.to for home in self._ports.state.by_target_id(to, list(homes.values()))}
        return {each for each, home in homes.items() if home in known}

    async def _compare(self, shown: Mapping[RecordKey, RemoteRecord], entity: Entity) -> None:
        planned = self._planned.find(shown, entity.name)
        adopted = {key for key, known in self._ports.state.known(list(planned)).items() if known.adopted}
        self._expected.prefetch(planned.values())
        for record in planned.values():
            there = shown[record.key]
            if record.key in adopted:
                continue
            for each in differences(await self._expected.document(record), there, tolerances_of(entity, record)):
                if each.kind == "tolerated":
                    self._result.tolerated[entity.name, each.field, each.tolerance] += 1
                else:
                    self._add(_CODES[each.kind], record.entity, record.mapping.name, record.key, there.id, each.field)
            if (name := file_differs(entity, record, there, uploaded=self._expected.is_uploaded(record))) is not None:
                self._add(_CODES["file"], record.entity, record.mapping.name, record.key, there.id, name)

    async def _surplus_by_content(
        self, entity: Entity, strangers: list[RemoteRecord], seen: Collection[RecordKey]
    ) -> None:
        """Strangers under a parent of ours (or, without one, created by us) that look like a record of ours that is there too.

        What looks like one that was not seen may be that one, and the only copy: nobody is to remove it.
        """
        rung = entity.marker
        if rung is None or rung.slot is not None or not strangers:
            return
        scope = rung.scope or ""
        by_parent: dict[LinkValue, list[RemoteRecord]] = defaultdict(list)
        for stranger in strangers:
            by_parent[stranger.links.get(scope)].append(stranger)
        await self._leave_to_unclear(entity, by_parent)
        for batch in self._planned.batches(entity.name):
            for record in batch:
                if record.key not in seen:
                    continue
                document = await self._expected.document(record)
                for stranger in by_parent.get(document.links.get(scope), ()):
                    if same_content(document, stranger):
                        self._add("duplicate_in_target", entity.name, record.mapping.name, record.key, stranger.id)

    async def _leave_to_unclear(self, entity: Entity, by_parent: Mapping[LinkValue, list[RemoteRecord]]) -> None:
        """Takes out, for each record of which nothing is certain, the stranger that looks most like it: it may be that record."""
        known = self._ports.state.in_state(*UNDECIDED)
        unclear = self._planned.find([each.key for each in known if each.entity == entity.name], entity.name)
        scope = entity.marker.scope if entity.marker else None
        for record in unclear.values():
            document = await self._expected.document(record)
            strangers = by_parent.get(document.links.get(scope or ""), [])
            alike = [each for each in strangers if same_content(document, each)]
            if alike:
                strangers.remove(min(alike, key=partial(additions, document)))

    def _add(
        self, code: str, entity: str, mapping: str, key: RecordKey | None, target_id: TargetId, field: str | None = None
    ) -> None:
        self._result.findings.append(VerifyFinding(code, entity, mapping, key, target_id, field))


async def _chunks(records: AsyncIterator[RemoteRecord]) -> AsyncIterator[list[RemoteRecord]]:
    """Records in lists of some thousand: large enough that looking up the planned side costs little."""
    chunk: list[RemoteRecord] = []
    async for record in records:
        chunk.append(record)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    yield chunk
