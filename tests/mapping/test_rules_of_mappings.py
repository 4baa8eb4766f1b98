"""Rules of a mapping: read strictly, judged only where they are certainly broken, told with the words of the project."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from etl.mapping.expressions import parse
from etl.mapping.model import Check
from etl.pipeline.inline_tests import run_tests

DATES = (
    "date_of_birth: {from: DOB, do: [date]}",
    "date_of_death: {from: DOD, do: [date]}",
    "races: {many: [{when: W = '1', const: White}]}",
)


def with_rule(desk, rule: str, *tests: str) -> dict[str, str]:
    text = f"{desk.people(*DATES)}rules:\n  - {rule}\n"
    return {"people.yaml": text + ("tests:\n" + "".join(f"  - {each}\n" for each in tests) if tests else "")}


def problems(desk, rule: str, given: str) -> list[str]:
    """What a row breaks, as a test that expects nothing tells it."""
    test = f"{{name: one, given: {{PERSON_ID: '1', FIRST_NM: A, LAST_NM: B, {given}}}}}"
    found = run_tests(desk.load(with_rule(desk, rule, test)), dt.date(2026, 1, 31))
    return [failure.got for each in found for failure in each.failures]


@pytest.mark.parametrize(
    ("given", "broken"),
    [
        ("DOB: 2020-01-02, DOD: 2020-01-01", True),
        ("DOB: 2020-01-02, DOD: 2020-01-02", False),
        ("DOB: 2020-01-02", False),
        ("DOD: 2020-01-02", False),
    ],
)
def test_dates_in_order_are_judged_only_where_both_are_there(desk, given, broken):
    found = problems(desk, "{in_order: [date_of_birth, date_of_death], severity: block}", given)
    assert found == (["rule_broken (block)"] if broken else [])


def test_a_check_compares_fields_with_the_source(desk):
    rule = "{check: \"date_of_birth <= date(src.SEEN, '%m/%d/%Y')\"}"
    assert problems(desk, rule, "DOB: 2020-01-02, SEEN: 01/01/2020") == ["rule_broken in date_of_birth (warn)"]
    assert problems(desk, rule, "DOB: 2020-01-02, SEEN: 01/03/2020") == []


def test_a_column_that_only_a_rule_reads_belongs_to_the_base_rows(desk):
    mapping = desk.load(with_rule(desk, "{check: src.SEEN is not null}")).mappings[0]
    assert "SEEN" in mapping.base.columns
    assert mapping.rules[0].columns == ("SEEN",)


@pytest.mark.parametrize(("death", "broken"), [("2019-06-01", True), ("2020-05-31", True), ("2020-06-01", False)])
def test_an_age_is_counted_in_full_years(desk, death, broken):
    rule = "{age: {of: date_of_birth, at: date_of_death, min: 1, max: 120}}"
    assert bool(problems(desk, rule, f"DOB: 2019-06-01, DOD: {death}")) == broken


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        ("{check: ¦date_of_brth is null}", "unknown_field", "Did you mean `date_of_birth`?"),
        ("{check: date_of_birth is¦}", "wrong_expression", "ends too early"),
        ("¦{severity: warn}", "wrong_form", "exactly one kind"),
        ("¦{check: ssn is null, sql: SELECT 1}", "wrong_form", "exactly one kind"),
        ("{in_order: ¦[date_of_birth]}", "wrong_form", "at least one"),
        ("{in_order: [date_of_birth, date_of_death], severity: ¦bad}", "wrong_form", "'block'"),
        ("{age: ¦{of: date_of_birth, at: today()}}", "wrong_form", "Neither"),
        ("{no_overlap: {by: last_name, from: ¦first_name, to: date_of_birth}}", "wrong_type", "no date"),
        ("{one_per: {by: ¦src.HH, when: date_of_birth is null}}", "wrong_name", "their own fields"),
        ("{one_per: {by: last_name, when: ¦date_of_birth}}", "wrong_expression", "a value"),
        ("{age: {of: ¦last_name, at: date_of_death, min: 0}}", "wrong_type", "no date"),
        ("{age: {of: date_of_birth, at: date_of_death, min: ¦200, max: 3}}", "wrong_form", "above `max`"),
        ("{in_order: [¦last_name, date_of_birth]}", "wrong_type", "no date"),
        ("{check: ¦date_of_birth > 5}", "wrong_type", "`date_of_birth` is a date, what is written is a number."),
        ("{check: ¦\"date_of_birth > '5'\"}", "wrong_type", "is a date, what is written is text"),
        ("{check: src.X is null or ¦last_name < date_of_birth}", "wrong_type", "`date(...)` reads text as a date"),
        ("{check: ¦\"races = 'White'\"}", "wrong_type", "`races` is a list."),
        ("{check: upper(¦races) is null}", "wrong_type", "`races` is a list."),
        ("{check: ¦races like 'W%'}", "wrong_type", "`races` is a list."),
        ("{check: \"last_name in ('a', 'b') and ¦date_of_birth in (1)\"}", "wrong_type", "is a number"),
        ('{check: "years(¦last_name, today()) > 1"}', "wrong_type", "a date is needed"),
        ("{check: length(last_name) + ¦date_of_birth > 1}", "wrong_type", "a number is needed"),
        ("{check: ¦last_name - first_name > 1}", "wrong_type", "two numbers or two dates"),
        ("{one_per: {by: last_name, when: ¦date_of_birth = 1}}", "wrong_type", "is a number"),
    ],
)
def test_a_slip_in_a_rule_is_told_at_its_place(desk, rule, code, said):
    found = desk.only_mistake(with_rule(desk, rule))
    assert found.code == code
    assert said in f"{found.message} {found.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "date_of_birth <= date_of_death and date_of_birth > '1900-01-01'",
        "date_of_birth <= src.SEEN or length(last_name) > 2",
        "date_of_death - date_of_birth < 50000",
        "left(last_name, 1) = 'A' and date(first_name) < date_of_birth",
        "races is not null and src.AGE > 5 and src.AGE - 3 > number(last_name)",
        "date_of_birth not in ('1900-01-01', src.X) and last_name <> 'x'",
        "coalesce(date_of_death, date_of_birth) < today()",
    ],
)
def test_what_can_be_compared_is_no_mistake(desk, text):
    assert desk.load(with_rule(desk, f'{{check: "{text}"}}')).mappings[0].rules


def test_an_age_may_be_taken_today(desk):
    rule = desk.load(with_rule(desk, "{age: {of: date_of_birth, at: today(), max: 120}}")).mappings[0].rules[0]
    assert isinstance(rule.kind, Check)
    assert rule.fields == ("date_of_birth",)


def test_a_rule_changes_the_checksum(desk):
    plain = desk.load().mappings[0].checksum
    assert (
        desk.load({"people.yaml": desk.people() + "rules: [{check: last_name <> first_name}]\n"}).mappings[0].checksum
        != plain
    )


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("A = 'x'", [False, True, False]),
        ("A <> 'x'", [True, False, False]),
        ("A in ('x', 'y')", [False, False, False]),
        ("A not in ('x')", [True, False, False]),
        ("A like 'x%'", [False, True, False]),
        ("A is not null", [False, False, True]),
        ("A is null or B = '1'", [True, False, False]),
        ("A = 'x' and B = '1'", [True, True, False]),
        ("not (A = 'x' or A = 'y')", [True, True, False]),
    ],
)
def test_a_condition_denies_only_what_a_blank_leaves_no_doubt_about(text, denied):
    columns = {"A": pa.array(["x", "y", None]), "B": pa.array(["2", "1", None])}
    assert parse(text).denies(columns).to_pylist() == denied
