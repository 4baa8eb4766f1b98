"""Damaged sources are inspected and drafted from without a defect, and without a name of a person in what is told."""

from __future__ import annotations

import pytest

from tests.corpus.corpus import CANARY, Case, cases, lay_out, state_of_sources
from tests.corpus.test_corpus import assert_sound
from tests.e2e.harness import etl

WITH_SOURCES = [
    case
    for group in ("csv_shape", "encodings", "keys", "values", "other_sources", "sql_source")
    for case in [each for each in cases() if each.group == group and "most_memory" not in each.given][::12]
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("verb", ["inspect", "scaffold"])
@pytest.mark.parametrize("case", WITH_SOURCES, ids=lambda case: case.name)
def test_a_bad_source_is_looked_at_soundly(tmp_path, case: Case, verb: str):
    place = lay_out(case, tmp_path)
    before = state_of_sources(place)
    end = etl(verb, place.project, "--progress", "none")
    assert_sound(end)
    assert CANARY not in end.text.lower()
    kept = place.runs / "small.fingerprint"
    assert not kept.exists() or CANARY not in kept.read_text("utf-8").lower()
    assert state_of_sources(place) == before, "sources are only read"
