"""Requests that take effect late, by how late: within the quiet period none is doubled, beyond it each double is found."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from etl.load import freshness
from etl.load.ports import LoadPorts
from etl.load.verify import Verifier
from etl.sandbox.faults import FaultRule
from tests.load.figures import figures
from tests.load.wired import CHANCE, FASTER, QUIET_S, Wired
from tests.load.world import KEYS, OPTIONS, PEOPLE, SilentProgress, person

LATE, ALL = 56, 64
QUIET_REAL_S = QUIET_S / FASTER
WITHIN, BEYOND = (0.5, 0.9), 6.0
"""Shares of the quiet period; so far beyond it that records have been sent again meanwhile, however busy the machine is."""


@pytest.mark.parametrize("share", [*WITHIN, BEYOND])
def test_what_is_late_within_the_quiet_period_is_single_and_beyond_it_each_double_is_found(
    tmp_path: Path, proof_line, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    # A second look for records that state does not know would stop the load at the first double.
    monkeypatch.setattr(freshness, "EVERY_S", float("inf"))
    world = Wired(tmp_path)
    world.plan((PEOPLE, [person(f"p{number}") for number in range(ALL)]))
    late = FaultRule(
        "late_commit", methods=("POST",), entity="person", spared=1, first=1 + LATE, delay_s=share * QUIET_REAL_S
    )
    world.use(late)

    async def load_and_verify() -> Counter[str]:
        """One loop carries load and sandbox, so that what is late arrives however busy the machine is."""
        await Wired._load(world, world.target.points, None)
        await asyncio.sleep(2 * share * QUIET_REAL_S)
        target = world.client()
        with world.open() as store:
            ports = LoadPorts(world.catalog, KEYS, target, store, world.files, world.clock, SilentProgress())
            found = await Verifier(ports, world.planned, OPTIONS).run()
        await target.close()
        return Counter(each.code for each in found.findings)

    findings = asyncio.run(load_and_verify())
    doubled = sum(count - 1 for count in world.oracle.markers().values())
    told = {**figures(world, {"person": ALL}), "late": LATE, "found": findings.total()}
    proof_line(f"late commits at {share} of the quiet period", CHANCE, **told)
    assert sum(entry.fault == "late_commit" for entry in world.oracle.journal("POST")) == LATE
    assert told["lost"] == (told["dup"] if share > 1 else 0), "what state does not know of is a double"
    assert findings == Counter(duplicate_in_target=doubled)
    assert doubled == told["dup"]
    assert (doubled > 0) == (share > 1)
    world.close()
