"""The shipped projects show what the language can do: inline tests, rules of both kinds, corrections; and they hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from etl.mapping.project import load_project
from etl.pipeline.inline_tests import run_tests

MAPPINGS = Path(__file__).parents[2] / "mappings"


@pytest.mark.parametrize("name", sorted(each.parent.name for each in MAPPINGS.glob("*/project.yaml")))
def test_what_a_shipped_project_says_of_itself_is_true(name):
    found = run_tests(load_project(MAPPINGS / name, environ={}), dt.date(2026, 1, 31))
    assert found
    assert [failure for each in found for failure in each.failures] == []


@pytest.mark.parametrize("name", ["demo_agency", "hmis"])
def test_the_larger_ones_have_rules_of_a_mapping_and_of_the_project_and_a_correction(name):
    mappings = load_project(MAPPINGS / name, environ={}).mappings
    rules = [rule for each in mappings for rule in each.rules]
    assert {bool(rule.together) for rule in rules} == {True, False}
    assert any(each.overrides for each in mappings)
