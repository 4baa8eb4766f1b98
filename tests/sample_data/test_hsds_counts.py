"""The independent count of a directory agrees with what was planted."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def expected_counts():
    spec = importlib.util.spec_from_file_location("hsds_counts", Path(__file__).with_name("hsds_counts.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.expected_counts


def test_a_count_of_the_files_agrees_with_the_planted_account(sample, expected_counts):
    planted = json.loads((sample / "hsds" / "expected.json").read_text())["mappings"]
    assert expected_counts(sample / "hsds") == {mapping: account["loaded"] for mapping, account in planted.items()}


def test_an_organization_less_is_a_provider_less_and_its_services_too(sample, tmp_path, expected_counts):
    shutil.copytree(sample / "hsds", tmp_path / "hsds")
    path = tmp_path / "hsds" / "organizations.csv"
    lines = path.read_bytes().split(b"\r\n")
    gone = next(at for at, line in enumerate(lines) if b"Open Door" in line)
    # An organization's description goes over two lines.
    path.write_bytes(b"\r\n".join(lines[:gone] + lines[gone + 2 :]))
    before, after = expected_counts(sample / "hsds"), expected_counts(tmp_path / "hsds")
    assert {mapping: before[mapping] - after[mapping] for mapping in before} == {
        "providers": 1,
        "locations": 0,
        "provider_services": 4,
    }
