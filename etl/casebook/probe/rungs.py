"""Chooses for one entity how a lost answer can be asked about, from what was tried; what was not tried stays as written.

A rung that was seen to fail is never used. A filter that is ignored costs whole lists but hides nothing, because the
client compares every hit: it becomes a sweep. A sweep without the order it asks for can miss a record while others
write, so it proves nothing and the record is held.
"""

from __future__ import annotations

from collections.abc import Mapping

from etl.casebook.probe.reading import BLIND, HONOURED, IGNORED, REFUSED
from etl.casebook.probe.roles import MISSING, NOT_OFFERED
from etl.catalog.model import Marker
from etl.core.capabilities import UNKNOWN, Evidence, Fact, Rung, probed

_USELESS = frozenset({IGNORED, REFUSED, BLIND})


def rung(marker: Marker | None, list_role: Fact, sort: Fact, filters: Mapping[str, Fact]) -> Fact:
    """The rung for an entity. ``filters`` holds what was found of its slot's and its scope's filter."""
    if marker is None:
        return Fact(Rung.HOLD.value, Evidence.CATALOGUE)
    if list_role.value in {MISSING, NOT_OFFERED}:
        return probed(Rung.HOLD.value)
    if marker.slot is None:
        return _by_content(marker, sort, filters.get(marker.scope or "", UNKNOWN))
    slot = filters.get(marker.slot or "", UNKNOWN)
    if marker.ask == Rung.FILTER and slot.value not in _USELESS:
        return probed(Rung.FILTER.value) if slot.value == HONOURED else Fact(Rung.FILTER.value, Evidence.CATALOGUE)
    if filters.get(marker.scope or "", UNKNOWN).value in {REFUSED, BLIND}:
        return probed(Rung.HOLD.value)
    return _in_order(Rung.SWEEP, sort)


def _by_content(marker: Marker, sort: Fact, scope: Fact) -> Fact:
    if marker.ask == Rung.CREATED:
        return _in_order(Rung.CREATED, sort)
    if scope.value in {REFUSED, BLIND}:
        return probed(Rung.HOLD.value)
    return Fact(Rung.SCOPED.value, Evidence.CATALOGUE if scope.value is None else Evidence.PROBED)


def _in_order(wanted: Rung, sort: Fact) -> Fact:
    """A rung that reads the whole list newest first, only as far back as need be."""
    if sort.value in {IGNORED, REFUSED}:
        return probed(Rung.HOLD.value)
    return Fact(wanted.value, Evidence.CATALOGUE if sort.value is None else Evidence.PROBED)
