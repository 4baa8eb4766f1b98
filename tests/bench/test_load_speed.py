"""Loading with the full protocol on (a durable intent and id for each record) against concurrency / latency.

The machine's own load moves every figure, so two are quoted that are taken together: the share of the limit, and what the
same load reaches with intents off.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import HERE, LATENCY_S, Measured, made_project, measure

GOALS = {16: 0.9, 64: 0.9, 256: 0.7}
MOST_COST = 0.10


def loaded_per_s(folder: Path, port: int, concurrency: int, *command: str) -> tuple[float, Measured]:
    """Records a second of the load alone, and what the whole command took."""
    rows = concurrency * int(os.environ.get("BENCH_TURNS", "200"))
    project = made_project(folder, port, concurrency, rows)
    done = measure(*command, "run", str(project), "--quiet", "--json")
    manifest = json.loads(next((folder / "runs").glob("*/manifest.json")).read_text())
    return rows / manifest["load_s"], done


@pytest.mark.bench
@pytest.mark.parametrize("concurrency", GOALS)
def test_loading_keeps_the_wire_busy(tmp_path, port, tell, etl_command, concurrency):
    rate, done = loaded_per_s(tmp_path, port, concurrency, etl_command)
    share = rate / (concurrency / LATENCY_S)
    tell(bench="load", concurrency=concurrency, latency_s=LATENCY_S, records_per_s=round(rate),
         share_of_limit=round(share, 2), goal=GOALS[concurrency], peak_mib=round(done.peak_mib))  # fmt: skip
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
