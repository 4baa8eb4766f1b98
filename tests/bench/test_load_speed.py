"""Loading with the full protocol on (a durable intent and id for each record) against concurrency / latency.

The machine's own load moves every figure, so two are quoted that are taken together: the share of the limit, and what the
same load reaches with intents off.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import measure

LATENCY_S = 0.05
GOALS = {16: 0.9, 64: 0.9, 256: 0.7}
MOST_COST = 0.10
HERE = Path(__file__).parent

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
        [sys.executable, str(HERE / "slow_api.py"), str(LATENCY_S)], stdout=subprocess.PIPE, text=True
    )
    with server:
        yield int(server.stdout.readline())
        server.kill()


def loaded_per_s(folder: Path, port: int, concurrency: int, *command: str) -> tuple[float, float]:
    """Records a second of the load alone, and the peak memory in MiB."""
    project = folder / "mappings" / "bench"
    project.mkdir(parents=True)
    (project / "project.yaml").write_text(PROJECT.format(port=port, concurrency=concurrency))
    (project / "people.yaml").write_text(MAPPING)
    rows = concurrency * 200
    lines = (f"{number},Ana,Maria,Rivera,Jr" for number in range(rows))
    (project / "PERSONS.csv").write_text("ID,FIRST_NM,MIDDLE_NM,LAST_NM,SUFFIX\n" + "\n".join(lines) + "\n")
    done = measure(*command, "run", str(project), "--quiet", "--json")
    manifest = json.loads(next((folder / "runs").glob("*/manifest.json")).read_text())
    return rows / manifest["load_s"], done.peak_mib


@pytest.mark.bench
@pytest.mark.parametrize("concurrency", GOALS)
def test_loading_keeps_the_wire_busy(tmp_path, port, tell, etl_command, concurrency):
    rate, peak_mib = loaded_per_s(tmp_path, port, concurrency, etl_command)
    share = rate / (concurrency / LATENCY_S)
    tell(bench="load", concurrency=concurrency, latency_s=LATENCY_S, records_per_s=round(rate),
         share_of_limit=round(share, 2), goal=GOALS[concurrency], peak_mib=round(peak_mib))  # fmt: skip
    assert share >= GOALS[concurrency]


@pytest.mark.bench
@pytest.mark.parametrize("concurrency", GOALS)
def test_the_protocol_costs_little(tmp_path, port, tell, etl_command, concurrency):
    without = (sys.executable, str(HERE / "without_intents.py"))
    pairs = [
        (
            loaded_per_s(tmp_path / f"with-{turn}", port, concurrency, etl_command)[0],
            loaded_per_s(tmp_path / f"without-{turn}", port, concurrency, *without)[0],
        )
        for turn in range(3)
    ]
    cost = sorted(1 - with_intents / without_them for with_intents, without_them in pairs)[1]
    tell(bench="protocol", concurrency=concurrency, pairs=[[round(each) for each in pair] for pair in pairs],
         cost=round(cost, 3), most=MOST_COST)  # fmt: skip
    assert cost <= MOST_COST
