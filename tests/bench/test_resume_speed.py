"""Going on with a plan of which a million records are loaded: how long until the next one is sent."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.ports import Created
from etl.core.records import Document
from etl.load.planned import PlannedRecords
from tests.load.world import PEOPLE, FaultyTarget, World, person

DONE = int(os.environ.get("BENCH_DONE", "1000000"))
LEFT = 100
BLOCK = 50_000
MOST_S = 5.0


class Stopwatch(FaultyTarget):
    """A server that notes when the first record arrives."""

    first_at: float | None = None

    async def create(self, document: Document) -> Created:
        self.first_at = self.first_at or time.monotonic()
        return await super().create(document)


def key(number: int) -> str:
    """As scattered as record keys are, which is what makes an index of them slow."""
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def many(table: pa.Table, count: int) -> Iterator[pa.Table]:
    """One planned record, many times over under keys of its own."""
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        block = table.take(pa.array([0] * size))
        keys = pa.array([key(number) for number in range(start, start + size)])
        yield block.set_column(block.schema.get_field_index("_rk"), "_rk", keys)


def made_loaded(folder: Path, count: int) -> None:
    """Tells state that so many records are created, as a load would have."""
    with sqlite3.connect(folder / "state.db") as state:
        columns = [row[1] for row in state.execute("PRAGMA table_info(records)")]
        model = dict(zip(columns, state.execute("SELECT * FROM records LIMIT 1").fetchone(), strict=True))
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        rows = (model | {"rk": key(number), "target_id": f"t{number}"} for number in range(count))
        state.executemany(f"INSERT INTO records ({names}) VALUES ({marks})", rows)  # noqa: S608 - names of the schema


@pytest.mark.bench
def test_a_load_that_goes_on_sends_soon(tmp_path, tell):
    world = World(tmp_path)
    world.target = Stopwatch(world.catalog, clock=world.clock)
    world.plan((PEOPLE, [person("one")]))
    world.load()
    world.target.first_at = None
    made_loaded(tmp_path, DONE)
    world.plan((PEOPLE, [person("two")]))
    planned = tmp_path / f"planned-{world.plans}"
    file = next(planned.glob("*.parquet"))
    record = pq.read_table(file)
    with pq.ParquetWriter(file, record.schema) as writer:
        for block in many(record, DONE + LEFT):
            writer.write_table(block)
    world.planned = PlannedRecords(planned, [PEOPLE])

    began = time.monotonic()
    world.load()
    first_s = world.target.first_at - began
    tell(bench="resume", in_state=DONE, left=LEFT, first_request_s=round(first_s, 2), most_s=MOST_S)
    assert len(world.target.records) == LEFT + 1
    assert first_s <= MOST_S
