"""Loading with the full protocol on (a durable intent and id for each record) against concurrency / latency."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import measure

LATENCY_S = 0.05
GOALS = {16: 0.9, 64: 0.9, 256: 0.7}

PROJECT = """
project: bench
timezone: America/New_York
sources:
  legacy: {{csv: "*.csv", encoding: utf-8}}
profiles:
  sandbox: {{base_url: "http://127.0.0.1:{port}", token_url: "http://127.0.0.1:{port}/oauth2/token", tenant: sandbox,
            concurrency: {concurrency}}}
"""
MAPPING = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields: {first_name: FIRST_NM, last_name: LAST_NM, middle_name: MIDDLE_NM, suffix: SUFFIX}
"""


@pytest.fixture
def port():
    server = subprocess.Popen(  # noqa: S603 - our own server
        [sys.executable, str(Path(__file__).with_name("slow_api.py")), str(LATENCY_S)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        yield int(server.stdout.readline())
        server.kill()


@pytest.mark.bench
@pytest.mark.parametrize("concurrency", GOALS)
def test_loading_keeps_the_wire_busy(tmp_path, port, tell, etl_command, concurrency):
    project = tmp_path / "mappings" / "bench"
    project.mkdir(parents=True)
    (project / "project.yaml").write_text(PROJECT.format(port=port, concurrency=concurrency))
    (project / "people.yaml").write_text(MAPPING)
    rows = concurrency * 200
    lines = (f"{number},Ana,Maria,Rivera,Jr" for number in range(rows))
    (project / "PERSONS.csv").write_text("ID,FIRST_NM,MIDDLE_NM,LAST_NM,SUFFIX\n" + "\n".join(lines) + "\n")
    done = measure(etl_command, "run", str(project), "--quiet", "--json")
    manifest = json.loads(next((tmp_path / "runs").glob("*/manifest.json")).read_text())
    share = rows / manifest["load_s"] / (concurrency / LATENCY_S)
    tell(bench="load", concurrency=concurrency, latency_s=LATENCY_S, records=rows, load_s=manifest["load_s"],
         share_of_limit=round(share, 2), goal=GOALS[concurrency], peak_mib=round(done.peak_mib))  # fmt: skip
    assert share >= GOALS[concurrency]
