"""Tenants of every kind, told apart: filters, order, pages, hidden records, lists, custom fields, lag, ids of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.catalog.model import Kind
from etl.cli.progress import QuietProgress
from etl.core.capabilities import UNKNOWN, Evidence, Fact, probed
from etl.core.errors import SettingsError
from etl.pipeline import runs
from etl.sandbox import parse_faults
from etl.sandbox.settings import OPERATIONS, Application

SLOT = "custom_fields.migrationKey"
LIMITED = Application("limited", "s3", "Limited", view="limited")
APPLICATIONS = (Application(), LIMITED)


# ------------------------------------------------------------------ ways of asking


def test_a_filter_that_works_is_proved_where_there_are_records(world):
    tenant = world()
    tenant.made("person")
    assert tenant.known().entities["person"].rung == probed("filter")


def test_without_records_the_way_of_asking_stays_as_the_catalogue_says(world):
    assert world().known().entities["person"].rung == Fact("filter", Evidence.CATALOGUE)


@pytest.mark.parametrize("habits", [{"unfilterable": (SLOT,)}, {"ignored_filters": (SLOT,)}])
def test_a_filter_that_is_refused_or_ignored_becomes_a_sweep(world, habits):
    tenant = world(**habits)
    tenant.made("person")
    assert tenant.known().entities["person"].rung == probed("sweep")


def test_a_sweep_without_the_order_asked_for_proves_nothing_so_the_record_is_held(world, kit):
    tenant = world(unfilterable=(SLOT,), ignore_sort=True)
    tenant.made("person")
    found = tenant.examine()
    assert found.capabilities.entities["person"].rung == probed("hold")
    assert found.capabilities.service.sort == probed("ignored")
    assert "person" in kit.of(found, "asking", "warning")
    assert kit.of(found, "sort", "warning") == ["person"]


def test_children_that_cannot_be_listed_by_their_parent_are_held(world):
    tenant = world(unfilterable=("case",))
    tenant.made("case")
    load(tenant)
    assert tenant.known().entities["case_person"].rung == probed("hold")


def load(tenant):
    assert runs.run(tenant.setting, QuietProgress()).exit_code == 0


# ------------------------------------------------------------------ pages


def test_sizes_of_pages_are_measured_on_lists_that_hold_nobody(world):
    tenant = world(page_max=40)
    service = tenant.known().service
    assert (service.page_size_max, service.page_size, service.page_size_default) == (probed(40), probed(40), probed(10))
    assert service.paging == probed("honoured")


def test_the_size_of_the_profile_stays_where_more_is_accepted(world):
    assert world(page_max=200).known().service.page_size == probed(50)


# ------------------------------------------------------------------ sight


def test_a_limited_view_is_found_out_by_a_record_that_a_person_named(world, kit):
    tenant = world(applications=APPLICATIONS)
    (theirs,) = tenant.made("person", 1)
    found = tenant.as_application("limited").examine(witnesses=(("person", theirs),))
    assert kit.of(found, "sight") == ["person"]
    assert found.capabilities.entities["person"].sight == probed("limited")


def test_a_full_view_is_proved_by_the_same_record(world, kit):
    tenant = world(applications=APPLICATIONS)
    (theirs,) = tenant.made("person", 1, "limited")
    found = tenant.examine(witnesses=(("person", theirs),))
    assert kit.of(found, "sight", "ok") == ["person"]
    assert found.capabilities.entities["person"].sight == probed("all")


def test_a_record_that_others_point_to_and_nobody_shows_betrays_a_limited_view(world, kit):
    seer = kit.application("seer", {"*": OPERATIONS}, view="limited")
    tenant = world(applications=(Application(), seer))
    (theirs,) = tenant.made("person", 1)
    (case,) = tenant.made("case", 1, "seer")
    tenant.made("case_person", 1, "seer", case=case, person=theirs)
    found = tenant.as_application("seer").examine()
    assert kit.of(found, "sight") == ["person"]


def test_without_a_witness_sight_is_unknown_and_not_a_yes(world, kit):
    tenant = world(applications=APPLICATIONS)
    tenant.made("person")
    found = tenant.as_application("limited").examine()
    assert "person" in kit.of(found, "sight", "unknown")
    assert found.capabilities.entities["person"].sight == UNKNOWN


def test_what_this_project_loaded_is_a_witness_of_its_own_records(world):
    tenant = world()
    load(tenant)
    assert tenant.known().entities["person"].sight == probed("own")


def test_a_witness_of_an_unknown_entity_is_refused_before_anything_is_sent(world):
    tenant = world()
    with pytest.raises(SettingsError, match="knows no persona"):
        tenant.examine(witnesses=(("persona", "1"),))
    assert tenant.sandbox.oracle.journal() == []


# ------------------------------------------------------------------ what the tenant offers


def other_tenant(kit, **entities):
    known = {name: replace(kit.CATALOG.entities[name], **changes) for name, changes in entities.items()}
    return replace(kit.CATALOG, entities={**kit.CATALOG.entities, **known})


def test_a_label_that_the_tenant_does_not_offer_is_named(world, kit):
    gender = kit.CATALOG.lookups["gender"]
    rest = replace(gender, options=tuple(each for each in gender.options if each.label != "Male"))
    catalog = replace(kit.CATALOG, lookups={**kit.CATALOG.lookups, "gender": rest})
    found = world(catalog=catalog).examine()
    assert kit.of(found, "options") == ["gender"]
    assert kit.check(found, "options", "gender").found == "1 of 2 labels used are not offered: Male."


def test_a_list_that_may_not_be_read_is_named(world, kit):
    roles = {**kit.exact_roles(), "gender": ()}
    found = world(applications=(kit.application("a", roles),)).as_application("a").examine()
    assert kit.of(found, "options") == ["gender"]


def test_a_custom_field_that_is_missing_or_of_another_kind_or_required_is_named(world, kit):
    person, case = kit.CATALOG.entity("person"), kit.CATALOG.entity("case")
    fields = {name: each for name, each in person.attributes.items() if name != SLOT}
    county = fields["custom_fields.legacyCounty"]
    fields["custom_fields.legacyCounty"] = replace(county, required=True)
    marker = replace(case.attributes[SLOT], kind=Kind.NUMBER)
    catalog = other_tenant(kit, person={"attributes": fields}, case={"attributes": {**case.attributes, SLOT: marker}})
    found = world(catalog=catalog).examine(write_probes=False)
    said = {
        each.about: each.found for each in found.checks if each.name == "custom fields" and each.standing == "failed"
    }
    assert said == {
        f"person.{SLOT}": "The tenant has no such field.",
        f"case.{SLOT}": "It is number in the tenant and text in the catalogue.",
        "person.custom_fields.legacyCounty": "Required by the tenant, filled by no mapping.",
    }


def test_a_wrong_path_is_told_from_a_missing_role(world, kit):
    catalog = other_tenant(kit, note={"path": "/elsewhere/notes"})
    found = world(catalog=catalog).examine(write_probes=False)
    assert kit.of(found, "role") == ["note list"]
    assert "path" in kit.check(found, "role", "note list").remedy


# ------------------------------------------------------------------ what only writes tell


@pytest.mark.parametrize(("replaces", "mode"), [(False, "merge"), (True, "replace")])
def test_whether_a_patch_merges_or_replaces_custom_fields_is_seen(world, replaces, mode):
    assert world(custom_fields_replace=replaces).known().service.custom_fields == probed(mode)


@pytest.mark.parametrize("accepted", [False, True])
def test_whether_ids_of_ours_are_kept_is_seen(world, accepted):
    tenant = world(accept_client_ids=accepted)
    known = tenant.known().entities
    assert {name: each.client_ids.value for name, each in known.items() if each.client_ids != UNKNOWN} == {
        "intake_report": accepted,
        "location": accepted,
    }
    assert tenant.sandbox.oracle.counts() == {}


def test_the_lag_until_a_record_is_visible_is_measured_and_asks_for_a_longer_quiet_period(world, kit):
    tenant = world(visibility_lag_s=0.3)
    found = tenant.examine()
    lag_s = found.capabilities.service.visibility_lag_s.value
    assert 0.3 <= lag_s < 5
    assert found.capabilities.service.quiet_s.value >= 2 * lag_s
    assert kit.of(found, "quiet period", "warning") == [""]
    assert tenant.sandbox.oracle.counts() == {}


def test_a_probe_record_whose_answer_was_lost_fails_the_examination(world, kit):
    # The first create only asks for the role.
    tenant = world(faults=parse_faults("reset_after_commit@POST /providers/locations:nth=2"))
    found = tenant.examine()
    assert tenant.sandbox.oracle.counts() == {"location": 1}
    assert kit.of(found, "probe records", "failed") == ["location"]
    assert found.has_failed


def test_a_protected_profile_is_never_written_to(world):
    tenant = world().with_profile(protect=True)
    with pytest.raises(SettingsError, match="protected"):
        tenant.examine()
    assert tenant.sandbox.oracle.journal() == []


# ------------------------------------------------------------------ no way in, odd answers


def test_without_a_token_nothing_else_is_claimed(world, kit):
    tenant = world().as_application("nobody")
    found = tenant.examine()
    assert [(each.name, each.standing) for each in found.checks] == [("token", "failed")]
    assert (found.capabilities, found.path) == (None, None)


def test_refusals_in_a_foreign_form_are_told(world, kit):
    faults = parse_faults("status_404@/people/people/*")
    assert kit.of(world(faults=faults).examine(write_probes=False), "error bodies", "ok") == [""]
    faults = parse_faults("foreign_body@GET /people/people/*")
    found = world(faults=faults).examine(write_probes=False)
    assert kit.of(found, "error bodies", "warning") == [""]


def test_no_value_of_a_record_stands_in_what_is_said(world):
    tenant = world()
    tenant.made("person")
    found = tenant.examine()
    assert "Quill" not in repr(found.checks) + found.path.read_text()
