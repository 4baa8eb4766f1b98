"""One tiny example of each lint rule: the documents that make it speak, of a project with three columns of persons.

``SHOWN`` is what the page shows; a test lints every example and must find that rule and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PROJECT = """\
project: small
timezone: America/New_York
sources: {legacy: {csv: "data/*.csv"}}
profiles:
  sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token", tenant: sandbox}
"""
PEOPLE = """\
mapping: people
target: person
source: legacy.PERSONS
key: PERSON_ID
fields:
  first_name: FIRST_NM
  last_name: LAST_NM
"""


@dataclass(frozen=True)
class Example:
    """``lines`` are shown: further fields of the people, unless ``file`` says that they are a file of their own; ``beside``
    is what makes that file be read. ``replaced`` takes the place of the people's source.
    """

    lines: str
    file: str = ""
    beside: str = ""
    source: str = ""
    header: str = "PERSON_ID,FIRST_NM,LAST_NM"
    rows: bool = False
    more: Mapping[str, str] = field(default_factory=dict)
    project: str = PROJECT
    is_mapped: bool = True


EXAMPLES: Mapping[str, Example] = {
    "no-mapping": Example("project: small", is_mapped=False),
    "undecided-draft": Example(
        'ignore: {legacy.PERSONS: {SHOE: "decide: no mapping reads it"}}',
        file="project.yaml",
        header="PERSON_ID,FIRST_NM,LAST_NM,SHOE",
    ),
    "unused-crosswalk": Example("SEX,target\nF,Female\n", file="crosswalks/sex.csv"),
    "dead-crosswalk-row": Example(
        "SEX,target\nx,Male\nQ,Female\n",
        file="crosswalks/sex.csv",
        beside="gender: {from: SEX, crosswalk: sex}",
        header="PERSON_ID,FIRST_NM,LAST_NM,SEX",
        rows=True,
    ),
    "crosswalk-tie": Example(
        "SEX,GI,target\nF,*,Female\n*,B,Non-binary\n",
        file="crosswalks/sex.csv",
        beside="gender: {from: [SEX, GI], crosswalk: sex}",
        header="PERSON_ID,FIRST_NM,LAST_NM,SEX,GI",
    ),
    "unreachable-branch": Example(
        "gender: {choose: [{when: SEX is not null, const: Male}, {when: SEX = 'F', const: Female}]}",
        header="PERSON_ID,FIRST_NM,LAST_NM,SEX",
    ),
    "impossible-condition": Example(
        "source: {from: legacy.PERSONS, where: \"KIND = 'A' and KIND = 'B'\"}",
        source="source: {from: legacy.PERSONS, where: \"KIND = 'A' and KIND = 'B'\"}",
        header="PERSON_ID,FIRST_NM,LAST_NM,KIND",
    ),
    "lossy-operation": Example("middle_name: {from: CODE, do: [digits]}", header="PERSON_ID,FIRST_NM,LAST_NM,CODE"),
    "useless-step": Example(
        "middle_name: {from: CODE, do: [upper, {null_if: [unk]}]}", header="PERSON_ID,FIRST_NM,LAST_NM,CODE"
    ),
    "silent-pick": Example(
        "source: {from: legacy.PERSONS, join: {a: {table: legacy.ALIASES, match: PERSON_ID, expect: many}}}",
        source="source: {from: legacy.PERSONS, join: {a: {table: legacy.ALIASES, match: PERSON_ID, expect: many}}}",
        more={"data/ALIASES.csv": "PERSON_ID\n1\n"},
    ),
    "unmarked-personal-data": Example(
        'custom_fields.legacyCounty: {const: "{SSN} of somebody"}', header="PERSON_ID,FIRST_NM,LAST_NM,SSN"
    ),
    "unresolvable-reference": Example("mother: {ref: person, key: PERSON_ID}"),
    "new-column": Example(
        "varies: {legacy: {PERSONS: {FIRST_NM: optional}}}",
        file="project.yaml",
        header="PERSON_ID,FIRST_NM,LAST_NM,SHOE",
    ),
}


def documents(example: Example) -> dict[str, str]:
    """The files of an example's project, data included."""
    people = PEOPLE.replace("source: legacy.PERSONS", example.source or "source: legacy.PERSONS")
    further = example.beside or ("" if example.file or example.source else example.lines)
    cells = ",".join("x" for _ in example.header.split(","))
    found = {
        "project.yaml": example.project + (f"{example.lines}\n" if example.file == "project.yaml" else ""),
        "people.yaml": people + (f"  {further}\n" if further else ""),
        "data/PERSONS.csv": f"{example.header}\n{cells}\n",
        **example.more,
    }
    if example.file not in {"", "project.yaml"}:
        found[example.file] = example.lines
    if not example.is_mapped:
        del found["people.yaml"]
    return found
