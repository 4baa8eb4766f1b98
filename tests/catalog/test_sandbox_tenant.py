"""The invented tenant of the sandbox: enough of everything to rehearse a whole migration."""

import uuid

import pytest

from etl.catalog.loader import load_catalog
from etl.catalog.model import Certainty, Kind

ALL = ("create", "list", "get", "update", "delete")


@pytest.fixture(scope="module")
def sandbox():
    return load_catalog("sandbox")


def test_it_says_that_it_is_invented(sandbox):
    assert sandbox.invented
    assert sandbox.tenant == "sandbox"
    assert sandbox.entity("education").path_certainty is Certainty.INVENTED
    assert sandbox.entity("person").links["mother"].certainty is Certainty.INVENTED
    assert sandbox.lookups["race"].certainty is Certainty.INVENTED


def test_what_it_does_not_touch_keeps_its_certainty(sandbox):
    assert sandbox.entity("person").path_certainty is Certainty.STATED
    assert sandbox.entity("person").attributes["last_name"].certainty is Certainty.INFERRED
    assert sandbox.lookups["gender"].match_on == "name"


def test_every_entity_has_a_path_but_the_two_whose_shape_is_unknown(sandbox):
    assert [each.name for each in sandbox.entities.values() if each.path is None] == ["action_plan", "applicant"]


def test_paths_that_are_unknown_in_public_are_made_up_with_their_types(sandbox):
    made_up = {
        "person_address": ("/people/addresses", "addresses"),
        "person_relationship": ("/people/person_relationships", "person_relationships"),
        "report_person": ("/intake/report_people", "report_people"),
        "provider_staff": ("/providers/provider_staff", "provider_staff"),
        "user": ("/memberships/users", "users"),
        "assignment_user": ("/memberships/assignment_users", "assignment_users"),
        "workflow": ("/tasks/workflows", "workflows"),
    }
    assert {name: (sandbox.entity(name).path, sandbox.entity(name).type) for name in made_up} == made_up


def test_the_made_up_entities_can_be_created_and_removed(sandbox):
    assert sandbox.entity("person_contact").operations == ALL
    assert sandbox.entity("assignment_user").operations == ("create", "list", "get", "delete")
    assert sandbox.entity("user").operations == ("list", "get")


def test_no_requirement_is_left_open(sandbox):
    for entity in sandbox.entities.values():
        fields = [*entity.attributes.values(), *entity.links.values()]
        assert [field.name for field in fields if field.required is None] == []


@pytest.mark.parametrize(
    ("entity", "needed"),
    [
        ("person", {"first_name", "last_name"}),
        ("location", set()),
        ("provider", {"name"}),
        ("provider_service", {"name", "provider", "service_type"}),
        ("license", {"provider", "license_type", "license_status"}),
        ("intake_report", {"name", "report_date", "report_type"}),
        ("case", {"name", "case_type", "case_status"}),
        ("case_person", {"case", "person"}),
        ("involvement", {"case", "person", "started_on"}),
        ("service_enrollment", {"person", "started_on"}),
        ("note", {"subject", "body", "note_type", "target"}),
        ("attachment", {"file_name", "target"}),
        ("assignment_user", {"assignment", "user"}),
    ],
)
def test_it_requires_exactly_what_is_agreed(sandbox, entity, needed):
    fields = [*sandbox.entity(entity).attributes.values(), *sandbox.entity(entity).links.values()]
    assert {field.name for field in fields if field.required} == needed


def test_a_drop_down_is_a_lookup_of_its_own_in_the_shared_list(sandbox):
    attribute = sandbox.entity("person").attributes["custom_fields.veteranStatus"]
    lookup = sandbox.lookups[attribute.lookup]
    assert attribute.kind is Kind.DROPDOWN
    assert attribute.enum == ("Yes", "No", "Unknown")
    assert (lookup.path, lookup.filters) == ("/admin/custom_field_options", {"custom_field": "veteranStatus"})
    assert [option.label for option in lookup.options] == ["Yes", "No", "Unknown"]


def test_option_ids_can_be_derived_by_anyone(sandbox):
    female = sandbox.lookups["gender"].options[0]
    worker = sandbox.options_of("user")[11]
    assert female.id == str(uuid.uuid5(uuid.NAMESPACE_URL, "casebook-etl-sandbox/gender/Female"))
    assert worker.label == "worker12@agency.example"
    assert worker.id == str(uuid.uuid5(uuid.NAMESPACE_URL, "casebook-etl-sandbox/user/worker12@agency.example"))


def test_every_option_has_an_id_of_its_own(sandbox):
    ids = [option.id for lookup in sandbox.lookups.values() for option in lookup.options or ()]
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_every_list_that_a_link_uses_has_options(sandbox):
    linked = {target for each in sandbox.entities.values() for link in each.links.values() for target in link.to}
    assert [name for name in linked if sandbox.is_lookup(name) and not sandbox.options_of(name)] == []


def test_mother_and_father_refer_to_people_by_a_custom_field(sandbox):
    links = sandbox.entity("person").links
    assert [(links[name].to, links[name].carried_as) for name in ("mother", "father")] == [
        (("person",), "custom_fields.motherId"),
        (("person",), "custom_fields.fatherId"),
    ]


def test_the_markers_are_where_the_loader_looks_for_them(sandbox):
    markers = {
        name: sandbox.entity(name).marker for name in ("person", "note", "location", "attachment", "case_person")
    }
    assert {name: (each.ask, each.slot, each.place, each.scope) for name, each in markers.items()} == {
        "person": ("filter", "custom_fields.migrationKey", "value", None),
        "note": ("sweep", "body", "last_line", None),
        "location": ("sweep", "notes", "last_line", None),
        "attachment": ("sweep", "file_name", "suffix", "target"),
        "case_person": ("scoped", None, "value", "case"),
    }
