"""Creating, changing and deleting records."""

import uuid
from dataclasses import replace

import pytest

from etl.catalog.loader import load_catalog

PEOPLE = "/people/people"


def test_a_created_record_is_201_with_its_address_and_its_id(sandbox, kit):
    answer = sandbox.post(PEOPLE, kit.document(PEOPLE, {"first_name": "Ann", "last_name": "Quill"}))
    record = answer.json()["data"]
    assert answer.status_code == 201
    assert answer.headers["content-type"] == kit.JSON_API
    assert answer.headers["location"] == f"http://sandbox.example{PEOPLE}/{record['id']}"
    assert uuid.UUID(record["id"]).version == 4
    assert (record["type"], record["attributes"]["last_name"], record["attributes"]["ssn"]) == ("people", "Quill", None)


def test_a_read_shows_attributes_custom_fields_and_links_as_they_were_sent(sandbox, kit):
    gender, white = kit.option("gender", "Female"), kit.option("race", "White")
    custom = {"migrationKey": "mg1-aaaaaaaaaaaaaaaa", "needsInterpreter": True, "annualIncome": 12.5}
    record_id = sandbox.create(
        PEOPLE,
        {"first_name": "Ann", "last_name": "Quill", "date_of_birth": "2001-02-03", "custom_fields": custom},
        gender=("genders", gender),
        races=[("races", white)],
    )
    shown = sandbox.get(f"{PEOPLE}/{record_id}").json()["data"]
    assert shown["attributes"]["custom_fields"] == custom
    assert shown["relationships"]["gender"]["data"] == {"type": "genders", "id": gender}
    assert shown["relationships"]["races"]["data"] == [{"type": "races", "id": white}]
    assert shown["relationships"]["marital_status"]["data"] is None


def test_without_custom_fields_the_attribute_is_null(sandbox):
    assert sandbox.get(f"{PEOPLE}/{sandbox.person()}").json()["data"]["attributes"]["custom_fields"] is None


def test_a_client_id_is_ignored_unless_the_sandbox_accepts_them(sandbox_of, kit):
    wanted = str(uuid.uuid4())
    body = kit.document(PEOPLE, {"first_name": "A", "last_name": "B"}, record_id=wanted)
    assert sandbox_of().post(PEOPLE, body).json()["data"]["id"] != wanted
    accepting = sandbox_of(accept_client_ids=True)
    assert accepting.post(PEOPLE, body).json()["data"]["id"] == wanted
    assert accepting.post(PEOPLE, body).status_code == 409


def test_an_overlay_says_of_which_entities_client_ids_are_kept(sandbox_of, kit):
    catalog = load_catalog("sandbox")
    taking = {**catalog.entities, "person": replace(catalog.entity("person"), client_ids=True)}
    sandbox, wanted = sandbox_of(catalog=replace(catalog, entities=taking)), str(uuid.uuid4())
    person = kit.document(PEOPLE, {"first_name": "A", "last_name": "B"}, record_id=wanted)
    location = kit.document("/providers/locations", {"city": "Dayton"}, record_id=str(uuid.uuid4()))
    assert sandbox.post(PEOPLE, person).json()["data"]["id"] == wanted
    again = sandbox.post(PEOPLE, person)
    assert (again.status_code, kit.errors(again)) == (409, [("conflict", "/data/id")])
    assert sandbox.post("/providers/locations", location).json()["data"]["id"] != location["data"]["id"]


def test_an_overlay_says_of_which_entities_the_marker_is_unique(sandbox_of, kit):
    catalog = load_catalog("sandbox")
    rung = catalog.entity("person").marker
    unique = {**catalog.entities, "person": replace(catalog.entity("person"), marker=replace(rung, unique=True))}
    sandbox = sandbox_of(catalog=replace(catalog, entities=unique))
    one, other = (
        kit.document(PEOPLE, {"first_name": "A", "last_name": "B", "custom_fields": {"migrationKey": key}})
        for key in ("mg1-a", "mg1-b")
    )
    assert [sandbox.post(PEOPLE, each).status_code for each in (one, other, one)] == [201, 201, 422]
    assert kit.errors(sandbox.post(PEOPLE, one)) == [("taken", "/data/attributes/custom_fields/migrationKey")]
    assert sandbox.post(PEOPLE, kit.document(PEOPLE, {"first_name": "A", "last_name": "B"})).status_code == 201


def test_the_server_makes_an_assignment_id_for_units_of_work_and_takes_it_as_a_link(sandbox, kit):
    case = sandbox.case()
    assignment = sandbox.get(f"/cases/cases/{case}").json()["data"]["attributes"]["assignment_id"]
    user = kit.option("user", "worker01@agency.example")
    made = sandbox.create("/memberships/assignment_users", {"assignment_id": assignment, "user_id": user})
    (held,) = sandbox.oracle.records("assignment_user")
    assert (held.id, held.links) == (made, {"assignment": (case,), "user": (user,)})
    wrong = sandbox.post(
        "/memberships/assignment_users", kit.document("/x/assignment_users", {"assignment_id": case, "user_id": user})
    )
    assert (wrong.status_code, kit.errors(wrong)) == (422, [("not_found", "/data/attributes/assignment_id")])


def test_a_link_carried_by_an_attribute_needs_a_parent_and_the_right_kind(sandbox, kit):
    person, case = sandbox.person(), sandbox.case()
    note = {"subject": "S", "body": "B", "note_type": "General", "target_id": case, "target_type": "cases"}
    sandbox.create("/attachments/notes", note)
    path = "/attachments/notes"
    for change in ({"target_type": "reports"}, {"target_id": str(uuid.uuid4())}):
        answer = sandbox.post(path, kit.document(path, note | change))
        assert kit.errors(answer) == [("not_found", "/data/attributes/target_id")]
    for change in ({"target_type": "people", "target_id": person}, {"target_type": None}):
        answer = sandbox.post(path, kit.document(path, note | change))
        assert kit.errors(answer) == [("invalid_value", "/data/attributes/target_type")]
        assert answer.status_code == 422


def test_a_custom_field_can_carry_a_link_to_a_record(sandbox, kit):
    mother = sandbox.person("Mother")
    child = sandbox.person("Child", custom_fields={"motherId": mother})
    assert sandbox.oracle.records("person")[1].links == {"mother": (mother,)}
    found = sandbox.get(PEOPLE, **{"filter[custom_fields.motherId]": mother}).json()["data"]
    assert [row["id"] for row in found] == [child]
    lost = sandbox.post(
        PEOPLE,
        kit.document(PEOPLE, {"first_name": "A", "last_name": "B", "custom_fields": {"motherId": str(uuid.uuid4())}}),
    )
    assert kit.errors(lost) == [("not_found", "/data/attributes/custom_fields/motherId")]


def test_a_patch_merges_attributes_and_custom_fields_and_clears_with_null(sandbox, kit):
    person = sandbox.person(suffix="Jr", middle_name="M", custom_fields={"migrationKey": "k", "annualIncome": 1})
    answer = sandbox.patch(
        f"{PEOPLE}/{person}",
        kit.document(PEOPLE, {"suffix": None, "custom_fields": {"annualIncome": 2}}, record_id=person),
    )
    assert answer.status_code == 200
    (held,) = sandbox.oracle.records("person")
    assert held.attributes == {
        "first_name": "Ann",
        "last_name": "Quill",
        "middle_name": "M",
        "custom_fields": {"migrationKey": "k", "annualIncome": 2},
    }


def test_a_sandbox_can_replace_custom_fields_instead_of_merging_them(sandbox_of, kit):
    sandbox = sandbox_of(custom_fields_replace=True)
    person = sandbox.person(custom_fields={"migrationKey": "k", "annualIncome": 1})
    sandbox.patch(f"{PEOPLE}/{person}", kit.document(PEOPLE, {"suffix": "Jr"}))
    sandbox.patch(f"{PEOPLE}/{person}", kit.document(PEOPLE, {"custom_fields": {"annualIncome": 2}}))
    assert sandbox.oracle.records("person")[0].attributes["custom_fields"] == {"annualIncome": 2}


def test_a_patch_replaces_the_links_it_names_and_leaves_the_others(sandbox, kit):
    white, asian = ("races", kit.option("race", "White")), ("races", kit.option("race", "Asian"))
    gender = ("genders", kit.option("gender", "Male"))
    person = sandbox.create(PEOPLE, {"first_name": "A", "last_name": "B"}, races=[white], gender=gender)
    sandbox.patch(f"{PEOPLE}/{person}", kit.document(PEOPLE, races=[asian]))
    (held,) = sandbox.oracle.records("person")
    assert held.links == {"gender": (gender[1],), "races": (asian[1],)}
    shown = sandbox.get(f"{PEOPLE}/{person}").json()["data"]["relationships"]
    assert (shown["gender"]["data"]["id"], [one["id"] for one in shown["races"]["data"]]) == (gender[1], [asian[1]])
    sandbox.patch(f"{PEOPLE}/{person}", kit.document(PEOPLE, races=[], gender=None))
    assert sandbox.oracle.records("person")[0].links == {}
    assert sandbox.get(f"{PEOPLE}/{person}").json()["data"]["relationships"]["gender"]["data"] is None


def test_a_two_way_link_is_refused_on_create_and_set_by_a_patch(sandbox, kit):
    location = sandbox.create("/providers/locations", {"city": "Dayton"})
    provider = sandbox.create("/providers/providers", {"name": "P"}, facility_location=("locations", location))
    early = sandbox.post("/providers/locations", kit.document("/providers/locations", provider=("providers", provider)))
    assert (early.status_code, kit.errors(early)) == (422, [("invalid_value", "/data/relationships/provider")])
    late = sandbox.patch(
        f"/providers/locations/{location}", kit.document("/providers/locations", provider=("providers", provider))
    )
    assert late.status_code == 200
    assert sandbox.oracle.records("location")[0].links == {"provider": (provider,)}


def test_a_parent_is_held_by_its_children_and_a_way_back_holds_nothing(sandbox, kit):
    location = sandbox.create("/providers/locations")
    provider = sandbox.create("/providers/providers", {"name": "P"}, facility_location=("locations", location))
    sandbox.patch(
        f"/providers/locations/{location}", kit.document("/providers/locations", provider=("providers", provider))
    )
    held = sandbox.delete(f"/providers/locations/{location}")
    assert (held.status_code, kit.errors(held)) == (422, [("still_referenced", "")])
    assert sandbox.delete(f"/providers/providers/{provider}").status_code == 204
    shown = sandbox.get(f"/providers/locations/{location}").json()["data"]["relationships"]
    assert shown["provider"]["data"] is None
    assert sandbox.delete(f"/providers/locations/{location}").status_code == 204
    assert sandbox.delete(f"/providers/locations/{location}").status_code == 404
    assert sandbox.oracle.counts() == {}


def test_deletes_cascade_where_the_sandbox_is_set_so(sandbox_of):
    sandbox = sandbox_of(cascade_deletes=True)
    person, case = sandbox.person(), sandbox.case()
    sandbox.create("/cases/case_people", {"person_id": person}, case=("cases", case))
    assert sandbox.delete(f"/cases/cases/{case}").status_code == 204
    assert sandbox.oracle.counts() == {"person": 1}


@pytest.mark.parametrize(
    "path", ["/people/educations", "/people/addresses", "/people/contacts", "/people/tribes", "/people/citizenships"]
)
def test_children_of_a_person_are_entities_of_their_own(sandbox, path):
    person = sandbox.person()
    child = sandbox.create(path, person=("people", person))
    assert [row["id"] for row in sandbox.get(path, **{"filter[person]": person}).json()["data"]] == [child]


def test_what_one_sandbox_file_keeps_survives_a_restart(sandbox_of, tmp_path):
    path = str(tmp_path / "sandbox.db")
    first = sandbox_of(db=path)
    person = first.person()
    again = sandbox_of(db=path)
    assert again.get(f"{PEOPLE}/{person}").status_code == 200
    assert again.oracle.counts() == {"person": 1}
