"""Each lint rule finds what it is for, and stays silent where nothing is doubtful."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.mapping.lint import RULES, Evidence, findings


def found(desk, *lines: str, more: dict[str, str] | None = None) -> list[tuple[str, str]]:
    project = desk.load({"people.yaml": desk.people(*lines), **(more or {})})
    return [(each.rule, f"{each.position.file}:{each.position.line}") for each in findings(project, None)]


def test_a_crosswalk_that_no_field_uses_is_found(desk):
    assert found(desk, more={"crosswalks/sex.csv": "A,target\nF,Female\n"}) == [
        ("unused-crosswalk", "crosswalks/sex.csv:1")
    ]


@pytest.mark.parametrize(
    ("branches", "dead"),
    [
        ("{when: A = 'x', const: Male}, {when: \"A in ('x', 'y') and A <> 'y'\", const: Female}", [1]),
        ("{when: A = 'x', const: Male}, {when: A = 'y', const: Female}", []),
        ("{when: A is null, const: Male}, {when: A is not null, const: Female}, {when: B = '1', const: Male}", [2]),
        ("{when: A = 'x' and A = 'y', const: Male}, {const: Female}", [0]),
        ("{when: upper(A) = 'X', const: Male}, {when: upper(A) = 'X', const: Female}", []),
        ("{when: A < '5', const: Male}, {when: A < '5', const: Female}", []),
        ("{when: A = 'x', const: Male}, {const: Female}", []),
    ],
)
def test_a_branch_that_is_never_taken_is_found(desk, branches, dead):
    rules = found(desk, f"gender: {{choose: [{branches}]}}")
    assert rules == [("unreachable-branch", "people.yaml:8")] * len(dead)


@pytest.mark.parametrize(
    ("where", "is_found"),
    [
        ("A = 'x' and A = 'y'", True),
        ("A = 'x' and not (A = 'x')", True),
        ("A = 'x' and B = 'y'", False),
        ("A = 'x' or A = 'y'", False),
        ("A > 'x' and A = 'y'", False),
    ],
)
def test_a_condition_that_can_never_hold_is_found(desk, where, is_found):
    people = desk.people().replace("legacy.PERSONS", f'{{from: legacy.PERSONS, where: "{where}"}}')
    assert [rule for rule, _ in found(desk, more={"people.yaml": people})] == ["impossible-condition"] * is_found
    field = f'middle_name: {{from: M, when: "{where}"}}'
    assert [rule for rule, _ in found(desk, field)] == ["impossible-condition"] * is_found


@pytest.mark.parametrize(
    ("steps", "is_found"),
    [
        ("upper, upper", True),
        ("upper, lower", True),
        ("{pad: 5}, {pad: 5}", True),
        ("{pad: 5}, {pad: 6}", False),
        ("upper, trim, {null_if: [unk]}", True),
        ("{null_if: [unk]}, upper", False),
        ("upper, {null_if: [UNK, '01']}", False),
        ("upper, {default: x}, {null_if: [x]}", False),
        ("trim, upper, trim", False),
    ],
)
def test_a_step_that_changes_nothing_is_found(desk, steps, is_found):
    assert [rule for rule, _ in found(desk, f"middle_name: {{from: M, do: [{steps}]}}")] == ["useless-step"] * is_found


@pytest.mark.parametrize(
    ("rows", "is_found"),
    [
        ("F,*,Female\n*,B,Non-binary\n", True),
        ("F,*,Female\n*,B,Female\n", False),
        ("F,*,Female\n*,B,Non-binary\nF,B,Female\n", False),
        ("F,*,Female\nM,*,Male\n", False),
        ("F,*,Female\n*,*,Unknown\n", False),
    ],
)
def test_rows_of_a_crosswalk_that_fit_the_same_codes_are_found(desk, rows, is_found):
    more = {"crosswalks/sex.csv": f"A,B,target\n{rows}"}
    rules = found(desk, "gender: {from: [A, B], crosswalk: sex}", more=more)
    assert rules == [("crosswalk-tie", "crosswalks/sex.csv:3")] * is_found


@pytest.mark.parametrize(
    ("line", "is_lossy"),
    [
        ("middle_name: {from: M, do: [integer]}", True),
        ("middle_name: {from: M, do: [digits]}", True),
        ("middle_name: {from: M, do: [digits, {length: 9}]}", False),
        ("custom_fields.annualIncome: {from: I, do: [number]}", False),
        ("middle_name: {from: M, do: [trim]}", False),
        ("middle_name: {from: M, do: [{date: '%m/%d/%Y %H:%M'}]}", True),
        ("date_of_birth: {from: M, do: [{date: '%m/%d/%Y %H:%M'}]}", False),
    ],
)
def test_a_step_that_loses_something_without_a_word_is_found(desk, line, is_lossy):
    assert [rule for rule, _ in found(desk, line)] == ["lossy-operation"] * is_lossy


def test_a_join_that_takes_one_of_many_silently_is_found(desk):
    text = """\
        mapping: people
        target: person
        source: {from: legacy.P, join: {a: {table: legacy.A, match: ID, expect: many}}}
        key: ID
        fields: {first_name: a.F, last_name: L}
        """
    project = desk.load({"people.yaml": text})
    assert [each.rule for each in findings(project, None)] == ["silent-pick"]


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("custom_fields.legacyCounty: SSN", True),
        ("custom_fields.legacyCounty: {from: SSN, pii: ssn}", False),
        ("custom_fields.legacyCounty: maidenName", True),
        ("custom_fields.legacyCounty: PERSON_ID", False),
        ("custom_fields.legacyCounty: PROGRAM_NM", False),
        ('custom_fields.legacyCounty: {const: "{SSN} {LAST_NM}"}', True),
        ("custom_fields.legacyCounty: {choose: [{when: A = 'x', const: \"{SSN}\"}]}", True),
        ('custom_fields.legacyCounty: {const: "{PERSON_ID} {PROGRAM}"}', False),
        ("custom_fields.legacyCounty: HOME_PHONE", True),
        ("custom_fields.legacyCounty: E_MAIL_ADDR", True),
        ("custom_fields.legacyCounty: STREET", True),
        ("custom_fields.legacyCounty: ADDR_1", True),
        ("custom_fields.legacyCounty: MAIL_SENT", False),
        ("ssn: SSN", False),
    ],
)
def test_a_field_that_tells_who_somebody_is_needs_a_class(desk, line, is_found):
    assert [rule for rule, _ in found(desk, line)] == ["unmarked-personal-data"] * is_found


def test_a_reference_to_the_record_itself_is_found(desk):
    assert found(desk, "mother: {ref: person, key: PERSON_ID}") == [("unresolvable-reference", "people.yaml:8")]
    assert found(desk, "mother: {ref: person, key: MOTHER_ID}") == []


def test_the_rows_show_dead_crosswalk_rows_and_references_that_never_meet(desk):
    lines = (
        "gender: {from: S, do: [upper], crosswalk: sex}",
        "mother: {ref: person, key: M}",
        "father: {ref: person, key: F}",
    )
    desk.load({"people.yaml": desk.people(*lines), "crosswalks/sex.csv": "S,target\nF,Female\nM,Male\n"})
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "PERSONS.csv").write_text("PERSON_ID,FIRST_NM,LAST_NM,S,M,F\n1,A,B,f,2,x1\n2,C,D,,,x2\n")
    ended = CliRunner().invoke(app, ["lint", str(desk.folder), "--rows", "--json", "--strict"])
    told = [(each["code"], each["file"], each["line"]) for each in json.loads(ended.stdout)["findings"]]
    assert told == [("dead-crosswalk-row", "crosswalks/sex.csv", 3), ("unresolvable-reference", "people.yaml", 10)]
    assert ended.exit_code == 1


UUID = "0f8fad5b-d9cb-469f-a165-70867728{:04d}"


@pytest.mark.parametrize(
    ("cell", "rows", "blank_at", "is_found"),
    [
        ("r{}", 101, None, True),
        (" r{} ", 101, None, True),
        ("r{}", 100, None, False),
        ("r{}", 102, 101, False),
        ("", 101, None, False),
        (UUID, 101, None, False),
        ("same", 150, None, False),
    ],
)
def test_an_ignored_column_that_is_never_blank_and_varies_much_is_found(desk, cell, rows, blank_at, is_found):
    ignore = 'ignore: {legacy.PERSONS: {"REM*": technical}, legacy.LOG: technical}'
    desk.write({"project.yaml": desk.project(ignore), "people.yaml": desk.people()})
    lines = [f"{n},A,B,{' ' if n == blank_at else cell.format(n)}\n" for n in range(rows)]
    desk.write({"data/PERSONS.csv": "PERSON_ID,FIRST_NM,LAST_NM,REMARK\n" + "".join(lines), "data/LOG.csv": "A\n1\n"})
    ended = CliRunner().invoke(app, ["lint", str(desk.folder), "--rows", "--json"])
    told = [(each["code"], each["file"], each["message"]) for each in json.loads(ended.stdout)["findings"]]
    message = "`REMARK` of `legacy.PERSONS` is ignored, is never blank and holds more than 100 values."
    assert told == [("ignored-data", "project.yaml", message)] * is_found


def test_rules_that_need_rows_are_silent_without_them(desk):
    project = desk.load(
        {"people.yaml": desk.people("gender: {from: S, crosswalk: sex}"), "crosswalks/sex.csv": "S,target\nF,Female\n"}
    )
    assert findings(project, None) == ()
    assert [each.rule for each in findings(project, Evidence({"sex": frozenset()}))] == ["dead-crosswalk-row"]


def test_every_rule_has_its_own_name_and_says_what_it_is_for():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.help.endswith(".") and len(rule.help) > 40 for rule in RULES)


def test_the_command_lists_the_rules_with_their_help():
    shown = CliRunner().invoke(app, ["lint", "--rules"]).stdout
    assert all(rule.name in shown and rule.help in shown for rule in RULES)


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ("", ["`REMARK` of `legacy.PERSONS` is ignored, is never blank and holds more than 100 values."]),
        (", REMARK: counts of a device", []),
    ],
)
def test_under_a_wide_pattern_neither_what_is_read_nor_what_is_named_itself_is_called_ignored(desk, beside, told):
    ignore = f'ignore: {{legacy.PERSONS: {{"*": the rest is not needed{beside}}}}}'
    desk.write({"project.yaml": desk.project(ignore), "people.yaml": desk.people()})
    lines = [f"{number},A{number},B{number},R{number}\n" for number in range(150)]
    desk.write({"data/PERSONS.csv": "PERSON_ID,FIRST_NM,LAST_NM,REMARK\n" + "".join(lines)})
    ended = CliRunner().invoke(app, ["lint", str(desk.folder), "--rows", "--json"])
    assert [each["message"] for each in json.loads(ended.stdout)["findings"]] == told
