"""Whether the application sees everything it must: a limited view hides records instead of refusing them.

An empty answer proves nothing, so sight is tried with records that must be there: some that a person named, some that
were loaded before, and those that visible records point to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from etl.casebook import wire
from etl.casebook.probe.line import ProbeLine
from etl.core.capabilities import UNKNOWN, Fact, probed
from etl.core.errors import EtlError
from etl.core.records import RemoteRecord, TargetId

NAMED, LOADED, LINKED = "named", "loaded", "linked"
ALL, OWN, LIMITED = "all", "own", "limited"
_NOT_FOUND = 404
_FOLLOWED = 3


@dataclass(frozen=True, slots=True)
class Witness:
    """A record that must be visible, and how it is known: ``named`` by a person as somebody else's, ``loaded`` by this
    project, or ``linked`` from a visible record (whose absence tells something, its presence nothing).
    """

    entity: str
    id: TargetId
    known_as: str


async def sight(line: ProbeLine, witnesses: Iterable[Witness]) -> Fact:
    """``limited`` where a witness is hidden, ``all`` or ``own`` by who made those that are seen, else unknown."""
    found = [(each, await _is_shown(line, each)) for each in witnesses]
    if any(shown is False for _, shown in found):
        return probed(LIMITED)
    seen = {each.known_as for each, shown in found if shown}
    if NAMED in seen:
        return probed(ALL)
    return probed(OWN) if LOADED in seen else UNKNOWN


def pointed_to(records: Mapping[str, Iterable[RemoteRecord]], entity: str) -> list[TargetId]:
    """Some records of an entity that visible records point to."""
    return list(islice(dict.fromkeys(_targets(records, entity)), _FOLLOWED))


def _targets(records: Mapping[str, Iterable[RemoteRecord]], entity: str) -> Iterator[TargetId]:
    for shown in records.values():
        for record in shown:
            for value in record.links.values():
                yield from (each.id for each in wire.refs(value) if each.to == entity)


async def _is_shown(line: ProbeLine, witness: Witness) -> bool | None:
    try:
        seen = await line.read(witness.entity, target_id=witness.id)
    except EtlError:
        return None
    if seen.status == _NOT_FOUND:
        return False
    return True if seen.succeeded else None
