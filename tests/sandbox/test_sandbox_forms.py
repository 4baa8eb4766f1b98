"""Form-encoded bodies: the same rules, another coat."""

import pytest

PEOPLE = "/people/people"


def test_a_form_creates_the_same_record_as_json(sandbox, kit):
    gender, white = kit.option("gender", "Female"), kit.option("race", "White")
    asian = kit.option("race", "Asian")
    answer = sandbox.form(
        "POST",
        PEOPLE,
        f"first_name=Ann&last_name=O%27Neil+Smith&gender_id={gender}&races_ids[]={white}&races_ids[]={asian}"
        "&custom_fields[annualIncome]=12.5&custom_fields[needsInterpreter]=true&custom_fields[legacyNumber]=007&date_of_birth=",
    )
    assert answer.status_code == 201, answer.text
    (held,) = sandbox.oracle.records("person")
    assert held.attributes == {
        "first_name": "Ann",
        "last_name": "O'Neil Smith",
        "custom_fields": {"annualIncome": 12.5, "needsInterpreter": True, "legacyNumber": "007"},
    }
    assert held.links == {"gender": (gender,), "races": (white, asian)}


def test_a_form_carries_links_by_their_attribute(sandbox):
    person, case = sandbox.person(), sandbox.case()
    assert sandbox.form("POST", "/cases/case_people", f"person_id={person}&case_id={case}").status_code == 201
    assert sandbox.oracle.records("case_person")[0].links == {"case": (case,), "person": (person,)}
    note = f"subject=S&body=B&note_type=General&target_id={case}&target_type=cases&people_involved_ids[]={person}"
    assert sandbox.form("POST", "/attachments/notes", note).status_code == 201


def test_an_empty_value_clears_attributes_custom_fields_and_links(sandbox, kit):
    gender, race = kit.option("gender", "Male"), kit.option("race", "White")
    person = sandbox.create(
        PEOPLE,
        {"first_name": "A", "last_name": "B", "suffix": "Jr", "custom_fields": {"annualIncome": 1}},
        gender=("genders", gender),
        races=[("races", race)],
    )
    answer = sandbox.form("PATCH", f"{PEOPLE}/{person}", "suffix=&gender_id=&races_ids[]=&custom_fields[annualIncome]=")
    assert answer.status_code == 200
    (held,) = sandbox.oracle.records("person")
    assert (held.attributes, held.links) == ({"first_name": "A", "last_name": "B"}, {})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("first_name=A", 400, "required"),
        ("first_name=A&last_name=B&shoe=9", 400, "unknown_name"),
        ("first_name=A&last_name=B&custom_fields[annualIncome]=much", 422, "invalid_value"),
        ("first_name=A&last_name=B&custom_fields[needsInterpreter]=si", 422, "invalid_value"),
        ("first_name=A&last_name=B&custom_fields[annualIncome]=" + "9" * 40, 422, "invalid_value"),
        ("first_name=A&last_name=B&custom_fields[annualIncome]=inf", 422, "invalid_value"),
        ("first_name=A&first_name=B&last_name=C", 400, "malformed_body"),
        ("first_name", 400, "malformed_body"),
        ("first_name=A&last_name=B&gender_id=nobody", 422, "not_found"),
    ],
)
def test_a_form_meets_the_same_refusals(sandbox, kit, body, status, code):
    answer = sandbox.form("POST", PEOPLE, body)
    assert (answer.status_code, kit.errors(answer)[0][0]) == (status, code)
    assert sandbox.oracle.counts() == {}
