"""The form of one tiny example of a problem: rows, lines of documents, and the places where it is told.

Examples are data. What is shown on the page is all that makes the problem arise beside :data:`PEOPLE` and
:data:`PROJECT`, which the page shows once; a test runs every example and sees those problems at those places, no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.e2e.harness import SMALL

PROJECT = SMALL["project.yaml"]
PEOPLE = """\
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: FIRST
  last_name: LAST
"""
SOURCE = '{csv: "../../data/*.csv", encoding: utf-8, delimiter: ","}'
ROWS = "ID,FIRST,LAST\n1,Ada,Vale\n"
_LONG = re.compile(r"(.)\1{199,}")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]")


@dataclass(frozen=True)
class Told:
    """Where and how a problem is told; ``line`` is None where no row of a source is meant, and ``table`` is empty where
    reading back finds it on a record.
    """

    line: int | None
    field: str | None = None
    severity: str = "block"
    table: str = "legacy.PERSONS"
    mapping: str = "people"

    def __str__(self) -> str:
        parts = [
            f"`{self.severity}` at `{self.table}`" if self.table else "by `verify`, with the record's id in Casebook"
        ]
        parts += [f"line {self.line}"] if self.line else []
        parts += [f"field `{self.field}`"] if self.field else []
        parts += [f"mapping `{self.mapping}`"] if self.mapping else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Example:
    """``rows`` are the people's CSV, ``fields`` further lines of their mapping, ``files`` further files by name.

    ``given`` is said where neither can be shown; ``beside`` are codes that cannot but arise too. A file named
    ``project.yaml`` is added to the project's; ``source`` takes the place of its source of CSV files.
    """

    told: tuple[Told, ...]
    rows: str = ROWS
    fields: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    encoding: str = "utf-8"
    beside: frozenset[str] = frozenset()
    tenant: str = "sandbox"
    source: str = SOURCE


def documents(example: Example) -> dict[str, str | bytes]:
    """The files of an example's project, as the harness lays them out."""
    added = "".join(f"  {line}\n" for line in example.fields.splitlines())
    project = PROJECT.replace("tenant: sandbox", f"tenant: {example.tenant}").replace(SOURCE, example.source)
    found: dict[str, str | bytes] = {
        "project.yaml": project + example.files.get("project.yaml", ""),
        "people.yaml": PEOPLE + added,
        "data/PERSONS.csv": example.rows.encode(example.encoding),
    }
    return found | {name: text for name, text in example.files.items() if name != "project.yaml"}


def shown(example: Example) -> str:
    """An example as it stands on the page."""
    rows = {name: text for name, text in example.files.items() if name.startswith("data/")}
    lines = {name: text for name, text in example.files.items() if name not in rows}
    if example.rows != ROWS:
        rows = {"": example.rows, **rows}
    if example.fields:
        lines = {"": example.fields, **lines}
    if example.source != SOURCE:
        lines = {"project.yaml": f"sources: {{legacy: {example.source}}}", **lines}
    blocks = "".join(_block(each) for each in (rows, lines) if each)
    given = f"{example.given}\n\n" if example.given else ""
    given += f"The profile names `tenant: {example.tenant}`.\n\n" if example.tenant != "sandbox" else ""
    places = "; ".join(dict.fromkeys(map(str, example.told)))
    return f"{blocks}{given}**Told:** {places}.\n"


def _block(texts: Mapping[str, str]) -> str:
    parts = [(f"# {name}\n" if name else "") + visible(text).rstrip("\n") + "\n" for name, text in texts.items()]
    return "```text\n" + "\n".join(parts) + "```\n\n"


def visible(text: str) -> str:
    """Bytes that no page shows, and cells too long for one, named instead."""
    short = _LONG.sub(lambda found: f"{found[1] * 3}... ({len(found[0]):,} of these)", text)
    return _UNSEEN.sub(lambda found: f"<{ord(found[0]) & 0xFF:02X}>", short)
