"""Judges a load by what the sandbox holds after it.

A load's *picture* is every record in terms that do not depend on chance, with ids replaced by markers (or, where an
entity has no slot for one, by contents). Two loads are equal exactly if their pictures are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.core.keys import marker
from etl.load.markers import read_marker
from etl.sandbox.oracle import HeldRecord, Oracle
from tests.e2e.harness import Place, sandbox, sandbox_catalog

MADE_BY_THE_SERVER = frozenset({"created_at", "created_by", "updated_at", "updated_by", "assignment_id", "upload_url"})


class Picture:
    """What a sandbox holds, told without ids: ``records`` counts the contents, ``name(id)`` is the content of one."""

    def __init__(self, oracle: Oracle) -> None:
        catalog = sandbox_catalog()
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
        record = self._held.get(record_id)
        return record.entity if record else None

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
        record = self._held.get(record_id)
        if record is None or self.markers[record_id]:
            return self._referred(record_id)
        plain = {name: value for name, value in record.attributes.items() if name not in MADE_BY_THE_SERVER}
        return _hashed(record.entity, self._replaced(plain, lambda text: "" if text in self._held else text))

    def _replaced(self, value: Any, replace: Callable[[str], str]) -> Any:
        if isinstance(value, dict):
            return {name: self._replaced(each, replace) for name, each in value.items()}
        return replace(value) if isinstance(value, str) else value

    def _marker(self, record: HeldRecord) -> str | None:
        return read_marker(self._catalog.entity(record.entity), record.attributes)  # type: ignore[arg-type] # JSON values


def _hashed(entity: str, content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return f"{entity}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Known:
    """A row of the state database."""

    key: str
    entity: str
    state: str
    target_id: str | None


def known(state: Path) -> list[Known]:
    """All records of a state database."""
    with contextlib.closing(sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)) as database:
        return [Known(*row) for row in database.execute("select rk, entity, state, target_id from records")]


def is_intact(state: Path) -> bool:
    """SQLite's own check."""
    with contextlib.closing(sqlite3.connect(state)) as database:
        return bool(database.execute("pragma integrity_check").fetchall() == [("ok",)])


@dataclass(frozen=True, slots=True)
class Proof:
    """A load held against a load that met no trouble: all figures are 0 where it is right."""

    n: int
    dup: int
    lost: int
    wrong_id: int
    corrupt: int
    held: int

    @property
    def is_clean(self) -> bool:
        return not (self.dup or self.lost or self.wrong_id or self.corrupt or self.held)

    def line(self, test: str, seed: int, seconds: float, **more: int) -> str:
        """One JSON line for scripts."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"test": test, "seed": seed, **figures, **more, "s": round(seconds, 1)})


def prove(state: Path, oracle: Oracle, good: Mapping[str, str], records: Counter[str]) -> Proof:
    """Compares a load with a good one: ``good`` gives the content of each record key, ``records`` counts contents."""
    picture = Picture(oracle)
    rows = known(state)
    ids = {row.key: row.target_id for row in rows if row.target_id is not None}
    wrong = [key for key, target_id in ids.items() if not _is_right(picture, key, target_id, good)]
    return Proof(
        n=records.total(),
        dup=(picture.records - records).total(),
        lost=(records - picture.records).total() + len(good.keys() - ids.keys()),
        wrong_id=len(wrong) + len(ids) - len(set(ids.values())),
        corrupt=0 if is_intact(state) else 1,
        held=sum(row.state not in {"created", "blocked", "quarantined"} for row in rows),
    )


def _is_right(picture: Picture, key: str, target_id: str, good: Mapping[str, str]) -> bool:
    """Whether an id of state names the record that it should: its own marker, and the content the good load has."""
    own = picture.markers.get(target_id)
    return own in (None, marker(key)) and picture.name(target_id) == good.get(key)  # type: ignore[arg-type] # a key as text


@dataclass(frozen=True, slots=True)
class Reference:
    """A load that met no trouble: where it lies, its summary, its contents."""

    place: Place
    summary: Mapping[str, Any]
    good: Mapping[str, str]
    records: Counter[str]


def reference_load(place: Place) -> Reference:
    """Loads a project into a quiet sandbox."""
    with sandbox() as quiet:
        ended = place.point_at(quiet.base_url).run()
        assert ended.code in (0, 1), ended.text
        picture = Picture(quiet.oracle)
    good = {row.key: picture.name(row.target_id) for row in known(place.state) if row.target_id is not None}
    return Reference(place, place.summary(), good, picture.records)


def buckets(summary: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The account of rows by mapping, without what does not count rows."""
    names: Sequence[str] = (
        "created",
        "updated",
        "unchanged",
        "quarantined",
        "blocked",
        "rejected",
        "uncertain",
        "pending",
    )
    return {
        account["mapping"]: {name: account[name] for name in names if account[name]}
        for account in summary["ledger"]["mappings"]
    }
