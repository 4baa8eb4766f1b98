"""A state database that was lost, restored or copied, mended from the command line against a sandbox on a socket."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from etl.pipeline.pictures import good
from tests.e2e.harness import Place, etl, finished, sandbox, small, start, writes
from tests.e2e.pictures import Picture, known, prove


@pytest.fixture
def box() -> Iterator:
    with sandbox() as handle:
        yield handle


@pytest.fixture
def place(tmp_path: Path, box) -> Place:
    return small(tmp_path / "one", box.base_url)


def whole_copy(place: Place, file: Path) -> Path:
    ended = etl("state", "export", file, place.project)
    assert ended.code == 0, ended.text
    return file


def copies(place: Place) -> list[Path]:
    """What the program itself has laid beside the state."""
    return sorted(place.state.with_name("small-sandbox.backups").glob("*"))


def restore(place: Place, copy: Path) -> None:
    for ending in ("-wal", "-shm"):
        place.state.with_name(place.state.name + ending).unlink(missing_ok=True)
    shutil.copy(copy, place.state)


def add_person(place: Place) -> None:
    with (place.folder / "data" / "PERSONS.csv").open("a") as file:
        file.write("5,Eve,Moss,2012-09-10,\n")


def test_a_restored_state_is_refused_and_goes_on_by_asking_first(place, box, tmp_path):
    assert place.run().code == 0
    copy = whole_copy(place, tmp_path / "old.db")
    add_person(place)
    assert place.run().code == 0
    before = writes(box.oracle)
    restore(place, copy)
    refused = place.run()
    assert refused.code == 3
    assert "state rebuild" in refused.err
    assert etl("state", "check", place.project).code == 3
    ended = place.run("--ask-first")
    assert ended.code == 0, ended.text
    assert writes(box.oracle) == before
    checked = etl("state", "check", place.project, "--json").answer
    assert (checked["is_doubted"], checked["is_whole"], checked["is_witnessed"]) == (True, True, True)
    assert checked["records"]["person"] == {"created": 5}


def test_a_lost_state_is_rebuilt_without_a_write(place, box):
    assert place.run().code == 0
    before, counts = writes(box.oracle), box.oracle.counts()
    restore(place, place.project / "project.yaml")
    assert etl("state", "check", place.project).code == 3
    place.state.unlink()
    assert etl("state", "rebuild", place.project).code == 2, "it is confirmed first"
    ended = etl("state", "rebuild", place.project, "--yes", "--json", "--quiet")
    assert (ended.code, ended.answer["records"]["person"]) == (0, {"created": 4})
    assert place.run().code == 0
    assert (writes(box.oracle), box.oracle.counts()) == (before, counts)


def test_two_copies_in_two_processes_never_both_write(place, box, tmp_path, proof_line):
    """Each on a machine of its own: no lock and no witness tells one of the other."""
    assert etl("plan", place.project).code == 0
    shutil.copytree(place.folder, tmp_path / "two", ignore=shutil.ignore_patterns("runs"))
    second = Place(tmp_path / "two", place.name)
    assert place.run().code == 0
    before = writes(box.oracle)
    first = good(known(place.state), Picture(box.oracle))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "CASEBOOK_ETL_WITNESS_FOLDER", str(tmp_path / "another machine"))
        ended = finished(start("run", second.project, "--profile", "sandbox", "--progress", "none", "--json"))
    assert ended.code == 3, ended.text
    assert "does not know" in ended.err
    proof = prove(place.state, box.oracle, first.contents, first.records)
    proof_line("two copies of one state", None, **proof.figures(), second_wrote=len(writes(box.oracle)) - len(before))
    assert proof.is_clean
    assert writes(box.oracle) == before


def test_an_export_is_never_written_over_a_file(place, tmp_path):
    assert place.run().code == 0
    copy = whole_copy(place, tmp_path / "copy.db")
    assert copy.stat().st_mode & 0o077 == 0
    content = copy.read_bytes()
    assert etl("state", "export", copy, place.project).code == 2
    assert copy.read_bytes() == content
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_a_damaged_state_names_the_newest_copy(place, box):
    assert place.run().code == 0
    (copy,) = copies(place)
    place.state.write_bytes(b"nothing of a database")
    for command in (["run", place.project], ["state", "check", place.project], ["status", place.project]):
        ended = etl(*command)
        assert ended.code == 3, command
        assert str(copy) in ended.err
    assert place.state.read_bytes() == b"nothing of a database"
    before = writes(box.oracle)
    restore(place, copy)
    assert place.run("--ask-first").code == 0
    assert writes(box.oracle) == before


def test_only_a_run_that_changed_something_leaves_a_copy_and_says_where_it_could_not(place):
    folder = place.state.with_name("small-sandbox.backups")
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where a folder should be")
    ended = etl("run", place.project, "--profile", "sandbox", "--progress", "plain")
    assert ended.code == 0
    assert "The state database could not be copied" in ended.err
    folder.unlink()
    assert place.run().code == 0
    assert copies(place) == []
    add_person(place)
    assert place.run().code == 0
    assert len(copies(place)) == 1


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_the_sample_agency_is_rebuilt_after_its_state_was_lost_half_way(agency, reference, proof_line):
    with sandbox() as box:
        agency.point_at(box.base_url)
        process = start("run", agency.project, "--profile", "sandbox", "--progress", "none")
        while process.poll() is None and sum(box.oracle.counts().values()) < reference.records.total() // 2:
            pass
        process.kill()
        finished(process)
        for file in agency.runs.glob("*.state.db*"):
            file.unlink()
        rebuilt = etl("state", "rebuild", agency.project, "--yes", "--quiet", "--json")
        assert rebuilt.code in (0, 1), rebuilt.text
        held = settled(agency, box.oracle.counts())
        ended = agency.run()
        held += settled(agency, box.oracle.counts())
        ended = agency.run()
        proof = prove(agency.state, box.oracle, reference.good, reference.records)
        proof_line("agency rebuilt after its state was lost half way", None, **proof.figures(), settled=held)
        assert proof.is_clean, ended.text


def settled(place: Place, there: dict[str, int]) -> int:
    """What a person does about held records of an entity of which nothing is in Casebook."""
    held = Counter(each["entity"] for each in json.loads(etl("resolve", place.project, "--json").out)["held"])
    absent = [entity for entity in held if not there.get(entity)]
    for entity in absent:
        assert etl("resolve", place.project, "--absent", entity).code == 0
    return sum(held[entity] for entity in absent)
