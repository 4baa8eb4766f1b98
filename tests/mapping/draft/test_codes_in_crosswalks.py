"""Which values may be written into a drafted crosswalk: codes, never what may be people's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.intake import Column, Kind, People, Tally
from etl.mapping.draft.codes import crosswalk_of, merged
from etl.mapping.draft.documents import crosswalk_text

LABELS = ("Open", "Closed", "Foster Care", "Black or African American")


def column(values, *, kind=Kind.TEXT, people=None, codes=True):
    tallies = tuple(Tally(each, 3) for each in values)
    filled = 3 * len(values)
    longest = max(map(len, values), default=0)
    return Column(
        "X_CD",
        filled,
        0,
        0,
        0,
        len(values),
        1,
        longest,
        {kind: filled},
        (),
        tallies[:8],
        tallies if codes else (),
        people,
    )


def test_codes_come_with_their_rows_and_none_is_decided():
    walk = crosswalk_of("case_status", column(["O", "FC", "??"]), LABELS)
    assert [(each.code, each.target, each.rows, each.note) for each in walk.codes] == [
        ("??", "", 3, "OPEN"),
        ("FC", "", 3, "OPEN: Foster Care?"),
        ("O", "", 3, "OPEN: Open?"),
    ]


def test_initials_leave_small_words_out():
    (code,) = crosswalk_of("race", column(["BAA"]), LABELS).codes
    assert code.note == "OPEN: Black or African American?"


@pytest.mark.parametrize("people", list(People))
def test_a_column_that_tells_of_people_gives_no_codes(people):
    walk = crosswalk_of("user", column(["W1", "W2"], people=people), ())
    assert (walk.codes, walk.withheld) == ((), True)


@pytest.mark.parametrize("kind", [Kind.EMAIL, Kind.PHONE, Kind.SSN])
def test_numbers_and_addresses_of_people_are_no_codes(kind):
    assert crosswalk_of("user", column(["a@b.example"], kind=kind), ()).codes == ()


@pytest.mark.parametrize("name", ["Rivera, Ana", "Ana Rivera", "O'Brien Mary", "Smith"])
def test_names_of_workers_are_never_written_down(name):
    walk = crosswalk_of("user", column(["W1", name]), (), may_be_people=True)
    assert (walk.codes, walk.withheld) == ((), True)


def test_values_of_a_short_table_are_codes_only_where_they_can_be_nothing_else():
    assert [each.code for each in crosswalk_of("t", column(["1", "12"], codes=False), ()).codes] == ["1", "12"]
    assert crosswalk_of("t", column(["Lee", "Ng", "Smith"], codes=False), ()).codes == ()


def test_columns_that_share_a_list_share_a_crosswalk():
    one, other = crosswalk_of("county", column(["01", "02"]), ()), crosswalk_of("county", column(["02", "03"]), ())
    (both,) = merged([one, other])
    assert {each.code: each.rows for each in both.codes} == {"01": 3, "02": 6, "03": 3}


@given(st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True))
def test_whatever_the_codes_none_gets_a_label_that_is_not_its_own_word(values):
    for each in crosswalk_of("case_status", column(values), LABELS).codes:
        if each.target:
            assert "".join(filter(str.isalnum, each.code.casefold())) == "".join(
                filter(str.isalnum, each.target.casefold())
            )


def test_a_crosswalk_is_csv_that_a_spreadsheet_opens():
    text = crosswalk_text(crosswalk_of("case_status", column(["O,K"]), LABELS))
    assert text == 'X_CD,target,rows,decided_by,decided_on,note\n"O,K",,3,,,OPEN\n'
