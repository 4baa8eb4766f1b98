"""Memory is bounded by the size of batches and of the table engine, never by the size of the source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import KEY, ROOT, SAMPLE, Place, copy_project, small

CEILING_MB = 800
"""What batches, two table engines of 256 MB that are never full at once, and the program itself take at the most."""


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_ten_times_the_sample_agency_takes_hardly_more_memory(tmp_path, capsys):
    once = peak_mb(copy_project(tmp_path / "once", "demo_agency"), ends_with=1)
    tenfold = peak_mb(copy_project(tmp_path / "tenfold", "demo_agency", made(tmp_path / "made", scale=10)), ends_with=1)
    say(capsys, once_mb=once, tenfold_mb=tenfold)
    assert tenfold < 1.3 * once


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_a_million_rows_stay_below_the_ceiling(tmp_path, capsys):
    peak = peak_mb(extract(tmp_path, people=400_000), ends_with=0)
    say(capsys, rows=1_000_000, peak_mb=peak)
    assert peak < CEILING_MB


def made(folder: Path, *, scale: int) -> Path:
    """A larger sample from the generator."""
    command = [sys.executable, str(SAMPLE / "generate.py"), "--out", str(folder), "--scale", str(scale)]
    subprocess.run(command, check=True)  # noqa: S603 - our own script
    return folder


def extract(folder: Path, people: int) -> Place:
    """A project with so many people, half as many cases, and a place in a case for each."""
    place = small(folder)
    with (folder / "data" / "PERSONS.csv").open("w", encoding="utf-8") as file:
        file.write("ID,FIRST,LAST,BORN,MOTHER\n")
        file.writelines(
            f"{n},Name{n % 977},Family{n % 7919},{1950 + n % 60}-01-02,{n // 2 or ''}\n" for n in range(people)
        )
    with (folder / "data" / "CASES.csv").open("w", encoding="utf-8") as file:
        file.write("CASE_NO,TITLE,GOAL\n")
        file.writelines(f"C{n},Case {n},A goal of some length that differs: {n}\n" for n in range(people // 2))
    with (folder / "data" / "MEMBERS.csv").open("w", encoding="utf-8") as file:
        file.write("CASE_NO,ID\n")
        file.writelines(f"C{n // 2},{n}\n" for n in range(people))
    return place


def peak_mb(place: Place, *, ends_with: int) -> int:
    """The most memory that validating took, as the operating system counts it."""
    command = [sys.executable, "-m", "etl", "validate", str(place.project), "--quiet"]
    environ = os.environ | {"CASEBOOK_ETL_PROJECT_KEY": KEY, "PYTHONPATH": str(ROOT)}
    nothing = os.open(os.devnull, os.O_WRONLY)
    child = os.posix_spawn(sys.executable, command, environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 1)])
    _, status, usage = os.wait4(child, 0)
    os.close(nothing)
    assert os.waitstatus_to_exitcode(status) == ends_with
    return usage.ru_maxrss // 1024


def say(capsys: pytest.CaptureFixture[str], **figures: int) -> None:
    pairs = ", ".join(f'"{name}": {figure}' for name, figure in figures.items())
    with capsys.disabled():
        print(f'\n{{"test": "memory of validate", {pairs}}}')  # noqa: T201 - figures for scripts
