"""System calls of a loading process that fail or are its last: what was promised is kept, and the same command goes on.

``strace`` makes the n-th call of one kind fail or kills the process there. The plan is made beforehand, so that the points
lie where records are promised, sent and remembered: the first three of each kind with every change, thirty with the long
proofs, and some over the whole load with the long drill. What ``strace`` wrote tells that a point was met: one that hits
nothing proves nothing. Each load is a fork of a process that has imported the program, and ``strace`` is attached to it
before it begins: to start the program under it takes three times as long.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from etl.core.keys import marker
from etl.pipeline import runs
from etl.pipeline.pictures import Good, good
from etl.pipeline.pictures import prove as held_against
from etl.pipeline.projects import open_project
from etl.pipeline.silence import Silence
from etl.sandbox.oracle import Oracle
from tests.e2e.harness import Ended, Forks, Place, finished, sandbox, small
from tests.e2e.pictures import Picture, is_intact, known

FEW, MANY, SPREAD = 3, 30, 6
PEOPLE = 48
OF_FILES, OF_SOCKETS = ("fdatasync", "pwrite64"), ("sendto", "recvfrom")
ENDINGS = {"EIO": "error=EIO:when={n}", "ENOSPC": "error=ENOSPC:when={n}+", "SIGKILL": "signal=SIGKILL:when={n}"}
"""A full disk stays full; a socket for which there was no room once has room again."""
SWEEP = [(call, ending) for call in (*OF_FILES, *OF_SOCKETS) for ending in ENDINGS]
QUIET_S = 0.5
RAN_OUT_OF_TIME = 124
"""What ``timeout`` exits with."""
SURELY = 0.7
"""How much of an undisturbed load's calls of a kind every load makes, however its commits fall together."""
WITNESS = "CASEBOOK_ETL_WITNESS_FOLDER"


@pytest.mark.parametrize(("call", "ending"), SWEEP)
def test_a_call_that_fails_or_is_the_last_leaves_a_load_that_goes_on_exactly(
    planned, call, ending, tmp_path, proof_line
):
    planned.sweep(call, ending, first_points(planned.calls[call], FEW), tmp_path, proof_line)


@pytest.mark.e2e
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("call", "ending"), SWEEP)
def test_each_of_the_first_thirty_calls_may_fail_or_be_the_last(larger, call, ending, tmp_path, proof_line):
    assert SURELY * larger.calls[call] > MANY, "each of these points is met"
    larger.sweep(call, ending, first_points(larger.calls[call], MANY), tmp_path, proof_line)


@pytest.mark.drill
@pytest.mark.parametrize(("call", "ending"), SWEEP)
def test_calls_over_the_whole_load_may_fail_or_be_the_last(planned, call, ending, tmp_path, proof_line):
    planned.sweep(call, ending, points_of(planned.calls[call], SPREAD), tmp_path, proof_line)


def test_a_post_without_a_promise_is_seen(planned, tmp_path):
    with sandbox() as casebook:
        place = planned.copied(tmp_path / "one", casebook.base_url)
        assert place.run().code == 0
        assert unpromised(place, casebook.oracle) == 0
        forget_one(place)
        assert unpromised(place, casebook.oracle) == 1


# ---------------------------------------------------------------- the sweep


@dataclass(frozen=True, slots=True)
class Planned:
    """A small project whose plan is made and of which nothing is sent, what it should become, its calls by kind, and the
    process that begins its loads.
    """

    place: Place
    wanted: Good
    calls: Counter[str]
    forks: Forks

    def copied(self, folder: Path, url: str) -> Place:
        """The same before its first request, pointed at a sandbox of its own."""
        shutil.copytree(self.place.folder, folder)
        place = replace(self.place, folder=folder)
        project = place.project / "project.yaml"
        text = project.read_text("utf-8").replace("quiet_s: 2", f"quiet_s: {QUIET_S}")
        project.write_text(re.sub(r"http://127.0.0.1:\d+", url, text), "utf-8")
        os.environ[WITNESS] = str(folder / "witness")
        return place

    def sweep(self, call: str, ending: str, numbers: list[int], folder: Path, proof_line) -> None:
        """``n`` of the line counts the points that were met."""
        made = {number: self._one(folder / str(number), call, ending, number) for number in numbers}
        figures = Counter[str]()
        for each in made.values():
            figures.update(each)
        name = (
            f"{ending} at {call} {', '.join(map(str, numbers)) if len(numbers) <= SPREAD else f'1 to {len(numbers)}'}"
        )
        proof_line(name, None, **figures)
        missed = [number for number, each in made.items() if not each["n"]]
        assert all(number > SURELY * self.calls[call] for number in missed), missed
        assert figures.pop("n") + len(missed) == len(numbers)
        assert figures.pop("ended_early") > 0 or ending == "EIO" or call in OF_SOCKETS
        assert not any(figures.values())

    def _one(self, folder: Path, call: str, ending: str, number: int) -> dict[str, int]:
        """One point: the load that meets it, the state it leaves, and the same command once more."""
        with sandbox() as casebook:
            place = self.copied(folder, casebook.base_url)
            log = folder / "calls"
            injected = ENDINGS[ending].format(n=number)
            if call in OF_SOCKETS:
                injected = injected.removesuffix("+")
            met = traced(self.forks, place, log, f"trace={call}", f"inject={call}:{injected}")
            was_hit = has_hit(log.read_text("utf-8", errors="replace"), ending)
            assert was_hit or met.code == 0, met.text
            assert was_hit == (met.code < 0 or met.code == 128 + 9) or ending != "SIGKILL", met.text
            assert "defect" not in met.text, met.text
            early = unpromised(place, casebook.oracle)
            ended = place.run()
            assert ended.code == 0, f"{met.text}\n{ended.text}"
            proof = held_against(
                known(place.state), Picture(casebook.oracle), self.wanted, intact=is_intact(place.state)
            )
        shutil.rmtree(folder)
        return {**proof.figures(), "n": int(was_hit), "unpromised": early, "ended_early": int(met.code != 0)}


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Iterator[Planned]:
    """The project in sight."""
    with made(tmp_path_factory.mktemp("syscalls"), {}) as small_one:
        yield small_one


@pytest.fixture(scope="module")
def larger(tmp_path_factory) -> Iterator[Planned]:
    """One whose load makes more than thirty calls of each kind."""
    people = "ID,FIRST,LAST,BORN,MOTHER\n" + "".join(f"{n},Ann,L{n},1990-01-01,\n" for n in range(1, PEOPLE + 1))
    members = "CASE_NO,ID\n" + "".join(f"C{1 + n % 3},{n}\n" for n in range(1, PEOPLE + 1))
    files = {"data/PERSONS.csv": people, "data/MEMBERS.csv": members}
    with made(tmp_path_factory.mktemp("syscalls"), files) as larger_one:
        yield larger_one


@contextmanager
def made(folder: Path, files: Mapping[str, str]) -> Iterator[Planned]:
    """Planned once; the calls of one undisturbed load are counted."""
    require_strace()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WITNESS, str(folder / "witness"))
        with closing(Forks(folder)) as forks:
            with sandbox() as casebook:
                place = small(folder / "planned", casebook.base_url, files)
                runs.prepare(open_project(place.project, "sandbox", os.environ), Silence())
                raw = Planned(place, Good({}, Counter()), Counter(), forks)
                measured = raw.copied(folder / "measured", casebook.base_url)
                log = folder / "calls"
                ended = traced(forks, measured, log, "trace=fdatasync,pwrite64,sendto,recvfrom")
                assert ended.code == 0, ended.text
                wanted = good(known(measured.state), Picture(casebook.oracle))
            yield replace(raw, wanted=wanted, calls=busiest(log.read_text("utf-8")))


def busiest(log: str) -> Counter[str]:
    """How often the busiest thread made each call: strace numbers calls by thread."""
    made = Counter(re.findall(r"^(\d+) +(\w+)\(", log, re.MULTILINE))
    return Counter({call: max(count for (_, each), count in made.items() if each == call) for _, call in made})


def require_strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: no system call can be made to fail")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        tracer = ["timeout", "1", "strace", "-f", "-qq", "-o", os.devnull, "-p", str(other.pid)]
        tried = subprocess.run(tracer, capture_output=True, check=False)  # noqa: S603 - a fixed command
        other.kill()
    if tried.returncode != RAN_OUT_OF_TIME:
        pytest.skip("strace may not trace processes here: no system call can be made to fail")


def traced(forks: Forks, place: Place, log: Path, *expressions: str) -> Ended:
    """`run` in a process of its own, to which strace is attached before it begins."""
    begin = place.folder / "begin"
    load = forks.start(
        "run", place.project, "--profile", "sandbox", "--progress", "none",
        waits_for=str(begin), without=["uvloop"], environ={WITNESS: os.environ[WITNESS]},
    )  # fmt: skip
    told = [each for expression in expressions for each in ("-e", expression)]
    command = ["strace", "-f", "-qq", "-o", str(log), *told, "-p", str(load.pid)]
    with subprocess.Popen(command) as tracer:  # noqa: S603 - a fixed command
        while not is_traced(load.pid) and tracer.poll() is None:
            time.sleep(0.002)
        begin.touch()
        return finished(load)


def is_traced(pid: int) -> bool:
    """Whether every thread of a process is."""
    states = [each.read_text("utf-8") for each in Path(f"/proc/{pid}/task").glob("*/status")]
    return bool(states) and not any(re.search(r"^TracerPid:\t0$", each, re.MULTILINE) for each in states)


def has_hit(log: str, ending: str) -> bool:
    """Whether a call was made to fail, or a process ended there, by strace's own account."""
    return "+++ killed by SIGKILL +++" in log if ending == "SIGKILL" else "(INJECTED)" in log


def first_points(calls: int, points: int) -> list[int]:
    """The first numbers of calls.

    >>> first_points(100, 3), first_points(2, 3)
    ([1, 2, 3], [1, 2])
    """
    return list(range(1, min(calls, points) + 1))


def points_of(calls: int, points: int) -> list[int]:
    """So many numbers of calls, from the first on, spread over all of them.

    >>> points_of(100, 3), points_of(2, 3)
    ([1, 34, 67], [1, 2])
    """
    return sorted({1 + place * calls // points for place in range(points)} & set(range(1, calls + 1)))


def unpromised(place: Place, oracle: Oracle) -> int:
    """How many creates arrived at the sandbox beyond the attempts that the state promised."""
    rows = known(place.state) if place.state.exists() else []
    promised = Counter[str]()
    for row in rows:
        promised[row.entity] += row.attempt
        promised[marker(row.key)] += row.attempt
    posts = [entry for entry in oracle.journal("POST") if entry.entity not in ("token", "upload")]
    arrived = Counter(entry.entity for entry in posts) + Counter(entry.marker for entry in posts if entry.marker)
    return max((arrived - promised).values(), default=0)


def forget_one(place: Place) -> None:
    import sqlite3  # noqa: PLC0415 - only this test spoils a state

    database = sqlite3.connect(place.state)
    database.execute("delete from records where rk in (select rk from records where entity = 'person' limit 1)")
    database.commit()
    database.close()
