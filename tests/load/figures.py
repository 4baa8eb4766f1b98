"""The figures of a proof in the small world: what lies at the server held against what should, and against the state."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from etl.core.keys import marker
from etl.load.markers import read_marker
from tests.load.wired import Wired
from tests.load.world import World


def figures(world: World, expected: Mapping[str, int], *, settled: bool = True) -> dict[str, int]:
    """One load by entity; where it is not ``settled``, records that are not there and not believed to be are no loss. What
    was undone is not held.
    """
    there = records(world)
    counts = Counter(entity for entity, _ in there.values())
    missing = (Counter(expected) - counts).total()
    with world.open() as store:
        known = list(store.in_state())
    ours = [each for each in known if each.target_id is not None]
    wrong = sum(not _is_own(world, each, there.get(str(each.target_id))) for each in ours)
    unknown = len(there.keys() - {str(each.target_id) for each in ours})
    return {
        "n": sum(expected.values()),
        "dup": (counts - Counter(expected)).total(),
        "lost": missing + unknown if settled else sum(str(each.target_id) not in there for each in ours),
        "wrong_id": wrong,
        "corrupt": 0 if is_intact(world) else 1,
        "held": sum(str(each.state) not in {"created", "undone"} for each in known),
    }


def records(world: World) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Everything at the server, by id: entity and attributes."""
    if isinstance(world, Wired):
        held = [each for entity in world.oracle.counts() for each in world.oracle.records(entity)]
        return {each.id: (each.entity, each.attributes) for each in held}
    return {str(each.id): (each.entity, each.attributes) for each in world.target.records.values()}


def is_intact(world: World) -> bool:
    """SQLite's own check of the state database."""
    with closing(sqlite3.connect(world.folder / "state.db")) as database:
        return bool(database.execute("pragma integrity_check").fetchall() == [("ok",)])


def _is_own(world: World, known: Any, there: tuple[str, Mapping[str, Any]] | None) -> bool:
    if there is None or there[0] != known.entity:
        return False
    return read_marker(world.catalog.entity(known.entity), dict(there[1])) in (None, marker(known.key))
