"""Reads Casebook back and compares it with what was loaded: presence, fields and links of every record.

Each entity is listed once to its end and matched against state by id, so nothing is asked per record. What is found is
missing, altered, mislinked, or a second record with one of our markers or with the content of one of ours.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from etl.catalog.model import Entity
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import RecordState
from etl.core.ports import KnownRecord
from etl.core.records import Document, LinkValue, Ref, RemoteRecord, TargetId
from etl.load.compare import differences, same_content
from etl.load.markers import read_marker
from etl.load.parents import Parents
from etl.load.planned import SHA256_SUFFIX, SIZE_SUFFIX, PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options, Renderer
from etl.mapping.model import FileField

_CODES = {"altered": "altered_in_target", "mislinked": "mislinked_in_target"}
_CHUNK = 5_000


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
    """What was compared and what was found. ``checked`` counts records read back by entity."""

    checked: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    findings: list[VerifyFinding] = field(default_factory=list)


class Verifier:
    """Compares. Reads only. Fields are compared for every record that is in the run's planned records."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, options: Options) -> None:
        self._ports = ports
        self._planned = planned
        self._parents = Parents(ports.catalog, ports.target, ports.state)
        self._renderer = Renderer(ports.catalog, options)
        self._pending = {(key, link.field) for key, link in ports.state.pending_links()}
        self._result = VerifyResult()

    async def run(self) -> VerifyResult:
        """Reads everything back."""
        counts = self._ports.state.counts()
        self._result.expected.update({name: n for (name, state), n in counts.items() if state == RecordState.CREATED})
        self._ports.progress.start("verify", self._result.expected.total())
        # State streams its records by entity, so one pass serves all of them.
        for name, created in groupby(self._ports.state.in_state(RecordState.CREATED), key=lambda known: known.entity):
            await self._entity(self._ports.catalog.entity(name), created)
        return self._result

    async def _entity(self, entity: Entity, created: Iterator[KnownRecord]) -> None:
        """One entity: what is there as it should be, what is surplus, what is missing."""
        seen: set[RecordKey] = set()
        strangers: list[RemoteRecord] = []
        async for chunk in _chunks(self._ports.target.list(entity.name)):
            ours = self._ports.state.by_target_id(entity.name, [record.id for record in chunk])
            await self._compare({ours[record.id]: record for record in chunk if record.id in ours}, entity)
            strangers += self._suspects(entity, [record for record in chunk if record.id not in ours])
            seen.update(ours.values())
            self._ports.progress.advance(len(ours))
        self._result.checked[entity.name] = len(seen)
        marked = {read_marker(entity, stranger.attributes): stranger.id for stranger in strangers}
        for known in created:
            if known.key not in seen and known.target_id is not None:
                self._add("lost_in_target", known.entity, known.mapping, known.key, known.target_id)
            if (double := marked.get(marker(known.key))) is not None:
                self._add("duplicate_in_target", known.entity, known.mapping, known.key, double)
        await self._surplus_by_content(entity, strangers)

    def _suspects(self, entity: Entity, strangers: list[RemoteRecord]) -> list[RemoteRecord]:
        """Records that are not ours by id but could be doubles of ours: they carry a marker, or hang on a parent of ours.

        Whatever else lives in the tenant, other projects' records included, is passed over and not kept.
        """
        rung = entity.marker
        if rung is None or not strangers:
            return []
        if rung.slot is not None:
            return [each for each in strangers if read_marker(entity, each.attributes)]
        homes = {each.id: _scope_id(each, rung.scope) for each in strangers}
        wanted = [home for home in homes.values() if home is not None]
        link = entity.links[rung.scope] if rung.scope else None
        if link is None or link.value is not None:
            return [each for each in strangers if homes[each.id] is not None]
        known = {home for to in link.to for home in self._ports.state.by_target_id(to, wanted)}
        return [each for each in strangers if homes[each.id] in known]

    async def _compare(self, shown: Mapping[RecordKey, RemoteRecord], entity: Entity) -> None:
        planned = self._planned.find(shown, entity.name)
        self._parents.prefetch(planned.values())
        for record in planned.values():
            there = shown[record.key]
            for name, kind in differences(await self._expected(record), there):
                self._add(_CODES[kind], record.entity, record.mapping.name, record.key, there.id, name)
            self._compare_upload(record, there)

    async def _expected(self, record: PlannedRecord) -> Document:
        """What should be shown: deferred links count once they were set."""
        fields = [name for name in record.parents() if (record.key, name) not in self._pending]
        return self._renderer.document(record, await self._parents.links(record, fields))

    def _compare_upload(self, record: PlannedRecord, shown: RemoteRecord) -> None:
        field = next((each for each in record.mapping.fields if isinstance(each.value, FileField)), None)
        if field is None:
            return
        pairs = ((SIZE_SUFFIX, "byte_size"), (SHA256_SUFFIX, "sha256"))
        if any(shown.attributes.get(name, wanted) != wanted for suffix, name in pairs
               if (wanted := record.values.get(field.name + suffix)) is not None):  # fmt: skip
            self._add("altered_in_target", record.entity, record.mapping.name, record.key, shown.id, field.name)

    async def _surplus_by_content(self, entity: Entity, strangers: list[RemoteRecord]) -> None:
        """Strangers under a parent of ours that look like a record of ours there."""
        rung = entity.marker
        if rung is None or rung.slot is not None or rung.scope is None or not strangers:
            return
        by_parent: dict[LinkValue, list[RemoteRecord]] = defaultdict(list)
        for stranger in strangers:
            by_parent[stranger.links.get(rung.scope)].append(stranger)
        for batch in self._planned.batches(entity.name):
            for record in batch:
                document = await self._expected(record)
                for stranger in by_parent.get(document.links.get(rung.scope), ()):
                    if same_content(document, stranger):
                        self._add("duplicate_in_target", entity.name, record.mapping.name, record.key, stranger.id)

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


def _scope_id(record: RemoteRecord, scope: str | None) -> TargetId | None:
    link = record.links.get(scope) if scope else None
    return link.id if isinstance(link, Ref) else None
