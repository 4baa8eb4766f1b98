"""Codes to labels: which row decides, and what unknown and open codes do."""

from __future__ import annotations

import pytest

from etl.core.errors import TooManyProblems
from etl.mapping.model import Many


def decided(workshop, make, use, **columns):
    field = make.field(
        "gender", make.pipe(*(name for name in columns if name != "ID"), crosswalk=use), default="Unknown"
    )
    return workshop.run(make.batch(**columns), field)


def test_codes_stay_text_and_outer_blanks_do_not_count(workshop, make):
    use = make.crosswalk(("01", "Female"), ("1", "Male"))
    mapped = decided(workshop, make, use, ID="123", C=["01", " 1 ", None])
    assert mapped.records["gender"].to_pylist() == ["Female", "Male", None]


def test_exact_rows_win_over_stars_and_more_exact_cells_over_fewer(workshop, make):
    use = make.crosswalk(("*", "*", "Any"), ("1", "*", "One"), ("1", "2", "Both"), ("*", "3", "Three"))
    mapped = decided(workshop, make, use, ID="12345", A=["1", "1", "9", "1", None], B=["2", "7", "9", "3", None])
    assert mapped.records["gender"].to_pylist() == ["Both", "One", "Any", "One", None]


def test_a_row_may_decide_what_blank_codes_mean(workshop, make):
    mapped = decided(workshop, make, make.crosswalk(("", "Unknown"), ("F", "Female")), ID="12", C=["", "F"])
    assert mapped.records["gender"].to_pylist() == ["Unknown", "Female"]


@pytest.mark.parametrize(
    ("policy", "label", "status", "severity"),
    [
        ("ask", None, "quarantined", "block"),
        ("quarantine", None, "quarantined", "block"),
        ("empty", None, "valid", "warn"),
        ("default", "Unknown", "valid", "warn"),
        ("keep", "9", "valid", "warn"),
    ],
)
def test_a_policy_says_what_an_unknown_code_does(workshop, make, told, policy, label, status, severity):
    mapped = decided(workshop, make, make.crosswalk(("F", "Female"), on_unmapped=policy), ID="1", C=["9"])
    assert mapped.records["gender"].to_pylist() == [label]
    assert mapped.records["_status"].to_pylist() == [status]
    assert told(mapped) == [("unmapped_value", severity, "gender", 1, "crosswalk codes: 9")]


def test_a_listed_code_without_target_is_an_open_decision(workshop, make, told):
    mapped = decided(workshop, make, make.crosswalk(("P", ""), on_unmapped="ask"), ID="1", C=["P"])
    assert told(mapped) == [("open_decision", "block", "gender", 1, "crosswalk codes: P")]


def test_fail_stops_the_run(workshop, make):
    with pytest.raises(TooManyProblems):
        decided(workshop, make, make.crosswalk(("F", "Female"), on_unmapped="fail"), ID="1", C=["9"])


def test_the_code_is_not_shown_for_a_field_that_tells_who_somebody_is(workshop, make, told):
    use = make.crosswalk(("F", "Female"))
    mapped = workshop.run(make.batch(ID="1", C=["Ana"]), make.field("x", make.pipe("C", crosswalk=use), pii="name"))
    assert told(mapped)[0][-1] == "crosswalk codes"


def test_a_long_code_is_shown_as_a_shape_because_it_may_be_prose(workshop, make, told):
    use = make.crosswalk(("F", "Female"))
    mapped = workshop.run(
        make.batch(ID="1", C=["called Mrs Rivera at 5"]), make.field("x", make.pipe("C", crosswalk=use))
    )
    assert told(mapped)[0][-1] == "crosswalk codes: aaaaaa aaa aaaaaa aa…"


def test_a_list_is_decoded_member_by_member(workshop, make, told):
    use = make.crosswalk(("W", "White"), ("A", "Asian"), on_unmapped="empty")
    field = make.field("races", make.pipe("R", do=[{"split": ";"}], crosswalk=use), many=True)
    mapped = workshop.run(make.batch(ID="123", R=["W;A", "W;?", None]), field)
    assert mapped.records["races"].to_pylist() == [["White", "Asian"], ["White"], None]
    assert told(mapped) == [("unmapped_value", "warn", "races", 2, "crosswalk codes: ?")]


def test_a_label_is_read_in_the_type_of_the_attribute(workshop, make):
    use = make.crosswalk(("Y", "true"), ("N", "false"))
    mapped = workshop.run(make.batch(ID="12", C="YN"), make.field("x", make.pipe("C", crosswalk=use), kind="boolean"))
    assert mapped.records["x"].to_pylist() == [True, False]


def test_the_parts_of_a_code_stay_apart_although_one_is_blank(workshop, make, told):
    mapped = decided(workshop, make, make.crosswalk(("a", "b", "Both")), ID="1", A=["Q"], B=[None])
    assert told(mapped)[0][-1] == "crosswalk codes: Q | "


def test_members_of_a_list_come_in_order_and_once_although_two_codes_mean_the_same(workshop, make):
    use = make.crosswalk(("W", "White"), ("C", "White"), ("A", "Asian"))
    field = make.field("races", make.pipe("R", do=[{"split": ";"}], crosswalk=use), many=True)
    mapped = workshop.run(make.batch(ID="1234", R=["W;A", " A ; W;A", "C;W", ";"]), field)
    assert mapped.records["races"].to_pylist() == [["White", "Asian"], ["Asian", "White"], ["White"], None]


@pytest.mark.parametrize(
    ("policy", "labels", "status", "severity"),
    [
        ("ask", ["White"], "quarantined", "block"),
        ("quarantine", ["White"], "quarantined", "block"),
        ("empty", ["White"], "valid", "warn"),
        ("default", ["Unknown", "White"], "valid", "warn"),
        ("keep", ["7", "White", "9"], "valid", "warn"),
    ],
)
def test_a_policy_goes_for_each_member_and_each_unknown_code_is_told_once(
    workshop, make, told, policy, labels, status, severity
):
    use = make.crosswalk(("W", "White"), ("P", ""), on_unmapped=policy)
    field = make.field("races", make.pipe("R", do=[{"split": ";"}], crosswalk=use), many=True, default="Unknown")
    mapped = workshop.run(make.batch(ID="1", R=["7;W;9;7"]), field)
    assert mapped.records["races"].to_pylist() == [labels]
    assert mapped.records["_status"].to_pylist() == [status]
    assert told(mapped) == [
        ("unmapped_value", severity, "races", 1, "crosswalk codes: 7"),
        ("unmapped_value", severity, "races", 1, "crosswalk codes: 9"),
    ]


def test_open_and_unknown_members_of_one_list_are_both_told(workshop, make, told):
    use = make.crosswalk(("P", ""), on_unmapped="ask")
    field = make.field("races", make.pipe("R", do=[{"split": ";"}], crosswalk=use), many=True)
    mapped = workshop.run(make.batch(ID="1", R=["P;9"]), field)
    assert sorted((each[0], each[-1]) for each in told(mapped)) == [
        ("open_decision", "crosswalk codes: P"),
        ("unmapped_value", "crosswalk codes: 9"),
    ]


def test_an_unknown_code_in_several_columns_of_a_row_is_told_once_and_another_one_too(workshop, make, told):
    use = make.crosswalk(("W", "White"), on_unmapped="ask")
    branches = tuple(make.branch(None, make.pipe(name, crosswalk=use)) for name in ("A", "B", "C"))
    mapped = workshop.run(make.batch(ID="1", A=["9"], B=["9"], C=["8"]), make.field("races", Many(branches), many=True))
    assert [each[-1] for each in told(mapped)] == ["crosswalk codes: 9", "crosswalk codes: 8"]


def test_members_without_a_crosswalk_count_once_too(workshop, make):
    field = make.field("races", make.pipe("R", do=[{"split": ";"}]), many=True)
    mapped = workshop.run(make.batch(ID="1", R=["White; Asian;White"]), field)
    assert mapped.records["races"].to_pylist() == [["White", "Asian"]]
