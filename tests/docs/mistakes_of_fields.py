"""One tiny example of each mistake of a field's value: its steps, constants, alternatives and crosswalk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.docs.lint_example import Example

_SEX = {"crosswalks/sex.csv": "SEX,target\nF,Female\n"}
_TWO = {"crosswalks/sex.csv": "SEX,GI,target\nF,B,Female\n"}


def _field(lines: str, told: str, mended: str = "", columns: str = "", **more: Any) -> Example:
    return Example(lines, told, mended, columns=columns, **more)


def _sheet(lines: str, told: str, mended: str) -> Example:
    return Example(
        lines, told, mended, file="crosswalks/sex.csv", beside="gender: {from: SEX, crosswalk: sex}", columns="SEX"
    )


EXAMPLES: Mapping[str, Example] = {
    "carrier_mapped": _field(
        "custom_fields.motherId: MOTHER",
        "people.yaml:8:3: `custom_fields.motherId` only carries the link `mother`. Map `mother` with `ref:`.",
        "mother: {ref: person, key: MOTHER}",
        "MOTHER",
    ),
    "crosswalk": _sheet(
        "SEX,label\nF,Female\n",
        "crosswalks/sex.csv:1:1: The header has no column `target`. Such as `CODE,target`.",
        "SEX,target\nF,Female\n",
    ),
    "crosswalk_order": _field(
        "gender: {from: [GI, SEX], crosswalk: sex}",
        "people.yaml:8:40: The columns stand in another order in the crosswalk. Write them in the crosswalk's order: SEX, GI.",
        "gender: {from: [SEX, GI], crosswalk: sex}",
        "SEX,GI",
        more=_TWO,
    ),
    "crosswalk_width": _field(
        "gender: {from: [SEX, MID], crosswalk: sex}",
        "people.yaml:8:41: The crosswalk has 1 code column, but gets 2. Give as many columns in `from`.",
        "gender: {from: SEX, crosswalk: sex}\nmiddle_name: MID",
        "SEX,MID",
        more=_SEX,
    ),
    "default_missing": _field(
        "middle_name: {from: MID, on_error: default}",
        "people.yaml:8:16: `on_error: default` has no default to use. Add `default:`, or choose another policy.",
        "middle_name: {from: MID, on_error: default, default: none}",
        "MID",
    ),
    "duplicate_code": _sheet(
        "SEX,target\nF,Female\nF,Male\n",
        "crosswalks/sex.csv:3:1: The code F stands here again (first in line 2). Keep one of the two rows.",
        "SEX,target\nF,Female\n",
    ),
    "marker_mapped": _field(
        "custom_fields.migrationKey: PERSON_ID",
        "people.yaml:8:3: `custom_fields.migrationKey` is written by the loader alone. Remove it.",
    ),
    "quote": _sheet(
        'SEX,target\n"F,Female\n',
        'crosswalks/sex.csv:2:1: A quote is not closed or stands inside a cell. Double it: `""`.',
        "SEX,target\nF,Female\n",
    ),
    "take_without_group": _field(
        "middle_name: {from: MID, take: first}",
        "people.yaml:8:28: `take` needs a group. Add `group:` to `source`, or remove it.",
        "middle_name: MID",
        "MID",
    ),
    "too_many_columns": _field(
        "middle_name: {from: [MID, NICK]}",
        "people.yaml:8:23: 2 columns cannot become one value. Join them with `concat` or `coalesce`, or use a crosswalk of several columns.",
        "middle_name: {from: [MID, NICK], do: [{concat: ' '}]}",
        "MID,NICK",
    ),
    "unknown_crosswalk": _field(
        "gender: {from: SEX, crosswalk: sx}",
        "people.yaml:8:34: There is no crosswalk `sx`. Did you mean `sex`?",
        "gender: {from: SEX, crosswalk: sex}",
        "SEX",
        more=_SEX,
    ),
    "unknown_field": _field(
        "midle_name: MID",
        "people.yaml:8:3: `person` has no field `midle_name`. Did you mean `middle_name`?",
        "middle_name: MID",
        "MID",
    ),
    "unknown_operation": _field(
        "middle_name: {from: MID, do: [trimm]}",
        "people.yaml:8:33: Unknown operation `trimm`. Did you mean `trim`?",
        "middle_name: {from: MID, do: [trim]}",
        "MID",
    ),
    "unknown_option": _field(
        "gender: {const: Femal}",
        "people.yaml:8:19: `gender` has no option `Femal`. Did you mean `Female`?",
        "gender: {const: Female}",
    ),
    "unreachable": _field(
        "gender: {choose: [{const: Female}, {when: SEX = 'M', const: Male}]}",
        "people.yaml:8:21: Nothing behind this is reached. Move it to the end, or give it a `when`.",
        "gender: {choose: [{when: SEX = 'M', const: Male}, {const: Female}]}",
        "SEX",
    ),
    "useless_key": _field(
        "middle_name: {from: MID, default: none}",
        "people.yaml:8:28: No policy uses this default. Add `on_error: default` or `on_unmapped: default`, or use the operation `default`.",
        "middle_name: MID",
        "MID",
    ),
    "wrong_argument": _field(
        "middle_name: {from: MID, do: [{truncate: nine}]}",
        "people.yaml:8:44: The argument of `truncate` must be a whole number of at least 1. Give a number.",
        "middle_name: {from: MID, do: [{truncate: 9}]}",
        "MID",
    ),
    "wrong_chain": _field(
        "date_of_birth: {from: DOB, do: [integer, date]}",
        "people.yaml:8:44: `date` takes text, but integer comes before it. Change the order of the operations, or remove one.",
        "date_of_birth: {from: DOB, do: [date]}",
        "DOB",
    ),
    "wrong_expression": _field(
        "middle_name: {from: MID, when: MID =}",
        "people.yaml:8:39: The condition ends too early. An example: STATUS = 'A' and CLOSED is null.",
        "middle_name: {from: MID, when: MID = 'x'}",
        "MID",
    ),
    "wrong_insert": _field(
        'middle_name: {const: "the {} one"}',
        "people.yaml:8:24: A brace inserts no column here. Write {COLUMN}.",
        'middle_name: {const: "the {MID} one"}',
        "MID",
    ),
    "wrong_kind": _field(
        "middle_name: {ref: person, key: MID}",
        "people.yaml:8:16: `middle_name` is no reference to a record. Map its label: `field: COLUMN`, or a crosswalk.",
        "middle_name: MID",
        "MID",
    ),
    "wrong_type": _field(
        "date_of_birth: {const: soon}",
        "people.yaml:8:26: `date_of_birth` must be a date such as 2026-01-31.",
        "date_of_birth: {const: 2011-02-09}",
    ),
}
