"""Fixes change the words that are wrong and nothing else: comments, layout and line ends stay."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.core.errors import Mistake, Slip
from etl.mapping.fixes import Edit, applied, fix_of


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("  middel_name: X # no", "  middle_name: X # no"),
        ("  ssn: {from: SSN, do: [{trimm: }]}", "  ssn: {from: SSN, do: [{trim: }]}"),
        ("  ssn: {from: SSN, do: [trimm]}", "  ssn: {from: SSN, do: [trim]}"),
        ("  ssn: {frmo: SSN, do: [trim]}", "  ssn: {from: SSN, do: [trim]}"),
        ("  middle_name: {const: no}", '  middle_name: {const: "no"}'),
        ("  middle_name: {const: 007}", '  middle_name: {const: "007"}'),
        ("  middle_name: {const: 12:30}", '  middle_name: {const: "12:30"}'),
        ("  middle_name: {const: 007} # 007\r", '  middle_name: {const: "007"} # 007\r'),
    ],
)
def test_a_certain_fix_is_applied_to_its_span_alone(desk, wrong, right):
    before = f"# the people\n{desk.people()}{wrong}\n# the end\n"
    desk.write({"project.yaml": desk.project(), "people.yaml": before})
    path = desk.folder / "people.yaml"
    path.write_bytes(before.encode())
    data = desk.folder / "data"
    data.mkdir()
    (data / "PERSONS.csv").write_text("PERSON_ID,FIRST_NM,LAST_NM,X,SSN\n")
    CliRunner().invoke(app, ["lint", str(desk.folder), "--fix"])
    assert path.read_bytes().decode() == before.replace(wrong, right)


def test_a_misspelt_column_is_mended_where_it_stands_once(desk):
    desk.write({"project.yaml": desk.project(), "people.yaml": desk.people("ssn: {from: SSNN, do: [ssn]}")})
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "PERSONS.csv").write_text("PERSON_ID,FIRST_NM,LAST_NM,SSN\n")
    ended = CliRunner().invoke(app, ["lint", str(desk.folder), "--fix"])
    assert "fixed: people.yaml:8:15: SSN" in ended.stdout
    assert "{from: SSN, do: [ssn]}" in (desk.folder / "people.yaml").read_text()
    assert ended.exit_code == 0


@pytest.mark.parametrize(
    "line", ["ab: {x: ab, y: wrng}", "wrngs: ab", "a.wrng: ab", "'wrngs': ab", "b: wrng # the place is the key's", ""]
)
def test_what_does_not_stand_at_the_very_place_is_left_alone(line):
    assert fix_of(Mistake("a.yaml", 1, 1, "There is no `wrng`.", "", "x", Slip("wrng", "wrong")), [line]) is None


def test_a_name_that_needs_quotes_stands_only_where_they_are():
    mistake = Mistake("a.yaml", 1, 4, "There is no `wrng`.", "", "unknown", Slip("wrng", "two words"))
    assert fix_of(mistake, ["a: 'wrng'"]) == Edit("a.yaml", 1, 5, 9, "two words")
    assert fix_of(mistake, ["a: wrng"]) is None


@pytest.mark.parametrize(
    "line",
    [
        "races: {many: [{const: Asain}]}",
        "marital_status: {const: Unmarried}",
        "custom_fields.noSuch: {const: x}",
        "gender: {const: Femal}",
    ],
)
def test_values_and_distant_names_are_never_mended(desk, line):
    people = desk.people(line)
    said = mended(desk, **{"people.yaml": people})
    assert (desk.folder / "people.yaml").read_text() == people
    assert "--fix" not in said


def test_a_join_column_is_mended_where_it_is_named_and_no_table_is_touched(desk):
    people = desk.people().replace(
        "source: legacy.PERSONS",
        "source:\n  from: legacy.PERSONS\n  join:\n    home:\n      table: legacy.ADDRESSES\n      match: {PERSON_ID: PERS_IDD}",
    )
    (desk.folder / "data").mkdir(parents=True)
    (desk.folder / "data" / "ADDRESSES.csv").write_text("PERS_ID\n1\n")
    said = mended(desk, **{"people.yaml": people})
    assert (desk.folder / "people.yaml").read_text() == people.replace("PERS_IDD", "PERS_ID")
    assert "fixed: people.yaml:8:26: PERS_ID\n" in said


def test_a_key_space_is_a_decision_and_stays(desk):
    more = desk.people("mother: {ref: person@peple, key: PERSON_ID}").replace("mapping: people", "mapping: folk")
    mended(desk, **{"folk.yaml": more})
    assert (desk.folder / "folk.yaml").read_text() == more


def test_a_fix_that_brings_another_mistake_is_taken_back(desk):
    people = desk.people("gender: {const: no} # as counted", "middle_name: {frmo: LAST_NM}")
    said = mended(desk, **{"people.yaml": people})
    assert (desk.folder / "people.yaml").read_text() == people.replace("frmo", "from")
    assert 'taken back: people.yaml:8:19: "no"' in said
    assert "--fix" not in said


TEST = """\
tests:
  - name: no second name
    given: {PERSON_ID: "1", FIRST_NM: Ana, LAST_NM: Rivera}
    expect: {first_name: Ana, middle_name: %s, last_name: Rivera}
"""


def test_a_fix_that_breaks_a_test_which_passed_is_taken_back_and_the_others_stay(desk):
    people = desk.people("middle_name: FIRST_NMM", "suffix: SUFIX") + TEST % '""'
    said = mended(desk, header="PERSON_ID,FIRST_NM,LAST_NM,SUFFIX", **{"people.yaml": people})
    assert (desk.folder / "people.yaml").read_text() == people.replace("SUFIX", "SUFFIX")
    assert "breaks 1 test (people: no second name), taken back: people.yaml:8:16: FIRST_NM\n" in said
    assert "fixed: people.yaml:9:11: SUFFIX\n" in said
    assert "[--fix]" not in said
    assert "Rivera" not in said


def test_a_fix_stays_where_the_test_failed_before_too(desk):
    people = desk.people("middle_name: FIRST_NMM") + TEST % "Lee"
    mended(desk, **{"people.yaml": people})
    assert (desk.folder / "people.yaml").read_text() == people.replace("NMM", "NM")


def test_a_test_that_could_not_run_before_the_fixes_is_told_where_it_fails(desk):
    people = desk.people("middle_name: {frmo: FIRST_NM}") + TEST % "Lee"
    said = mended(desk, **{"people.yaml": people})
    assert (desk.folder / "people.yaml").read_text() == people.replace("frmo", "from")
    assert "could not be run before, and fails: people.yaml:10:5: the test people: no second name." in said
    assert "No mistakes." not in said


def test_edits_of_one_line_do_not_disturb_each_other():
    edits = [Edit("a", 1, 1, 3, "long"), Edit("a", 1, 5, 6, ""), Edit("a", 1, 5, 6, "")]
    assert applied(edits, ["ab: x"]) == ["long: "]


# ---------------------------------------------------------------- findings, and the closed world


def mended(desk, *options: str, project: str = "", header: str = "PERSON_ID,FIRST_NM,LAST_NM", **documents: str) -> str:
    """Writes a project with one row, lets lint mend it, and gives back what it said."""
    desk.write({"project.yaml": project or desk.project(), "people.yaml": desk.people(), **documents})
    (desk.folder / "data").mkdir(exist_ok=True)
    (desk.folder / "data" / "PERSONS.csv").write_text(f"{header}\n{','.join('x' * len(header.split(',')))}\n")
    return CliRunner().invoke(app, ["lint", str(desk.folder), "--fix", *options]).stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "  custom_fields.legacyCounty: LAST_NAME # no",
            "  custom_fields.legacyCounty: {from: LAST_NAME, pii: name} # no",
        ),
        (
            "  custom_fields.legacyCounty: {from: LAST_NAME, do: [{pad: 5}]} # }",
            "  custom_fields.legacyCounty: {from: LAST_NAME, do: [{pad: 5}], pii: name} # }",
        ),
        (
            "  custom_fields.legacyCounty: # why\n      from: LAST_NAME",
            "  custom_fields.legacyCounty: # why\n      pii: name\n      from: LAST_NAME",
        ),
    ],
)
def test_a_missing_class_is_added_beside_what_the_field_says(desk, before, after):
    said = mended(desk, header="PERSON_ID,FIRST_NM,LAST_NM,LAST_NAME", **{"people.yaml": f"{desk.people()}{before}\n"})
    assert (desk.folder / "people.yaml").read_text() == f"{desk.people()}{after}\n"
    assert said.startswith("fixed: people.yaml:8:")
    assert said.endswith("No mistakes.\n")


REASON = '"decide: no mapping reads it"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f'ignore:\n  legacy.PERSONS: {{AGE: {REASON}, "SHOE NO": {REASON}}}\n'),
        (
            "ignore: # left\n  legacy.X: old\n",
            f'ignore: # left\n  legacy.PERSONS: {{AGE: {REASON}, "SHOE NO": {REASON}}}\n  legacy.X: old\n',
        ),
        ("ignore: {}\n", f'ignore: {{legacy.PERSONS: {{AGE: {REASON}, "SHOE NO": {REASON}}}}}\n'),
        (
            "ignore:\n  legacy.PERSONS: {OLD: gone} # yes\n",
            f'ignore:\n  legacy.PERSONS: {{OLD: gone, AGE: {REASON}, "SHOE NO": {REASON}}} # yes\n',
        ),
        (
            "ignore:\n  legacy.PERSONS:\n    OLD: gone\n",
            f'ignore:\n  legacy.PERSONS:\n    AGE: {REASON}\n    "SHOE NO": {REASON}\n    OLD: gone\n',
        ),
    ],
)
def test_forgotten_columns_are_named_under_ignore_for_a_person_to_give_the_reason(desk, before, after):
    header = "PERSON_ID,FIRST_NM,LAST_NM,AGE,SHOE NO" + (",OLD" if "OLD" in before else "")
    if "legacy.X" in before:
        (desk.folder / "data").mkdir(parents=True)
        (desk.folder / "data" / "X.csv").write_text("A\n")
    said = mended(desk, project=desk.project() + before, header=header)
    assert (desk.folder / "project.yaml").read_text() == desk.project() + after
    assert "undecided-draft" in said
    assert "forgotten" not in said


def test_a_forgotten_table_is_named_once(desk):
    (desk.folder / "data").mkdir(parents=True)
    for name in ("LOG", "AUDIT"):
        (desk.folder / "data" / f"{name}.csv").write_text("A\n1\n")
    mended(desk)
    text = (desk.folder / "project.yaml").read_text()
    assert text.count("ignore:") == 1
    assert text.count(REASON) == 2


def test_no_fix_touches_a_crosswalk(desk):
    documents = {
        "people.yaml": desk.people("gender: {from: SEX, crosswalk: gender}"),
        "crosswalks/gender.csv": "SEX,target,note\nx,Male,\nF,Female,dead\nm,Male,dead\n",
    }
    said = mended(desk, "--rows", header="PERSON_ID,FIRST_NM,LAST_NM,SEX", **documents)
    assert (desk.folder / "crosswalks" / "gender.csv").read_text() == documents["crosswalks/gender.csv"]
    assert "dead-crosswalk-row" in said
    assert "--fix" not in said
