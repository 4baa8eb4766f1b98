"""One project reads HMIS exports of three years: every row accounted for, the same people in the same cases."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tests.e2e.exports import counts_of
from tests.e2e.harness import SAMPLE, copy_project, etl

EDITIONS = ("hmis", "hmis_fy2024", "hmis_fy2026")


def validated(tmp_path, monkeypatch, export: Path):
    monkeypatch.setenv("HMIS_EXPORT", str(export))
    place = copy_project(tmp_path, "hmis")
    ended = etl("validate", place.project, "--progress", "none")
    assert ended.code in (0, 1), ended.text
    return place


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_counts_of_each_edition_are_those_of_an_independent_count(tmp_path, monkeypatch, edition):
    place = validated(tmp_path, monkeypatch, SAMPLE / edition)
    summary = place.summary()
    ready = {account["mapping"]: account["pending"] for account in summary["ledger"]["mappings"]}
    expected = counts_of("hmis").expected_counts(SAMPLE / edition)
    assert {mapping: ready[mapping] for mapping in expected} == expected
    assert summary["ledger"]["balanced"]
    assert not [row for row in place.rows("problems.parquet") if row["code"] == "new_column"]


def test_each_edition_gives_the_same_people(tmp_path, monkeypatch):
    names = ("_key", "last_name", "first_name", "date_of_birth", "ssn")
    found = []
    for edition in EDITIONS:
        place = validated(tmp_path / edition, monkeypatch, SAMPLE / edition)
        found.append([tuple(row[name] for name in names) for row in place.rows("records/mapped/people.parquet")])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 30


def test_what_a_still_newer_edition_brings_is_named_and_left_behind(tmp_path, monkeypatch):
    export = tmp_path / "export"
    shutil.copytree(SAMPLE / "hmis_fy2026", export)
    with (export / "Client.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with (export / "Client.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([*row, "Pronouns" if number == 0 else "they"] for number, row in enumerate(rows))
    place = validated(tmp_path, monkeypatch, export)
    told = [row for row in place.rows("problems.parquet") if row["code"] == "new_column"]
    assert [(row["table"], row["detail"]) for row in told] == [
        ("hmis.Client", "No mapping reads `Pronouns` of `hmis.Client`.")
    ]
    linted = etl("lint", place.project, "--json")
    assert "new-column" in {each["code"] for each in linted.answer["findings"]}
