"""Finds the parents of a record: their ids where they are created, or why the record has to wait or go without.

Ids come from state; a small cache keeps the ones that children are likely to ask for next.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from etl.catalog.model import Catalog, Link
from etl.core.changes import StoreAttribute
from etl.core.keys import RecordKey
from etl.core.outcomes import THERE
from etl.core.ports import Clock, Target
from etl.core.records import LinkValue, Ref, TargetId
from etl.core.state_port import StateStore
from etl.load.planned import PlannedRecord

_CACHED = 200_000
_GENERATIONS = 8
"""Records that hang on each other in a circle have no head; so far up is looked."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A created record that others may point to; ``scope`` is the one that it hangs on itself."""

    entity: str
    id: TargetId
    scope: RecordKey | None = None


class ParentUnreadable(Exception):
    """A parent that was created shows no such attribute: it was deleted in Casebook, or the role cannot see it."""

    def __init__(self, entity: str, attribute: str) -> None:
        super().__init__(f"{entity} shows no {attribute}")
        self.entity = entity
        self.attribute = attribute


class Parents:
    """Looks parents up."""

    def __init__(self, catalog: Catalog, target: Target, state: StateStore, clock: Clock, quiet_s: float = 0.0) -> None:
        self._catalog = catalog
        self._target = target
        self._state = state
        self._clock = clock
        self._quiet_s = quiet_s
        self._asked_of = _attributes_asked_of(catalog)
        self._cache: OrderedDict[RecordKey, Parent] = OrderedDict()

    def prefetch(self, records: Iterable[PlannedRecord]) -> None:
        """Reads the parents of a batch in one question."""
        keys = {key for record in records for parents in record.parents().values() for key in parents}
        self.created([key for key in keys if key not in self._cache])

    def created(self, keys: Collection[RecordKey]) -> dict[RecordKey, Parent]:
        """The created records among these keys."""
        found = {key: self._cache[key] for key in keys if key in self._cache}
        missing = [key for key in keys if key not in found]
        for key, known in self._state.known(missing).items() if missing else ():
            if known.target_id is not None and known.state in THERE:
                found[key] = self.remember(key, known.entity, known.target_id, known.scope)
        return found

    def root(self, record: PlannedRecord) -> RecordKey:
        """The record at whose head a record stands: its case, person or provider, or itself where it hangs on nothing.

        What it hangs on is what it is looked for under, else its first required reference.
        """
        if not record.refers_to:
            return record.key
        key, above = record.key, self._above(record)
        for _ in range(_GENERATIONS):
            if above is None:
                break
            key = above
            parent = self.created([key]).get(key)
            above = parent.scope if parent else None
        return key

    def _above(self, record: PlannedRecord) -> RecordKey | None:
        entity, parents = self._catalog.entity(record.entity), record.parents()
        scope = entity.marker.scope if entity.marker else None
        names = [scope] if scope else [name for name in parents if name in entity.links and entity.links[name].required]
        return next((parents[name][0] for name in names if name in parents), None)

    def remember(self, key: RecordKey, entity: str, target_id: TargetId, scope: RecordKey | None = None) -> Parent:
        """Keeps a created record at hand."""
        parent = self._cache[key] = Parent(entity, target_id, scope)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return parent

    async def links(self, record: PlannedRecord, fields: Collection[str], *, drop: bool = True) -> dict[str, LinkValue]:
        """The resolved references of a record, by field. A field none of whose parents is created is left out (or, with
        ``drop`` false, None), so that a PATCH can clear it.
        """
        links: dict[str, LinkValue] = {}
        for field in fields:
            link = self._catalog.entity(record.entity).links[field]
            keys = record.parents().get(field, ())
            refs = [await self.ref(link, key, parent) for key, parent in self.created(keys).items()]
            if refs or not drop:
                links[field] = tuple(refs) if link.many else (refs[0] if refs else None)
        return links

    async def ref(self, link: Link, key: RecordKey, parent: Parent) -> Ref:
        """What a link holds that points to this parent: its id, or the attribute of it that the catalogue names."""
        if link.value is None:
            return Ref(parent.entity, parent.id)
        return Ref(parent.entity, await self._attribute(key, parent, link.value))

    async def _attribute(self, key: RecordKey, parent: Parent, name: str) -> TargetId:
        """Another attribute of the parent than its id, read once by GET and kept in state. What was made just now may be shown
        late: it is looked for until the quiet period is over.
        """
        stored = self._state.attribute(key, name)
        for delay_s in sorted({0.0, self._quiet_s / 8, self._quiet_s}):
            if stored is not None:
                break
            await self._clock.sleep(delay_s)
            shown = await self._target.get(parent.entity, parent.id)
            stored = self._state.attribute(key, name) or _text(shown.attributes.get(name) if shown else None)
            if stored is not None:
                self._state.commit(StoreAttribute(key, name, stored))
        if stored is None:
            raise ParentUnreadable(parent.entity, name)
        return TargetId(stored)

    def shown_at_birth(self, key: RecordKey, entity: str, shown: Mapping[str, object]) -> list[StoreAttribute]:
        """What the answer to a create already shows of the attributes that children will ask for."""
        values = {name: _text(shown.get(name)) for name in self._asked_of.get(entity, ())}
        return [StoreAttribute(key, name, value) for name, value in values.items() if value is not None]


def _attributes_asked_of(catalog: Catalog) -> dict[str, list[str]]:
    """By entity, the attributes of its records that links of others hold in place of their ids."""
    asked: dict[str, set[str]] = defaultdict(set)
    for entity in catalog.entities.values():
        for link in entity.links.values():
            for to in link.to if link.value is not None else ():
                asked[to].add(str(link.value))
    return {to: sorted(names) for to, names in asked.items()}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
