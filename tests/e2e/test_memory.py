"""Memory is bounded by the size of a batch, never by the size of the source."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.harness import KEY, ROOT, Place, small

ROWS = 40_000
"""More than two batches, so that a whole batch of each table is held in both cases."""


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_ten_times_the_source_takes_hardly_more_memory(tmp_path, capsys):
    once = peak_mb(extract(tmp_path / "once", ROWS))
    tenfold = peak_mb(extract(tmp_path / "tenfold", 10 * ROWS))
    with capsys.disabled():
        print(f'\n{{"test": "memory of validate", "n": {10 * ROWS}, "once_mb": {once}, "tenfold_mb": {tenfold}}}')  # noqa: T201 - figures for scripts
    assert tenfold < 1.3 * once


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


def peak_mb(place: Place) -> int:
    """The most memory that validating took, as the operating system counts it."""
    command = [sys.executable, "-m", "etl", "validate", str(place.project), "--quiet"]
    environ = os.environ | {"CASEBOOK_ETL_PROJECT_KEY": KEY, "PYTHONPATH": str(ROOT)}
    nothing = os.open(os.devnull, os.O_WRONLY)
    child = os.posix_spawn(sys.executable, command, environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 1)])
    _, status, usage = os.wait4(child, 0)
    os.close(nothing)
    assert os.waitstatus_to_exitcode(status) == 0
    return usage.ru_maxrss // 1024
