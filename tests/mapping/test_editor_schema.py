"""The editor's schema accepts every shipped document, refuses slips, and knows every key of every form."""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.core.strict_yaml import read_document
from etl.mapping import spec
from etl.mapping.form import Form
from etl.pipeline.projects import schemas

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    each for each in (ROOT / "mappings").glob("*/*.yaml") if each.parent.name in {"demo_agency", "hmis", "hsds"}
)


@pytest.fixture(scope="module")
def judges():
    """A validator for each kind of document, by project folder."""

    def made(folder: Path) -> dict[str, jsonschema_rs.Draft7Validator]:
        environ = {name: value for name, value in os.environ.items() if name != "HMIS_EXPORT"}
        content, unread = schemas(folder, None, environ)
        assert unread == []
        return {name: jsonschema_rs.Draft7Validator(each) for name, each in content.items()}

    return {name: made(ROOT / "mappings" / name) for name in ("demo_agency", "hmis", "hsds")}


def judge(judges, project: str, document: Path) -> jsonschema_rs.Draft7Validator:
    kind = "project" if document.name == "project.yaml" else "mapping"
    return judges[project][f"{kind}.schema.json"]


@pytest.mark.parametrize("document", SHIPPED, ids=lambda each: f"{each.parent.name}-{each.stem}")
def test_every_shipped_document_fits_its_schema(judges, document):
    content = read_document(document.read_text("utf-8"), document.name).value
    found = [
        f"{each.instance_path}: {each.message[:200]}"
        for each in judge(judges, document.parent.name, document).iter_errors(content)
    ]
    assert found == []


def mapping(**changes):
    plain = {"mapping": "p", "target": "person", "source": "legacy.PERSONS", "key": "PERSON_ID"}
    return plain | {"fields": {"first_name": "FIRST_NM", "last_name": "LAST_NM"}} | changes


def field(value):
    return mapping(fields={"first_name": value})


def test_the_plain_mapping_fits(judges):
    assert judges["demo_agency"]["mapping.schema.json"].is_valid(mapping())


@pytest.mark.parametrize(
    "slip",
    [
        mapping(target="persn"),
        mapping(source="legacy.PERSON"),
        mapping(key="PERSONID"),
        mapping(fields={"frist_name": "FIRST_NM"}),
        mapping(fields={"migrationKey": "FIRST_NM"}),
        field("FRIST_NM"),
        field({"from": "FIRST_NM", "do": ["trimm"]}),
        field({"from": "FIRST_NM", "do": [{"trim": None, "upper": None}]}),
        field({"from": "FIRST_NM", "crosswalk": "gendr"}),
        field({"from": "FIRST_NM", "on_error": "skip"}),
        mapping(fields={"mother": "MOTHER_ID"}),
        mapping(rules=[{"check": "first_name is null", "severity": "bad"}]),
        mapping(tests=[{"given": {}}]),
        mapping(tests=[{"name": "one", "given": {}, "problems": [{"code": "unmaped_value"}]}]),
        mapping(felds={}),
    ],
    ids=lambda each: "",
)
def test_a_slip_does_not_fit(judges, slip):
    assert not judges["demo_agency"]["mapping.schema.json"].is_valid(slip)


def test_every_key_of_the_forms_is_known(desk):
    desk.write({"project.yaml": desk.project(), "people.yaml": desk.people()})
    definitions = schemas(desk.folder, None, {})[0]["mapping.schema.json"]["definitions"]
    forms = [spec.PipelineForm, spec.ReferenceForm, spec.FileForm, spec.RuleForm, spec.JoinForm, spec.GroupForm]
    assert {form.__name__: set(definitions[form.__name__]["properties"]) for form in forms} == {
        form.__name__: keys(form) for form in forms
    }


def keys(form: type[Form]) -> set[str]:
    return {each.alias or name for name, each in form.model_fields.items()}


def test_a_project_whose_mappings_are_wrong_still_gets_its_schema(desk):
    desk.write({"project.yaml": desk.project(), "people.yaml": "mapping: people\ntarget: person\nfields: 7\n"})
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "P.csv").write_text("ID,NAME\n")
    ended = CliRunner().invoke(app, ["schema", str(desk.folder)])
    assert ended.exit_code == 0, ended.stdout
    assert "# yaml-language-server: $schema=schema/mapping.schema.json" in ended.stdout
    assert {each.name for each in (desk.folder / "schema").iterdir()} == {"mapping.schema.json", "project.schema.json"}


def test_a_source_that_cannot_be_read_is_named_and_the_rest_is_written(desk):
    desk.write({"project.yaml": desk.project(), "people.yaml": desk.people()})
    ended = CliRunner().invoke(app, ["schema", str(desk.folder)])
    assert (ended.exit_code, "columns not known: legacy" in ended.stdout) == (1, True)


def test_columns_that_a_query_makes_are_accepted(desk):
    query = "source: {from: legacy.PERSONS, query: 'select *, 1 as NUMBERED from legacy.PERSONS'}"
    people = desk.people("ssn: NUMBERED").replace("source: legacy.PERSONS", query)
    desk.write({"project.yaml": desk.project(), "people.yaml": people})
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "PERSONS.csv").write_text("PERSON_ID,FIRST_NM,LAST_NM\n")
    content, _ = schemas(desk.folder, None, {})
    value = read_document(people, "people.yaml").value
    assert not list(jsonschema_rs.Draft7Validator(content["mapping.schema.json"]).iter_errors(value))
