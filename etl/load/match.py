"""Finds records to be created that Casebook may hold already, by the ways that their mappings declare.

An entity is listed once and every record that it shows is looked up among the records to be created, so nobody's name
ever stands in an address. Only one certain answer counts: agreement in all fields of a way, one record on each side.
Everything else is a question for a person.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from etl.catalog.model import Catalog, Entity
from etl.core.keys import RecordKey, marker
from etl.core.ports import Target
from etl.core.records import Ref, RemoteRecord, TargetId
from etl.core.state_port import StateReader
from etl.load.compare import flat
from etl.load.markers import read_marker
from etl.load.render import Options, json_value
from etl.mapping.model import EntityMapping, Field, Match

_MOST = 9
"""So many candidates, and one more, are named of one record; the others are only counted."""
_CHUNK = 2_000

Place = tuple[RecordKey, int]
"""A record to be created and the number of the way by which it is looked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record to be created, with its mapping and its typed values by field."""

    key: RecordKey
    mapping: EntityMapping
    row: int
    line: int | None
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """A record of Casebook that one of ours may be: by which way (counted from 1), how alike (1 is agreement), and
    whether another of our records has it already.
    """

    target_id: TargetId
    way: int
    likeness: float
    taken: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one record. ``certain`` is the id that may be adopted unasked, else ``why`` says what is open:
    ``several``, ``alike``, ``taken``, ``shared`` (several of ours fit one of theirs) or ``asked`` (the mapping does not adopt).
    ``more`` counts those beyond the ones that are named.
    """

    wanted: Wanted
    found: tuple[Found, ...]
    certain: TargetId | None
    why: str = ""
    more: int = 0


@dataclass(slots=True)
class _Pool:
    """The records of one entity that are looked for, by the hash of what has to agree."""

    by_hash: dict[bytes, list[Place]] = field(default_factory=lambda: defaultdict(list))
    wanted: dict[RecordKey, Wanted] = field(default_factory=dict)
    alike: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    found: dict[RecordKey, dict[TargetId, Found]] = field(default_factory=lambda: defaultdict(dict))
    more: dict[RecordKey, set[TargetId]] = field(default_factory=lambda: defaultdict(set))


class Matcher:
    """Looks records up. ``options`` are the tenant's labels and ids."""

    def __init__(self, catalog: Catalog, target: Target, state: StateReader, options: Options) -> None:
        self._catalog = catalog
        self._target = target
        self._state = state
        self._labels = {lookup: {each: label for label, each in ids.items()} for lookup, ids in options.items()}
        self._pools: dict[str, _Pool] = defaultdict(_Pool)

    def add(self, records: Sequence[Wanted]) -> None:
        """Takes in records of mappings that declare ways; those that state knows to be in Casebook are passed over."""
        known = self._state.known([each.key for each in records])
        for record in records:
            there = known.get(record.key)
            if there is None or there.target_id is None:
                self._add(record)

    async def findings(self) -> Iterator[Finding]:
        """What was found, for every record for which anything was."""
        for name, pool in self._pools.items():
            await self._look(self._catalog.entity(name), pool)
        return (finding for pool in self._pools.values() for finding in _decided(pool))

    async def agrees(self, record: Wanted, target_id: TargetId) -> bool:
        """Whether a record of Casebook is there and agrees with one of ours in all fields that a way demands."""
        shown = await self._target.get(record.mapping.target, target_id)
        if shown is None or shown.id != target_id:
            return False
        fields = {each.name: each for each in record.mapping.fields}
        texts = self._shown(self._catalog.entity(record.mapping.target), shown)
        return any(
            (ours := _hash(way.by, [_ours(fields[name], record.values.get(name)) for name in way.by])) is not None
            and ours == _hash(way.by, [texts.get(name, "") for name in way.by])
            for way in record.mapping.match
        )

    def _add(self, record: Wanted) -> None:
        pool = self._pools[record.mapping.target]
        fields = {each.name: each for each in record.mapping.fields}
        for number, way in enumerate(record.mapping.match):
            agree = _hash(way.by, [_ours(fields[name], record.values.get(name)) for name in way.by])
            if agree is None:
                continue
            pool.wanted[record.key] = record
            pool.by_hash[agree].append((record.key, number))
            if way.like:
                texts = tuple(_ours(fields[name], record.values.get(name)) for name in way.like)
                pool.alike[record.key, number] = texts

    async def _look(self, entity: Entity, pool: _Pool) -> None:
        if not pool.by_hash:
            return
        chunk: list[RemoteRecord] = []
        async for record in self._target.list(entity.name):
            chunk.append(record)
            if len(chunk) == _CHUNK:
                self._look_at(entity, pool, chunk)
                chunk = []
        self._look_at(entity, pool, chunk)

    def _look_at(self, entity: Entity, pool: _Pool, records: Sequence[RemoteRecord]) -> None:
        taken = self._state.by_target_id(entity.name, [each.id for each in records])
        ways = {way for record in pool.wanted.values() for way in record.mapping.match}
        for record in records:
            shown = self._shown(entity, record)
            own = read_marker(entity, record.attributes)
            for way in ways:
                agree = _hash(way.by, [shown.get(name, "") for name in way.by])
                for place in pool.by_hash.get(agree, ()) if agree is not None else ():
                    if own != marker(place[0]):
                        self._note(pool, place, way, shown, record.id, taken=record.id in taken)

    def _note(
        self, pool: _Pool, place: Place, way: Match, shown: Mapping[str, str], target_id: TargetId, *, taken: bool
    ) -> None:
        """Remembers a candidate, by the first of the ways that find it."""
        key, number = place
        if pool.wanted[key].mapping.match[number] != way:
            return
        likeness = 1.0
        if way.like:
            likeness = _likeness(pool.alike[place], [shown.get(name, "") for name in way.like])
        found = pool.found[key]
        if target_id in found and found[target_id].way <= number + 1:
            return
        if likeness < way.at_least:
            return
        if target_id in found or len(found) <= _MOST:
            found[target_id] = Found(target_id, number + 1, likeness, taken)
        else:
            pool.more[key].add(target_id)

    def _shown(self, entity: Entity, record: RemoteRecord) -> dict[str, str]:
        """What a record shows, as text by field: labels instead of option ids."""
        shown = {}
        for name, value in flat(record.attributes).items():
            attribute = entity.attributes.get(name)
            labels = self._labels.get(attribute.lookup, {}) if attribute is not None and attribute.lookup else {}
            shown[name] = _plain(labels.get(TargetId(str(value)), value))
        for name, link in record.links.items():
            if isinstance(link, Ref):
                shown[name] = _plain(self._labels.get(link.to, {}).get(link.id, link.id))
        return shown


def _decided(pool: _Pool) -> Iterator[Finding]:
    claims = Counter(target_id for found in pool.found.values() for target_id in found)
    for key, candidates in pool.found.items():
        found = sorted(candidates.values(), key=lambda each: (each.way, -each.likeness, each.target_id))
        if found:
            why = _open(pool.wanted[key], found, claims)
            yield Finding(pool.wanted[key], tuple(found), None if why else found[0].target_id, why, len(pool.more[key]))


def _open(wanted: Wanted, found: Sequence[Found], claims: Mapping[TargetId, int]) -> str:
    """Why a person has to decide; "" where nothing is open."""
    best = [each for each in found if not wanted.mapping.match[each.way - 1].like]
    if not best:
        return "alike"
    if len(found) > 1:
        return "several"
    if found[0].taken:
        return "taken"
    if claims[found[0].target_id] > 1:
        return "shared"
    return "" if wanted.mapping.adopt else "asked"


def _ours(field_: Field, value: object) -> str:
    """A typed value of ours as text, a label as label."""
    return "" if value is None or field_.is_reference else _plain(json_value(value))


def _plain(value: object) -> str:
    """Text without what typing varies: case, blanks, how accents are put together.

    >>> _plain("  De  la Cruz ")
    'de la cruz'
    """
    return "" if value is None else " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())


def _hash(names: Iterable[str], values: Sequence[str]) -> bytes | None:
    """What has to agree, as a hash; None where any of it is blank, which never agrees."""
    if not all(values):
        return None
    text = "\x1f".join([*names, *values])
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _likeness(ours: Sequence[str], shown: Sequence[str]) -> float:
    """From 0 to 1, on average over the fields; a blank is like nothing.

    >>> round(_likeness(["jon"], ["john"]), 2)
    0.86
    """
    ratios = [
        SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0
        for one, other in zip(ours, shown, strict=True)
    ]
    return sum(ratios) / len(ratios)
