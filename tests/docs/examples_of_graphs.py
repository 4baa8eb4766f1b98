"""Examples of the problems of references and attachments: ``validate`` tells each of them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.problem_example import Example, Told

_FAMILY = "ID,FIRST,LAST,MOTHER\n"
_MOTHER = "mother: {ref: person, key: MOTHER}"
_SCANS = """\
mapping: scans
target: attachment
source: legacy.SCANS
key: SCAN
fields: {target: {ref: person, key: ID}, file_name: PATH, file: {file: docs, path: PATH}}
"""


def _scan(path: str, files: Mapping[str, str] | None = None, given: str = "") -> Example:
    place = Told(2, "file", table="legacy.SCANS", mapping="scans")
    return Example(
        (place,), files={"data/SCANS.csv": f"SCAN,ID,PATH\nS1,1,{path}\n", "scans.yaml": _SCANS, **(files or {})},
        given=given,
    )  # fmt: skip


EXAMPLES: Mapping[str, Example] = {
    "parent_missing": Example((Told(2, "mother"),), f"{_FAMILY}1,Ada,Vale,9\n2,Bea,Vale,\n", _MOTHER),
    "parent_not_loadable": Example(
        (Told(3, "mother"),), f"{_FAMILY}1,Ada,,\n2,Bea,Vale,1\n", _MOTHER, beside=frozenset({"required_missing"})
    ),
    "link_left_out": Example(
        (Told(2, "mother", "warn"),), f"{_FAMILY}1,Ada,Vale,9\n", "mother: {ref: person, key: MOTHER, on_missing: empty}"
    ),
    "reference_loop": Example((Told(2, "mother", "info"),), f"{_FAMILY}1,Ada,Vale,2\n2,Bea,Vale,1\n", _MOTHER),
    "required_loop": Example(
        (Told(2), Told(3)), f"{_FAMILY}1,Ada,Vale,2\n2,Bea,Vale,1\n", _MOTHER,
        {"own.yaml": "version: 1\ntenant: own\nrequired_where_unstated: false\nentities:\n  person:\n    links:\n"
        "      mother: {to: [person], required: true}\n"}, tenant="own.yaml",
    ),
    "self_reference": Example((Told(2, "mother"),), f"{_FAMILY}1,Ada,Vale,1\n", _MOTHER),
    "recommended_missing": Example(
        (Told(2, "facility_location", "warn", "legacy.HOMES", "homes"),),
        files={
            "data/HOMES.csv": "HOME,NAME\nH1,Vale House\n",
            "homes.yaml": "mapping: homes\ntarget: provider\nsource: legacy.HOMES\nkey: HOME\nfields: {name: NAME}\n",
        },
    ),
    "file_missing": _scan("letter.pdf", {"data/files/other.pdf": "x"}),
    "file_too_large": _scan("letter.pdf", {"data/files/letter.pdf": "x" * (10 * 1024 * 1024 + 1)}),
    "file_refused": _scan("../PERSONS.csv", {"data/files/other.pdf": "x"}),
    "file_empty": _scan("letter.pdf", {"data/files/letter.pdf": ""}),
    "same_file": Example(
        (Told(3, "file", "warn", "legacy.SCANS", "scans"),),
        files={
            "data/SCANS.csv": "SCAN,ID,PATH\nS1,1,letter.pdf\nS2,1,copy.pdf\n", "scans.yaml": _SCANS,
            "data/files/letter.pdf": "the same\n", "data/files/copy.pdf": "the same\n",
        },
    ),
}  # fmt: skip
