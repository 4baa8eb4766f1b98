"""An override corrects the cell it names while the source still says what it said; otherwise it is told, not applied."""

from __future__ import annotations

import datetime as dt

import pytest

from etl.core.ports import BaseQuery
from etl.core.records import KEY
from etl.mapping.model import EntityMapping, Override, Position
from etl.transform import Corrections

TODAY = dt.date(2026, 1, 31)


@pytest.fixture
def corrections(make):
    def build(*overrides: Override, key: tuple[str, ...] = ("ID",)) -> Corrections:
        mapping = EntityMapping(
            name="people",
            target="person",
            base=BaseQuery("legacy.P", ("ID", "NAME")),
            where=None,
            key=key,
            space="people",
            fields=(),
            checksum="",
            position=Position("people.yaml", 1, 1),
            overrides=overrides,
        )
        return Corrections(mapping, make.keys, TODAY)

    return build


def override(
    key: str, old: str, new: str, *, column: str = "NAME", until: dt.date | None = None, line: int = 2
) -> Override:
    return Override(tuple(key.split(" | ")), column, old, new, "clerk", "seen", until, line)


def told(found: Corrections) -> list[tuple[object, ...]]:
    rows = [row for batch in found.problems() for row in batch.to_pylist()]
    return [(row["code"], row["row"], row["line"], row["detail"]) for row in rows]


def test_a_cell_that_still_holds_the_old_value_is_corrected(corrections, make):
    found = corrections(override("7", "Smyth", "Smith"))
    batch = found.apply(make.batch(ID=["6", " 7 ", "8"], NAME=["Smyth", " Smyth ", "Smyth"]))
    assert batch["NAME"].to_pylist() == ["Smyth", "Smith", "Smyth"]
    assert (found.counts().applied, found.counts().rows, told(found)) == (1, 1, [])


def test_a_cell_that_changed_since_is_left_and_told_at_its_row(corrections, make):
    found = corrections(override("7", "Smyth", "Smith", line=4))
    batch = found.apply(make.batch(ID=["6", "7"], NAME=["a", "Smithe"]))
    assert batch["NAME"].to_pylist() == ["a", "Smithe"]
    assert told(found) == [("stale_override", 2, 3, "overrides/people.csv:4, column NAME")]
    assert next(found.problems())[KEY.replace("_rk", "record_key")][0].as_py() == make.keys.record_key(
        "person", "people", ["7"]
    )


def test_an_override_that_no_row_answers_to_is_unused(corrections, make):
    found = corrections(override("9", "a", "b"))
    found.apply(make.batch(ID=["7"], NAME=["a"]))
    assert [code for code, *_ in told(found)] == ["unused_override"]


def test_an_override_holds_through_its_last_day_and_not_a_day_longer(corrections, make):
    last, past = override("7", "a", "b", until=TODAY), override("8", "a", "b", until=TODAY - dt.timedelta(1))
    found = corrections(last, past)
    assert found.apply(make.batch(ID=["7", "8"], NAME=["a", "a"]))["NAME"].to_pylist() == ["b", "a"]
    assert ([code for code, *_ in told(found)], found.counts().expired) == (["expired_override"], 1)


def test_a_blank_can_be_filled_and_a_value_can_be_taken_out(corrections, make):
    found = corrections(override("7", "", "new"), override("8", "old", ""))
    batch = found.apply(make.batch(ID=["7", "8"], NAME=[None, "old"]))
    assert batch["NAME"].to_pylist() == ["new", None]


def test_what_matched_in_one_batch_is_not_stale_because_of_another(corrections, make):
    found = corrections(override("7", "a", "b"))
    found.apply(make.batch(ID=["7"], NAME=["x"]))
    found.apply(make.batch(ID=["7"], NAME=["a"]))
    assert told(found) == []


def test_a_key_of_several_parts_must_agree_in_all_of_them(corrections, make):
    found = corrections(override("7 | x", "x", "z"), key=("ID", "NAME"))
    batch = found.apply(make.batch(ID=["7", "7"], NAME=["x", "y"]))
    assert batch["NAME"].to_pylist() == ["z", "y"]


def test_a_row_without_a_key_is_never_corrected(corrections, make):
    found = corrections(override("7", "", "b"))
    assert found.apply(make.batch(ID=[None], NAME=[None]))["NAME"].to_pylist() == [None]


def test_the_counts_name_who_signed_and_when_the_next_correction_ends(corrections):
    late, past = TODAY + dt.timedelta(9), TODAY - dt.timedelta(1)
    found = corrections(
        override("7", "a", "b", until=late), override("8", "a", "b", until=past), override("9", "a", "b")
    )
    (author,) = found.counts().authors
    assert (author.count, author.next_end) == (3, late.isoformat())
