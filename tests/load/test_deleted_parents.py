"""A parent that a person deleted in Casebook after we created it: never made again, and its children are told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from etl.sandbox.faults import FaultRule
from tests.load.test_fault_matrix import filed
from tests.load.wired import Wired


def test_a_child_of_a_deleted_parent_waits_and_the_parent_is_not_made_again(tmp_path: Path) -> None:
    """Casebook refuses the child, its answer names the link, and a look shows that nothing is there any more."""
    world = Wired(tmp_path)
    filed(world)
    world.use(FaultRule("status", methods=("POST",), entity="attachment", status=403))
    assert world.ended() is None
    (parent,) = world.oracle.records("case")
    world.oracle.database.remove(parent.id)
    world.use()
    assert world.ended() is None
    assert world.oracle.counts() == {}
    assert world.buckets() == Counter(created=1, blocked=1)
    assert len([entry for entry in world.oracle.journal("POST") if entry.entity == "case"]) == 1
    world.close()
