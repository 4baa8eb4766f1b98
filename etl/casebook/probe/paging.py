"""How lists are paged: the size that comes unasked, the largest that is accepted, and whether pages end and differ.

Asked of lists that the tenant configures wherever one is long enough, so that no person's record is moved for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from etl.casebook.probe.line import ProbeLine, Seen
from etl.casebook.probe.reading import OLDEST
from etl.core.capabilities import UNKNOWN, Fact, probed
from etl.core.errors import EtlError
from etl.core.records import JsonValue

_TOO_LARGE = 10_000
_SIZES = (1000, 500, 200, 100, 50, 20)
_BY_ID = ("sort", "id")
_BEYOND = 1_000_000
_NUMBER = re.compile(r"(?<![\d.])\d{1,5}(?![\d.])")


@dataclass(frozen=True, slots=True)
class Paging:
    """Sizes in records; ``walk`` is ``honoured``, ``repeats`` (the same page again) or ``endless``."""

    default: Fact = UNKNOWN
    largest: Fact = UNKNOWN
    walk: Fact = UNKNOWN


async def paging(line: ProbeLine, lists: Iterable[tuple[str, bool]]) -> Paging:
    """What the first readable list tells, and the first long one. ``lists`` are names, with whether it is an entity."""
    default, largest, walk = UNKNOWN, UNKNOWN, UNKNOWN
    for name, is_entity in lists:
        order = OLDEST if is_entity else _BY_ID
        try:
            first = await line.read(name, order)
            if largest.value is None and first.succeeded:
                largest = await _largest(line, name, order)
            if default.value is None and first.succeeded and first.has_more:
                default = probed(len(first.rows))
            if walk.value is None and len(first.rows) > 1:
                walk = await _walk(line, name, order)
        except EtlError:
            continue
        if None not in (default.value, largest.value, walk.value):
            break
    return Paging(default, largest, walk)


async def _largest(line: ProbeLine, name: str, order: tuple[str, str]) -> Fact:
    """The largest page accepted; what the server itself names in its refusal is tried first."""
    seen = await line.read(name, order, ("page[size]", str(_TOO_LARGE)))
    if seen.succeeded:
        return probed(_TOO_LARGE)
    for size in (*_named(seen), *_SIZES):
        if (await line.read(name, order, ("page[size]", str(size)))).succeeded:
            return probed(size)
    return UNKNOWN


def _named(seen: Seen) -> list[int]:
    errors = seen.document.get("errors") if seen.document else None
    found = [_detail(each) for each in errors] if isinstance(errors, list) else []
    sizes = {int(number) for text in found for number in _NUMBER.findall(text)}
    return sorted((size for size in sizes if 0 < size < _TOO_LARGE), reverse=True)


def _detail(error: JsonValue) -> str:
    return str(error.get("detail", "")) if isinstance(error, dict) else ""


async def _walk(line: ProbeLine, name: str, order: tuple[str, str]) -> Fact:
    """Two pages of one record must differ, and a page far beyond the end must be empty."""
    pages = [
        await line.read(name, order, ("page[number]", str(number)), ("page[size]", "1")) for number in (1, 2, _BEYOND)
    ]
    if not pages[0].succeeded or not pages[1].succeeded:
        return UNKNOWN
    first, second, beyond = pages
    if _ids(first) == _ids(second):
        return probed("repeats")
    return probed("endless" if beyond.succeeded and beyond.rows else "honoured")


def _ids(seen: Seen) -> list[str]:
    return [str(each.get("id")) for each in seen.rows if isinstance(each, dict)]
