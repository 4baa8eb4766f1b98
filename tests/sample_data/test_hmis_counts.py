from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def expected_counts():
    spec = importlib.util.spec_from_file_location("hmis_counts", Path(__file__).with_name("hmis_counts.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.expected_counts


def test_a_count_of_the_files_agrees_with_the_planted_account(sample, expected_counts):
    planted = json.loads((sample / "hmis" / "expected.json").read_text())["mappings"]
    counted = expected_counts(sample / "hmis")
    assert counted == {mapping: planted[mapping]["loaded"] for mapping in counted}


def test_it_still_agrees_at_another_scale_and_seed(generate, tmp_path, expected_counts):
    generate.make(tmp_path, scale=4, seed=11)
    planted = json.loads((tmp_path / "hmis" / "expected.json").read_text())["mappings"]
    counted = expected_counts(tmp_path / "hmis")
    assert counted == {mapping: planted[mapping]["loaded"] for mapping in counted}


def test_a_client_less_is_a_person_less_and_what_hangs_on_it(sample, tmp_path, expected_counts):
    shutil.copytree(sample / "hmis", tmp_path / "hmis")
    path = tmp_path / "hmis" / "Client.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row[0] != "60000"]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    before, after = expected_counts(sample / "hmis"), expected_counts(tmp_path / "hmis")
    lost = {mapping: before[mapping] - after[mapping] for mapping in before}
    assert lost["people"] == lost["case_people"] == lost["involvements"] == 1
    assert lost["service_enrollments"] == 2
    assert lost["cases"] == lost["notes"] == 0
