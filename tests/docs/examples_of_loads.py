"""Examples of what Casebook answers, and of what reading back finds: a sandbox with a fault or an edit provokes each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from etl.sandbox.database import Row
from tests.docs.problem_example import Example, Told

_BEA = "ID,FIRST,LAST,MOTHER\n1,Ada,Vale,\n2,Bea,Vale,1\n"
_MOTHER = "mother: {ref: person, key: MOTHER}"
_SCANS = {
    "data/SCANS.csv": "SCAN,ID,PATH\nS1,1,letter.pdf\n",
    "data/files/letter.pdf": "Dear Ada\n",
    "scans.yaml": "mapping: scans\ntarget: attachment\nsource: legacy.SCANS\nkey: SCAN\n"
    "fields: {target: {ref: person, key: ID}, file_name: PATH, file: {file: docs, path: PATH}}\n",
}
_MATCH = """\
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields: {first_name: FIRST, last_name: LAST}
match: [{by: [last_name, first_name]}]
adopt: true
"""


def _found(field: str | None = None, mapping: str = "people") -> Told:
    return Told(None, field, severity="", table="", mapping=mapping)


@dataclass(frozen=True)
class Loaded:
    """An example that ``run`` or, with ``verify``, reading back tells.

    ``faults`` are those of the sandbox. ``before`` edits Casebook before the run, ``then`` after it, and where it is
    ``meant`` what is gone then is acknowledged; the rows of the file ``later`` are there for a second run only, and
    ``earlier`` are the people's rows of the first.
    """

    example: Example
    faults: str = ""
    before: Callable[[Any], None] | None = None
    then: Callable[[Any], None] | None = None
    meant: bool = False
    later: str = ""
    earlier: str = ""
    verify: bool = False


def _person(oracle: Any, name: str = "Ada") -> Any:
    return next(each for each in oracle.records("person") if each.attributes["first_name"] == name)


def _removed(oracle: Any) -> None:
    oracle.database.remove(_person(oracle).id)


def _renamed(oracle: Any) -> None:
    _overwritten(oracle, _person(oracle), last_name="Moss")


def _cut(oracle: Any) -> None:
    _overwritten(oracle, _person(oracle), last_name="Va")


def _unlinked(oracle: Any) -> None:
    _overwritten(oracle, _person(oracle, "Bea"), **{"custom_fields.motherId": None})


def _emptied(oracle: Any) -> None:
    _overwritten(oracle, oracle.records("attachment")[0], byte_size=None, sha256=None)


def _overwritten(oracle: Any, row: Any, **values: object) -> None:
    row = oracle.database.row(row.id)
    kept = {name: each for name, each in {**row.attributes, **values}.items() if each is not None}
    oracle.database.replace(replace(row, attributes=kept))


def _doubled(oracle: Any) -> None:
    row = oracle.database.row(_person(oracle).id)
    oracle.database.insert(replace(row, id=str(uuid.UUID(int=7, version=4))), [], [], 0)


def _entered_twice(oracle: Any) -> None:
    for number in (1, 2):
        values = {"first_name": "Ada", "last_name": "Vale"}
        made = Row("person", str(uuid.UUID(int=number)), values, {}, "2026-01-01T00:00:00.000000Z", "a worker")
        oracle.database.insert(made, [], [], 0)


LOADED: Mapping[str, Loaded] = {
    "value_left": Loaded(
        Example(
            (Told(2, "middle_name", "warn"),), "ID,FIRST,LAST,MID\n1,Ada,Vale,\n", "middle_name: MID",
            given="When Ada was loaded, the source had a middle name.",
        ),
        earlier="ID,FIRST,LAST,MID\n1,Ada,Vale,Jo\n",
    ),
    "rejected_by_target": Loaded(
        Example((Told(2),), given="Casebook answers the POST with 400."), faults="status_400@POST person:first=1"
    ),
    "server_error": Loaded(
        Example((Told(3),), _BEA, _MOTHER, given="Casebook answers each POST of Bea, and of her alone, with 500."),
        faults="status_500@POST person:nth=2;3;4;5;6;7;8;9",
    ),
    "uncertain": Loaded(
        Example((Told(2),), given="The answer to the POST is lost, and nobody of ours is there yet whom a list could show."),
        faults="status_503(retry_after=0)@POST person:first=2",
    ),
    "parent_gone": Loaded(
        Example(
            (Told(2, mapping="scans", table="legacy.SCANS"),), files=_SCANS,
            given="Ada is loaded without the letter, somebody deletes her in Casebook, and then the letter comes.",
        ),
        then=_removed, later="data/SCANS.csv",
    ),
    "parent_deleted_on_purpose": Loaded(
        Example(
            (Told(2, mapping="scans", table="legacy.SCANS"),), files=_SCANS,
            given="Ada is loaded without the letter, somebody deletes her in Casebook and says so by `resolve --deleted`, and then the letter comes.",
        ),
        then=_removed, meant=True, later="data/SCANS.csv",
    ),
    "match_undecided": Loaded(
        Example((Told(2),), files={"people.yaml": _MATCH}, given="Two people in Casebook are called Ada Vale."),
        before=_entered_twice,
    ),
    "lost_in_target": Loaded(
        Example((_found(),), given="After the load somebody deletes Ada in Casebook; `verify` looks."), then=_removed, verify=True
    ),
    "altered_in_target": Loaded(
        Example((_found("last_name"),), given="After the load somebody changes her name in Casebook; `verify` looks."), then=_renamed, verify=True
    ),
    "truncated_in_target": Loaded(
        Example((_found("last_name"),), given="Casebook keeps `Va` of the last name; `verify` looks."), then=_cut, verify=True
    ),
    "duplicate_in_target": Loaded(
        Example((_found(),), given="A second record in Casebook carries the marker of Ada's; `verify` looks."), then=_doubled, verify=True
    ),
    "mislinked_in_target": Loaded(
        Example((_found("mother"),), _BEA, _MOTHER, given="After the load somebody clears Bea's mother in Casebook; `verify` looks."),
        then=_unlinked, verify=True,
    ),
    "file_differs_in_target": Loaded(
        Example((_found("file", mapping="scans"),), files=_SCANS, given="Casebook holds no bytes for the attachment; `verify` looks."),
        then=_emptied, verify=True,
    ),
}  # fmt: skip
