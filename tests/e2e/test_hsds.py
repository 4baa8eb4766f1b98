"""A whole directory of services: every row accounted for, the counts of an independent count, every link to the right record.

The source is the export that HSDS_EXPORT names, else the synthetic one. What is expected is worked out from the CSV files
by the csv module; from the product only record keys are used, to find the record that a legacy key became.
"""

from __future__ import annotations

import csv
import importlib.util
import os
from pathlib import Path

import pytest

from etl.core.keys import RecordKeys
from tests.e2e.harness import KEY, SAMPLE, Place, copy_project, etl, sandbox, writes
from tests.e2e.pictures import known

EXPORT = Path(os.environ.get("HSDS_EXPORT") or SAMPLE / "hsds")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The export in a sandbox."""
    place = copy_project(tmp_path_factory.mktemp("hsds"), "hsds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSDS_EXPORT", str(EXPORT))
        with sandbox() as casebook:
            ended = place.point_at(casebook.base_url).run()
            assert ended.code in (0, 1), ended.text
            yield Hsds(place, casebook.oracle)


class Hsds:
    """The loaded directory, looked at by legacy keys."""

    def __init__(self, place: Place, oracle) -> None:
        self.place = place
        self.oracle = oracle
        self.summary = place.summary()
        self._keys = RecordKeys(bytes.fromhex(KEY))
        self._ids = {row.key: row.target_id for row in known(place.state) if row.state == "created"}

    def id(self, entity: str, space: str, key: str) -> str | None:
        return self._ids.get(self._keys.record_key(entity, space, (key,)))

    def held(self, entity: str):
        return {record.id: record for record in self.oracle.records(entity)}


def counts():
    spec = importlib.util.spec_from_file_location(
        "hsds_counts", Path(__file__).parents[1] / "sample_data/hsds_counts.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(table):
    return counts().rows_of(EXPORT, table)


def test_every_row_of_every_file_is_accounted_for(loaded):
    ledger = loaded.summary["ledger"]
    assert ledger["balanced"]
    assert {account["table"]: account["rows"] for account in ledger["tables"]} == {
        f"hsds.{path.stem}": records_in(path) for path in EXPORT.glob("*.csv")
    }
    for account in ledger["mappings"]:
        assert (account["lost"], account["doubled"], account["stray"]) == (0, 0, 0)


def records_in(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def test_the_counts_are_those_of_an_independent_count(loaded):
    expected = counts().expected_counts(EXPORT)
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


def optional(target_id):
    return () if target_id is None else (target_id,)


def test_a_second_run_sends_no_write_and_verify_finds_nothing(loaded, monkeypatch):
    monkeypatch.setenv("HSDS_EXPORT", str(EXPORT))
    before = writes(loaded.oracle)
    assert loaded.place.run().code in (0, 1)
    assert writes(loaded.oracle) == before
    ended = etl("verify", loaded.place.project, "--progress", "none")
    assert ended.code == 0, ended.text
