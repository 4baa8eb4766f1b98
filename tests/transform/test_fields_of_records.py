"""What fields become: values in the attribute's type, and problems by the field's policy."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from etl.core.errors import TooManyProblems
from etl.mapping.model import Choose, Const, Empty, FileField, Many, OnMissing


def values(mapped, name):
    return mapped.records[name].to_pylist()


def test_a_plain_column_keeps_its_text_and_blank_cells_become_null(workshop, make):
    mapped = workshop.run(make.batch(ID="123", NAME=["Ana ", "  ", None]), make.field("last_name", "NAME"))
    assert values(mapped, "last_name") == ["Ana ", None, None]


def test_text_is_read_in_its_plain_form_for_a_typed_attribute(workshop, make, told):
    rows = make.batch(ID="123", DAY=["2011-02-09", "2021-02-30", ""])
    mapped = workshop.run(rows, make.field("opened_on", "DAY", kind="date"))
    assert values(mapped, "opened_on") == [dt.date(2011, 2, 9), None, None]
    assert told(mapped) == [("wrong_type", "block", "opened_on", 2, "date 9999-99-99")]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("integer", "007", 7),
        ("number", "12.50", 12.5),
        ("boolean", "true", True),
        ("datetime", "2011-02-09 13:30", dt.datetime(2011, 2, 9, 18, 30, tzinfo=dt.UTC)),
        ("datetime", "2011-02-09", dt.datetime(2011, 2, 9, 5, 0, tzinfo=dt.UTC)),
        ("uuid", "x", "x"),
    ],
)
def test_each_kind_of_attribute_has_its_column_type(workshop, make, kind, text, expected):
    mapped = workshop.run(make.batch(ID="1", X=[text]), make.field("x", "X", kind=kind))
    assert values(mapped, "x") == [expected]


def test_a_day_that_an_operation_read_becomes_midnight_in_the_zone_of_the_project(workshop, make):
    read = make.pipe("X", do=[{"date": "%m/%d/%Y"}])
    mapped = workshop.run(make.batch(ID="1", X=["07/04/2024"]), make.field("x", read, kind="datetime"))
    assert values(mapped, "x") == [dt.datetime(2024, 7, 4, 4, 0, tzinfo=dt.UTC)]


def test_a_value_that_cannot_be_read_quarantines_its_record_and_shows_only_a_shape(workshop, make, told):
    read = make.pipe("DOB", do=["trim", {"date": "%m/%d/%Y"}])
    mapped = workshop.run(make.batch(ID="12", DOB=["2/9/2011", "ab/9"]), make.field("dob", read, kind="date"))
    assert mapped.records["_status"].to_pylist() == ["valid", "quarantined"]
    assert mapped.records["_reason"].to_pylist() == [None, "invalid_value"]
    assert told(mapped) == [("invalid_value", "block", "dob", 2, "date aa/9")]
    assert mapped.problems["record_key"][0] == mapped.records["_rk"][1]
    assert mapped.ledger["bucket"].to_pylist() == ["record", "quarantined"]


@pytest.mark.parametrize("copies", [1, 3000])
def test_a_step_may_read_another_column_of_its_own_row(workshop, make, told, copies):
    """Many rows alike are worked out by their distinct values, but not where the row counts."""
    rows = make.batch(ID="123" * copies, CNTY=["ADAMS", "ADAMS", "ADAMS"] * copies, ST=["OH", "IN", None] * copies)
    read = make.pipe("CNTY", do=["trim", {"county": {"state": {"from": "ST"}, "give": "fips"}}])
    mapped = workshop.run(rows, make.field("county", read))
    assert values(mapped, "county") == ["39001", "18001", None] * copies
    assert told(mapped)[:1] == [("invalid_value", "block", "county", 3, "county aaaaa")]
    assert len(told(mapped)) == copies


def test_the_shape_of_a_narrative_is_not_shown(workshop, make, told):
    mapped = workshop.run(
        make.batch(ID="1", X=["He said"]), make.field("body", make.pipe("X", do=[{"length": 3}]), kind="text")
    )
    assert told(mapped)[0][-1] == "length"


@pytest.mark.parametrize(
    ("policy", "expected", "severity"),
    [("empty", None, "warn"), ("default", "n/a", "warn"), ("warn", "12", "warn"), ("quarantine", None, "block")],
)
def test_a_policy_says_what_becomes_of_an_unreadable_value(workshop, make, told, policy, expected, severity):
    ssn = make.field("ssn", make.pipe("SSN", do=["ssn"]), on_error=policy, default="n/a")
    mapped = workshop.run(make.batch(ID="12", SSN=["12", "219-09-1234"]), ssn)
    assert values(mapped, "ssn") == [expected, "219091234"]
    assert told(mapped) == [("invalid_value", severity, "ssn", 1, "ssn 99")]


def test_a_default_is_read_in_the_type_of_its_field(workshop, make):
    field = make.field("count", make.pipe("X", do=["integer"]), kind="integer", on_error="default", default="0")
    assert values(workshop.run(make.batch(ID="12", X=["x", "5"]), field), "count") == [0, 5]


def test_fail_stops_the_run_and_names_the_place_but_not_the_value(workshop, make):
    field = make.field("ssn", make.pipe("SSN", do=["ssn"]), on_error="fail")
    with pytest.raises(TooManyProblems) as stopped:
        workshop.run(make.batch(ID="12", SSN=["219-09-1234", "secret"]), field)
    assert "row 2 of legacy.PERSONS" in str(stopped.value)
    assert "people.yaml:7:3" in str(stopped.value)
    assert "secret" not in str(stopped.value)


def test_one_problem_a_record_and_field_although_two_columns_are_wrong(workshop, make, told):
    both = make.pipe("A", "B", do=["zip", {"concat": " "}])
    mapped = workshop.run(make.batch(ID="1", A=["x"], B=["y"]), make.field("zip", both))
    assert told(mapped) == [("invalid_value", "block", "zip", 1, "zip a")]


def test_a_cut_text_is_told_as_a_warning_and_kept(workshop, make, told):
    mapped = workshop.run(make.batch(ID="1", X=["Riverside"]), make.field("city", make.pipe("X", do=[{"truncate": 5}])))
    assert values(mapped, "city") == ["River"]
    assert told(mapped) == [("too_long", "warn", "city", 1, "truncate aaaaaaaaa")]


def test_a_value_whose_when_is_false_is_withheld_and_counted_only_where_there_is_one(workshop, make, told):
    field = make.field("ssn", make.pipe("SSN", do=["ssn"]), when="STAT = 'V'")
    rows = make.batch(ID="1234", SSN=["219091234", "219091234", "junk", None], STAT=["V", "N", "N", "N"])
    mapped = workshop.run(rows, field)
    assert values(mapped, "ssn") == ["219091234", None, None, None]
    assert told(mapped) == [("withheld", "info", "ssn", 2, None), ("withheld", "info", "ssn", 3, None)]


def test_a_constant_inserts_columns_and_leaves_blank_ones_out(workshop, make):
    field = make.field("name", Const("LEG-{ID}/{X}", ("ID", "X")))
    assert values(workshop.run(make.batch(ID="12", X=["a", None]), field), "name") == ["LEG-1/a", "LEG-2/"]


def test_choose_takes_the_first_branch_that_holds_and_only_its_faults(workshop, make, told):
    choice = Choose(
        (
            make.branch("A = 'x'", "first"),
            make.branch("B is null", Empty()),
            make.branch(None, make.pipe("B", do=["zip"])),
        )
    )
    rows = make.batch(ID="1234", A=["x", "", "", ""], B=["bad", "", "43215", "bad"])
    mapped = workshop.run(rows, make.field("x", choice))
    assert values(mapped, "x") == ["first", None, "43215", None]
    assert [row for *_, row, _ in told(mapped)] == [4]


def test_a_choice_of_typed_values_is_typed(workshop, make):
    choice = Choose((make.branch("A = 'x'", "2020-01-01"), make.branch(None, make.pipe("B", do=[{"date": "%Y%m%d"}]))))
    mapped = workshop.run(make.batch(ID="12", A=["x", ""], B=["", "20210203"]), make.field("d", choice, kind="date"))
    assert values(mapped, "d") == [dt.date(2020, 1, 1), dt.date(2021, 2, 3)]


def test_many_gathers_the_members_in_order_without_repetition(workshop, make):
    races = Many(
        (
            make.branch("W = '1'", "White"),
            make.branch("A = '1'", "Asian"),
            make.branch(None, make.pipe("MORE", do=[{"split": ";"}])),
        )
    )
    rows = make.batch(ID="123", W=["1", "0", None], A=["1", "1", None], MORE=["Asian;Unknown", None, None])
    mapped = workshop.run(rows, make.field("races", races, many=True))
    assert values(mapped, "races") == [["White", "Asian", "Unknown"], ["Asian"], None]


def test_one_value_for_a_field_that_holds_many_becomes_a_list(workshop, make):
    mapped = workshop.run(make.batch(ID="12", R=["White", None]), make.field("races", "R", many=True))
    assert values(mapped, "races") == [["White"], None]


def test_a_file_field_gives_its_path(workshop, make):
    field = make.field("file", FileField("docs", "PATH", OnMissing.QUARANTINE))
    assert values(workshop.run(make.batch(ID="1", PATH=[" a/b.pdf "]), field), "file") == ["a/b.pdf"]


def test_a_batch_without_rows_has_the_same_columns(workshop, make):
    read = make.pipe("A", "B", do=[{"concat": " "}, {"date": "%Y%m%d"}])
    fields = [
        make.field("d", read, kind="date"),
        make.field("m", Many((make.branch("A = 'x'", "y"),)), many=True),
        make.field("c", Choose((make.branch("length(A) > 1", "y"),))),
        make.field("w", make.pipe("A", crosswalk=make.crosswalk(("a", "b")))),
        make.field("k", Const("{A}", ("A",)), when="A = 'x'"),
    ]
    transformer = workshop.transformer(*fields, where="A <> 'x'")
    mapped = transformer.apply(make.batch(ID=[], A=[], B=[]))
    assert mapped.records.schema == transformer.schema
    assert (mapped.records.num_rows, mapped.ledger.num_rows, mapped.problems.num_rows) == (0, 0, 0)


def test_the_schema_is_known_before_any_row(workshop, make):
    transformer = workshop.transformer(make.field("d", "D", kind="date"), make.field("r", "R", many=True))
    expected = ["_rk", "_key", "_row", "_line", "_status", "_reason", "d", "r"]
    assert transformer.schema.names == expected
    assert transformer.schema.field("r").type == pa.list_(pa.string())
