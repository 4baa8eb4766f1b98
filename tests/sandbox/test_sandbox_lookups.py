"""The lists a tenant configures: options, drop-downs, users, definitions of custom fields."""

import uuid

PAGE = {"page[size]": 200}


def test_every_lookup_with_a_path_serves_its_options_under_stable_ids(sandbox, kit):
    for lookup in kit.catalog().lookups.values():
        if lookup.options is None or lookup.path is None:
            continue
        filters = {f"filter[{name}]": value for name, value in lookup.filters.items()}
        rows = sandbox.get(lookup.path, **PAGE, **filters).json()["data"]
        assert {row["attributes"]["name"] for row in rows} == {option.label for option in lookup.options}
        assert {row["type"] for row in rows} == {lookup.type}


def test_an_options_id_is_derived_from_its_list_and_label(sandbox):
    (row,) = sandbox.get("/people/genders", **{"filter[name]": "Female"}).json()["data"]
    assert row["id"] == str(uuid.uuid5(uuid.NAMESPACE_URL, "casebook-etl-sandbox/gender/Female"))
    assert sandbox.get(f"/people/genders/{row['id']}").json()["data"] == row


def test_options_of_drop_downs_share_one_list_told_apart_by_their_field(sandbox, kit):
    rows = sandbox.get("/admin/custom_field_options", **PAGE, **{"filter[custom_field]": "veteranStatus"}).json()[
        "data"
    ]
    assert {row["attributes"]["name"] for row in rows} == {"Yes", "No", "Unknown"}
    assert kit.option("person.veteranStatus", "No") in {row["id"] for row in rows}


def test_definitions_of_custom_fields_are_listed(sandbox):
    rows = sandbox.get("/admin/custom_fields", **PAGE).json()["data"]
    shown = {
        (row["attributes"]["record_type"], row["attributes"]["name"]): row["attributes"]["field_type"] for row in rows
    }
    assert shown["people", "veteranStatus"] == "dropdown"
    assert shown["cases", "migrationKey"] == "text"


def test_users_are_found_by_their_address_and_cannot_be_created(sandbox, kit):
    (row,) = sandbox.get("/memberships/users", **{"filter[email]": "worker04@agency.example"}).json()["data"]
    assert row["attributes"]["name"] == "Worker 04"
    assert row["id"] == kit.option("user", "worker04@agency.example")
    assert sandbox.post("/memberships/users", kit.document("/memberships/users", {"email": "x"})).status_code == 405


def test_the_lists_of_a_tenant_are_no_migrated_records(sandbox):
    assert sandbox.oracle.counts() == {}
