"""While the first record of an entity is on its way, those that wait for it cost no question to the state database."""

from __future__ import annotations

import asyncio

from etl.load.first import FirstAlone


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
