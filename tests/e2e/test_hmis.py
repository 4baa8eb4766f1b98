"""A whole HMIS export: every row accounted for, the counts of an independent count, every reference to the right parent.

The source is the export that HMIS_EXPORT names, else the synthetic one. What is expected is worked out from the CSV files
by the csv module.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tests.e2e.exports import counts_of, loaded_export, optional, records_in
from tests.e2e.harness import SAMPLE, copy_project, etl, writes

EXPORT = Path(os.environ.get("HMIS_EXPORT") or SAMPLE / "hmis")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The export in a sandbox."""
    with loaded_export(tmp_path_factory.mktemp("hmis"), "hmis", "HMIS_EXPORT", EXPORT) as there:
        yield there


def rows(table: str) -> list[dict[str, str]]:
    """Whole rows that are not marked deleted."""
    return counts_of("hmis").rows_of(EXPORT, table)


def test_validate_accounts_for_every_row_of_every_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HMIS_EXPORT", str(EXPORT))
    place = copy_project(tmp_path, "hmis")
    ended = etl("validate", place.project, "--progress", "none")
    assert ended.code in (0, 1), ended.text
    assert_balanced(place.summary())


def test_the_run_accounts_for_every_row_of_every_file(loaded):
    assert_balanced(loaded.summary)


def assert_balanced(summary):
    assert summary["ledger"]["balanced"]
    tables = {account["table"]: account for account in summary["ledger"]["tables"]}
    counted = {f"hmis.{path.stem}": records_in(path) for path in EXPORT.glob("*.csv")}
    assert {name: account["rows"] for name, account in tables.items()} == counted
    for account in tables.values():
        assert account["rows"] == sum(account[name] for name in ("used", "unmatched", "ignored", "damaged")), account
    for account in summary["ledger"]["mappings"]:
        assert account["read"] == counted[account["table"]], account
        assert (account["lost"], account["doubled"], account["stray"]) == (0, 0, 0)


def test_the_counts_are_those_of_an_independent_count(loaded):
    workers = {row["source"] for row in crosswalk(loaded.place)}
    expected = counts_of("hmis").expected_counts(EXPORT, frozenset(workers))
    created = {account["mapping"]: account["created"] for account in loaded.summary["ledger"]["mappings"]}
    assert {mapping: created[mapping] for mapping in expected} == expected
    held = loaded.oracle.counts()
    entities = {"person": "people", "case": "cases", "case_person": "case_people", "provider": "providers"}
    assert {entity: held.get(entity, 0) for entity in entities} == {
        entity: expected[mapping] for entity, mapping in entities.items()
    }


def crosswalk(place):
    with (place.project / "crosswalks" / "worker.csv").open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
        return [{"source": row[0]} for row in csv.reader(file) if dict(zip(names, row, strict=False)).get("target")]


def test_every_member_of_a_household_hangs_on_its_case_and_person(loaded):
    held = loaded.held("case_person")
    found = 0
    for stay in rows("Enrollment"):
        household, client = stay["HouseholdID"], stay["PersonalID"]
        member = loaded.id("case_person", "case_people", household, client)
        if member is not None:
            assert held[member].links["case"] == (loaded.id("case", "cases", household),)
            assert held[member].links["person"] == (loaded.id("person", "people", client),)
            found += 1
    assert found >= len(held) > 0


def test_every_stay_hangs_on_its_case_its_person_and_the_persons_place_in_the_case(loaded):
    held = loaded.held("involvement")
    seen = set()
    for stay in rows("Enrollment"):
        household, client = stay["HouseholdID"], stay["PersonalID"]
        stay_id = loaded.id("involvement", "involvements", stay["EnrollmentID"])
        if stay_id is not None:
            links = held[stay_id].links
            assert links["case"] == (loaded.id("case", "cases", household),)
            assert links["person"] == (loaded.id("person", "people", client),)
            assert links["case_person"] == (loaded.id("case_person", "case_people", household, client),)
            seen.add(stay_id)
    assert seen == set(held)


def test_every_service_hangs_on_its_person_case_provider_and_offering(loaded):
    held = loaded.held("service_enrollment")
    stays = {row["EnrollmentID"]: row for row in rows("Enrollment")}
    seen = set()
    for row in rows("Services"):
        service_id = loaded.id("service_enrollment", "service_enrollments", row["ServicesID"])
        if service_id is None:
            continue
        stay, links = stays[row["EnrollmentID"]], held[service_id].links
        offering = (stay["ProjectID"], row["RecordType"], row["TypeProvided"])
        assert links["person"] == (loaded.id("person", "people", row["PersonalID"]),)
        assert links["case"] == (loaded.id("case", "cases", stay["HouseholdID"]),)
        assert links["provider"] == (loaded.id("provider", "providers", stay["ProjectID"]),)
        assert links["service"] == (loaded.id("provider_service", "provider_services", *offering),)
        seen.add(service_id)
    assert seen == set(held)


def test_every_provider_and_location_know_each_other_and_their_organization(loaded):
    places, providers = loaded.held("location"), loaded.held("provider")
    for row in rows("ProjectCoC"):
        place = places[loaded.id("location", "locations", row["ProjectCoCID"])]
        assert place.links.get("provider", ()) == optional(loaded.id("provider", "providers", row["ProjectID"]))
    first: dict[str, str] = {}
    for row in sorted(rows("ProjectCoC"), key=lambda each: (each["CoCCode"], each["ProjectCoCID"])):
        first.setdefault(row["ProjectID"], row["ProjectCoCID"])
    for row in rows("Project"):
        provider = providers[loaded.id("provider", "providers", row["ProjectID"])]
        organization = loaded.id("parent_organization", "parent_organizations", row["OrganizationID"])
        assert provider.links.get("parent_organization", ()) == optional(organization)
        place = loaded.id("location", "locations", first[row["ProjectID"]]) if row["ProjectID"] in first else None
        assert provider.links.get("facility_location", ()) == optional(place)


def test_every_note_and_assignment_hangs_on_its_case(loaded):
    stays = {row["EnrollmentID"]: row for row in rows("Enrollment")}
    notes, assignments = loaded.held("note"), loaded.held("assignment_user")
    for row in rows("CurrentLivingSituation"):
        note = loaded.id("note", "notes", row["CurrentLivingSitID"])
        if note is not None:
            household = stays[row["EnrollmentID"]]["HouseholdID"]
            assert notes.pop(note).links["target"] == (loaded.id("case", "cases", household),)
    for household in {row["HouseholdID"] for row in stays.values()}:
        assignment = loaded.id("assignment_user", "assignments", household)
        if assignment is not None:
            assert assignments.pop(assignment).links["assignment"] == (loaded.id("case", "cases", household),)
    assert (notes, assignments) == ({}, {})


def test_a_second_run_sends_no_write(loaded, monkeypatch):
    monkeypatch.setenv("HMIS_EXPORT", str(EXPORT))
    before = writes(loaded.oracle)
    ended = loaded.place.run()
    assert ended.code in (0, 1), ended.text
    assert writes(loaded.oracle) == before


def test_verify_finds_nothing(loaded, monkeypatch):
    monkeypatch.setenv("HMIS_EXPORT", str(EXPORT))
    ended = etl("verify", loaded.place.project, "--progress", "none")
    assert ended.code == 0, ended.text
