"""What lists of one entity can be asked: their form, whether the order asked for is kept, which filters are obeyed.

A filter that is ignored is the dangerous one, because it answers like one that found something. It is unmasked by a
nonsense value, which must find nothing where records exist, and confirmed by a record that has the value asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl.casebook import wire
from etl.casebook.jsonapi import UnknownShape, decode
from etl.casebook.probe.line import NOBODY, ProbeLine, Seen
from etl.catalog.model import Entity
from etl.core.capabilities import UNKNOWN, Fact, probed
from etl.core.errors import EtlError
from etl.core.keys import MARKER_PREFIX
from etl.core.records import JsonValue, RemoteRecord

NONSENSE = MARKER_PREFIX + "7" * 16
"""A marker that no record of ours carries, but by one chance in 2**80."""
HONOURED, IGNORED, REFUSED, BLIND = "honoured", "ignored", "refused", "blind"
NEWEST, OLDEST = ("sort", "-created_at,id"), ("sort", "created_at,id")


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The first page of an entity's list. ``records`` are those of the expected form; ``misshapen`` counts the others."""

    records: tuple[RemoteRecord, ...]
    misshapen: int
    page_size_accepted: bool
    has_more: bool


async def glimpse(line: ProbeLine, entity: str) -> Glimpse | None:
    """The first page, newest first, in the profile's page size or else the server's own; None where none is shown."""
    sized = await line.read(entity, NEWEST, ("page[size]", str(line.profile.page_size)))
    seen = sized if sized.succeeded else await line.read(entity, NEWEST)
    if not seen.succeeded:
        return None
    records = tuple(_records(line, entity, seen.rows))
    return Glimpse(records, len(seen.rows) - len(records), sized.succeeded, seen.has_more)


async def sort(line: ProbeLine, entity: str) -> Fact:
    """Whether the order asked for is kept; unknown where too few records tell one order from the other."""
    try:
        up, down = [await _moments(line, entity, order) for order in (OLDEST, NEWEST)]
    except EtlError:
        return UNKNOWN
    if up is None or down is None:
        return probed(REFUSED)
    if len({*up, *down}) <= 1:
        return UNKNOWN
    kept = up == sorted(up) and down == sorted(down, reverse=True) and up[0] <= down[0]
    return probed(HONOURED if kept and up != down else IGNORED)


async def slot_filter(line: ProbeLine, entity: Entity, slot: str, records: Sequence[RemoteRecord]) -> Fact:
    """Whether a filter on an attribute (dotted for a custom field) is honoured, ignored, refused or blind to what is there."""
    shown = {str(value) for each in records if isinstance(value := wire.value_at(each.attributes, slot), str) and value}
    name = wire.filter_name(entity, slot)
    return await _filter(line, entity.name, name, NONSENSE, min(shown, default=""), is_empty=not records)


async def link_filter(line: ProbeLine, entity: Entity, link: str, records: Sequence[RemoteRecord]) -> Fact:
    """The same for a filter on a link, by which the children of a parent are listed."""
    shown = {each.id for record in records for each in wire.refs(record.links.get(link))}
    name = wire.filter_name(entity, link)
    return await _filter(line, entity.name, name, NOBODY, min(shown, default=""), is_empty=not records)


async def _filter(line: ProbeLine, entity: str, name: str, nonsense: str, known: str, *, is_empty: bool) -> Fact:
    try:
        without = await line.read(entity, (f"filter[{name}]", nonsense), OLDEST)
        with_known = await line.read(entity, (f"filter[{name}]", known), OLDEST) if known else None
    except EtlError:
        return UNKNOWN
    if not without.succeeded or (with_known is not None and not with_known.succeeded):
        return probed(REFUSED)
    if without.rows:
        return probed(IGNORED)
    if with_known is not None:
        return probed(HONOURED if with_known.rows else BLIND)
    return UNKNOWN if is_empty else probed(HONOURED)


async def _moments(line: ProbeLine, entity: str, order: tuple[str, str]) -> list[str] | None:
    seen: Seen = await line.read(entity, order, ("page[size]", "10"))
    if not seen.succeeded:
        return None
    return [each.created_at for each in _records(line, entity, seen.rows) if each.created_at]


def _records(line: ProbeLine, entity: str, rows: Sequence[JsonValue]) -> Iterator[RemoteRecord]:
    for row in rows:
        try:
            yield decode(line.catalog, entity, row)
        except UnknownShape:
            continue
