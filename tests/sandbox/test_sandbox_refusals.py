"""What the sandbox refuses, one test a rule, each with its status, its code and the place it points to."""

import uuid

import pytest

PEOPLE = "/people/people"
NAMES = {"first_name": "Ann", "last_name": "Quill"}


def refused(sandbox, kit, path, body):
    answer = sandbox.post(path, body)
    assert not sandbox.oracle.journal("POST")[-1].record_id
    return answer.status_code, kit.errors(answer)


def test_a_missing_required_attribute_is_400(sandbox, kit):
    assert refused(sandbox, kit, PEOPLE, kit.document(PEOPLE, {"first_name": "A"})) == (
        400,
        [("required", "/data/attributes/last_name")],
    )
    assert sandbox.oracle.counts() == {}


def test_a_required_attribute_cannot_be_cleared(sandbox, kit):
    person = sandbox.person()
    answer = sandbox.patch(f"{PEOPLE}/{person}", kit.document(PEOPLE, {"last_name": None}))
    assert (answer.status_code, kit.errors(answer)) == (400, [("required", "/data/attributes/last_name")])


def test_a_missing_required_link_is_400(sandbox, kit):
    body = kit.document("/cases/cases", {"name": "N"}, case_type=("case_types", kit.option("case_type", "Housing")))
    assert refused(sandbox, kit, "/cases/cases", body) == (400, [("required", "/data/relationships/case_status")])
    assert refused(sandbox, kit, "/intake/report_people", kit.document("/intake/report_people")) == (
        400,
        [("required", "/data/relationships/report"), ("required", "/data/attributes/person_id")],
    )


def test_unknown_attributes_custom_fields_and_links_are_400(sandbox, kit):
    body = kit.document(PEOPLE, {**NAMES, "shoe_size": 9, "custom_fields": {"shoeSize": 9}}, shoe=("shoes", "1"))
    assert refused(sandbox, kit, PEOPLE, body) == (
        400,
        [
            ("unknown_name", "/data/attributes/shoe_size"),
            ("unknown_name", "/data/attributes/custom_fields/shoeSize"),
            ("unknown_name", "/data/relationships/shoe"),
        ],
    )


@pytest.mark.parametrize("name", ["created_at", "created_by"])
def test_what_the_server_sets_cannot_be_sent(sandbox, kit, name):
    assert refused(sandbox, kit, PEOPLE, kit.document(PEOPLE, {**NAMES, name: "x"}))[1] == [
        ("read_only", f"/data/attributes/{name}")
    ]


WRONG = [
    ("/people/people", "date_of_birth", "03/02/2001"),
    ("/people/people", "date_of_birth", "2001-02-30"),
    ("/people/people", "last_name", 7),
    ("/people/people", "hispanic_or_latino", "Yes"),
    ("/people/people", "custom_fields/annualIncome", "12"),
    ("/people/people", "custom_fields/needsInterpreter", "true"),
    ("/people/people", "custom_fields/veteranStatus", "Yes"),
    ("/people/people", "custom_fields/legacyNumber", 12),
]


def with_wrong_value(kit, name, value):
    custom = name.removeprefix("custom_fields/")
    return kit.document(PEOPLE, {**NAMES, **({"custom_fields": {custom: value}} if custom != name else {name: value})})


@pytest.mark.parametrize(("path", "name", "value"), WRONG)
def test_a_value_of_a_wrong_type_or_outside_its_list_is_422(sandbox, kit, path, name, value):
    assert refused(sandbox, kit, path, with_wrong_value(kit, name, value)) == (
        422,
        [("invalid_value", f"/data/attributes/{name}")],
    )


@pytest.mark.parametrize(("path", "name", "value"), WRONG[:2])
def test_a_strict_sandbox_answers_such_values_with_500_as_the_framework_may(sandbox_of, kit, path, name, value):
    assert refused(sandbox_of(strict_crnk=True), kit, path, with_wrong_value(kit, name, value))[0] == 500


def test_a_dropdown_takes_the_id_of_an_option_of_its_own_list_only(sandbox, kit):
    own, other = kit.option("person.veteranStatus", "Yes"), kit.option("person.legacyCounty", "Adams")
    sandbox.person(custom_fields={"veteranStatus": own})
    body = kit.document(PEOPLE, {**NAMES, "custom_fields": {"veteranStatus": other}})
    assert refused(sandbox, kit, PEOPLE, body)[0] == 422


def test_an_unknown_parent_is_422_with_its_place(sandbox, kit):
    body = kit.document("/people/educations", person=("people", str(uuid.uuid4())))
    assert refused(sandbox, kit, "/people/educations", body) == (422, [("not_found", "/data/relationships/person")])


def test_a_parent_of_another_type_is_not_found(sandbox, kit):
    case = sandbox.case()
    body = kit.document("/people/educations", person=("people", case))
    assert refused(sandbox, kit, "/people/educations", body) == (422, [("not_found", "/data/relationships/person")])
    body = kit.document("/people/educations", person=("cases", case))
    assert refused(sandbox, kit, "/people/educations", body) == (422, [("invalid_value", "/data/relationships/person")])


def test_all_complaints_come_at_once_and_none_quotes_a_value(sandbox, kit):
    answer = sandbox.post(
        PEOPLE,
        kit.document(PEOPLE, {"first_name": "Zanzibar", "date_of_birth": "Zanzibar", "hispanic_or_latino": "Zanzibar"}),
    )
    assert answer.status_code == 400
    assert len(kit.errors(answer)) == 3
    assert "Zanzibar" not in answer.text


BROKEN = [
    b"",
    b"{",
    b"[]",
    b'{"data": []}',
    b'{"data": {"type": "cases", "attributes": {}}}',
    b'{"data": {"type": "people", "attributes": []}}',
    b'{"data": {"type": "people", "relationships": {"gender": {}}}}',
    b'{"data": {"type": "people", "relationships": {"gender": {"data": [{"type": "genders", "id": "1"}]}}}}',
    b'{"data": {"type": "people", "relationships": {"races": {"data": {"type": "races", "id": "1"}}}}}',
    b'{"data": {"type": "people", "relationships": {"gender": {"data": {"type": "genders", "id": 1}}}}}',
]


@pytest.mark.parametrize("body", BROKEN)
def test_a_body_that_is_no_document_of_the_collection_is_400(sandbox, kit, body):
    answer = sandbox.raw("POST", PEOPLE, content=body, headers={**sandbox.bearer, "Content-Type": kit.JSON_API})
    assert (answer.status_code, kit.errors(answer)[0][0]) == (400, "malformed_body")


@pytest.mark.parametrize("content_type", ["application/json", "text/xml", ""])
def test_a_foreign_content_type_is_415(sandbox, content_type):
    answer = sandbox.raw("POST", PEOPLE, content=b"{}", headers={**sandbox.bearer, "Content-Type": content_type})
    assert answer.status_code == 415


def test_an_unknown_path_or_record_is_404(sandbox):
    assert sandbox.get("/people/aliens").status_code == 404
    assert sandbox.get(f"{PEOPLE}/{uuid.uuid4()}").status_code == 404
    assert sandbox.get(f"/people/genders/{sandbox.person()}").status_code == 404


def test_what_a_resource_does_not_offer_is_405_and_names_what_it_does(sandbox, kit):
    answer = sandbox.post("/people/genders", kit.document("/people/genders", {"name": "New"}))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert sandbox.raw("PUT", PEOPLE, headers=sandbox.bearer).status_code == 405
    assert sandbox.delete(PEOPLE).status_code == 405
    assert sandbox.raw("GET", "/oauth2/token").status_code == 405
    assert sandbox.delete("/memberships/users/x").status_code == 405


def test_the_id_of_the_body_must_be_that_of_the_address(sandbox, kit):
    person = sandbox.person()
    answer = sandbox.patch(f"{PEOPLE}/{person}", kit.document(PEOPLE, {"suffix": "Jr"}, record_id=str(uuid.uuid4())))
    assert (answer.status_code, kit.errors(answer)) == (400, [("id_mismatch", "/data/id")])
