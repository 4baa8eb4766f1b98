"""What a migration of an HMIS CSV export must load, counted from the files by the csv module alone.

It knows the decisions of `mappings/hmis` and shares no code with the product: rows marked deleted do not count; a client
needs a last name; what hangs on a client, household or enrollment needs that parent; one client stands on a case once.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    """The whole rows of a file that are not marked deleted."""
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        whole = [row for row in csv.DictReader(file) if None not in row and None not in row.values()]
    return [row for row in whole if not row["DateDeleted"]]


def expected_counts(
    folder: Path, workers: frozenset[str] = frozenset({"8", "882", "887", "889", "891"})
) -> dict[str, int]:
    """Records to be loaded, by mapping. ``workers`` are the HMIS users that the crosswalk knows."""
    people = {row["PersonalID"] for row in rows_of(folder, "Client") if row["LastName"].strip()}
    stays = {row["EnrollmentID"]: row for row in rows_of(folder, "Enrollment")}
    projects = {row["ProjectID"] for row in rows_of(folder, "Project")}
    return {
        "people": len(people),
        "providers": len(projects),
        "locations": len(rows_of(folder, "ProjectCoC")),
        "cases": len({stay["HouseholdID"] for stay in stays.values()}),
        "case_people": len(
            {(stay["HouseholdID"], stay["PersonalID"]) for stay in stays.values() if stay["PersonalID"] in people}
        ),
        "involvements": sum(stay["PersonalID"] in people and _is_day(stay["EntryDate"]) for stay in stays.values()),
        "service_enrollments": sum(
            row["PersonalID"] in people and stays[row["EnrollmentID"]]["ProjectID"] in projects
            for row in _unique(rows_of(folder, "Services"), "ServicesID")
            if row["EnrollmentID"] in stays
        ),
        "notes": sum(row["EnrollmentID"] in stays for row in rows_of(folder, "CurrentLivingSituation")),
        "assignments": sum(stay["UserID"] in workers for stay in _first_of_each_household(stays.values())),
    }


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _unique(rows: list[dict[str, str]], key: str) -> list[dict[str, str]]:
    times = Counter(row[key] for row in rows)
    return [row for row in rows if times[row[key]] == 1]


def _first_of_each_household(stays: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    first: dict[str, dict[str, str]] = {}
    for stay in sorted(stays, key=lambda row: (row["RelationshipToHoH"], row["EntryDate"], row["EnrollmentID"])):
        first.setdefault(stay["HouseholdID"], stay)
    return list(first.values())
