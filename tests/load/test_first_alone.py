"""While the first record of an entity is on its way, those that wait for it cost no question to the state database, and none of
them is promised before that one is certain.
"""

from __future__ import annotations

import asyncio

from etl.core.changes import Change, Intend, MarkCreated
from etl.core.state_port import Told
from etl.load.first import FirstAlone
from tests.load.world import PEOPLE, DyingStore, person


def test_records_that_wait_for_the_first_one_ask_nothing_of_the_state_database():
    asked, is_there = [], asyncio.Event()

    def is_proved(entity: str) -> bool:
        asked.append(entity)
        return is_there.is_set()

    async def go() -> list[bool]:
        first_alone = FirstAlone(is_proved)
        assert await first_alone.enter("person")
        before = len(asked)
        waiting = [asyncio.create_task(first_alone.enter("person")) for _ in range(20)]
        await asyncio.sleep(0)
        assert len(asked) == before
        is_there.set()
        first_alone.leave("person")
        return await asyncio.gather(*waiting)

    assert asyncio.run(go()) == [False] * 20


def test_the_id_of_the_first_record_is_on_its_way_to_the_disk_before_the_promise_of_a_second(world, monkeypatch):
    """Else a kill could leave all of an entity promised, and none of it certain."""
    queued: list[Change] = []
    commit = DyingStore.commit_telling

    def queue(store: DyingStore, told: Told, *changes: Change) -> None:
        queued.extend(changes)
        commit(store, told, *changes)

    monkeypatch.setattr(DyingStore, "commit_telling", queue)
    world.plan((PEOPLE, [person(str(number)) for number in range(20)]))
    world.load()
    assert [type(each) for each in queued[:3]] == [Intend, MarkCreated, Intend]
    assert queued[0].key == queued[1].key
