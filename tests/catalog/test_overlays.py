"""A tenant's overlay: what it changes, what it adds, and what it leaves alone."""

import pytest

from etl.catalog.layers import laid_over
from etl.catalog.loader import load_catalog
from etl.catalog.model import Certainty
from etl.core.errors import SettingsError


@pytest.fixture
def overlaid(tmp_path):
    def load(text):
        file = tmp_path / "our_agency.yaml"
        file.write_text("version: 1\n" + text, encoding="utf-8")
        return load_catalog(file)

    return load


def test_an_overlay_that_says_nothing_changes_nothing(overlaid):
    public = load_catalog()
    catalog = overlaid("")
    assert (catalog.entities, catalog.lookups, catalog.api) == (public.entities, public.lookups, public.api)


def test_a_tenant_is_named_by_itself_or_else_by_its_file(overlaid):
    assert overlaid("").tenant == "our_agency"
    assert overlaid("tenant: harbor\n").tenant == "harbor"


def test_a_tenant_supplies_an_unknown_path_and_its_word_counts_as_stated(overlaid):
    education = overlaid("entities: {education: {path: /people/schooling, type: schoolings}}\n").entity("education")
    assert (education.path, education.type, education.creatable) == ("/people/schooling", "schoolings", True)
    assert education.path_certainty is education.type_certainty is Certainty.STATED
    assert education.operations_certainty is Certainty.INFERRED


def test_a_requirement_of_the_tenant_answers_the_open_one_and_changes_nothing_else(overlaid):
    person = overlaid("entities: {person: {required: {last_name: true, gender: false}}}\n").entity("person")
    assert person.attributes["last_name"].required is True
    assert person.links["gender"].required is False
    assert person.attributes["first_name"].required is None
    assert person.attributes["last_name"].certainty is Certainty.INFERRED


def test_every_open_requirement_can_be_answered_at_once(overlaid):
    person = overlaid("required_where_unstated: true\n").entity("person")
    assert person.attributes["first_name"].required is True
    assert person.attributes["middle_name"].required is False


def test_a_renamed_attribute_keeps_its_name_in_mappings_and_has_another_on_the_wire(overlaid):
    person = overlaid("entities: {person: {rename: {date_of_birth: birth_date, gender: sex}}}\n").entity("person")
    assert person.attributes["date_of_birth"].wire_name == "birth_date"
    assert person.links["gender"].wire_name == "sex"
    assert person.attributes["date_of_birth"].certainty is Certainty.STATED
    assert person.attributes["last_name"].wire_name == "last_name"


def test_a_carried_link_has_its_carriers_name_on_the_wire(overlaid):
    case_person = overlaid("entities: {case_person: {links: {person: {carried_as: human_id}}}}\n").entity("case_person")
    assert case_person.links["person"].wire_name == "human_id"
    assert case_person.links["person"].required is True


def test_the_marker_can_move_to_the_tenants_own_field(overlaid):
    text = "entities: {person: {rename: {custom_fields.migrationKey: custom_fields.legacyKey}}}\n"
    assert (
        overlaid(text).entity("person").attributes["custom_fields.migrationKey"].wire_name == "custom_fields.legacyKey"
    )


def test_an_overlay_adds_attributes_links_and_custom_fields(overlaid):
    person = overlaid(
        """
entities:
  person:
    attributes: {nickname: {type: string, max_length: 40, pii: name}}
    links: {school: {to: [education]}}
    custom_fields: {shelter: {type: dropdown, options: [North, {label: South, id: "7"}]}}
"""
    ).entity("person")
    assert person.attributes["nickname"].max_length == 40
    assert person.attributes["nickname"].certainty is Certainty.STATED
    assert person.links["school"].to == ("education",)
    assert person.attributes["custom_fields.shelter"].lookup == "person.shelter"
    assert "last_name" in person.attributes


def test_options_have_the_ids_they_are_given_and_else_none(overlaid):
    text = "lookups: {county: {options: [Adams, {label: Brown, id: b7}]}}\n"
    assert [(option.label, option.id) for option in overlaid(text).lookups["county"].options] == [
        ("Adams", None),
        ("Brown", "b7"),
    ]


def test_a_list_is_replaced_and_not_added_to(overlaid):
    text = "entities: {note: {attributes: {note_type: {enum: [General, Visit]}}}}\n"
    assert overlaid(text).entity("note").attributes["note_type"].enum == ("General", "Visit")


def test_a_new_entity_and_a_new_lookup_are_added_when_they_bring_their_service(overlaid):
    catalog = overlaid(
        """
entities:
  pet: {service: people, path: /people/pets, type: pets, operations: [create], links: {kind: {to: [pet_kind]}}}
lookups:
  pet_kind: {service: people}
"""
    )
    assert catalog.entity("pet").creatable
    assert catalog.is_lookup("pet_kind")


def test_a_link_that_the_tenant_sets_later_becomes_a_step(overlaid):
    text = "entities: {provider: {links: {assignee: {set_by: patch}}}}\n"
    steps = [step.relationship for step in overlaid(text).entity("provider").flow if step.do == "patch_link"]
    assert steps == ["assignee", "license", "visits"]


def test_api_facts_can_be_corrected_one_by_one(overlaid):
    api = overlaid("api: {max_page_size: 500}\n").api
    assert (api.max_page_size, api.page_size, api.token_lifetime_s) == (500, 10, 3600)


def test_a_path_may_be_given_as_text(tmp_path):
    file = tmp_path / "harbor.yaml"
    file.write_text("version: 1\n", encoding="utf-8")
    assert load_catalog(str(file)).tenant == "harbor"


def test_an_unknown_tenant_is_refused_with_the_ones_there_are():
    with pytest.raises(SettingsError, match=r"No tenant overlay called sandbx.*Did you mean `sandbox`"):
        load_catalog("sandbx")


def test_a_missing_overlay_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.yaml cannot be read: No such file"):
        load_catalog(tmp_path / "gone.yaml")


def test_layers_merge_by_key_and_leave_their_inputs_alone():
    below, above = {"a": {"b": 1, "c": [1, 2]}, "d": 4}, {"a": {"c": [3]}, "e": {"f": None}}
    assert laid_over(below, above) == {"a": {"b": 1, "c": [3]}, "d": 4, "e": {"f": None}}
    assert below == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_an_overlay_leaves_the_public_facts_as_they_were(overlaid):
    before = load_catalog()
    overlaid("entities: {person: {path: /a/b, attributes: {ssn: {type: text}}, required: {ssn: true}}}\n")
    assert load_catalog() == before
