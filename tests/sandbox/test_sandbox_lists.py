"""Lists: filters, order, pages, fields and includes."""

from collections import Counter
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PEOPLE = "/people/people"


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def all_pages(sandbox, path, **parameters):
    """Rows of a list, following links.next."""
    found, answer = [], sandbox.get(path, **parameters)
    while True:
        found += ids(answer)
        following = answer.json()["links"].get("next")
        if following is None:
            return found
        parts = urlsplit(following)
        answer = sandbox.raw("GET", f"{parts.path}?{parts.query}", headers=sandbox.bearer)


def test_a_page_has_ten_records_unless_asked_otherwise(sandbox):
    people = [sandbox.person(str(number)) for number in range(12)]
    first = sandbox.get(PEOPLE)
    assert ids(first) == people[:10]
    assert first.json()["meta"] == {"totalResourceCount": 12}
    assert sorted(first.json()["links"]) == ["first", "last", "next"]
    assert ids(sandbox.get(PEOPLE, **{"page[number]": 2, "page[size]": 5})) == people[5:10]
    assert ids(sandbox.get(PEOPLE, **{"page[offset]": 10, "page[limit]": 5})) == people[10:]
    assert all_pages(sandbox, PEOPLE) == people


def test_a_page_beyond_the_end_is_empty(sandbox):
    assert ids(sandbox.get(PEOPLE, **{"page[number]": 9})) == []


def test_newest_first_is_a_stable_order(sandbox):
    people = [sandbox.person(str(number)) for number in range(3)]
    assert ids(sandbox.get(PEOPLE, sort="-created_at,id")) == people[::-1]
    assert ids(sandbox.get(PEOPLE, sort="created_at")) == people


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page[size]", "201"),
        ("page[size]", "0"),
        ("page[number]", "0"),
        ("page[number]", "x"),
        ("filter[shoe]", "9"),
        ("filter[last_name][NEAR]", "9"),
        ("sort", "shoe"),
        ("fields", "shoe"),
        ("include", "shoe"),
        ("limit", "5"),
    ],
)
def test_what_a_list_does_not_understand_is_400_and_named(sandbox, name, value):
    answer = sandbox.get(PEOPLE, **{name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": name}


def test_filters_are_exact_case_sensitive_and_combined(sandbox):
    quill, _lower = sandbox.person("Quill"), sandbox.person("quill")
    assert ids(sandbox.get(PEOPLE, **{"filter[last_name]": "Quill"})) == [quill]
    assert ids(sandbox.get(PEOPLE, **{"filter[last_name]": "Quill", "filter[first_name]": "Bea"})) == []
    assert ids(sandbox.get(PEOPLE, **{"filter[last_name][NEQ]": "quill"})) == [quill]
    assert ids(sandbox.get(PEOPLE, **{"filter[last_name]": "Quil%"})) == []
    assert ids(sandbox.get(PEOPLE, **{"filter[id]": quill})) == [quill]


def test_a_comma_in_a_filter_separates_alternatives_unless_switched_off(sandbox_of):
    sandbox, exact = sandbox_of(), sandbox_of(commas_mean_or=False)
    for one in (sandbox, exact):
        for name in ("Doe, Jr", "Doe", "Roe"):
            one.person(name)
    assert len(ids(sandbox.get(PEOPLE, **{"filter[last_name]": "Doe,Roe"}))) == 2
    assert ids(sandbox.get(PEOPLE, **{"filter[last_name]": "Doe, Jr"})) == ids(
        sandbox.get(PEOPLE, **{"filter[last_name]": "Doe"})
    )
    assert len(ids(exact.get(PEOPLE, **{"filter[last_name]": "Doe, Jr"}))) == 1


def test_custom_fields_booleans_numbers_and_nulls_can_be_filtered(sandbox):
    one = sandbox.person(custom_fields={"migrationKey": "mg1-a", "needsInterpreter": True, "annualIncome": 3})
    two = sandbox.person(custom_fields={"needsInterpreter": False, "annualIncome": 2.5})
    assert ids(sandbox.get(PEOPLE, **{"filter[custom_fields.migrationKey]": "mg1-a"})) == [one]
    assert ids(sandbox.get(PEOPLE, **{"filter[custom_fields.migrationKey]": "null"})) == [two]
    assert ids(sandbox.get(PEOPLE, **{"filter[custom_fields.needsInterpreter]": "false"})) == [two]
    assert ids(sandbox.get(PEOPLE, **{"filter[custom_fields.annualIncome]": "3"})) == [one]
    assert ids(sandbox.get(PEOPLE, **{"filter[custom_fields.annualIncome][LT]": "3"})) == [two]


def test_links_can_be_filtered_by_their_name_and_by_what_carries_them(sandbox, kit):
    person, case, other = sandbox.person(), sandbox.case("One"), sandbox.case("Two")
    here = sandbox.create("/cases/case_people", {"person_id": person}, case=("cases", case))
    there = sandbox.create("/cases/case_people", {"person_id": person}, case=("cases", other))
    path = "/cases/case_people"
    assert ids(sandbox.get(path, **{"filter[case]": case})) == [here]
    assert ids(sandbox.get(path, **{"filter[case.id]": case})) == [here]
    assert ids(sandbox.get(path, **{"filter[case][NEQ]": case})) == [there]
    assert ids(sandbox.get(path, **{"filter[person_id]": person})) == [here, there]
    assert ids(sandbox.get(path, **{"filter[role]": "null"})) == [here, there]
    assert ids(sandbox.get("/cases/cases", **{"filter[case_type]": kit.option("case_type", "Housing")})) == [
        case,
        other,
    ]


def test_assignments_can_be_filtered_by_the_handle_of_their_unit_of_work(sandbox, kit):
    case = sandbox.case()
    handle = sandbox.get(f"/cases/cases/{case}").json()["data"]["attributes"]["assignment_id"]
    made = sandbox.create(
        "/memberships/assignment_users",
        {"assignment_id": handle, "user_id": kit.option("user", "worker02@agency.example")},
    )
    assert ids(sandbox.get("/memberships/assignment_users", **{"filter[assignment_id]": handle})) == [made]


def test_fields_limit_what_is_shown_and_include_adds_records(sandbox, kit):
    case = sandbox.case("Household")
    answer = sandbox.get("/cases/cases", fields="name", include="case_type").json()
    assert answer["data"][0]["attributes"] == {"name": "Household"}
    assert answer["included"][0]["attributes"]["name"] == "Housing"
    one = sandbox.get(f"/cases/cases/{case}", **{"fields[cases]": "name,case_status", "include": "case_status"}).json()
    assert list(one["data"]["relationships"]) == ["case_status"]
    assert one["included"][0]["id"] == kit.option("case_status", "Open")


@pytest.mark.parametrize("sort", ["", "-created_at,id"])
def test_filters_on_markers_and_parents_use_their_indexes_in_any_order(sandbox, sort):
    seen = []
    connection = sandbox.oracle.database._connection
    connection.set_trace_callback(seen.append)
    sandbox.get(PEOPLE, sort=sort, **{"filter[custom_fields.migrationKey]": "mg1-a"})
    sandbox.get("/people/educations", sort=sort, **{"filter[person]": "x"})
    connection.set_trace_callback(None)
    asked = [sql for sql in seen if sql.startswith("SELECT") and "FROM records WHERE" in sql]
    plans = [str(connection.execute("EXPLAIN QUERY PLAN " + sql).fetchall()) for sql in asked]
    assert ["attribute_0" in plan or "links_target" in plan for plan in plans] == [True] * 4
    assert not any("records_newest" in plan for plan in plans)


NAMES = st.lists(
    st.sampled_from(["Ada", "ada", "Åsa", "O'Neil", 'Q"x"', "100%", "null ", " "]), min_size=1, max_size=12
)
LAW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAW
@given(names=NAMES, size=st.integers(1, 7))
def test_pages_of_any_size_join_to_the_whole_list_without_gaps_or_repeats(kit, names, size):
    sandbox = kit.Client()
    try:
        people = [sandbox.person(name) for name in names]
        for sort in ("id", "last_name,id", "-created_at,id", "-last_name"):
            found = all_pages(sandbox, PEOPLE, **{"page[size]": size, "sort": sort})
            assert sorted(found) == sorted(people)
    finally:
        sandbox.close()


@LAW
@given(names=NAMES)
def test_a_filter_finds_exactly_the_records_with_that_value(kit, names):
    sandbox = kit.Client()
    try:
        for name in names:
            sandbox.person(name)
        for name, count in Counter(names).items():
            found = sandbox.get(PEOPLE, **{"filter[last_name]": name, "page[size]": 200}).json()
            assert [row["attributes"]["last_name"] for row in found["data"]] == [name] * count
            assert found["meta"]["totalResourceCount"] == count
    finally:
        sandbox.close()
