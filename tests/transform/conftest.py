"""A small mapping workshop: what a test does not say about a mapping is plain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pytest

from etl.catalog.model import Api, Attribute, Catalog, Entity, Kind, Link
from etl.core.keys import RecordKeys
from etl.core.ports import BaseQuery, Join
from etl.mapping.expressions import parse
from etl.mapping.model import (
    Branch,
    Const,
    Crosswalk,
    CrosswalkRow,
    CrosswalkUse,
    EntityMapping,
    Field,
    OnError,
    OnUnmapped,
    Pipeline,
    Position,
    Value,
)
from etl.mapping.operations import bind
from etl.transform import Context, Mapped, Transformer

TABLE = "legacy.PERSONS"
KEYS = RecordKeys(b"k" * 32)
PLACE = Position("people.yaml", 7, 3)


def batch(damage: Sequence[str | None] | None = None, **columns: Sequence[object]) -> pa.RecordBatch:
    """Base rows as the tables give them; ``alias__X`` stands for ``alias.X``."""
    count = len(next(iter(columns.values())))
    arrays = {"_row": pa.array(range(1, count + 1), pa.int64()), "_line": pa.array(range(2, count + 2), pa.int64())}
    arrays["_damage"] = pa.array(damage or [None] * count, pa.string())
    for name, values in columns.items():
        whole = name == "_group" or name.endswith("_matches")
        arrays[name.replace("__", ".")] = pa.array(values, pa.int64() if whole else pa.string())
    return pa.record_batch(arrays)


def pipe(*columns: str, do: Sequence[object] = (), **more: object) -> Pipeline:
    """A pipeline as YAML would write it."""
    steps = [next(iter(step.items())) if isinstance(step, dict) else (step, None) for step in do]
    return Pipeline(columns, tuple(bind(name, argument) for name, argument in steps), **more)


def crosswalk(*rows: tuple[str, ...], on_unmapped: str = "quarantine") -> CrosswalkUse:
    """Rows of codes followed by a target."""
    made = tuple(CrosswalkRow(row[:-1], row[-1], line) for line, row in enumerate(rows, start=2))
    names = tuple(f"C{index}" for index in range(len(rows[0]) - 1))
    return CrosswalkUse(Crosswalk("codes", names, made, "sum"), OnUnmapped(on_unmapped))


def branch(when: str | None, value: Value | str) -> Branch:
    """An alternative of choose or many; a text is a constant."""
    return Branch(parse(when) if when else None, Const(value) if isinstance(value, str) else value)


def field(name: str, value: Value | str, *, kind: str = "string", many: bool = False, **more: object) -> Field:
    """A field; a text names its column. ``kind: link`` makes a link of it."""
    pii, when = more.pop("pii", None), more.pop("when", None)
    on_error, default = OnError(more.pop("on_error", "quarantine")), more.pop("default", None)
    link = Link(name, ("person",), many=many) if kind == "link" or many else None
    return Field(
        name=name,
        value=pipe(value) if isinstance(value, str) else value,
        on_error=on_error,
        default=default,
        pii=pii,
        when=parse(when) if when else None,
        columns=(),
        position=PLACE,
        attribute=None if link else Attribute(name, Kind(kind)),
        link=link,
    )


@dataclass(frozen=True)
class Workshop:
    """Builds a transformer and runs it."""

    catalog: Catalog

    def transformer(self, *fields: Field, **more: object) -> Transformer:
        joins: tuple[Join, ...] = more.get("joins", ())
        where = more.get("where")
        mapping = EntityMapping(
            name="people",
            target="person",
            base=BaseQuery(TABLE, (), joins),
            where=parse(where) if where else None,
            key=more.get("key", ("ID",)),
            space="people",
            fields=fields,
            checksum="sum",
            position=PLACE,
        )
        return Transformer(mapping, self.catalog, KEYS, Context(dt.date(2026, 1, 31), "America/New_York"))

    def run(self, rows: pa.RecordBatch, *fields: Field, **more: object) -> Mapped:
        return self.transformer(*fields, **more).apply(rows)


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    person = Entity("person", "people", "people", "/people/people", ("create",), {}, {})
    return Workshop(Catalog(Api({}, "", 0, 0, None), {"person": person}, {}))


@pytest.fixture(scope="session")
def make() -> type[Make]:
    return Make


class Make:
    """The builders, for tests that ask for the fixture ``make``."""

    batch: Callable[..., pa.RecordBatch] = staticmethod(batch)
    pipe: Callable[..., Pipeline] = staticmethod(pipe)
    crosswalk: Callable[..., CrosswalkUse] = staticmethod(crosswalk)
    branch: Callable[..., Branch] = staticmethod(branch)
    field: Callable[..., Field] = staticmethod(field)
    keys = KEYS


@pytest.fixture(scope="session")
def told() -> Callable[[Mapped], list[tuple[object, ...]]]:
    """Problems in short: code, severity, field, row, detail."""

    def short(mapped: Mapped) -> list[tuple[object, ...]]:
        names = ("code", "severity", "field", "row", "detail")
        return [tuple(row[name] for name in names) for row in mapped.problems.to_pylist()]

    return short
