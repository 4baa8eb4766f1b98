"""Places in flight: how many, in which order, and where an error goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from etl.core.errors import TargetBusy
from etl.load.flights import Flights


def flown(places: int, story: Callable[[Flights], Awaitable[Any]]) -> Any:
    async def told() -> Any:
        async with asyncio.TaskGroup() as tasks:
            flights = Flights(places)
            flying = flights.start(tasks)
            try:
                return await story(flights)
            finally:
                for each in flying:
                    each.cancel()

    return asyncio.run(told())


def test_as_many_fly_as_there_are_places_and_in_the_order_of_asking() -> None:
    in_flight, most, begun = 0, 0, []

    async def flight(number: int) -> int:
        nonlocal in_flight, most
        begun.append(number)
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0.001)
        in_flight -= 1
        return number

    async def story(flights: Flights) -> list[int]:
        return await asyncio.gather(*(flights.take(lambda n=number: flight(n)) for number in range(20)))

    assert flown(3, story) == list(range(20))
    assert (most, begun) == (3, list(range(20)))


def test_the_next_leaves_before_the_one_that_waits_learns_of_its_answer() -> None:
    told = []

    async def flight(number: int) -> None:
        told.append(f"sent {number}")
        await asyncio.sleep(0)

    async def one(flights: Flights, number: int) -> None:
        await flights.take(lambda: flight(number))
        told.append(f"answered {number}")

    async def story(flights: Flights) -> None:
        await asyncio.gather(one(flights, 1), one(flights, 2))

    flown(1, story)
    assert told == ["sent 1", "sent 2", "answered 1", "answered 2"]


def test_an_error_goes_to_the_one_that_waits_and_the_place_stays() -> None:
    async def busy() -> None:
        raise TargetBusy("no connection")

    async def good() -> str:
        return "there"

    async def story(flights: Flights) -> str:
        with pytest.raises(TargetBusy):
            await flights.take(busy)
        return await flights.take(good)

    assert flown(1, story) == "there"


def test_a_defect_ends_the_load_and_is_never_waited_for() -> None:
    async def defect() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        flown(2, lambda flights: flights.take(defect))
    assert caught.group_contains(ZeroDivisionError)


def test_an_answer_that_nobody_waits_for_any_more_harms_nobody() -> None:
    async def story(flights: Flights) -> str:
        answered = asyncio.Event()

        async def late() -> str:
            await answered.wait()
            return "late"

        async def good() -> str:
            return "there"

        waiting = asyncio.create_task(flights.take(late))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        answered.set()
        return await flights.take(good)

    assert flown(1, story) == "there"
