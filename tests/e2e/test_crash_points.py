"""Every row of the crash table, each in SIGKILL, exception and cancellation: the process is real, and so is its end.

After a SIGKILL it is looked whether state and server hold what the table says. Then the same command goes on, and
everything is as if nothing had happened. What a power cut leaves of a commit is told by ``tests/load/test_power_cuts.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from etl.core.outcomes import RecordState
from etl.pipeline.audit import audit, audited
from etl.pipeline.projects import open_project
from etl.state.witness import FOLDER_VARIABLE
from tests.e2e import crash_rows
from tests.e2e.crash_rows import LOADING, QUIET_S, UNDOING
from tests.e2e.fail_points import WAYS
from tests.e2e.harness import ADDRESS, Ended, Forks, Place, etl, sandbox, small
from tests.e2e.pictures import known, prove, reference_load
from tests.e2e.test_undo import run_id_of

SOON = ("C1:", "C4:", "C5:", "C8:", "C14:", "C16:", "C17:", "C18:")
"""The first place of these is killed in every run of the tests; all rows, places and ways belong to the long proofs."""


def cells(rows: Mapping[str, Sequence[crash_rows.Place]]):
    """Rows, places and ways."""
    return [
        pytest.param(
            row, place, way,
            id=f"{row.partition(':')[0]}, {place.point} {place.where}, {way}",
            marks=() if way == "SIGKILL" and row.startswith(SOON) and place is places[0] else pytest.mark.e2e,
        )
        for row, places in rows.items() for place in places for way in WAYS
    ]  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return reference_load(small(tmp_path_factory.mktemp("good"), changes={**crash_rows.FILES, **crash_rows.ALL}))


@pytest.fixture(scope="module")
def forks(tmp_path_factory) -> Iterator[Forks]:
    with contextlib.closing(Forks(tmp_path_factory.mktemp("forks"))) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Begun:
    """A project of which one record of each entity is loaded and as many more have arrived since, and the server's file."""

    place: Place
    server: Path

    def copied(self, folder: Path, patch: pytest.MonkeyPatch) -> tuple[Place, Path]:
        """The same in a folder of one's own."""
        shutil.copytree(self.place.folder, folder, dirs_exist_ok=True)
        patch.setenv(FOLDER_VARIABLE, str(folder / "witness"))
        return replace(self.place, folder=folder), Path(shutil.copy(self.server, folder / "server.db"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    server = folder / "server.db"
    with pytest.MonkeyPatch.context() as patch, sandbox(server) as casebook:
        patch.setenv(FOLDER_VARIABLE, str(folder / "project" / "witness"))
        place = small(folder / "project", casebook.base_url, crash_rows.FILES)
        # One at a time, so that what lies where is no chance.
        place.edit("project.yaml", "tenant: sandbox,", "tenant: sandbox, concurrency: 1,")
        ended = place.run()
        assert ended.code == 0, ended.text
        for name, text in crash_rows.ALL.items():
            (place.folder / name).write_text(text, "utf-8")
        place.edit("project.yaml", casebook.base_url, ADDRESS)
    return Begun(place, server)


def ended(forks: Forks, point: Sequence[str], way: str, *command: object) -> Ended:
    """A command that ends at a fail-point: certainly there, and certainly not well."""
    process = forks.start(*command, ends=(*point, way), environ={FOLDER_VARIABLE: os.environ[FOLDER_VARIABLE]})
    out, err = process.communicate(120)
    assert "AttributeError" not in err, f"the fail-point was not planted: {err}"
    assert process.returncode, f"{point}: {out}{err}"
    assert "Traceback" not in err, "in no thread"
    assert (process.returncode == -9) == (way == "SIGKILL"), err
    return Ended(process.returncode, out, err)


def make_old(place: Place) -> None:
    """Takes the state database back to the version before."""
    with contextlib.closing(sqlite3.connect(place.state)) as database:
        database.executescript("ALTER TABLE records DROP COLUMN adopted; PRAGMA user_version = 1;")


def is_whole_or_missing(place: Place) -> bool:
    """Whether no file of a run is half there under its own name."""
    for path in place.runs.glob("*/*.json"):
        json.loads(path.read_text("utf-8"))
    return all(b"</html>" in path.read_bytes() for path in place.runs.glob("*/report.html"))


def left(place: Place, oracle, of: str = "") -> tuple[int, int]:
    """Records at the server (of one entity) that state does not know to be there, and records of which state promises an
    outcome.
    """
    states = [(row.entity, row.state) for row in known(place.state)]
    created = Counter(entity for entity, state in states if state is RecordState.CREATED)
    promised = Counter(entity for entity, state in states if state in (RecordState.INTENT, RecordState.UNCERTAIN))
    unknown = Counter(oracle.counts()) - created
    assert unknown <= promised, "nothing is at the server without a promise"
    return unknown[of] if of else unknown.total(), promised.total()


def assert_as_the_table_says(cell: crash_rows.Place, there: int, promised: int) -> None:
    assert cell.there in (None, there), "what is at the server without state knowing it"
    assert cell.promised in (None, promised > 0), "what state has promised"


@pytest.mark.parametrize(("row", "cell", "way"), cells(LOADING))
def test_a_load_that_ends_there_is_whole_after_the_same_command(
    forks, begun, reference, tmp_path, monkeypatch, proof_line, row, cell, way
):
    place, server = begun.copied(tmp_path, monkeypatch)
    with sandbox(server) as casebook:
        place.point_at(casebook.base_url)
        if cell.fault is crash_rows.DELAYED:
            place.edit("project.yaml", "quiet_s: 0.3", f"quiet_s: {QUIET_S}")
        httpx.put(f"{casebook.base_url}/_sandbox/faults", json=[cell.fault] if cell.fault else []).raise_for_status()
        if cell.is_old:
            make_old(place)
        command = ("run", place.project, "--profile", "sandbox", "--progress", "none")
        if cell.first is not None:
            ended(forks, cell.first, "SIGKILL", *command)
        tokens_before = tokens(casebook.oracle)
        ended(forks, (cell.point, cell.where), way, *command)
        fetched = tokens(casebook.oracle) - tokens_before
        there, promised = left(place, casebook.oracle, cell.of)
        if way == "SIGKILL":
            assert_as_the_table_says(cell, there, promised)
        assert is_whole_or_missing(place)
        again = place.run()
        assert again.code == 0, again.text
        proof = prove(place.state, casebook.oracle, reference.good, reference.records)
        assert fetched == (cell.where == "after") or cell.point != "a token"
        asked_nothing = not json.loads(place.latest("manifest.json").read_text("utf-8"))["requests"]
        assert (tokens(casebook.oracle) == tokens_before + fetched) == asked_nothing, "no token outlives its process"
    proof_line(f"{row.partition(':')[0]}, {way}", None, **proof.figures(), places=1, there=there, promised=promised)
    assert proof.is_clean


@pytest.mark.parametrize(("row", "cell", "way"), cells(UNDOING))
def test_an_undoing_that_ends_there_is_whole_after_the_same_command(
    forks, reference, tmp_path, proof_line, row, cell, way
):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url, {**crash_rows.FILES, **crash_rows.ALL})
        assert place.run().code == 0
        command = ("undo", run_id_of(place), place.project, "--profile", "sandbox", "--yes", "--progress", "none")
        ended(forks, (cell.point, cell.where), way, *command)
        again = etl(*command)
        assert again.code == 0, again.text
        remained = sum(casebook.oracle.counts().values())
        lines = list(audited(open_project(place.project, "sandbox", os.environ)))
        assert place.run().code == 0, "what was undone can be loaded again"
        proof = prove(place.state, casebook.oracle, reference.good, reference.records)
    proof_line(f"{row.partition(':')[0]}, {way}", None, **proof.figures(), places=1, left=remained)
    assert remained == 0
    assert [line["decision"] for line in lines] in (["undo"], ["undo"] * 2)
    assert proof.is_clean


def tokens(oracle) -> int:
    """How many were given out."""
    return sum(entry.entity == "token" for entry in oracle.journal("POST"))


def test_a_line_of_the_audit_that_was_cut_short_spoils_no_later_one(tmp_path):
    setting = open_project(small(tmp_path).project, "sandbox", os.environ)
    setting.project.runs_folder.mkdir()
    audit(setting, did="first")
    (path,) = setting.project.runs_folder.glob("*.audit.jsonl")
    with path.open("ab") as file:
        file.write(b'{"at": "2026-07-01T00:00')
    audit(setting, did="second")
    lines = [line for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
    assert [json.loads(line)["did"] for line in lines] == ["first", "second"]
