"""What was found out is obeyed: refused before anything is sent, asked as the tenant can answer, told where it is old."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from etl.catalog.loader import load_catalog
from etl.cli.progress import QuietProgress
from etl.core.capabilities import (
    Capabilities,
    EntityCapabilities,
    Evidence,
    Fact,
    TenantCapabilities,
    probed,
)
from etl.core.errors import CatalogMismatch, SettingsError
from etl.pipeline import capabilities, runs
from etl.pipeline.linting import lint_project
from etl.pipeline.state_care import rebuild
from etl.pipeline.undoing import undo
from etl.sandbox import parse_faults


class Notes(QuietProgress):
    """Remembers what was told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def note(self, text):
        self.told.append(text)


def profile_of(setting, service=None, **entities):
    """A capability profile beside the state; entities that are not named have nothing against them."""
    known = {name: EntityCapabilities() for name in ("person", "note", "case", "case_person")} | entities
    made = Capabilities(
        made_at="2026-11-01T00:00:00+00:00",
        project="small",
        profile="sandbox",
        tenant=capabilities.tenant_fingerprint(setting),
        write_probes=True,
        service=service or TenantCapabilities(),
        entities=known,
    )
    capabilities.write(capabilities.place_of(setting), made)
    return made


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (EntityCapabilities(roles={"create": probed("missing")}), "person: create is not allowed."),
        (EntityCapabilities(roles={"list": probed("not offered")}), "person: list is not allowed."),
        (EntityCapabilities(sight=probed("limited")), "person: the application does not see every record"),
    ],
)
def test_a_run_refuses_what_the_tenant_cannot_give_and_sends_nothing(world, found, said):
    tenant = world()
    profile_of(tenant.setting, person=found)
    with pytest.raises(CatalogMismatch, match="cannot give") as caught:
        runs.run(tenant.setting, QuietProgress())
    assert said in caught.value.message
    assert tenant.sandbox.oracle.journal() == []


def test_lists_that_do_not_end_are_refused_too(world):
    tenant = world()
    profile_of(tenant.setting, TenantCapabilities(paging=probed("endless")))
    with pytest.raises(CatalogMismatch, match="Lists do not end"):
        runs.run(tenant.setting, QuietProgress())


def test_everything_that_is_refused_is_told_at_once(world):
    tenant = world()
    missing = EntityCapabilities(roles={"create": probed("missing"), "update": probed("missing")})
    profile_of(tenant.setting, person=missing, note=EntityCapabilities(sight=probed("limited")))
    with pytest.raises(CatalogMismatch) as caught:
        runs.run(tenant.setting, QuietProgress())
    assert "person: create, update is not allowed." in caught.value.message
    assert "note: the application" in caught.value.message


def test_a_plan_tells_what_a_run_would_be_refused_for_and_goes_on(world):
    tenant, notes = world(), Notes()
    profile_of(tenant.setting, person=EntityCapabilities(roles={"create": probed("missing")}))
    assert runs.plan(tenant.setting, notes).exit_code == 0
    assert [each for each in notes.told if each.startswith("A run would be refused: person")]


def test_verify_and_undo_tell_it_and_ask_as_the_tenant_can_answer(world):
    tenant = world(unfilterable=("custom_fields.migrationKey",))
    sweeps = {name: EntityCapabilities(rung=probed("sweep")) for name in ("person", "case")}
    profile_of(tenant.setting, **sweeps)
    loaded = runs.run(tenant.setting, QuietProgress())
    hidden = {name: replace(each, sight=probed("limited")) for name, each in sweeps.items()}
    profile_of(tenant.setting, **hidden)
    notes = Notes()
    assert runs.verify(tenant.setting, notes).exit_code == 0
    undo(tenant.setting, notes, loaded.summary.run_id)
    assert sum("A run would be refused: person" in told for told in notes.told) == 2


def test_the_state_is_not_made_anew_from_a_view_that_hides_records(world):
    tenant = world()
    profile_of(tenant.setting, person=EntityCapabilities(sight=probed("limited")))
    with pytest.raises(CatalogMismatch, match="does not see every record"):
        rebuild(tenant.setting, QuietProgress())
    assert not tenant.setting.state_path.exists()


def test_lint_tells_it_for_a_profile_that_is_named_and_only_then(world, project):
    tenant = world()
    profile_of(tenant.setting, person=EntityCapabilities(roles={"create": probed("missing")}))
    environ = dict(tenant.setting.environ)
    assert lint_project(project, "sandbox", environ).refusals == ("person: create is not allowed.",)
    assert lint_project(project, None, environ).refusals == ()


def test_the_page_size_and_the_quiet_period_follow_what_was_measured(world):
    setting = world().setting
    profile_of(setting, TenantCapabilities(page_size=probed(20), quiet_s=probed(7.5)))
    obeyed = capabilities.obeyed(setting).setting.profile
    assert (setting.profile.page_size, setting.profile.quiet_s) == (50, 0.2)
    assert (obeyed.page_size, obeyed.quiet_s) == (20, 7.5)


def test_a_quiet_period_is_never_made_shorter(world):
    setting = world().with_profile(quiet_s=60.0).setting
    profile_of(setting, TenantCapabilities(quiet_s=probed(7.5)))
    assert capabilities.obeyed(setting).setting.profile.quiet_s == 60.0


def test_only_what_was_tried_changes_how_records_are_asked_about(world):
    setting = world().setting
    known = profile_of(
        setting,
        person=EntityCapabilities(rung=probed("sweep")),
        case=EntityCapabilities(rung=Fact("sweep", Evidence.CATALOGUE)),
    )
    changed = capabilities.with_rungs(setting.project.catalog, known)
    assert (changed.entity("person").marker.ask, changed.entity("case").marker.ask) == ("sweep", "filter")
    assert changed.entity("person").marker.slot == "custom_fields.migrationKey"


def test_a_lost_record_is_held_where_the_tenant_cannot_be_asked_and_carries_its_marker_all_the_same(world):
    tenant = world(faults=parse_faults("reset_after_commit(entity=person)@POST:nth=2"))
    profile_of(tenant.setting, person=EntityCapabilities(rung=probed("hold")))
    notes = Notes()
    finished = runs.run(tenant.setting, notes)
    assert finished.exit_code == 1
    assert "person: a lost answer cannot be asked about; such a record waits for a person." in notes.told
    held = list(tenant.setting.reader().in_state())
    assert [each.entity for each in held if each.state == "uncertain"] == ["person"]
    shown = [str(record.attributes) for record in tenant.sandbox.oracle.records("person")]
    assert all("mg1-" in each for each in shown)


def test_a_lost_record_is_found_by_a_sweep_where_filters_are_refused(world):
    tenant = world(
        unfilterable=("custom_fields.migrationKey",),
        faults=parse_faults("reset_after_commit(entity=person)@POST:nth=2"),
    )
    profile_of(tenant.setting, person=EntityCapabilities(rung=probed("sweep")))
    assert runs.run(tenant.setting, QuietProgress()).exit_code == 0
    assert tenant.sandbox.oracle.counts()["person"] == 3


def test_the_profile_of_another_application_is_told_and_not_used(world):
    tenant, notes = world(), Notes()
    profile_of(tenant.setting, person=EntityCapabilities(roles={"create": probed("missing")}))
    other = tenant.as_application("other").setting
    assert capabilities.require(other, notes) == other
    assert notes.told == ["The capability profile is of another tenant or application: not used."]


def test_an_old_profile_and_entities_it_does_not_know_are_told(world, monkeypatch):
    tenant, notes = world(), Notes()
    made = profile_of(tenant.setting)
    rest = {name: each for name, each in made.entities.items() if name != "note"}
    old = replace(made, made_at="2025-01-01T00:00:00+00:00", entities=rest)
    capabilities.write(capabilities.place_of(tenant.setting), old)
    capabilities.told(tenant.setting, notes)
    assert len(notes.told) == 2
    assert "days old" in notes.told[0]
    assert notes.told[1].startswith("The capability profile does not know note:")


def test_what_is_written_is_read_back_the_same(world):
    tenant = world()
    known = tenant.known()
    assert capabilities.read(capabilities.place_of(tenant.setting)) == known


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 1}', '{"made_at": "private-canary"}'])
def test_a_file_that_is_no_capability_profile_is_refused_without_quoting_it(world, content):
    setting = world().setting
    place = capabilities.place_of(setting)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    with pytest.raises(SettingsError) as caught:
        capabilities.obeyed(setting)
    assert "doctor" in caught.value.hint
    assert "canary" not in str(caught.value)


def test_a_profile_of_a_later_version_is_refused(world):
    setting = world().setting
    made = replace(profile_of(setting), version=2)
    capabilities.place_of(setting).write_text(json.dumps(asdict(made)))
    with pytest.raises(SettingsError, match="this version"):
        capabilities.obeyed(setting)


def test_an_unfinished_run_goes_on_after_the_tenant_was_examined(world):
    """The plan depends on the catalogue; what was found out about the tenant must not make it stale."""
    tenant = world(faults=parse_faults("status_302_before_commit(entity=note)@POST:first=1"))
    profile_of(tenant.setting, person=EntityCapabilities(rung=probed("filter")))
    stopped = runs.run(tenant.setting, QuietProgress())
    assert stopped.exit_code == 3
    profile_of(tenant.setting, person=EntityCapabilities(rung=probed("sweep")))
    finished = runs.run(tenant.setting, QuietProgress())
    assert (finished.exit_code, finished.folder) == (0, stopped.folder)


@pytest.mark.parametrize(
    ("stated", "found", "used"),
    [(False, probed(True), True), (True, probed(False), False), (True, Fact(), True), (False, Fact(), False)],
)
def test_ids_of_our_choice_are_used_where_they_were_found_to_be_taken_and_else_as_the_overlay_says(stated, found, used):
    catalog = load_catalog("sandbox")
    entities = {**catalog.entities, "person": replace(catalog.entity("person"), client_ids=stated)}
    known = replace(NOTHING, entities={"person": EntityCapabilities(client_ids=found)})
    assert capabilities.with_rungs(replace(catalog, entities=entities), known).entity("person").client_ids is used


NOTHING = Capabilities("", "small", "sandbox", "", write_probes=True, service=TenantCapabilities(), entities={})
