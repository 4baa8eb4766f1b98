"""Tests beside mappings: they run through the real stages, and a wrong expectation is told at its own line."""

from __future__ import annotations

import datetime as dt
import re
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.pipeline.inline_tests import run_tests
from etl.pipeline.watching import changes

SEX = {"crosswalks/sex.csv": "SEX,target\nF,Female\n"}
FIELDS = (
    "date_of_birth: {from: DOB, do: [{date: {in: ['%m/%d/%Y'], max: today}}]}",
    "gender: {from: SEX, crosswalk: sex, on_unmapped: ask}",
    "mother: {ref: person, key: MOTHER_ID, on_missing: empty}",
    "father: {ref: person, key: FATHER_ID}",
)
ROW = "PERSON_ID: '7', FIRST_NM: Ana, LAST_NM: Rivera"


def document(desk, *tests: str) -> dict[str, str]:
    lines = "".join(f"  - {test}\n" for test in tests)
    return {"people.yaml": f"{desk.people(*FIELDS)}tests:\n{lines}", **SEX}


def results(desk, *tests: str):
    return run_tests(desk.load(document(desk, *tests)), dt.date(2026, 1, 31))


def failures(desk, *tests: str) -> list[str]:
    return [str(failure) for each in results(desk, *tests) for failure in each.failures]


def test_a_test_that_says_what_comes_out_passes(desk):
    told = f"""{{name: plain, given: {{{ROW}, DOB: 02/09/2011, SEX: F}},
       expect: {{first_name: Ana, date_of_birth: 2011-02-09, gender: Female, mother: null}}}}"""
    assert [each.passed for each in results(desk, told)] == [True]


def test_a_wrong_expectation_is_told_with_its_place_what_was_expected_and_what_came(desk):
    found = failures(desk, f"{{name: one, given: {{{ROW}}}, expect: {{last_name: Rivers}}}}")
    assert found == ["people.yaml:13:83: last_name: expected Rivers, got Rivera"]


def test_a_problem_that_nobody_expected_fails_the_test(desk):
    found = failures(desk, f"{{name: one, given: {{{ROW}, SEX: Q}}}}")
    assert found == ["people.yaml:13:5: problems: expected none, got unmapped_value in gender (block)"]


def test_an_expected_problem_that_does_not_come_fails_the_test(desk):
    found = failures(desk, f"{{name: one, given: {{{ROW}}}, problems: [{{field: gender, code: unmapped_value}}]}}")
    assert "expected unmapped_value in gender, got none" in found[0]


def test_a_supposed_crosswalk_takes_the_place_of_the_projects(desk):
    told = f"{{name: one, given: {{{ROW}, SEX: '9'}}, with: {{crosswalk: {{sex: {{'9': Male}}}}}}, expect: {{gender: Male}}}}"
    assert failures(desk, told) == []


def test_supposed_ids_stand_for_parents_and_a_key_without_one_is_missing(desk):
    told = f"""{{name: one, given: {{{ROW}, MOTHER_ID: '3', FATHER_ID: '4'}}, with: {{ids: {{person: {{'3': abc}}}}}},
       expect: {{mother: abc, father: null}}, bucket: quarantined, problems: [{{field: father, code: parent_missing}}]}}"""
    assert failures(desk, told) == []


def test_without_supposed_ids_every_parent_is_there_under_its_legacy_key(desk):
    assert failures(desk, f"{{name: one, given: {{{ROW}, MOTHER_ID: ' 3 '}}, expect: {{mother: '3'}}}}") == []


def test_today_is_what_the_test_supposes(desk):
    told = f"{{name: one, given: {{{ROW}, DOB: 02/09/2011}}, with: {{today: 2011-01-01}}, problems: [{{code: out_of_range}}]}}"
    assert failures(desk, told) == []


@pytest.mark.parametrize(
    ("test", "code", "said"),
    [
        ("¦{given: {PERSON_ID: '7'}}", "missing_key", "`name` is missing"),
        ("{name: one, given: {¦PERSN_ID: '7'}}", "unknown_column", "Did you mean `PERSON_ID`?"),
        ("{name: one, given: ¦[{PERSON_ID: '1'}, {PERSON_ID: '2'}]}", "given", "`group:`"),
        ("{name: one, given: ¦7}", "wrong_form", "Expected a row"),
        (
            "{name: one, given: {PERSON_ID: '1'}, expect: {¦frst_name: A}}",
            "unknown_field",
            "Did you mean `first_name`?",
        ),
        (
            "{name: one, given: {PERSON_ID: '1'}, problems: [{code: ¦unmaped_value}]}",
            "unknown_problem",
            "unmapped_value",
        ),
        ("{name: one, given: {PERSON_ID: '1'}, with: {ids: {¦persn: {}}}}", "unknown_entity", "Did you mean `person`?"),
        ("{name: one, given: {PERSON_ID: '1'}, with: {crosswalk: {¦sx: {}}}}", "unknown_crosswalk", "`sex`"),
        ("{name: one, given: {PERSON_ID: '1'}, with: {today: ¦soon}}", "wrong_type", "2026-01-31"),
    ],
)
def test_a_slip_in_a_test_is_told_like_one_in_the_mapping(desk, test, code, said):
    found = desk.only_mistake(document(desk, test))
    assert found.code == code
    assert said in f"{found.message} {found.hint}"


def test_a_group_is_given_as_its_rows(desk):
    text = """\
        mapping: people
        target: person
        source: {from: legacy.P, group: {by: ID}}
        key: ID
        fields:
          first_name: F
          last_name: {from: L, take: concat}
        tests:
          - {name: two, given: [{ID: 1, F: A, L: x}, {ID: 1, F: B, L: z}], expect: {first_name: A, last_name: x; z}}
        """
    assert all(each.passed for each in run_tests(desk.load({"people.yaml": text}), dt.date(2026, 1, 31)))


@pytest.mark.parametrize(
    ("order", "first"),
    [("[ROLE]", "two"), ("[-ROLE]", "ten"), ("[KIND, -ROLE]", "ten"), ("[-KIND]", "text"), ("[SINCE]", "two")],
)
def test_a_group_is_put_into_order_as_the_tables_would(desk, order, first):
    text = f"""\
        mapping: people
        target: person
        source: {{from: legacy.P, group: {{by: ID, order: {order}}}}}
        key: ID
        fields: {{first_name: F, last_name: {{const: x}}}}
        tests:
          - name: one
            given:
              - {{ID: 1, F: blank, ROLE: '', KIND: ''}}
              - {{ID: 1, F: text, ROLE: x, KIND: b}}
              - {{ID: 1, F: ten, ROLE: '10', KIND: a}}
              - {{ID: 1, F: two, ROLE: '2', KIND: a, SINCE: '2020'}}
            expect: {{first_name: {first}}}
        """
    for name in {"ROLE", "KIND", "SINCE"} - set(order.strip("[]").replace("-", "").split(", ")):
        text = re.sub(rf", {name}: [^,}}]*", "", text)
    assert [
        str(each)
        for test in run_tests(desk.load({"people.yaml": text}), dt.date(2026, 1, 31))
        for each in test.failures
    ] == []


def test_the_counts_of_joins_are_not_offered_as_columns(desk):
    source = "source: {from: legacy.PERSONS, join: {p: {table: legacy.P, match: PERSON_ID}}}"
    people = desk.people().replace("source: legacy.PERSONS", source)
    found = desk.mistakes({"people.yaml": people + "tests: [{name: one, given: {PERSON_ID: 1, p._match: 2}}]\n"})
    assert len(found) == 1
    assert "_matches" not in found[0].hint


def test_a_join_that_is_given_has_one_match_and_one_that_is_not_has_none(desk):
    text = """\
        mapping: people
        target: person
        source: {from: legacy.P, join: {a: {table: legacy.A, match: ID, expect: one}}}
        key: ID
        fields: {first_name: a.F, last_name: L}
        tests:
          - {name: joined, given: {ID: 1, L: x, a.F: A}, expect: {first_name: A}}
          - {name: alone, given: {ID: 1, L: x}, problems: [{code: missing_match}, {code: required_missing}]}
          - {name: twice, given: {ID: 1, L: x, a.F: A, a._matches: 2}, problems: [{code: unexpected_second_match}]}
        """
    found = run_tests(desk.load({"people.yaml": text}), dt.date(2026, 1, 31))
    assert [str(failure) for each in found for failure in each.failures] == []


def test_the_command_exits_1_where_a_test_fails_and_writes_junit(desk, tmp_path):
    good, bad = f"{{name: good, given: {{{ROW}}}}}", f"{{name: bad, given: {{{ROW}}}, expect: {{last_name: X}}}}"
    desk.load(document(desk, good, bad))
    ended = CliRunner().invoke(app, ["test", str(desk.folder), "--junit", str(tmp_path / "junit.xml")])
    assert (ended.exit_code, ended.stdout.splitlines()[-1]) == (1, "2 tests, 1 failed.")
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314 - our own file
    assert [(case.get("name"), len(case)) for case in suite] == [("good", 0), ("bad", 1)]


def test_the_watch_sees_overlays_of_tenants(tmp_path):
    (tmp_path / "tenants").mkdir()
    looks = changes(tmp_path, lambda: (tmp_path / "tenants" / "ours.yaml").write_text("tenant: ours\n", "utf-8"))
    next(looks)
    next(looks)


def test_the_watch_looks_again_only_after_a_change(tmp_path):
    waits = []

    def wait() -> None:
        waits.append(1)
        if len(waits) == 3:
            (tmp_path / "people.yaml").write_text("mapping: people\n", encoding="utf-8")

    looks = changes(tmp_path, wait)
    next(looks)
    next(looks)
    assert len(waits) == 3


def test_a_cell_of_several_codes_becomes_a_list_of_labels(desk):
    fields = desk.people('races: {from: RACES, do: [{split: ";"}], crosswalk: race, on_unmapped: ask}')
    tests = f"""\
tests:
  - {{name: known, given: {{{ROW}, RACES: w; a;w}}, expect: {{races: [White, Asian]}}}}
  - name: each unknown code waits for a decision
    given: {{{ROW}, RACES: w;q;z;q}}
    expect: {{races: [White]}}
    problems: [{{field: races, code: unmapped_value}}, {{field: races, code: unmapped_value}}]
    bucket: quarantined
"""
    race = {"crosswalks/race.csv": "RACES,target\nw,White\na,Asian\n"}
    ended = run_tests(desk.load({"people.yaml": fields + tests, **race}), dt.date(2026, 1, 31))
    assert [str(failure) for each in ended for failure in each.failures] == []
