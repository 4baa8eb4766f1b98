"""What people wrote in SQL is tried on tables without rows, so that lint tells its mistakes before a run does."""

from __future__ import annotations

import pytest

from etl.pipeline.projects import lint, open_project


def mistakes(desk, documents: dict[str, str]) -> list[str]:
    desk.write({"project.yaml": desk.project(), "people.yaml": desk.people(), **documents})
    (desk.folder / "data").mkdir(exist_ok=True)
    (desk.folder / "data" / "PERSONS.csv").write_text("PERSON_ID,FIRST_NM,LAST_NM\n")
    found, unchecked = lint(open_project(desk.folder, None, {}))
    assert not unchecked
    return [f"{each.file}:{each.line}:{each.column} {each.code}: {each.message}" for each in found]


def rule(desk, text: str) -> dict[str, str]:
    return {"people.yaml": f"{desk.people()}rules: [{{sql: '{text}'}}]\n"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select _row from legacy.NOWHERE", "The query cannot be read: Catalog Error"),
        ("drop table legacy.PERSONS", "must be one SELECT"),
        ("select _row from records.people where shoe_size = 1", "The query cannot be read: Binder Error"),
        ("select last_name from records.people", "names no record"),
        ("selec", "The query cannot be read: Parser Error"),
    ],
)
def test_a_select_that_can_never_be_asked_is_told_at_its_rule(desk, text, said):
    found = mistakes(desk, rule(desk, text))
    assert len(found) == 1
    assert found[0].startswith("people.yaml:8:9 wrong_sql: ")
    assert said in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "select p._row from records.people p join legacy.PERSONS l using (_row) where p.last_name = l.LAST_NM",
        "select _rk from records.people where cast(last_name as integer) = 1",
    ],
)
def test_a_sound_select_is_no_mistake_whatever_the_data_may_be(desk, text):
    assert mistakes(desk, rule(desk, text)) == []


def test_a_query_is_tried_as_well(desk):
    source = "source: {from: legacy.PERSONS, query: 'select _row, PERSON_ID, FIRST_NM from legacy.PERSONS'}"
    found = mistakes(desk, {"people.yaml": desk.people().replace("source: legacy.PERSONS", source)})
    assert any(each.startswith("people.yaml:3:39 wrong_sql: ") for each in found), found
