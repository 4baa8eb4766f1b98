"""What `catalog show` prints: the facts, and how sure each is."""

import json

import pytest

from etl.catalog.loader import load_catalog
from etl.catalog.model import Certainty
from etl.catalog.show import catalog_data, catalog_text, entity_data, entity_text
from etl.core.errors import CatalogMismatch


def test_the_list_names_every_entity_and_lookup_with_its_path():
    text = catalog_text(load_catalog())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert text.startswith("Casebook, public facts\n")
    assert "= person = /people/people create, list, get, update, delete" in lines
    assert "= education ? path unknown create, list, get, update, delete" in lines
    assert "~ case_status path unknown options not listed" in lines


def test_an_invented_tenant_is_called_invented():
    text = catalog_text(load_catalog("sandbox"))
    assert text.startswith("Casebook, tenant sandbox (invented)\n")
    assert "! /people/educations" in text
    assert "Open, Closed" in text


def test_every_certainty_mark_is_explained():
    legend = catalog_text(load_catalog()).split("How sure a fact is:")[1]
    assert [each.value for each in Certainty if each.value not in legend] == []


def test_an_entity_is_shown_with_all_that_is_known_of_it():
    lines = [" ".join(line.split()) for line in entity_text(load_catalog("sandbox"), "attachment").splitlines()]
    assert "path ~ /attachments/attachments" in lines
    assert "marker sweep: suffix of file_name, within target" in lines
    assert "~ file_name string required personal: text" in lines
    assert any(line.startswith("~ upload_url string set by Casebook") for line in lines)
    assert "upload url_attribute=upload_url max_bytes=10485760" in lines
    assert any(
        line.startswith("~ target case or intake_report or provider or person or note required") for line in lines
    )


def test_an_open_requirement_is_shown_as_the_tenants():
    lines = [" ".join(line.split()) for line in entity_text(load_catalog(), "person").splitlines()]
    assert "~ last_name string the tenant decides personal: name" in lines
    assert "~ gender gender, a list the tenant decides" in lines


def test_listed_users_are_shown_as_options():
    assert "\n  worker12@agency.example\n" in entity_text(load_catalog("sandbox"), "user")


def test_an_unknown_entity_is_refused_with_the_nearest_name():
    with pytest.raises(CatalogMismatch, match=r"no entity persn\. Did you mean `person`"):
        entity_text(load_catalog(), "persn")
    with pytest.raises(CatalogMismatch, match="catalog show"):
        entity_data(load_catalog(), "zzzzzz")


def test_no_line_ends_in_blanks():
    catalog = load_catalog("sandbox")
    for name in catalog.entities:
        assert all(line == line.rstrip() for line in entity_text(catalog, name).splitlines())


def test_the_data_form_can_be_written_as_json_and_holds_the_same_facts():
    data = json.loads(json.dumps(catalog_data(load_catalog("sandbox"))))
    assert data["invented"] is True
    assert data["entities"]["person"]["path_certainty"] == "STATED"
    assert data["entities"]["person"]["attributes"]["custom_fields.legacyCounty"]["kind"] == "dropdown"
    assert data["entities"]["applicant"]["creatable"] is False
    assert data["lookups"]["gender"]["options"][0]["label"] == "Female"
