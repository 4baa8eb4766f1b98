"""The role matrix: whatever role is missing or granted beyond need, the examination names exactly that one."""

from __future__ import annotations

import pytest

from etl.sandbox.settings import OPERATIONS, Application


def test_the_roles_that_are_needed_and_no_others_leave_nothing_to_say(world, kit):
    found = world(applications=(kit.application("exact", kit.exact_roles()),)).as_application("exact").examine()
    assert kit.of(found, "role") == kit.of(found, "surplus role", "warning") == []
    assert len(kit.of(found, "role", "ok")) == len(kit.WRITTEN) * len(kit.NEEDED)


def test_every_missing_role_is_named_and_no_other(world, kit):
    missing = [(entity, operation) for entity in kit.WRITTEN for operation in kit.NEEDED]
    roles = kit.exact_roles()
    applications = tuple(
        kit.application(
            f"{entity}-{operation}", {**roles, entity: tuple(each for each in roles[entity] if each != operation)}
        )
        for entity, operation in missing
    )
    tenant = world(applications=applications)
    for entity, operation in missing:
        found = tenant.as_application(f"{entity}-{operation}").examine()
        assert kit.of(found, "role") == [f"{entity} {operation}"]
        assert kit.of(found, "surplus role", "warning") == []
        assert found.has_failed


def test_every_role_beyond_need_is_named_and_no_other(world, kit):
    roles = kit.exact_roles()
    surplus = [(entity, operation) for entity in ("person", "license", "task") for operation in OPERATIONS]
    surplus = [each for each in surplus if each[1] not in (*roles[each[0]], "get")]
    applications = tuple(
        kit.application(f"{entity}-{operation}", {**roles, entity: (*roles[entity], operation)})
        for entity, operation in surplus
    )
    tenant = world(applications=applications)
    assert len(surplus) == 9
    for entity, operation in surplus:
        found = tenant.as_application(f"{entity}-{operation}").examine()
        assert kit.of(found, "surplus role", "warning") == [operation]
        assert kit.check(found, "surplus role", operation).found.endswith(f": {entity}.")
        assert not found.has_failed


def test_without_write_probes_only_roles_to_read_are_known_and_nothing_is_written(world, kit):
    tenant = world()
    found = tenant.examine(write_probes=False)
    assert kit.of(found, "role", "unknown") == [
        f"{entity} {operation}" for entity in sorted(kit.WRITTEN) for operation in ("create", "update")
    ]
    verbs = {entry.method for entry in tenant.sandbox.oracle.journal() if "oauth2" not in entry.path}
    assert verbs == {"GET"}


def test_write_probes_leave_no_record_and_touch_no_people(world, kit):
    tenant = world()
    tenant.examine()
    assert tenant.sandbox.oracle.counts() == {}
    made = [entry for entry in tenant.sandbox.oracle.journal("POST") if entry.status == 201]
    assert {entry.path for entry in made} == {"/intake/reports", "/providers/locations"}


def test_probe_records_that_cannot_be_deleted_are_listed(world, kit):
    roles = {**kit.exact_roles(), "location": ("create", "list", "get")}
    tenant = world(applications=(kit.application("keeper", roles), Application()))
    found = tenant.as_application("keeper").examine()
    left = [record.id for record in tenant.sandbox.oracle.records("location")]
    assert left
    said = [each.found for each in found.checks if each.name == "probe records"]
    assert sorted(said) == sorted(f"{each} could not be deleted." for each in left)
    assert "casebook-etl probe" in str(tenant.sandbox.oracle.records("location")[0].attributes)


@pytest.mark.parametrize("operation", ["create", "update"])
def test_what_the_role_is_called_is_said_where_it_is_public(world, kit, operation):
    roles = {**kit.exact_roles(), "case": tuple(each for each in kit.NEEDED if each != operation)}
    found = world(applications=(kit.application("a", roles),)).as_application("a").examine()
    remedy = kit.check(found, "role", f"case {operation}").remedy
    assert ("Engage - Create (All)" in remedy) == (operation == "create")
