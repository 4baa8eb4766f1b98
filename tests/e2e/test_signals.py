"""Signals that a loading process gets from outside: hung up, stopped and woken. Nothing is lost and nothing doubled."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from etl.pipeline.loading import interruptible, run_on_loop
from tests.e2e.harness import Place, finished, sandbox, small, start
from tests.e2e.pictures import prove, reference_load

PEOPLE, LATENCY_S, DEADLINE_S = 60, 0.05, 1
CHANGES = {
    "data/PERSONS.csv": "ID,FIRST,LAST,BORN,MOTHER\n"
    + "".join(f"{n},Ann,L{n},1990-01-01,{n // 10 or ''}\n" for n in range(1, PEOPLE + 1)),
    "data/MEMBERS.csv": "CASE_NO,ID\n" + "".join(f"C{1 + n % 3},{n}\n" for n in range(1, PEOPLE + 1)),
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return reference_load(small(tmp_path_factory.mktemp("good"), changes=CHANGES))


def begun(place: Place, oracle):
    """A load in a process of its own, some of whose records are there."""
    place.edit("project.yaml", "quiet_s: 0.3", f"quiet_s: 0.3, deadline_s: {DEADLINE_S}, concurrency: 4")
    process = start("run", place.project, "--profile", "sandbox", "--progress", "none")
    while sum(oracle.counts().values()) < PEOPLE // 3 and process.poll() is None:
        time.sleep(0.01)
    return process


def say(place: Place, oracle, reference, proof_line, name: str) -> None:
    proof = prove(place.state, oracle, reference.good, reference.records)
    proof_line(name, None, **proof.figures())
    assert proof.is_clean


@pytest.fixture
def heard() -> Iterator[None]:
    """Programs begun here hear of a hang-up, also where this process was begun by one that told it to ignore them."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
def test_a_load_that_is_hung_up_ends_at_once_and_the_same_command_goes_on(tmp_path, reference, proof_line):
    """Who logs out ends the load as a kill would: the protocol needs no warning."""
    with sandbox(latency_s=LATENCY_S) as casebook:
        place = small(tmp_path, casebook.base_url, CHANGES)
        process = begun(place, casebook.oracle)
        process.send_signal(signal.SIGHUP)
        assert finished(process).code == -signal.SIGHUP
        ended = place.run()
        assert ended.code == 0, ended.text
        say(place, casebook.oracle, reference, proof_line, "SIGHUP amid a load")


_INTERRUPTED_AMID = """
import os, sys

wanted, number, project = sys.argv[1:]

class Amid:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), int(number))

sys.meta_path.insert(0, Amid())
from etl.__main__ import main
sys.argv = ["casebook-etl", "validate", project, "--quiet"]
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "name", ["pyarrow", "typer", "etl.cli.validate", "etl.pipeline.dry_run", "etl.pipeline.projects"]
)
def test_an_interrupt_while_parts_of_the_program_are_loaded_is_told_in_a_line(tmp_path, name, number):
    command = [sys.executable, "-c", _INTERRUPTED_AMID, name, str(int(number)), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "Interrupted. The same command goes on where it stopped.\n"


@pytest.mark.parametrize("asleep_s", [pytest.param(0.3 * DEADLINE_S, marks=pytest.mark.e2e), 2.5 * DEADLINE_S])
def test_a_load_that_is_stopped_and_woken_goes_on_by_itself(tmp_path, reference, proof_line, asleep_s):
    """As a laptop that is closed: calls in flight may be over when it wakes, and are asked about."""
    with sandbox(latency_s=LATENCY_S) as casebook:
        place = small(tmp_path, casebook.base_url, CHANGES)
        process = begun(place, casebook.oracle)
        process.send_signal(signal.SIGSTOP)
        time.sleep(asleep_s)
        process.send_signal(signal.SIGCONT)
        ended = finished(process)
        assert ended.code == 0, ended.text
        say(place, casebook.oracle, reference, proof_line, f"SIGSTOP for {asleep_s / DEADLINE_S} deadlines")


def test_after_a_load_a_request_to_end_means_what_it_meant_before():
    class Work:
        def interrupt(self) -> None:
            raise AssertionError("nobody asked")

    async def loads() -> None:
        with interruptible(Work()):
            assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_on_loop(loads())
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
