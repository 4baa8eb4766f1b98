"""Going on with a plan of which a million records are loaded: how long until the next one is sent."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import made_project

from etl.core.ports import Created, Fence
from etl.core.records import Document
from etl.load.planned import PlannedRecords
from etl.pipeline import runs
from etl.pipeline.projects import open_project
from etl.pipeline.silence import Silence
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder
from tests.load.world import PEOPLE, FaultyTarget, World, person

DONE = int(os.environ.get("BENCH_DONE", "1000000"))
LEFT = 100
BLOCK = 50_000
MOST_S = 5.0
ATTEMPTS = "INSERT INTO attempts SELECT rk, attempt, run_id, intent_epoch, intent_at, 'committed', 201, '', intent_at FROM records"


class Stopwatch(FaultyTarget):
    """A server that notes when the first record arrives."""

    first_at: float | None = None

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
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
        insert(state, ({**model, "rk": key(number), "target_id": f"t{number}"} for number in range(count)))


def insert(state: sqlite3.Connection, rows: Iterator[dict[str, object]]) -> None:
    names = [row[1] for row in state.execute("PRAGMA table_info(records)")]
    marks = ", ".join(f":{name}" for name in names)
    state.executemany(f"INSERT INTO records ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608 - our own names


def interrupted(setting: Setting) -> None:
    """A planned run all of whose records but the last are created, ended as after Ctrl-C."""
    runs.prepare(setting, Silence())
    with setting.reader() as state:
        folder = RunFolder(setting.project.runs_folder, state.open_run().run_id)
    keys = pq.read_table(next(folder.planned.glob("*.parquet")), columns=["_rk"])["_rk"].to_pylist()
    model = {"entity": "person", "mapping": "people", "state": "created", "fingerprint": "f" * 32, "attempt": 1,
             "field_hashes": b"hash" * 10, "intent_epoch": 1, "intent_at": "2026-07-01T00:00:00.000+00:00", "scope": None,
             "status": None, "error": "", "run_id": folder.run_id, "updated_at": "2026-07-01", "adopted": 0}  # fmt: skip
    with closing(sqlite3.connect(setting.state_path)) as state, state:
        insert(state, ({**model, "rk": key, "target_id": f"t{at}"} for at, key in enumerate(keys[:-LEFT])))
        state.execute(ATTEMPTS)
    with setting.store("run"):
        """Closed well."""


def killed(state: Path) -> None:
    """Makes it what a killed process of this start of the machine leaves: the lease not given back, no note of a good end."""
    state.with_name(state.name + ".closed").unlink()
    with closing(sqlite3.connect(state)) as database, database:
        database.execute("UPDATE lease SET released = 0")


def cut_off(state: Path) -> None:
    """The same of an earlier start of the machine."""
    killed(state)
    with closing(sqlite3.connect(state)) as database, database:
        database.execute("UPDATE lease SET boot_id = 'an earlier one'")


def until_an_intent(command: list[str], state: Path) -> tuple[float, float]:
    """Seconds from the start of a command to the first intent, which its request follows at once, and how many of them it
    was computing; it is ended then.
    """
    began = time.monotonic()
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as process,  # noqa: S603 - our own command
        closing(sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)) as reader,
    ):
        while not reader.execute("SELECT 1 FROM records WHERE records.state <> 'created' LIMIT 1").fetchone():
            assert process.poll() is None
            time.sleep(0.05)
        needed_s, cpu_s = time.monotonic() - began, sum(cpu_of(process.pid))
        process.kill()
    return needed_s, cpu_s


def cpu_of(pid: int) -> tuple[float, float]:
    """User and system seconds of a process, as its kernel counts them; noughts where nothing tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / ticks, int(fields[12]) / ticks


@pytest.mark.bench
@pytest.mark.parametrize(("ended", "leave"), [("by Ctrl-C", None), ("by a kill", killed), ("by a power cut", cut_off)])
def test_the_whole_command_that_goes_on_sends_soon(tmp_path, port, tell, etl_command, ended, leave):
    """The goal is that of a load that ended by itself, by Ctrl-C or by a kill. After a power cut the whole file is searched
    for damage first; how long that takes is told, without a goal: see the end of docs/drill.md. It goes on with a plan: no
    source is read and no row mapped; sources that are files are hashed, to tell whether they changed.
    """
    most_s = None if leave is cut_off else MOST_S
    project = made_project(tmp_path, port, concurrency=16, rows=DONE + LEFT)
    setting = open_project(project, None, os.environ)
    interrupted(setting)
    if leave is not None:
        leave(setting.state_path)
    first_s, cpu_s = until_an_intent([etl_command, "run", str(project), "--quiet"], setting.state_path)
    tell(bench="resume", whole_command=True, ended=ended, in_state=DONE, left=LEFT, first_request_s=round(first_s, 2),
         cpu_s=round(cpu_s, 2), state_mb=setting.state_path.stat().st_size // 10**6, most_s=most_s)  # fmt: skip
    assert most_s is None or first_s <= most_s


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
