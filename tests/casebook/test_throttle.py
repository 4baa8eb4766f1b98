"""What is in flight, how fast it leaves, and that one refusal slows everybody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.casebook.clock import SystemClock
from etl.casebook.pace import Pace
from etl.casebook.rates import rate_by_hour
from etl.casebook.throttle import Throttle
from etl.core.ports import Clock
from etl.mapping.hours import OfficeHours
from etl.mapping.model import Profile
from tests.casebook.conftest import CountedClock


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_than_the_limit_is_in_flight(concurrency: int) -> None:
    flying: list[int] = [0]
    most: list[int] = [0]

    async def work(throttle: Throttle) -> None:
        async with throttle:
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
        async with throttle:
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
                async with throttle:
                    raise ZeroDivisionError

    asyncio.run(main())


def time_for(count: int, throttle: Throttle, clock: Clock) -> float:
    async def main() -> float:
        began = clock.monotonic()

        async def work() -> None:
            async with throttle:
                pass

        await asyncio.gather(*(work() for _ in range(count)))
        return clock.monotonic() - began

    return asyncio.run(main())


def test_the_rate_is_kept() -> None:
    clock = SystemClock()
    assert time_for(40, Throttle(50, 100.0, clock), clock) >= 0.25


@given(st.floats(0.5, 200), st.integers(1, 40))
def test_no_more_leave_than_the_rate_and_a_tenth_of_a_second_allow(rate: float, count: int) -> None:
    clock = CountedClock()
    took_s = time_for(count, Throttle(1, rate, clock), clock)
    assert count <= 1 + (took_s + 0.1) * rate + 1e-6


def test_no_rate_waits_for_nothing() -> None:
    clock = CountedClock()
    assert time_for(40, Throttle(50, None, clock), clock) == 0


def test_a_lower_pace_lets_those_in_flight_end_and_admits_fewer() -> None:
    async def main() -> list[int]:
        pace = Pace(4, CountedClock())
        throttle = Throttle(pace, None, CountedClock())
        flying, seen = [0], []

        async def work() -> None:
            async with throttle:
                flying[0] += 1
                seen.append(flying[0])
                await asyncio.sleep(0)
                pace.limit = 1
                flying[0] -= 1

        await asyncio.gather(*(work() for _ in range(12)))
        return seen

    seen = asyncio.run(main())
    assert max(seen[:4]) == 4
    assert set(seen[4:]) == {1}


def test_a_request_given_up_in_the_moment_in_which_a_place_comes_free_does_no_harm() -> None:
    async def main() -> None:
        throttle = Throttle(1, None, CountedClock())
        await throttle.enter()
        waiting = asyncio.create_task(throttle.enter())
        await asyncio.sleep(0)
        waiting.cancel()
        throttle.leave()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(throttle.enter(), 1)

    asyncio.run(main())


def test_a_request_that_is_given_up_while_it_waits_takes_no_place() -> None:
    async def main() -> None:
        throttle = Throttle(1, None, CountedClock())
        async with throttle:
            waits = [asyncio.create_task(throttle.enter()) for _ in range(2)]
            await asyncio.sleep(0)
            waits[0].cancel()
        await waits[1]
        throttle.leave()
        await asyncio.wait_for(throttle.enter(), 1)

    asyncio.run(main())


NIGHT, DAY = 50.0, 5.0


@pytest.mark.parametrize(
    ("moment", "rate"),
    [
        ("2026-07-01T11:00:00+00:00", DAY),  # a Wednesday, 07:00 in New York
        ("2026-07-01T10:59:59+00:00", NIGHT),
        ("2026-07-01T22:59:59+00:00", DAY),
        ("2026-07-01T23:00:00+00:00", NIGHT),
        ("2026-12-02T11:59:59+00:00", NIGHT),  # winter: 06:59
        ("2026-12-02T12:00:00+00:00", DAY),
        ("2026-07-04T16:00:00+00:00", NIGHT),  # a Saturday
    ],
)
def test_office_hours_follow_the_wall_clock_of_the_agency(moment: str, rate: float) -> None:
    hours = OfficeHours(time(7), time(19), DAY)
    profile = Profile("live", "https://a.example", "https://a.example/t", "t", rate_per_s=NIGHT, office_hours=hours)
    assert rate_by_hour(profile, "America/New_York", ClockAt(moment=moment))() == rate


@pytest.mark.parametrize(
    ("moment", "covered"), [("T23:00", True), ("T05:59", False), ("T22:00", True), ("T21:59", False)]
)
def test_hours_may_pass_midnight(moment: str, covered: bool) -> None:
    hours = OfficeHours(time(22), time(6), DAY, ("wednesday",))
    assert hours.covers(datetime.fromisoformat("2026-07-01" + moment)) is covered
    assert hours.covers(datetime.fromisoformat("2026-07-02T05:59"))
    assert not hours.covers(datetime.fromisoformat("2026-07-02T06:00"))


@dataclass
class ClockAt(CountedClock):
    """A clock whose wall shows one moment."""

    moment: str = ""

    def now(self) -> datetime:
        return datetime.fromisoformat(self.moment)
