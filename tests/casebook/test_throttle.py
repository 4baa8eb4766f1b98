"""What is in flight, how fast it leaves, and that one refusal slows everybody."""

from __future__ import annotations

import asyncio

import pytest

from etl.casebook.retry import SystemClock
from etl.casebook.throttle import Throttle
from tests.casebook.conftest import CountedClock


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_than_the_limit_is_in_flight(concurrency: int) -> None:
    flying: list[int] = [0]
    most: list[int] = [0]

    async def work(throttle: Throttle) -> None:
        async with throttle.slot():
            flying[0] += 1
            most[0] = max(most[0], flying[0])
            await asyncio.sleep(0)
            flying[0] -= 1

    async def main() -> None:
        throttle = Throttle(concurrency, None, CountedClock())
        await asyncio.gather(*(work(throttle) for _ in range(20)))

    asyncio.run(main())
    assert most == [concurrency]


def test_a_pause_holds_everybody_back_and_a_shorter_one_does_not_end_it() -> None:
    clock = CountedClock()
    started: list[float] = []

    async def work(throttle: Throttle) -> None:
        async with throttle.slot():
            started.append(clock.monotonic())

    async def main() -> None:
        throttle = Throttle(4, None, clock)
        throttle.pause(30)
        throttle.pause(1)
        await asyncio.gather(*(work(throttle) for _ in range(4)))

    asyncio.run(main())
    assert len(started) == 4
    assert min(started) >= 1030


def test_a_slot_is_given_back_after_an_error() -> None:
    async def main() -> None:
        throttle = Throttle(1, None, CountedClock())
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with throttle.slot():
                    raise ZeroDivisionError

    asyncio.run(main())


def test_the_rate_is_kept() -> None:
    async def main() -> float:
        clock = SystemClock()
        throttle = Throttle(50, 100.0, clock)
        began = clock.monotonic()

        async def work() -> None:
            async with throttle.slot():
                pass

        await asyncio.gather(*(work() for _ in range(40)))
        return clock.monotonic() - began

    assert asyncio.run(main()) >= 0.25
