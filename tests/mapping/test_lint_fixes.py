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
