"""Fixes change the words that are wrong and nothing else: comments, layout and line ends stay."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.core.errors import Mistake
from etl.mapping.fixes import Edit, applied, fix_of


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("  frist_name: X # no", "  first_name: X # no"),
        ("  gender: {const: Femal} # Femal", "  gender: {const: Female} # Femal"),
        ("  ssn: {from: SSN, do: [trimm]}", "  ssn: {from: SSN, do: [trim]}"),
        ("  ssn: {from: SSN, doo: [trim]}", "  ssn: {from: SSN, do: [trim]}"),
        ("  hispanic_or_latino: {const: no}", '  hispanic_or_latino: {const: "no"}'),
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
    ("line", "hint"),
    [
        ("ab: {x: ab, y: wrng, z: wrng}", "Did you mean `wrong`?"),
        ("ab: {x: wrngs}", "Did you mean `wrong`?"),
        ("ab: wrng", "Known: right, wrong."),
        ("ab: wrng", "Did you mean `two words`?"),
    ],
)
def test_what_is_not_certain_is_left_to_people(line, hint):
    assert fix_of(Mistake("a.yaml", 1, 1, "There is no `wrng`.", hint, "unknown"), [line]) is None


def test_a_name_that_needs_quotes_may_stand_where_they_are():
    mistake = Mistake("a.yaml", 1, 4, "There is no `wrng`.", "Did you mean `two words`?", "unknown")
    assert fix_of(mistake, ["a: 'wrng'"]) == Edit("a.yaml", 1, 5, 9, "two words")


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


def test_dead_rows_of_crosswalks_go_only_when_the_rows_were_read(desk):
    documents = {
        "people.yaml": desk.people("gender: {from: SEX, crosswalk: gender}"),
        "crosswalks/gender.csv": "SEX,target,note\nx,Male,\nF,Female,dead\nm,Male,dead\n",
    }
    mended(desk, header="PERSON_ID,FIRST_NM,LAST_NM,SEX", **documents)
    assert "dead" in (desk.folder / "crosswalks" / "gender.csv").read_text()
    said = mended(desk, "--rows", header="PERSON_ID,FIRST_NM,LAST_NM,SEX", **documents)
    assert (desk.folder / "crosswalks" / "gender.csv").read_text() == "SEX,target,note\nx,Male,\n"
    assert "taken out" in said
