"""The page on the catalogue tells the truth: its example loads, its tables leave nothing out."""

import re
from pathlib import Path

import pytest

from etl.catalog.loader import load_catalog
from etl.catalog.model import Certainty
from etl.catalog.show import catalog_text
from etl.catalog.specs import AttributeSpec, CatalogSpec, CustomFieldSpec, EntitySpec, LinkSpec, LookupSpec
from etl.core.errors import MappingError

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "catalog.md").read_text(encoding="utf-8")


@pytest.fixture
def example(tmp_path):
    file = tmp_path / "example.yaml"
    file.write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1], encoding="utf-8")
    return load_catalog(file)


def test_the_example_loads_and_means_what_its_comments_say(example):
    person = example.entity("person")
    assert example.tenant == "our_agency"
    assert person.attributes["ssn"].wire_name == "social_security_number"
    assert person.attributes["date_of_birth"].required is False
    assert person.links["gender"].required is True
    assert example.entity("person_address").creatable
    assert [option.label for option in example.lookups["person.shelterArea"].options] == ["North", "South", "Riverside"]
    assert example.lookups["case_status"].options[0].id == "3f0e8a52-6c1d-4f7b-9a53-0d6f2f4b8c11"


def test_every_list_of_the_example_can_be_read_where_it_says(example):
    for name in ("gender", "case_status", "person.shelterArea"):
        listed = example.lookups[name]
        assert (listed.path and listed.type) or all(each.id for each in listed.options), name


@pytest.mark.parametrize("spec", [EntitySpec, AttributeSpec, CustomFieldSpec, LinkSpec, LookupSpec, CatalogSpec])
def test_every_key_of_an_overlay_is_named_on_the_page(spec):
    # what an overlay need not say: marks are set by the loader, services are Casebook's
    quiet = {"certainty", "type_certainty", "path_certainty", "operations_certainty", "services", "takes_custom_fields"}
    assert [key for key in spec.model_fields if key not in quiet and not re.search(rf"\b{key}\b", PAGE)] == []


def test_every_certainty_mark_is_explained_as_the_program_prints_it():
    signs = dict(
        re.findall(r"^  (\S) ([A-Z]+)", catalog_text(load_catalog()).split("How sure a fact is:")[1], re.MULTILINE)
    )
    assert len(signs) == len(Certainty)
    assert [sign for sign, name in signs.items() if f"| `{sign}` | {name} |" not in PAGE] == []


def test_the_quoted_mistake_is_the_one_that_is_told(tmp_path):
    file = tmp_path / "our_agency.yaml"
    text = "version: 1\ntenant: our_agency\n\nentities:\n  person:\n    attributes: {frist_name: {required: true}}\n"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        load_catalog(file)
    told = str(caught.value.mistakes[0]).replace(str(file), "tenants/our_agency.yaml")
    assert re.search(r"```\n(tenants/our_agency\.yaml:.*?)\n```", PAGE)[1] == told


def test_the_roles_in_the_connection_page_are_those_of_the_catalogue():
    page = (DOCS / "connect.md").read_text(encoding="utf-8")
    created = {role for each in load_catalog().entities.values() for role in each.roles.get("create", ())}
    assert [role for role in created if role not in page] == []


def test_the_connection_page_promises_no_role_that_the_catalogue_does_not_know():
    page = (DOCS / "connect.md").read_text(encoding="utf-8")
    table = page.split("| To load |")[1].split("\n\n")[0]
    assert "hangs on them" not in table
    unknown = [each.name for each in load_catalog().entities.values() if each.creatable and not each.roles]
    assert unknown
    assert "everything else" in table
