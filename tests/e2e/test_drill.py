"""`drill`: one's own project at a sandbox that cuts every call, and in processes that are killed; nothing real is touched."""

from __future__ import annotations

import json
import re
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from etl.core.errors import Interrupted
from etl.load.unclear import Unclear
from etl.pipeline import drill
from etl.pipeline.drill_cuts import cuts
from tests.e2e.harness import ROOT, SMALL, etl, finished, sandbox, small, start

CUTS = 8


@pytest.fixture
def project(tmp_path):
    return small(tmp_path)


@pytest.mark.timeout(600)
def test_a_drill_finds_nothing_lost_or_doubled_touches_nothing_real_and_says_what_the_page_shows(project):
    command, *shown = example_of_the_page()
    options = command.removeprefix("drill mappings/demo_agency").split()
    with sandbox() as casebook:
        assert project.point_at(casebook.base_url).run().code == 0
        asked, before = len(casebook.oracle.journal()), files_of(project)
        ended = etl("drill", project.project, *options, "--progress", "none")
        assert ended.code == 0, ended.text
        assert len(casebook.oracle.journal()) == asked
    after = files_of(project)
    facts = json.loads(after.pop(project.runs / "small-drills.jsonl"))
    assert after == before
    assert figures_hidden(ended.out.splitlines()) == figures_hidden(shown)
    assert (facts["n"], facts["dup"], facts["lost"], facts["wrong_id"], facts["corrupt"]) == (11, 0, 0, 0, 0)
    assert (facts["seed"], facts["clean"]) == (7, True)
    cut, killed = facts["passes"][:CUTS], facts["passes"][CUTS:]
    assert all(each["faults"] > 0 for each in cut)
    assert sum(each["kills"] for each in killed) == 4
    assert facts["faults"] == sum(each["faults"] + each["kills"] for each in facts["passes"])


@pytest.mark.timeout(600)
def test_fifteen_more_kills_lose_and_double_nothing(agency, proof_line):
    kill(agency, 15, 11, proof_line)


@pytest.mark.e2e
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_ninety_more_kills_lose_and_double_nothing(agency, seed, proof_line):
    kill(agency, 30, seed, proof_line)


def kill(place, kills: int, seed: int, proof_line) -> None:
    ended = etl("drill", place.project, "--no-cuts", "--kills", kills, "--seed", seed, "--progress", "none", "--json")
    assert ended.code == 0, ended.text
    facts = ended.answer
    assert sum(each["kills"] for each in facts.pop("passes")) == kills
    figures = {name: facts[name] for name in ("n", "dup", "lost", "wrong_id", "corrupt", "held", "faults")}
    proof_line("drill kills", seed, **figures, kills=kills)


def test_a_loader_that_resends_is_found_out(project, monkeypatch):
    async def resend_at_once(self, question, resend, **_):
        return await resend() if resend else None

    monkeypatch.setattr(Unclear, "settle", resend_at_once)
    ended = etl("drill", project.project, "--kills", 0, "--seed", 5, "--progress", "none", "--json")
    assert ended.code == 1, ended.text
    assert ended.answer["dup"] > 0
    assert ended.answer["clean"] is False


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted("The run was interrupted.", hint="It goes on.")])
def test_an_interrupted_drill_says_that_it_begins_anew_and_how_it_is_repeated(project, monkeypatch, stop):
    def stopped(*_):
        raise stop

    monkeypatch.setattr(drill, "_run", stopped)
    ended = etl("drill", project.project, "--seed", 5, "--progress", "none")
    assert ended.code == 130, ended.text
    assert "begins anew" in ended.err
    assert "--seed 5" in ended.err
    assert "goes on" not in ended.text


def test_a_drill_that_is_told_to_end_leaves_no_snapshot_behind(project):
    process = start("drill", project.project, "--progress", "none")
    while not list(project.runs.glob(".drill-*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    ended = finished(process)
    assert ended.code == 130, ended.text
    assert "begins anew" in ended.err
    assert not list(project.runs.glob(".drill-*"))


def test_a_load_that_never_ends_counts_as_open_and_not_as_losses(project, monkeypatch):
    monkeypatch.setattr(drill, "_MOST_RUNS", 2)
    options = ("--no-cuts", "--kills", 1, "--faults", "status_401(entity=case)@POST", "--progress", "none", "--json")
    ended = etl("drill", project.project, *options)
    assert ended.code == 1, ended.text
    figures = ended.answer
    assert (figures["dup"], figures["lost"], figures["wrong_id"], figures["clean"]) == (0, 0, 0, False)
    assert figures["open"] > 0


@pytest.mark.parametrize(("records", "concurrency"), [(5000, 8), (139, 8), (139, 64), (1, 1), (2000, 256)])
def test_tokens_expire_at_least_once_and_never_twice_for_what_is_in_flight(records, concurrency):
    (rule,) = cuts(["person"], records, concurrency)[-1].rules
    expiries = [number for number in range(1, records + 1) if rule.hits(number, None)]
    assert expiries
    assert all(later - earlier >= 8 * concurrency for earlier, later in pairwise(expiries))


def test_a_drill_in_which_nothing_would_go_wrong_is_refused(project):
    ended = etl("drill", project.project, "--no-cuts", "--kills", 0, "--progress", "none")
    assert ended.code == 2
    assert "would prove nothing" in ended.err


def test_faults_that_are_none_are_refused_before_anything_is_loaded(project):
    ended = etl("drill", project.project, "--faults", "gremlins", "--progress", "none")
    assert ended.code == 2
    assert "is wrong" in ended.err


def test_a_project_of_which_nothing_can_be_loaded_cannot_be_drilled(tmp_path):
    empty = {name: text.splitlines()[0] + "\n" for name, text in SMALL.items() if name.startswith("data/")}
    ended = etl("drill", small(tmp_path, changes=empty).project, "--progress", "none")
    assert ended.code == 2
    assert "nothing to drill" in ended.err


def example_of_the_page() -> list[str]:
    """The command that the page shows, and its output."""
    page = (ROOT / "docs" / "drill.md").read_text("utf-8")
    return page.split("```text\n$ casebook-etl ")[1].split("\n```")[0].splitlines()


def figures_hidden(lines: list[str]) -> list[str]:
    """Lines without their figures; a small load may end before its kills, and is then followed by another one."""
    hidden = (re.sub(r"[^ ]*-drills.jsonl", "FILE", re.sub(r"\d+", "N", line)) for line in lines)
    return list(dict.fromkeys(hidden))


def files_of(project) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.runs.rglob("*") if path.is_file()}
