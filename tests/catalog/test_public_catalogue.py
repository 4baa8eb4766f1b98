"""The shipped public facts: complete, in agreement with themselves, and honest about what is not known."""

import pytest

from etl.catalog.loader import load_catalog, shipped_tenants
from etl.catalog.model import Certainty, Kind

PEOPLE = ["person", "education", "employment", "person_address", "person_contact", "person_tribe"]
PEOPLE += ["person_citizenship", "person_relationship"]
INTAKE = ["intake_report", "incident", "screening_decision", "report_person"]
CASES = ["case", "case_person", "involvement", "goal"]
PROVIDERS = ["location", "assignee", "provider", "parent_organization", "provider_staff", "provider_service", "license"]
PROVIDERS += ["license_condition", "visit", "form_submission", "provider_form_submission", "action_plan", "applicant"]
REST = ["service_enrollment", "note", "attachment", "user", "assignment_user", "task", "workflow"]


@pytest.fixture(scope="module", params=[None, *shipped_tenants()])
def catalog(request):
    return load_catalog(request.param)


def test_every_publicly_known_entity_is_there(catalog):
    assert list(catalog.entities) == PEOPLE + INTAKE + CASES + PROVIDERS + REST


def test_every_link_leads_to_an_entity_or_a_lookup(catalog):
    known = {*catalog.entities, *catalog.lookups}
    assert {target for each in catalog.entities.values() for link in each.links.values() for target in link.to} <= known


def test_every_lookup_is_used_by_a_link_a_drop_down_or_the_drop_downs_themselves(catalog):
    entities = catalog.entities.values()
    linked = {target for each in entities for link in each.links.values() for target in link.to}
    chosen = {attribute.lookup for each in entities for attribute in each.attributes.values()}
    assert set(catalog.lookups) - linked - chosen == {"custom_field", "custom_field_option"}


def test_every_flow_names_what_is_there(catalog):
    for entity in catalog.entities.values():
        for step in entity.flow:
            assert step.do in {"create", "patch_link", "upload", "read"}
            assert step.relationship is None or step.relationship in entity.links
            assert step.url_attribute is None or entity.attributes[step.url_attribute].read_only


def test_a_marker_sits_in_an_attribute_or_under_a_parent_or_is_sought_among_what_was_created(catalog):
    for name, entity in catalog.entities.items():
        marker = entity.marker
        if marker is None:
            continue
        if marker.ask in {"filter", "sweep"}:
            assert marker.slot in entity.attributes, name
        else:
            assert marker.slot is None, name
            assert marker.scope in entity.links or (marker.ask == "created" and marker.scope is None), name


def test_a_carrier_of_a_link_is_never_an_attribute(catalog):
    for entity in catalog.entities.values():
        carriers = {name for link in entity.links.values() for name in (link.carried_as, link.type_as)}
        assert not carriers & set(entity.attributes)


def test_the_three_documented_flows_are_data():
    catalog = load_catalog()
    location, attachment, assignment = (catalog.entity(name) for name in ("location", "attachment", "assignment_user"))
    assert [(step.do, step.relationship) for step in location.flow] == [("create", None), ("patch_link", "provider")]
    assert [step.do for step in attachment.flow] == ["create", "upload"]
    assert attachment.step("upload").max_bytes == 10 * 1024 * 1024
    assert [(step.do, step.attribute) for step in assignment.flow] == [("read", "assignment_id"), ("create", None)]


def test_the_only_stated_list_of_a_person_is_exact():
    attribute = load_catalog().entity("person").attributes["hispanic_or_latino"]
    assert attribute.enum == ("yes", "no", "unable to determine", "unknown")
    assert attribute.kind is Kind.ENUM
    assert attribute.certainty is Certainty.STATED


def test_what_the_tenant_decides_is_left_open():
    person = load_catalog().entity("person")
    assert person.attributes["last_name"].required is None
    assert person.attributes["middle_name"].required is False
    assert load_catalog().entity("case").attributes["name"].required is True


def test_an_entity_whose_path_is_unknown_cannot_be_created():
    catalog = load_catalog()
    assert catalog.entity("education").path_certainty is Certainty.UNKNOWN
    assert not catalog.entity("education").creatable
    assert not catalog.entity("assignment_user").creatable
    assert catalog.entity("person").creatable


def test_the_public_catalogue_invents_nothing_but_the_place_of_our_marker():
    invented = [
        attribute.name
        for entity in load_catalog().entities.values()
        for attribute in entity.attributes.values()
        if attribute.certainty is Certainty.INVENTED
    ]
    assert invented == ["custom_fields.migrationKey"] * 3


def test_users_are_matched_like_a_lookup_and_never_made():
    catalog = load_catalog()
    assert catalog.is_lookup("user")
    assert catalog.entity("user").match_on == "email"
    assert not catalog.entity("user").creatable


def test_people_are_marked_as_personal():
    attributes = load_catalog().entity("person").attributes
    classes = {name: attributes[name].pii for name in ("ssn", "date_of_birth", "last_name")}
    assert classes == {"ssn": "ssn", "date_of_birth": "dob", "last_name": "name"}
    assert load_catalog().entity("note").attributes["body"].pii == "text"
