"""How many requests may be in flight: found out by trying, cut by strain, won back slowly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.casebook.pace import ASKED, SLOW, Pace, PaceFacts
from etl.core.records import TargetId
from tests.casebook.conftest import PERSON_ID, CountedClock, Tenant, refused


@dataclass
class Server:
    """Answers that take as long as told, one after another; time passes with each."""

    most: int
    clock: CountedClock = field(default_factory=CountedClock)
    told: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace = Pace(self.most, self.clock, lambda why, limit: self.told.append((why, limit)))

    def answer(self, count: int, duration_s: float, kind: str = "POST person") -> int:
        for _ in range(count):
            began = self.clock.elapsed_s
            self.clock.elapsed_s += duration_s
            self.pace.learn(kind, began, duration_s)
        return self.pace.limit

    def refuse(self) -> int:
        began = self.clock.elapsed_s
        self.clock.elapsed_s += 0.01
        self.pace.slow_down(began)
        return self.pace.limit


def test_it_begins_low_and_comes_to_the_limit_within_a_few_rounds() -> None:
    server = Server(64)
    assert server.pace.limit == 4
    assert server.answer(60, 0.05) == 64


def test_a_limit_below_the_beginning_is_kept() -> None:
    assert Server(1).answer(100, 0.05) == 1


def test_being_asked_to_slow_down_halves_and_answers_win_it_back_one_a_round() -> None:
    server = Server(64)
    server.answer(60, 0.05)
    assert server.refuse() == 32
    assert server.answer(32, 0.05) == 33
    assert server.answer(33 + 34, 0.05) == 35


def test_one_storm_of_refusals_of_what_left_together_cuts_once() -> None:
    server = Server(64)
    server.answer(60, 0.05)
    began = server.clock.elapsed_s
    server.clock.elapsed_s += 0.1
    for _ in range(30):
        server.pace.slow_down(began)
    assert server.pace.limit == 32


def test_refusals_that_go_on_end_at_one_request_and_never_at_none() -> None:
    server = Server(64)
    for _ in range(20):
        server.refuse()
    assert server.pace.limit == 1
    assert server.answer(20, 0.05) > 1


def test_answers_that_take_clearly_longer_halve() -> None:
    server = Server(16)
    server.answer(40, 0.1)
    server.answer(24, 0.6)
    assert server.pace.limit in {8, 9}
    assert server.pace.facts.cuts == {SLOW: 1}


def test_answers_that_take_a_little_longer_change_nothing() -> None:
    server = Server(16)
    server.answer(40, 0.05)
    assert server.answer(100, 0.25) == 16


def test_a_slower_kind_of_request_is_measured_by_itself() -> None:
    server = Server(16)
    server.answer(48, 0.05, "POST person")
    assert server.answer(64, 2.0, "POST attachment") == 16


def test_a_server_that_stays_slow_whatever_is_cut_is_taken_as_it_is() -> None:
    server = Server(16)
    server.answer(40, 0.1)
    server.answer(400, 0.9)
    assert server.pace.limit == 16
    assert server.pace.facts.lowest == 8


def test_a_server_that_slows_with_what_is_in_flight_finds_its_pace() -> None:
    server = Server(64)
    limits = [server.answer(8, 0.02 + max(0, server.pace.limit - 12) * 0.05) for _ in range(400)]
    assert 8 <= sum(limits[100:]) / 300 <= 40


def test_only_new_lows_are_told() -> None:
    server = Server(16)
    server.answer(40, 0.05)
    server.refuse()
    server.answer(8 + 9, 0.05)
    server.refuse()
    server.answer(400, 0.05)
    server.refuse()
    assert server.told == [(ASKED, 8), (ASKED, 5)]
    assert server.pace.facts.cuts == {ASKED: 3}


@given(st.integers(1, 256), st.lists(st.one_of(st.just(None), st.floats(0.001, 20)), max_size=300))
def test_whatever_happens_it_stays_between_one_and_the_limit(most: int, answers: list[float | None]) -> None:
    server = Server(most)
    for duration_s in answers:
        limit = server.refuse() if duration_s is None else server.answer(1, duration_s)
        assert 1 <= limit <= most


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_cuts_its_pace_where_the_server_is_too_busy(status: int) -> None:
    replies = iter([refused(status, **{"retry-after": "1"}), httpx.Response(404, json={"errors": [{"code": "none"}]})])
    tenant = Tenant(lambda _: next(replies), profile={"concurrency": 8})

    async def read() -> PaceFacts:
        client = tenant.client()
        await client.get("person", TargetId(PERSON_ID))
        await client.close()
        return client.pace

    assert asyncio.run(read()) == PaceFacts(most=8, lowest=2, last=2, cuts={ASKED: 1})
