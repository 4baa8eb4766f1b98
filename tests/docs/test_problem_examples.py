"""Every problem code has an example that tells it, at the places that the page names, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from etl.core.problems import problem_codes
from tests.docs.examples_of_deliveries import DELIVERED
from tests.docs.examples_of_loads import LOADED, Loaded
from tests.docs.problem_example import PROJECT, ROWS, Example, Told, documents, shown
from tests.docs.problem_examples import PROBLEMS, VALIDATED
from tests.e2e.harness import KEY, Place, etl, sandbox, small_project

MOST_ROWS = 4
MOST_LINES = 8


@pytest.fixture(autouse=True)
def _one_project_key(monkeypatch):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)


def test_every_code_has_an_example():
    assert set(PROBLEMS) == {each.code for each in problem_codes()}


@pytest.mark.parametrize("code", VALIDATED)
def test_validate_tells_the_example_at_its_places_and_nothing_else(tmp_path, code):
    example = VALIDATED[code]
    place = small_project(tmp_path, documents(example))
    ended = etl("validate", place.project, "--progress", "none")
    assert list(place.runs.glob("*/problems.parquet")), ended.text
    assert told(place, "problems.parquet", beside=example.beside) == expected(code, example)


@pytest.mark.parametrize("code", LOADED)
def test_a_load_or_reading_back_tells_the_example_and_nothing_else(tmp_path, code):
    loaded = LOADED[code]
    with sandbox(faults=loaded.faults) as casebook:
        place = small_project(tmp_path, documents(loaded.example)).point_at(casebook.base_url)
        run_all(place, loaded, casebook.oracle)
    if loaded.verify:
        assert found(place) == expected(code, loaded.example)
    else:
        assert told(place, "problems.parquet", "plan_problems.parquet", "load_problems.parquet") == expected(
            code, loaded.example
        )


@pytest.mark.parametrize("code", DELIVERED)
def test_a_later_delivery_tells_the_example_and_nothing_else(tmp_path, code):
    delivered = DELIVERED[code]
    place = small_project(tmp_path, documents(delivered.example) | {"data/PERSONS.csv": delivered.before})
    etl("inspect", place.project, "--progress", "none")
    (place.folder / "data" / "PERSONS.csv").write_text(delivered.after, "utf-8")
    ended = etl("validate", place.project, "--progress", "none")
    assert ended.code == 0, ended.text
    assert told(place, "problems.parquet") == expected(code, delivered.example)


@pytest.mark.parametrize("code", PROBLEMS)
def test_an_example_is_tiny(code):
    example = PROBLEMS[code]
    data = [text for name, text in example.files.items() if name.endswith(".csv") and name.startswith("data/")]
    documents = [text for name, text in example.files.items() if not name.startswith("data/")]
    assert all(1 <= len(text.splitlines()[1:]) <= MOST_ROWS for text in (example.rows, *data))
    assert all(len(text.splitlines()) <= MOST_LINES for text in (example.fields, *documents))
    assert example.told


def test_an_example_shows_all_that_is_not_in_the_small_project():
    text = "ID,FIRST,LAST\n1,A\x00da,Vale\n"
    page = shown(Example((Told(2),), text, files={"people.yaml": "mapping: people\n"}, given="Said."))
    assert page == (
        "```text\nID,FIRST,LAST\n1,A<00>da,Vale\n```\n\n```text\n# people.yaml\nmapping: people\n```\n\nSaid.\n\n"
        "**Told:** `block` at `legacy.PERSONS`, line 2, mapping `people`.\n"
    )
    assert "100,000 of these" in shown(Example((Told(2),), f"ID\n{'x' * 100_000}\n"))
    assert documents(Example((Told(2),)))["data/PERSONS.csv"] == ROWS.encode()
    assert documents(Example((Told(2),)))["project.yaml"] == PROJECT


def run_all(place: Place, loaded: Loaded, oracle: Any) -> None:
    """The runs of an example, and what people do in Casebook between them."""
    if loaded.before:
        loaded.before(oracle)
    table = place.folder / (loaded.later or "data/PERSONS.csv")
    rows = table.read_text("utf-8") if loaded.later or loaded.earlier else ""
    if rows:
        table.write_text(loaded.earlier or rows.splitlines()[0] + "\n", "utf-8")
    place.run()
    if loaded.then:
        loaded.then(oracle)
    if loaded.meant:
        acknowledge(place)
    if rows:
        table.write_text(rows, "utf-8")
        place.run()
    if loaded.verify:
        etl("verify", place.project, "--progress", "none")


def acknowledge(place: Place) -> None:
    """Says of what is not in Casebook any more that it was deleted on purpose."""
    etl("verify", place.project, "--progress", "none")
    for each in json.loads(Path(place.latest("manifest.json")).read_text("utf-8"))["verify"]["findings"]:
        etl("resolve", place.project, "--deleted", each["key"], "--why", "entered twice")


def expected(code: str, example: Example) -> Counter[tuple[object, ...]]:
    return Counter((code, each.severity, each.table, each.line, each.field, each.mapping) for each in example.told)


def told(place: Place, *names: str, beside: frozenset[str] = frozenset()) -> Counter[tuple[object, ...]]:
    """The problems of the latest run by code and place."""
    rows = [row for name in names for row in place.rows(name) if row["code"] not in beside]
    return Counter(
        tuple(row[name] for name in ("code", "severity", "table", "line", "field", "mapping")) for row in rows
    )


def found(place: Place) -> Counter[tuple[object, ...]]:
    """What reading back found: of no table and no line, and of no severity."""
    content = json.loads(Path(place.latest("manifest.json")).read_text("utf-8"))
    return Counter(
        (each["code"], "", "", None, each["field"], each["mapping"]) for each in content["verify"]["findings"]
    )
