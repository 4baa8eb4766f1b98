"""Rows with dates fold into episodes: by their own ends with a declared gap, or as a log of states."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.mapping.model import Episodes
from etl.mapping.operations import Context, bind
from etl.transform.episodes import days_of, folded
from etl.transform.rows import Rows

TODAY = dt.date(2026, 1, 31)
CONTEXT = Context(TODAY, "America/New_York")
SPELLS = Episodes(("CHILD",), "BEGINS", "ENDS", bind("date", None))
STATES = Episodes(("CHILD",), "BEGINS", None, bind("date", None), same=("STATE",))


def rows(*given: tuple[str, str | None, str | None], state: str = "") -> pa.RecordBatch:
    """Rows of child, first and last day (or state), grouped by child as the tables group them."""
    children = list(dict.fromkeys(child for child, _, _ in given))
    names = ["BEGINS", "STATE"] if state else ["BEGINS", "ENDS"]
    ordered = sorted(enumerate(given, start=1), key=lambda each: children.index(each[1][0]))
    return pa.record_batch(
        {
            "_row": pa.array([number for number, _ in ordered], pa.int64()),
            "_line": pa.array([number + 1 for number, _ in ordered], pa.int64()),
            "_group": pa.array([children.index(each[0]) for _, each in ordered], pa.int64()),
            "CHILD": pa.array([each[0] for _, each in ordered], pa.string()),
            names[0]: pa.array([each[1] for _, each in ordered], pa.string()),
            names[1]: pa.array([each[2] for _, each in ordered], pa.string()),
        }
    )


def intervals(batch: pa.RecordBatch, episodes: Episodes) -> list[tuple[str, str, str | None, int]]:
    """The episodes: child, first day, last day, and how many rows."""
    days = days_of(Rows.of(batch, TODAY), episodes, CONTEXT)
    assert not any(days.kept_out.to_pylist())
    made, _ = folded(batch, episodes, days)
    found = {}
    for each in made.to_pylist():
        shown = (each["CHILD"], each["episode.start"], each["episode.end"], int(each["episode.rows"]))
        found.setdefault(each["_group"], shown)
        assert found[each["_group"]] == shown
    return list(found.values())


@pytest.mark.parametrize(
    ("begins", "gap", "count"),
    [("2020-01-20", 0, 1), ("2020-01-31", 0, 1), ("2020-02-01", 0, 2), ("2020-02-01", 1, 1), ("2020-02-02", 1, 2)],
)
def test_rows_fold_where_they_overlap_or_lie_no_further_apart_than_the_gap(begins, gap, count):
    batch = rows(("a", "2020-01-01", "2020-01-31"), ("a", begins, "2020-03-01"))
    assert len(intervals(batch, replace(SPELLS, gap_days=gap))) == count


def test_an_episode_runs_from_its_first_to_its_last_day_whatever_the_order_of_rows():
    batch = rows(("a", "2020-02-01", "2020-02-10"), ("b", "2020-01-05", None), ("a", "2020-01-01", "2020-06-01"))
    assert intervals(batch, SPELLS) == [("a", "2020-01-01", "2020-06-01", 2), ("b", "2020-01-05", None, 1)]


def test_what_is_still_running_swallows_all_that_begins_later():
    batch = rows(("a", "2020-01-01", None), ("a", "2024-01-01", "2024-02-01"))
    assert intervals(batch, SPELLS) == [("a", "2020-01-01", None, 2)]


def test_a_text_may_stand_for_still_running():
    batch = rows(("a", "2020-01-01", "9999-12-31"), ("a", "2020-05-01", " OPEN "))
    assert intervals(batch, replace(SPELLS, open_if=("9999-12-31", "OPEN"))) == [("a", "2020-01-01", None, 2)]


def test_a_state_lasts_until_the_next_one_begins():
    log = (("a", "2020-01-01", "IN"), ("a", "2020-02-01", "IN "), ("a", "2020-03-01", "OUT"), ("a", "2020-04-01", "IN"))
    assert intervals(rows(*log, state="STATE"), STATES) == [
        ("a", "2020-01-01", "2020-03-01", 2),
        ("a", "2020-03-01", "2020-04-01", 1),
        ("a", "2020-04-01", None, 1),
    ]


def test_the_last_state_of_one_key_does_not_end_with_the_first_of_another():
    batch = rows(("a", "2020-01-01", "IN"), ("b", "2020-02-01", "OUT"), state="STATE")
    assert intervals(batch, STATES) == [("a", "2020-01-01", None, 1), ("b", "2020-02-01", None, 1)]


@pytest.mark.parametrize(
    ("begins", "ends", "detail"),
    [
        (None, "2020-01-01", "first day: BEGINS"),
        ("soon", None, "first day: BEGINS"),
        ("2020-01-01", "later", "last day: ENDS"),
        ("2020-01-02", "2020-01-01", "last day: ENDS"),
    ],
)
def test_unclear_dates_hold_back_every_row_of_their_key_and_no_other(begins, ends, detail):
    batch = rows(("a", begins, ends), ("a", "2021-01-01", None), ("b", "2021-01-01", None))
    days = days_of(Rows.of(batch, TODAY), SPELLS, CONTEXT)
    assert days.codes.to_pylist() == ["episode_unclear", "episode_waits", None]
    assert days.details.to_pylist() == [detail, None, None]


def test_a_batch_of_no_rows_has_no_episodes():
    for episodes, batch in ((SPELLS, rows()), (STATES, rows(state="STATE"))):
        assert intervals(batch, episodes) == []


# ---------------------------------------------------------------- laws

DAYS = st.integers(0, 60)
LOGS = st.lists(st.tuples(st.sampled_from("abc"), DAYS, st.none() | DAYS), max_size=25)


def _text(day: int | None) -> str | None:
    return (dt.date(1969, 12, 10) + dt.timedelta(day)).isoformat() if day is not None else None


def _plainly(log: list[tuple[str, int, int | None]], gap: int) -> list[tuple[str, str | None, str | None, int]]:
    """The same fold, one row after the other."""
    found: list[list[object]] = []
    for child, begins, length in sorted(log, key=lambda each: (each[0], each[1])):
        ends = float("inf") if length is None else begins + length
        last = found[-1] if found and found[-1][0] == child else None
        if last is not None and begins <= last[2] + gap:
            last[2], last[3] = max(last[2], ends), last[3] + 1
        else:
            found.append([child, begins, ends, 1])
    return [(a, _text(b), None if c == float("inf") else _text(c), d) for a, b, c, d in found]


@given(LOGS, st.integers(0, 3), st.randoms())
def test_folding_agrees_with_going_through_the_rows_one_by_one_in_any_order(log, gap, random):
    given_rows = [(child, _text(day), None if length is None else _text(day + length)) for child, day, length in log]
    random.shuffle(given_rows)
    assert sorted(intervals(rows(*given_rows), replace(SPELLS, gap_days=gap))) == sorted(_plainly(log, gap))
