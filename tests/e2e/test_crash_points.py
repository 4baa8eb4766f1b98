"""The rows of the crash table that lie outside the sending of records, each in SIGKILL, exception and cancellation.

The process is real, and so is its end. Afterwards the same command goes on, and everything is as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator

import pytest

from etl.pipeline.audit import audit
from etl.pipeline.projects import open_project
from tests.e2e.fail_points import WAYS
from tests.e2e.harness import Ended, Forks, Place, etl, sandbox, small
from tests.e2e.pictures import prove, reference_load
from tests.e2e.test_undo import run_id_of

DURING_A_LOAD = {
    "C9: outcomes durable": ["an answer was received"],
    "C14: before a question of the next run": ["an answer was received", "a question is about to be asked"],
    "C14: after a question of the next run": ["an answer was received", "a question was answered"],
    "C15: before a report has its name": ["a report is about to get its name"],
    "C15: before a summary has its name": ["a summary is about to get its name"],
    "C15: after a manifest has its name": ["a manifest got its name"],
    "C18: before a dead holder's lease is taken": ["an answer was received", "the lease is about to be taken"],
    "C18: after a dead holder's lease was taken": ["an answer was received", "the lease was taken"],
    "C19: before a token was fetched": ["a token is about to be fetched"],
    "C19: after a token was fetched": ["a token was fetched"],
}
DURING_UNDO = {
    "C17: before a record is deleted": "a record is about to be deleted",
    "C17: after a record was deleted": "a record was deleted",
}

SOON = ("C14: before", "C15: before a report", "C17: after", "C18: after", "C19: before")
"""One of each row is killed in every run of the tests; all rows and ways belong to the long proofs."""


def cells(rows):
    """Rows and ways."""
    pairs = [(row, way) for row in rows for way in WAYS]
    return [
        each if each[1] == "SIGKILL" and each[0].startswith(SOON) else pytest.param(*each, marks=pytest.mark.e2e)
        for each in pairs
    ]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return reference_load(small(tmp_path_factory.mktemp("good")))


@pytest.fixture(scope="module")
def forks(tmp_path_factory) -> Iterator[Forks]:
    with contextlib.closing(Forks(tmp_path_factory.mktemp("forks"))) as made:
        yield made


def ended(forks: Forks, point: str, way: str, *command: object) -> Ended:
    """A command that ends at a fail-point: certainly there, and certainly not well."""
    process = forks.start(*command, ends=(point, way))
    out, err = process.communicate(120)
    assert process.returncode != 0, f"{point}: it ended well, so the point was not met"
    assert (process.returncode == -9) == (way == "SIGKILL"), err
    return Ended(process.returncode, out, err)


def is_whole_or_missing(place: Place) -> bool:
    """Whether no file of a run is half there under its own name."""
    for path in place.runs.glob("*/*.json"):
        json.loads(path.read_text("utf-8"))
    return all(b"</html>" in path.read_bytes() for path in place.runs.glob("*/report.html"))


@pytest.mark.parametrize(("row", "way"), cells(DURING_A_LOAD))
def test_a_load_that_ends_there_is_whole_after_the_same_command(forks, reference, tmp_path, proof_line, row, way):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        for point in DURING_A_LOAD[row]:
            ended(forks, point, way, "run", place.project, "--profile", "sandbox", "--progress", "none")
            assert is_whole_or_missing(place)
        again = place.run()
        assert again.code == 0, again.text
        proof = prove(place.state, casebook.oracle, reference.good, reference.records)
        tokens = [entry for entry in casebook.oracle.journal("POST") if entry.entity == "token"]
    proof_line(f"{row}, {way}", None, **proof.figures())
    assert proof.is_clean
    assert len(tokens) > 1 or not row.startswith("C19"), "no token outlives its process"


@pytest.mark.parametrize(("row", "way"), cells(DURING_UNDO))
def test_an_undoing_that_ends_there_is_whole_after_the_same_command(forks, reference, tmp_path, proof_line, row, way):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        assert place.run().code == 0
        command = ("undo", run_id_of(place), place.project, "--profile", "sandbox", "--yes", "--progress", "none")
        ended(forks, DURING_UNDO[row], way, *command)
        again = etl(*command)
        assert again.code == 0, again.text
        left = sum(casebook.oracle.counts().values())
        assert place.run().code == 0, "what was undone can be loaded again"
        proof = prove(place.state, casebook.oracle, reference.good, reference.records)
    proof_line(f"{row}, {way}", None, **proof.figures(), left=left)
    assert left == 0
    assert proof.is_clean


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
