"""A whole directory of services: every row accounted for, the counts of an independent count, every link to the right record.

The source is the export that HSDS_EXPORT names, else the synthetic one. What is expected is worked out from the CSV files
by the csv module.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.exports import counts_of, loaded_export, optional, records_in
from tests.e2e.harness import SAMPLE, etl, writes

EXPORT = Path(os.environ.get("HSDS_EXPORT") or SAMPLE / "hsds")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The export in a sandbox."""
    with loaded_export(tmp_path_factory.mktemp("hsds"), "hsds", "HSDS_EXPORT", EXPORT) as there:
        yield there


def rows(table):
    return counts_of("hsds").rows_of(EXPORT, table)


def test_every_row_of_every_file_is_accounted_for(loaded):
    ledger = loaded.summary["ledger"]
    assert ledger["balanced"]
    assert {account["table"]: account["rows"] for account in ledger["tables"]} == {
        f"hsds.{path.stem}": records_in(path) for path in EXPORT.glob("*.csv")
    }
    for account in ledger["mappings"]:
        assert (account["lost"], account["doubled"], account["stray"]) == (0, 0, 0)


def test_the_counts_are_those_of_an_independent_count(loaded):
    expected = counts_of("hsds").expected_counts(EXPORT)
    created = {account["mapping"]: account["created"] for account in loaded.summary["ledger"]["mappings"]}
    assert created == expected
    held = loaded.oracle.counts()
    assert (held["provider"], held["location"]) == (expected["providers"], expected["locations"])


def test_every_provider_shows_its_first_location_and_every_location_its_provider(loaded):
    places, providers = loaded.held("location"), loaded.held("provider")
    first: dict[str, str] = {}
    for row in sorted(rows("locations"), key=lambda each: each["location_uuid"]):
        first.setdefault(row["organization_uuid"], row["location_uuid"])
        place = places[loaded.id("location", "locations", row["location_uuid"])]
        assert place.links.get("provider", ()) == optional(loaded.id("provider", "providers", row["organization_uuid"]))
    for row in rows("organizations"):
        provider = providers[loaded.id("provider", "providers", row["organization_uuid"])]
        shown = loaded.id("location", "locations", first.get(row["organization_uuid"], ""))
        assert provider.links.get("facility_location", ()) == optional(shown)


def test_every_service_hangs_on_its_provider(loaded):
    held = loaded.held("provider_service")
    for row in rows("services"):
        service = loaded.id("provider_service", "provider_services", row["service_uuid"])
        if service is not None:
            provider = loaded.id("provider", "providers", row["organization_uuid"])
            assert held.pop(service).links["provider"] == (provider,)
    assert held == {}


def test_a_second_run_sends_no_write_and_verify_finds_nothing(loaded, monkeypatch):
    monkeypatch.setenv("HSDS_EXPORT", str(EXPORT))
    before = writes(loaded.oracle)
    assert loaded.place.run().code in (0, 1)
    assert writes(loaded.oracle) == before
    ended = etl("verify", loaded.place.project, "--progress", "none")
    assert ended.code == 0, ended.text
