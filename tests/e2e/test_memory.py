"""Memory is bounded by the size of batches and of the table engines, never by the size of the source.

Every pair is one extract and another ten times as large, validated by the real command in a process of its own and
measured as the operating system counts it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.harness import KEY, SAMPLE, Place, copy_project, small
from tests.measured import measured

RATIO = 1.3
CEILING_MB = 400
"""What the program itself, its batches and one table engine at a time take at the most."""
JOINED = {
    "case_people.yaml": """\
mapping: case_people
target: case_person
source:
  from: legacy.MEMBERS
  join:
    who: {table: legacy.PERSONS, match: {ID: ID}, expect: one}
    what: {table: legacy.CASES, match: {CASE_NO: CASE_NO}, expect: one}
key: [CASE_NO, ID]
fields:
  case: {ref: case, key: CASE_NO}
  person: {ref: person, key: ID}
  role: {choose: [{when: "who.LAST = 'Family1' and what.GOAL = ''", const: Child}, {const: Parent}]}
"""
}
QUERIED = {
    "cases.yaml": """\
mapping: cases
target: case
source:
  from: legacy.CASES
  query: select _row, CASE_NO, TITLE, GOAL from legacy.CASES
key: CASE_NO
fields: {name: TITLE, goals: GOAL, case_type: {const: Foster Care}, case_status: {const: Open}}
"""
}


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_ten_times_the_sample_agency_takes_hardly_more_memory(tmp_path, capsys):
    once = peak_mb(copy_project(tmp_path / "once", "demo_agency"), ends_with=1)
    tenfold = peak_mb(copy_project(tmp_path / "tenfold", "demo_agency", made(tmp_path / "made", scale=10)), ends_with=1)
    say(capsys, once_mb=once, tenfold_mb=tenfold)
    assert tenfold < RATIO * once


@pytest.mark.e2e
@pytest.mark.timeout(900)
@pytest.mark.parametrize("changes", [{}, JOINED], ids=["references", "joins"])
def test_a_million_rows_take_hardly_more_memory_than_a_hundred_thousand(tmp_path, capsys, changes):
    once = peak_mb(extract(tmp_path / "once", 40_000, changes), ends_with=0)
    tenfold = peak_mb(extract(tmp_path / "tenfold", 400_000, changes), ends_with=0)
    say(capsys, rows=1_000_000, once_mb=once, tenfold_mb=tenfold)
    assert tenfold < RATIO * once
    assert tenfold < CEILING_MB


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_four_million_joined_rows_take_hardly_more_memory_than_four_hundred_thousand(tmp_path, capsys):
    once = peak_mb(extract(tmp_path / "once", 160_000, JOINED), ends_with=0)
    tenfold = peak_mb(extract(tmp_path / "tenfold", 1_600_000, JOINED), ends_with=0)
    say(capsys, rows=4_000_000, once_mb=once, tenfold_mb=tenfold)
    assert tenfold < RATIO * once


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize("changes", [{}, JOINED, QUERIED], ids=["base", "joined", "queried"])
def test_long_notes_take_no_more_memory_than_short_ones(tmp_path, capsys, changes):
    place = extract(tmp_path / "long", 40_000, changes)
    with (place.folder / "data" / "CASES.csv").open("w", encoding="utf-8") as file:
        file.write("CASE_NO,TITLE,GOAL\n")
        file.writelines(f"C{n},Case {n},{f'Goal {n}. ' * 500}\n" for n in range(20_000))
    most_mb = peak_mb(place, ends_with=0)
    say(capsys, characters_a_note=5_000, notes=20_000, most_mb=most_mb)
    assert most_mb < CEILING_MB


def made(folder: Path, *, scale: int) -> Path:
    """A larger sample from the generator."""
    command = [sys.executable, str(SAMPLE / "generate.py"), "--out", str(folder), "--scale", str(scale)]
    subprocess.run(command, check=True)  # noqa: S603 - our own script
    return folder


def extract(folder: Path, people: int, changes: Mapping[str, str | bytes] | None = None) -> Place:
    """A project with so many people, half as many cases, and a place in a case for each."""
    place = small(folder, changes=changes)
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
    """The most memory that validating took."""
    ended, most_mb = measured(place.folder, "validate", place.project, "--quiet", CASEBOOK_ETL_PROJECT_KEY=KEY)
    assert ended.code == ends_with, ended.text
    return most_mb


def say(capsys: pytest.CaptureFixture[str], **figures: int) -> None:
    pairs = ", ".join(f'"{name}": {figure}' for name, figure in figures.items())
    with capsys.disabled():
        print(f'\n{{"test": "memory of validate", {pairs}}}')  # noqa: T201 - figures for scripts
