"""The load killed again and again, at a server that cuts lines before and after the commit: nothing lost, none doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from etl.load.unclear import Unclear
from etl.sandbox.oracle import Oracle
from tests.conftest import ProofLine
from tests.e2e.harness import SAMPLE, Ended, Forks, Place, copy_project, finished, sandbox, start
from tests.e2e.pictures import Proof, Reference, prove, reference_load

FAULTS = "reset_after_commit@POST:0.08,reset_before_commit@POST:0.05,late_commit(delay_s=0.1)@POST:0.02"
QUIET_S = 0.3
SEED = 20260301
KILLS_A_LOAD = 20
UNKILLED_IN_A_ROW = 3
SEEDS_A_WORKER = 100_000


@pytest.mark.timeout(240)
def test_a_load_killed_five_times_at_a_cutting_server_is_exact(agency, reference, proof_line):
    assert_exact_after(5, SEED, agency, reference, proof_line)


@pytest.mark.e2e
@pytest.mark.timeout(1200)
def test_a_load_killed_thirty_times_at_a_cutting_server_is_exact(whole, whole_reference, proof_line):
    assert_exact_after(30, SEED + 1, whole, whole_reference, proof_line)


@pytest.mark.drill
def test_loads_killed_for_as_long_as_one_likes_are_exact(part, reference, tmp_path, request, proof_line):
    wanted, first = int(os.environ.get("DRILL_KILLS", "1000")), int(os.environ.get("DRILL_SEED", SEED + 2))
    workers = os.cpu_count() or 1

    def work(worker: int) -> tuple[int, Counter[str]]:
        folder = tmp_path / f"worker-{worker}"
        folder.mkdir()
        with contextlib.closing(Forks(folder)) as forks:

            def load(seed: int) -> tuple[int, Counter[str]]:
                place = copy_project(folder / str(seed), "demo_agency", part)
                kills = Kills(KILLS_A_LOAD, seed, longest_wait_s=0.6, begin=forks.start)
                proof = killed_load(place, reference, kills, ProofLine(request).at_once)
                assert proof.is_clean
                shutil.rmtree(folder / str(seed))
                return kills.done, Counter(proof.figures())

            return killed_loads(-(-wanted // workers), first + worker * SEEDS_A_WORKER, load)

    done, total = 0, Counter[str]()
    with ThreadPoolExecutor(workers) as pool:
        for kills, figures in pool.map(work, range(workers)):
            done += kills
            total.update(figures)
    proof_line("kills, all loads", first, **total, kills=done)


def killed_loads(wanted: int, seed: int, load: Callable[[int], tuple[int, Counter[str]]]) -> tuple[int, Counter[str]]:
    """Loads, each with the next seed, until there were so many kills; how many there were, and the figures added up.

    A load that ended before its first kill proves nothing: it is not counted, and another takes its place. Where that comes
    again and again the kills come too late, and the drill fails.
    """
    done, unkilled, total = 0, 0, Counter[str]()
    while done < wanted:
        kills, figures = load(seed)
        unkilled = 0 if kills else unkilled + 1
        assert unkilled < UNKILLED_IN_A_ROW, f"{unkilled} loads in a row ended before they could be killed"
        if kills:
            total.update(figures)
        done, seed = done + kills, seed + 1
    return done, total


def test_a_load_that_ended_before_its_first_kill_is_made_up_for_by_another():
    loads = {1: (3, Counter(n=10)), 2: (0, Counter(n=100)), 3: (2, Counter(n=20)), 4: (9, Counter(n=30))}
    assert killed_loads(5, 1, loads.__getitem__) == (5, Counter(n=30))


def test_a_drill_whose_kills_all_come_too_late_fails():
    with pytest.raises(AssertionError, match="3 loads in a row ended before they could be killed"):
        killed_loads(5, 1, lambda _: (0, Counter(n=10)))


def test_the_line_of_all_loads_tells_the_whole_time_and_each_load_its_own(monkeypatch, capsys):
    node, plugins = (
        SimpleNamespace(user_properties=[]),
        SimpleNamespace(getplugin=lambda _: SimpleNamespace(global_and_fixture_disabled=contextlib.nullcontext)),
    )
    moments = iter([0.0, 10.0, 25.0, 26.0])
    with monkeypatch.context() as patched:
        patched.setattr("time.monotonic", lambda: next(moments))
        say = ProofLine(SimpleNamespace(node=node, config=SimpleNamespace(pluginmanager=plugins)))
        say.at_once("one load", 1)
        say.at_once("one load", 2)
        say("all loads", 1, n=0, dup=0, lost=0, wrong_id=0, corrupt=0, held=0)
    printed = [json.loads(line)["s"] for line in capsys.readouterr().out.split("\n") if line]
    assert (printed, node.user_properties[0][1]["s"]) == ([10.0, 15.0], 26.0)


def test_the_harness_finds_the_duplicates_of_a_loader_that_resends(agency, reference, monkeypatch, proof_line):
    async def resend_at_once(self, question, resend, **_):
        return await resend() if resend else None

    monkeypatch.setattr(Unclear, "settle", resend_at_once)
    with sandbox(faults="reset_after_commit@POST:0.08", seed=SEED) as cutting:
        agency.point_at(cutting.base_url, quiet_s=QUIET_S).run()
        proof = prove(agency.state, cutting.oracle, reference.good, reference.records)
    proof_line("negative control: resends", SEED, **proof.figures())
    assert proof.dup > 5
    assert not proof.is_clean


def test_the_harness_finds_a_lost_record_and_a_wrong_id(agency, reference):
    with sandbox() as quiet:
        agency.point_at(quiet.base_url).run()
        assert prove(agency.state, quiet.oracle, reference.good, reference.records).is_clean
        first, second = (record.id for record in quiet.oracle.records("person")[:2])
        swap_ids(agency.state, first, second)
        assert prove(agency.state, quiet.oracle, reference.good, reference.records).wrong_id == 2
        quiet.oracle.database.remove(quiet.oracle.records("note")[0].id)
        assert prove(agency.state, quiet.oracle, reference.good, reference.records).lost == 1


# ---------------------------------------------------------------- the harness


@pytest.fixture(scope="module")
def whole_reference(tmp_path_factory) -> Reference:
    return reference_load(copy_project(tmp_path_factory.mktemp("whole"), "demo_agency"))


@pytest.fixture
def whole(tmp_path: Path) -> Place:
    return copy_project(tmp_path, "demo_agency", SAMPLE)


def assert_exact_after(wanted: int, seed: int, place: Place, reference: Reference, proof_line, **settings) -> None:
    """A load that was killed so many times, no fewer, ends as one that never was."""
    kills = Kills(wanted, seed)
    assert killed_load(place, reference, kills, proof_line, **settings).is_clean
    assert kills.done == wanted


class Kills:
    """So many kills of one load, each at a moment of its own; ``done`` are those that came before its end.

    Most wait for a number of records at the sandbox, every fifth for a time. ``begin`` starts a command.
    """

    def __init__(self, wanted: int, seed: int, *, longest_wait_s: float = 2.5, begin=start) -> None:
        self.wanted, self.seed, self.done = wanted, seed, 0
        self.begin = begin
        self._chance = random.Random(seed)  # noqa: S311 - a plan of kills is no secret
        self._longest_wait_s = longest_wait_s

    def at(self, place: Place, oracle: Oracle, records: int) -> None:
        """Starts the same command again and again and kills it, until all kills are done or it ended by itself."""
        share = records // (self.wanted + 1)
        while self.done < self.wanted:
            process = self.run(place)
            self._wait(process, oracle, share)
            process.send_signal(signal.SIGKILL)
            if finished(process).code != -signal.SIGKILL:
                return
            self.done += 1

    def run(self, place: Place):
        """The load in a process of its own."""
        return self.begin("run", place.project, "--profile", "sandbox", "--progress", "none")

    def _wait(self, process, oracle: Oracle, share: int) -> None:
        if self.done and self._chance.random() < 0.2:
            time.sleep(self._chance.uniform(0.12 * self._longest_wait_s, self._longest_wait_s))
        else:
            wait_for(process, oracle, created(oracle) + self._chance.randint(0, int(1.6 * share)))
            time.sleep(self._chance.uniform(0, 0.05))


def killed_load(place: Place, reference: Reference, kills: Kills, say, **settings) -> Proof:
    """Kills one load, each time goes on with the same command, and holds the end against the reference.

    ``say`` takes the figures; ``settings`` are the sandbox's.
    """
    with sandbox(place.folder / "sandbox.db", FAULTS, seed=kills.seed, **settings) as cutting:
        place.point_at(cutting.base_url, quiet_s=QUIET_S)
        kills.at(place, cutting.oracle, reference.records.total())
        ended = finished(kills.run(place))
        time.sleep(0.2)
        proof = prove(place.state, cutting.oracle, reference.good, reference.records)
    say(f"{kills.wanted} kills of one load", kills.seed, **proof.figures(), kills=kills.done)
    assert ended.code == 1, ended.text
    assert_same_account(place, reference, ended)
    return proof


def wait_for(process, oracle: Oracle, records: int) -> None:
    """Waits until the sandbox holds so many records, or the process has ended."""
    while process.poll() is None and created(oracle) <= records:
        time.sleep(0.005)


def created(oracle: Oracle) -> int:
    return sum(oracle.counts().values())


def assert_same_account(place: Place, reference: Reference, ended: Ended) -> None:
    """After all the kills, ledger and outcome read as if nothing had happened."""
    summary = place.summary()
    assert summary["ledger"]["balanced"], ended.text
    # The text first: it says which records were held and why, where a difference of whole ledgers would be cut.
    assert loaded(summary["ledger"]) == loaded(reference.summary["ledger"]), f"{summary['stopped']} {ended.text}"
    assert summary["pending_links"] == {}
    assert summary["pending_uploads"] == 0


def loaded(ledger: dict) -> dict:
    """A ledger in which it does not matter in which run a record was loaded."""
    buckets = ("created", "updated", "unchanged")
    mappings = [
        {**each, **dict.fromkeys(buckets, 0), "loaded": sum(each[bucket] for bucket in buckets)}
        for each in ledger["mappings"]
    ]
    return {**ledger, "mappings": mappings}


def swap_ids(state: Path, first: str, second: str) -> None:
    with contextlib.closing(sqlite3.connect(state)) as database:
        for old, new in ((first, "spare"), (second, first), ("spare", second)):
            database.execute("update records set target_id = ? where target_id = ?", (new, old))
        database.commit()
