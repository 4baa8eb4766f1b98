"""Makes a lost state anew: finds the records of a plan again in Casebook, by marker or by content under their parent.

Each entity is listed once to its end, parents before children, and every planned record gets a verdict. "Absent" needs
proof that the application sees records of the entity that it made; without it, and wherever a record that looks
different could be the one, the record is held as uncertain: it is never sent again on a guess.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from etl.catalog.model import Entity
from etl.core.changes import Change, Intend, MarkCreated, MarkDuplicate, MarkUncertain, MarkUpdated, PendingLink
from etl.core.errors import RecordRejected, ResponseLost, TargetRefused
from etl.core.fingerprint import with_unknown_values, without
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import HELD, THERE, RecordState
from etl.core.records import Document, Ref, RemoteRecord, TargetId
from etl.load.compare import additions, same_content
from etl.load.markers import read_marker
from etl.load.parents import Parents, ParentUnreadable
from etl.load.planned import SHA256_SUFFIX, PlannedRecord, PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.render import Options, Renderer, UnknownOption
from etl.load.scope import scope_id, scope_key

ABSENT = "absent"
"""The verdict on a record that is certainly not in Casebook; state knows nothing of it, and the next run sends it."""
_AT_ONCE = 1_000
_UNASKABLE = "the catalogue names no way to ask for this entity"
_UNSEEN = "no record of this entity that we made was found, so nothing proves that the application sees them"
_CHANGED = f"{HELD}: a record under the same parent that looks different could be it"
_HOMELESS = "the parent under which it could be looked for is not certain"


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned record as it would be sent now: ``document`` is None where the tenant lacks an option that it needs."""

    record: PlannedRecord
    document: Document | None
    left_out: tuple[str, ...]


@dataclass(slots=True)
class Found:
    """The records of one entity that could be ours, by the marker or by the parent's id under which they are told."""

    by_marker: dict[str, list[RemoteRecord]] = field(default_factory=lambda: defaultdict(list))
    by_home: dict[TargetId, list[RemoteRecord]] = field(default_factory=lambda: defaultdict(list))


class Rebuilder:
    """Fills an empty state from a plan. ``verdicts`` counts records by (entity, state or ``absent``)."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, options: Options, quiet_s: float) -> None:
        self._ports = ports
        self._planned = planned
        self._quiet_s = quiet_s
        self._renderer = Renderer(ports.catalog, options)
        self._parents = Parents(ports.catalog, ports.target, ports.state, ports.clock)
        self._unsure: set[RecordKey] = set()
        self._unwritten: list[Future[None]] = []
        self.verdicts: Counter[tuple[str, str]] = Counter()

    async def run(self) -> None:
        """Settles every planned record. Raises TargetBusy where Casebook cannot be read now."""
        self._ports.progress.note("Waiting until nothing that was sent before can take effect any more.")
        await self._ports.clock.sleep(self._quiet_s)
        self._ports.progress.start("rebuild", len(self._planned))
        for name in self._planned.entities:
            await self._entity(self._ports.catalog.entity(name))

    async def _entity(self, entity: Entity) -> None:
        found, why = await self._sweep(entity)
        if entity.marker is not None and entity.marker.slot is not None:
            missing = await self._match_by_marker(entity, found)
        else:
            missing = await self._match_by_content(entity, found)
        is_seen = any(self.verdicts[entity.name, str(state)] for state in THERE)
        for draft, doubt in missing:
            await self._missing(draft, why or doubt or ("" if is_seen else _UNSEEN))
        await self._written()

    async def _sweep(self, entity: Entity) -> tuple[Found, str]:
        """What is there of an entity that could be ours, and why that says nothing ("" where it does)."""
        found, rung = Found(), entity.marker
        if rung is None or entity.path is None or "list" not in entity.operations:
            return found, _UNASKABLE
        texts = {marker(key) for key in self._planned.keys(entity.name)} if rung.slot else set()
        try:
            async for shown in self._ports.target.list(entity.name):
                text, home = read_marker(entity, shown.attributes), shown.links.get(rung.scope or "")
                if text in texts:
                    found.by_marker[str(text)].append(shown)
                elif rung.slot is None and isinstance(home, Ref):
                    found.by_home[home.id].append(shown)
        except (TargetRefused, RecordRejected, ResponseLost) as error:
            return Found(), f"asking failed: {error.code}"
        return found, ""

    # ------------------------------------------------------------ matching

    async def _match_by_marker(self, entity: Entity, found: Found) -> list[tuple[Draft, str]]:
        missing: list[tuple[Draft, str]] = []
        for batch in self._planned.batches(entity.name):
            for record in batch:
                hits = sorted(found.by_marker.pop(marker(record.key), ()), key=_age)
                draft = await self._draft(record)
                if hits:
                    await self._there(draft, hits)
                else:
                    missing.append((draft, ""))
        return missing

    async def _match_by_content(self, entity: Entity, found: Found) -> list[tuple[Draft, str]]:
        """Matches whole homes: two rows with the same content are two records, and the fullest takes its pick first."""
        homes: dict[TargetId, list[Draft]] = defaultdict(list)
        missing: list[tuple[Draft, str]] = []
        for batch in self._planned.batches(entity.name):
            for record in batch:
                draft = await self._draft(record)
                home = scope_id(entity, draft.document) if draft.document else None
                if home is not None:
                    homes[home].append(draft)
                else:
                    missing.append((draft, self._why_homeless(entity, record)))
        for home, drafts in homes.items():
            unmatched = await self._match_home(drafts, found.by_home.get(home, []))
            missing += [(draft, _CHANGED if found.by_home.get(home) else "") for draft in unmatched]
        return missing

    async def _match_home(self, drafts: Sequence[Draft], pool: list[RemoteRecord]) -> list[Draft]:
        """Takes what matches out of the pool; returns the drafts that nothing stands for."""
        unmatched = []
        for draft in sorted(drafts, key=_fullness, reverse=True):
            document = draft.document
            alike = [shown for shown in pool if document and same_content(document, shown)]
            if document is None or not alike:
                unmatched.append(draft)
                continue
            best = min(alike, key=lambda shown: (additions(document, shown), _age(shown)))
            pool.remove(best)
            await self._there(draft, [best])
        return unmatched

    def _why_homeless(self, entity: Entity, record: PlannedRecord) -> str:
        """Why a record without a parent to look under cannot be called absent, "" where its parent is absent too."""
        scope = entity.marker.scope if entity.marker else None
        parents = record.parents().get(scope, ()) if scope else ()
        return "" if parents and not self._unsure.intersection(parents) else _HOMELESS

    # ------------------------------------------------------------ verdicts

    async def _there(self, draft: Draft, hits: Sequence[RemoteRecord]) -> None:
        record, oldest = draft.record, hits[0]
        self._parents.remember(record.key, record.entity, oldest.id)
        if len(hits) > 1:
            await self._settle(draft, RecordState.DUPLICATE, MarkDuplicate(record.key, oldest.id))
            return
        changes: list[Change] = [
            MarkCreated(record.key, oldest.id, self._links(record, oldest), _upload_size(record, oldest))
        ]
        if draft.document is None or not same_content(draft.document, oldest):
            # Somebody changed it, or the source did: the next plan sends everything again.
            changes.append(MarkUpdated(record.key, "", with_unknown_values(self._blob(draft))))
        await self._settle(draft, RecordState.CREATED, *changes)

    async def _missing(self, draft: Draft, why: str) -> None:
        if why:
            self._unsure.add(draft.record.key)
            await self._settle(draft, RecordState.UNCERTAIN, MarkUncertain(draft.record.key, why))
        else:
            self._count(draft.record, ABSENT)

    async def _settle(self, draft: Draft, state: RecordState, *changes: Change) -> None:
        record, blob = draft.record, self._blob(draft)
        entity = self._ports.catalog.entity(record.entity)
        scope, mark = scope_key(entity, record), self._ports.keys.fingerprint([blob])
        if state is RecordState.UNCERTAIN and entity.marker is not None and entity.marker.slot is not None:
            # Should it be found by its marker, it need not hold what the source says now: the next plan sends everything.
            blob, mark = with_unknown_values(blob), ""
        intend = Intend(record.key, record.entity, record.mapping.name, mark, blob, scope)
        self._unwritten.append(self._ports.state.commit(intend, *changes))
        self._count(record, str(state))
        if len(self._unwritten) == _AT_ONCE:
            await self._written()

    def _blob(self, draft: Draft) -> bytes:
        return without(self._ports.keys, draft.record.field_hashes, draft.left_out)

    async def _written(self) -> None:
        """Waits until everything so far is durable; children look their parents up in state."""
        unwritten, self._unwritten = self._unwritten, []
        for each in unwritten:
            await asyncio.wrap_future(each)

    def _count(self, record: PlannedRecord, verdict: str) -> None:
        self.verdicts[record.entity, verdict] += 1
        self._ports.progress.advance()

    # ------------------------------------------------------------ records

    async def _draft(self, record: PlannedRecord) -> Draft:
        parents = record.parents()
        early = [name for name in parents if name not in record.deferred]
        created = self._parents.created({key for name in early for key in parents[name]}).keys()
        left_out = tuple(name for name in early if record.policy(name) == "empty" and not created >= set(parents[name]))
        try:
            links = await self._parents.links(record, [name for name in early if name not in left_out])
            return Draft(record, self._renderer.document(record, links), left_out)
        except (UnknownOption, ParentUnreadable):
            return Draft(record, None, left_out)

    def _links(self, record: PlannedRecord, shown: RemoteRecord) -> tuple[PendingLink, ...]:
        """The deferred links that are not shown as set."""
        created = self._parents.created([link.parent for link in record.late_links()])
        return tuple(
            link
            for link in record.late_links()
            if link.parent not in created or created[link.parent].id not in _ids(shown.links.get(link.field))
        )


def _upload_size(record: PlannedRecord, shown: RemoteRecord) -> int | None:
    """How many bytes are to be uploaded, None where there are none or the right ones are there."""
    size, checksum = (
        record.upload_bytes(),
        record.values.get(f"{record.file.name}{SHA256_SUFFIX}") if record.file else None,
    )
    is_there = shown.attributes.get("byte_size") == size and shown.attributes.get("sha256") in (None, checksum)
    return None if is_there else size


def _fullness(draft: Draft) -> int:
    document = draft.document
    return len(document.attributes) + len(document.links) if document else 0


def _ids(links: object) -> set[TargetId]:
    refs: Iterable[object] = links if isinstance(links, tuple) else (links,)
    return {ref.id for ref in refs if isinstance(ref, Ref)}


def _age(record: RemoteRecord) -> tuple[str, str]:
    return record.created_at, record.id
