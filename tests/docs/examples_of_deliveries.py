"""Examples of what has changed between the last inspection of a project and a later delivery of its sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.docs.problem_example import Example, Told

_PEOPLE = [f"{number},Ada,Vale,{'MF'[number % 2]}\n" for number in range(1, 41)]


@dataclass(frozen=True)
class Delivered:
    """An example that ``validate`` tells after ``inspect`` saw the rows ``before``; the page shows the beginning of the
    later delivery ``after``.
    """

    example: Example
    before: str
    after: str


def _table(rows: list[str], header: str = "ID,FIRST,LAST,SEX\n") -> str:
    return header + "".join(rows)


def _changed(severity: str, field: str | None, given: str, shown: str, after: str) -> Delivered:
    place = Told(None, field, severity, mapping="")
    ignored = dict.fromkeys(after.splitlines()[0].split(",")[3:], "not needed")
    files = {"project.yaml": f"ignore: {{legacy.PERSONS: {json.dumps(ignored)}}}\n"}
    return Delivered(Example((place,), shown, files=files, given=given), _table(_PEOPLE), after)


_NEW_CODE = [*_PEOPLE[:-1], "40,Ada,Vale,X\n"]
_WITH_TOWN = [row.replace("\n", ",Troy\n") for row in _PEOPLE]
DELIVERED: Mapping[str, Delivered] = {
    "codes_since_inspect": _changed(
        "warn",
        "SEX",
        "Forty rows were inspected, in which `SEX` was M or F; one of those that came later holds X.",
        _table(_NEW_CODE[-2:]),
        _table(_NEW_CODE),
    ),
    "column_since_inspect": _changed(
        "info",
        "TOWN",
        "The same forty rows were inspected without `TOWN`.",
        _table(_WITH_TOWN[:2], "ID,FIRST,LAST,SEX,TOWN\n"),
        _table(_WITH_TOWN, "ID,FIRST,LAST,SEX,TOWN\n"),
    ),
    "table_shrunken": _changed(
        "warn",
        None,
        "Forty rows were inspected, and the first twenty of them are all that came later.",
        _table(_PEOPLE[:2]),
        _table(_PEOPLE[:20]),
    ),
}
