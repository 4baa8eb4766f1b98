"""Judges a load by what the sandbox holds after it: the oracle of drills and of the end-to-end proofs.

A load's *picture* is every record in terms that do not depend on chance, with ids replaced by markers (or, where an
entity has no slot for one, by contents). Two loads are equal exactly if their pictures are; so a load that was cut and
killed is held against one that met no trouble, and nobody has to say what the right records are.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from etl.catalog.model import Catalog
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import RecordState
from etl.core.state_port import KnownRecord
from etl.load.markers import read_marker
from etl.sandbox.oracle import HeldRecord, Oracle

MADE_BY_THE_SERVER = frozenset({"created_at", "created_by", "updated_at", "updated_by", "assignment_id", "upload_url"})
_AT_REST = frozenset({RecordState.CREATED, RecordState.BLOCKED})


class Picture:
    """What a sandbox holds, told without ids: ``records`` counts the contents, ``name(id)`` is the content of one."""

    def __init__(self, oracle: Oracle, catalog: Catalog) -> None:
        held = [record for entity in oracle.counts() for record in oracle.records(entity)]
        self._held = {record.id: record for record in held}
        self._catalog = catalog
        self._names: dict[str, str] = {}
        self.markers = {record.id: self._marker(record) for record in held}
        self.records = Counter(self.name(record.id) for record in held)

    def name(self, record_id: str) -> str:
        """The content of a record with everything it points to, as a hash behind its entity."""
        if record_id not in self._names:
            record = self._held.get(record_id)
            self._names[record_id] = record_id if record is None else self._content(record)
        return self._names[record_id]

    def entity(self, record_id: str) -> str | None:
        """What a record is; None where there is none of this id."""
        record = self._held.get(record_id)
        return record.entity if record else None

    def outline(self, record_id: str) -> str:
        """A record's own attributes alone, without what it points to: what a person would know it by."""
        record = self._held[record_id]
        plain = {name: value for name, value in record.attributes.items() if name not in MADE_BY_THE_SERVER}
        return _hashed(record.entity, self._replaced(plain, lambda text: "" if text in self._held else text))

    def ids(self, entity: str) -> list[str]:
        """The ids of an entity's records."""
        return [record.id for record in self._held.values() if record.entity == entity]

    def _content(self, record: HeldRecord) -> str:
        attributes = {name: value for name, value in record.attributes.items() if name not in MADE_BY_THE_SERVER}
        return _hashed(record.entity, [self._replaced(attributes, self._referred), self._links(record)])

    def _links(self, record: HeldRecord) -> dict[str, list[str]]:
        """Links by what they point to; one that is set later may close a loop, so it tells less of its target."""
        kinds = self._catalog.entity(record.entity).links
        tell = {name: self._shallow if kinds[name].set_by == "patch" else self._referred for name in record.links}
        return {name: sorted(map(tell[name], ids)) for name, ids in record.links.items()}

    def _referred(self, record_id: str) -> str:
        """A marked record's marker, any other record's content, and every other text as it is."""
        return self.markers.get(record_id) or self.name(record_id)

    def _shallow(self, record_id: str) -> str:
        if record_id not in self._held or self.markers[record_id]:
            return self._referred(record_id)
        return self.outline(record_id)

    def _replaced(self, value: Any, replace: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, dict):
            return {name: self._replaced(each, replace) for name, each in value.items()}
        return replace(value) if isinstance(value, str) else value

    def _marker(self, record: HeldRecord) -> str | None:
        return read_marker(self._catalog.entity(record.entity), record.attributes)  # type: ignore[arg-type] # JSON values


@dataclass(frozen=True, slots=True)
class Good:
    """What a load that met no trouble made: the content of each record key, how often each content is there, and the
    outline of each key.
    """

    contents: Mapping[str, str]
    records: Counter[str]
    outlines: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proof:
    """A load held against a good one: all figures but ``n``, the records of the good one, are 0 where it is right.

    ``wrong_id`` counts ids in state that name another record, ``held`` records without a certain outcome.
    """

    n: int
    dup: int
    lost: int
    wrong_id: int
    corrupt: int
    held: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.dup or self.lost or self.wrong_id or self.corrupt or self.held)

    def figures(self) -> dict[str, int]:
        """The figures by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def line(self, test: str, seed: int, seconds: float, **more: int) -> str:
        """One JSON line for scripts."""
        return json.dumps({"test": test, "seed": seed, **self.figures(), **more, "s": round(seconds, 1)})


def good(rows: Iterable[KnownRecord], picture: Picture) -> Good:
    """What a load made, by the rows of its state database."""
    ids = {row.key: row.target_id for row in rows if row.target_id is not None}
    contents: dict[str, str] = {key: picture.name(target_id) for key, target_id in ids.items()}
    outlines: dict[str, str] = {
        key: picture.outline(target_id) for key, target_id in ids.items() if picture.entity(target_id)
    }
    return Good(contents, picture.records, outlines)


def prove(rows: Iterable[KnownRecord], picture: Picture, wanted: Good, *, intact: bool = True) -> Proof:
    """Compares a load with a good one. ``intact`` says whether its state database passed its own check."""
    known = list(rows)
    ids = {row.key: row.target_id for row in known if row.target_id is not None}
    wrong = [key for key, target_id in ids.items() if not _is_right(picture, key, target_id, wanted)]
    missing = wanted.records - picture.records
    unknown = Counter(content for key, content in wanted.contents.items() if key not in ids)
    return Proof(
        n=wanted.records.total(),
        dup=(picture.records - wanted.records).total(),
        # What is missing here and there is one record.
        lost=(missing | unknown).total(),
        wrong_id=len(wrong) + len(ids) - len(set(ids.values())),
        corrupt=0 if intact else 1,
        held=sum(_is_held(row, wanted) for row in known),
    )


def _is_held(row: KnownRecord, wanted: Good) -> bool:
    """Whether a record has no certain outcome. One that is refused without any trouble too is no loss of this load's."""
    is_refused_anyway = row.state is RecordState.REJECTED and row.key not in wanted.contents
    return row.state not in _AT_REST and not is_refused_anyway


def prove_unfinished(
    rows: Iterable[KnownRecord], picture: Picture, wanted: Good, *, intact: bool = True
) -> tuple[Proof, int]:
    """What is wrong with a load that did not come to its end, whatever it would still do: a marker that stands twice, an id
    that names nothing or another's record. Beside that how many records are not as they should be, at least one.
    """
    known = list(rows)
    ids = {row.key: row.target_id for row in known if row.target_id is not None}
    marked = Counter(text for text in picture.markers.values() if text)
    strange = [key for key, target_id in ids.items() if picture.markers.get(target_id) not in (None, marker(key))]
    proof = Proof(
        n=wanted.records.total(),
        dup=sum(marked.values()) - len(marked),
        lost=sum(picture.entity(target_id) is None for target_id in ids.values()),
        wrong_id=len(strange) + len(ids) - len(set(ids.values())),
        corrupt=0 if intact else 1,
        held=0,
    )
    right = sum(key in wanted.contents and _is_right(picture, key, target_id, wanted) for key, target_id in ids.items())
    return proof, max(len(wanted.contents) - right, 1)


def _is_right(picture: Picture, key: RecordKey, target_id: str, wanted: Good) -> bool:
    """Whether an id of state names the record that it should: its own marker, and the content the good load has."""
    own = picture.markers.get(target_id)
    return own in (None, marker(key)) and picture.name(target_id) == wanted.contents.get(key)


def _hashed(entity: str, content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return f"{entity}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
