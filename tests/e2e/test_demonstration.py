"""The demonstration as a newcomer runs it: it passes, says so in a few lines, leaves a report, and a second run writes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.e2e.harness import copy_project, etl, sandbox, writes


@pytest.mark.timeout(240)
def test_the_demonstration_passes_and_a_second_run_sends_no_write(tmp_path):
    place = copy_project(tmp_path, "demo_agency")
    ended = etl("demo", place.project, "--progress", "none")
    assert ended.code == 0, ended.text
    assert "balanced" in ended.out
    assert len(ended.out.splitlines()) <= 20
    assert place.latest("report.html").stat().st_size > 10_000
    database = place.runs / "demo_agency-sandbox.db"
    with closing(sqlite3.connect(database)) as held:
        before = held.execute("select count(*) from journal where method <> 'GET' and entity <> 'token'").fetchone()
    with sandbox(database) as casebook:
        again = place.point_at(casebook.base_url).run()
        assert again.code == 1, "the sample is dirty on purpose"
        assert len(writes(casebook.oracle)) + uploads(casebook.oracle) == before[0]


def uploads(oracle):
    return sum(entry.entity == "upload" for entry in oracle.journal())
