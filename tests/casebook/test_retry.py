"""When a request is sent again, and how long the server makes us wait."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.casebook.connection import Answer, Silence
from etl.casebook.retry import RetryBudget, is_repeatable, parse_retry_after
from etl.core.errors import RecordRejected, ResponseLost, TargetBusy, TargetRefused

CHANCE = Random(1)  # noqa: S311 - delays are no secret
DATES = st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
TEXTS = st.one_of(
    st.text(), DATES, st.integers().map(str), st.floats().map(str), st.from_regex(r"\A[0-9:, +-]{1,40}\Z")
)


@given(value=TEXTS, date=TEXTS, cap=st.floats(0, 1e9))
def test_any_retry_after_is_between_zero_and_the_cap(value: str, date: str, cap: float) -> None:
    delay = parse_retry_after(value, date, cap_s=cap)
    assert delay is None or 0 <= delay <= cap


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("-5", 0),
        ("999999", 3600),
        ("inf", 3600),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("Wed, 21 Oct 2099 07:27:00 GMT", 3600),
        ("٣", None),
    ],
)
def test_retry_after_is_read_in_both_forms_against_the_servers_clock(value: str, expected: float | None) -> None:
    assert parse_retry_after(value, "Wed, 21 Oct 2026 07:28:00 GMT") == expected


def test_a_date_without_the_servers_clock_says_nothing() -> None:
    assert parse_retry_after("Wed, 21 Oct 2026 07:28:30 GMT", "") is None


def test_a_create_is_repeated_only_where_it_certainly_had_no_effect() -> None:
    lost, busy = ResponseLost("x"), TargetBusy("x")
    assert (is_repeatable(lost, safe=False), is_repeatable(busy, safe=False)) == (False, True)
    assert (is_repeatable(lost, safe=True), is_repeatable(busy, safe=True)) == (True, True)
    assert not any(is_repeatable(each, safe=True) for each in (TargetRefused("x"), RecordRejected("x", status=422)))


@given(attempt=st.integers(1, 10_000), elapsed=st.floats(0, 200), chance=st.randoms(use_true_random=False))
def test_delays_are_bounded_by_attempts_and_time(attempt: int, elapsed: float, chance: Random) -> None:
    budget = RetryBudget(attempts=5, time_s=120, base_s=0.5, cap_s=30)
    delay = budget.delay_s(Silence(sent=True, reason="x"), attempt=attempt, elapsed_s=elapsed, chance=chance)
    if delay is None:
        assert attempt >= 5 or elapsed > 90
    else:
        assert 0 <= delay <= min(30, 0.5 * 2**attempt)
        assert attempt < 5


def test_a_longer_wait_than_the_budget_gives_up_at_once() -> None:
    reply = Answer(429, {"retry-after": "600"}, b"")
    assert RetryBudget().delay_s(reply, attempt=1, elapsed_s=0, chance=CHANCE) is None


def test_the_servers_wish_wins_over_the_backoff() -> None:
    reply = Answer(503, {"retry-after": "20"}, b"")
    delay = RetryBudget().delay_s(reply, attempt=1, elapsed_s=0, chance=CHANCE)
    assert delay is not None
    assert 20 <= delay <= 22
