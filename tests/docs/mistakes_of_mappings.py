"""One tiny example of each mistake of a mapping as a whole: its form, its target, its references, rules and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.docs.lint_example import Example

_DECIDED = "crosswalk,code,target,rows,frees,field,decided_by,note\n%s,F,Female,1,1,gender,A. Clerk,\n"
_GROUP = {"includes/extra.yaml": "fields: {middle_name: FIRST_NM}\n"}
_SECOND = """\
mapping: %s
target: person
source: legacy.PERSONS
key: %s
fields: {first_name: FIRST_NM, last_name: LAST_NM}
"""
_CASES = """\
mapping: cases
target: case
source: legacy.PERSONS
key: CASE_NO
fields:
  name: TITLE
  case_type: {const: Foster Care}
  case_status: {const: Open}
"""
_SCANS = """\
mapping: scans
target: attachment
source: legacy.PERSONS
key: PERSON_ID
fields: {file_name: FIRST_NM, file: {file: docs, path: LAST_NM}, target: {ref: %s, key: PERSON_ID}}
"""
_OURS_USED = """\
project: small
timezone: America/New_York
sources: {legacy: {csv: "data/*.csv"}}
profiles: {ours: {base_url: https://example.org, token_url: https://example.org/token, tenant: ours.yaml}}
"""
_CIRCLE = """\
version: 1
tenant: ours
required_where_unstated: false
entities:
  person: {links: {home: {to: [provider], required: true}}}
  provider: {links: {founder: {to: [person], required: true}}}
"""
_HOMES = """\
mapping: homes
target: provider
source: legacy.PERSONS
key: PERSON_ID
fields: {name: LAST_NM, founder: {ref: person, key: PERSON_ID}}
"""


def _people(lines: str, told: str, mended: str = "", columns: str = "", **more: Any) -> Example:
    return Example(lines, told, mended, file="people.yaml", columns=columns, **more)


def _field(lines: str, told: str, mended: str = "", columns: str = "MOTHER", **more: Any) -> Example:
    return Example(lines, told, mended, columns=columns, **more)


def _test(lines: str, told: str, mended: str = "") -> Example:
    return _people(f"tests: [{{name: one, {lines}}}]", told, f"tests: [{{name: one, {mended}}}]" if mended else "")


EXAMPLES: Mapping[str, Example] = {
    "decisions": Example(
        _DECIDED % "gendr",
        "decisions.csv:2:1: There is no crosswalk `gendr`. Known: sex.",
        file="decisions.csv",
        beside="gender: {from: SEX, crosswalk: sex}",
        columns="SEX",
        more={"crosswalks/sex.csv": "SEX,target\nM,Male\n"},
        told_by="resolve --decisions decisions.csv",
    ),
    "duplicate_field": _people(
        "include: extra\nfields: {first_name: FIRST_NM, last_name: LAST_NM, middle_name: LAST_NM}",
        "people.yaml:5:10: `middle_name` stands in people.yaml already. Map it in one place.",
        "include: extra\nfields: {first_name: FIRST_NM, last_name: LAST_NM}",
        more=_GROUP,
    ),
    "duplicate_mapping": Example(
        _SECOND % ("people", "PERSON_ID"),
        "second.yaml:1:10: The mapping `people` stands in people.yaml already. Give each mapping its own name.",
        file="second.yaml",
    ),
    "given": _test(
        "given: [{PERSON_ID: 1}, {PERSON_ID: 2}]",
        "people.yaml:8:28: Several rows become one record only with `group:`. Give one row.",
        "given: {PERSON_ID: 1}",
    ),
    "key_parts": _field(
        "mother: {ref: person, key: [LAST_NM, MOTHER]}",
        "people.yaml:8:30: The key of `person` has 1 part, here are 2. Name one column for each part.",
        "mother: {ref: person, key: MOTHER}",
    ),
    "key_space": _field(
        "mother: {ref: person, key: MOTHER}",
        "people.yaml:8:17: `person` has several key spaces. Write one of: person@people, person@second.",
        "mother: {ref: person@people, key: MOTHER}",
        more={"second.yaml": _SECOND % ("second", "PERSON_ID")},
    ),
    "missing_key": _field(
        "mother: {ref: person}",
        "people.yaml:8:11: `key` is missing. Name the column with the parent's key.",
        "mother: {ref: person, key: MOTHER}",
    ),
    "not_creatable": _people(
        "target: user", "people.yaml:7:9: `user` is a list of the tenant. It is configured in Casebook, never loaded."
    ),
    "read_only_mapped": Example(
        f"{_CASES}  assignment_id: TITLE\n",
        "cases.yaml:9:3: `assignment_id` is set by Casebook. Remove it.",
        file="cases.yaml",
        columns="CASE_NO,TITLE",
    ),
    "required_cycle": _field(
        "home: {ref: provider, key: HOME}",
        "people.yaml:8:3: required references form a cycle, so none of these can be created first: person -[home]-> provider; provider -[founder]-> person. Leave one of them out of the mapping, or mark it as not required in the tenant overlay.",
        columns="HOME",
        more={"ours.yaml": _CIRCLE, "homes.yaml": _HOMES, "project.yaml": _OURS_USED},
    ),
    "required_cleared": _people(
        "fields: {first_name: FIRST_NM, last_name: {from: LAST_NM, send_null: clear}}",
        "people.yaml:5:59: `person` requires `last_name`: it cannot be cleared. Take `send_null: clear` out; a record that lacks the value is held back.",
        "fields: {first_name: FIRST_NM, last_name: LAST_NM}",
    ),
    "required_unmapped": _people(
        "fields: {first_name: FIRST_NM}",
        "people.yaml:5:1: `person` requires `last_name`, which is not mapped. Add it to `fields`.",
        "fields: {first_name: FIRST_NM, last_name: LAST_NM}",
    ),
    "unfed_entity": Example(
        _SCANS % "case",
        "scans.yaml:5:80: No mapping feeds `case`. Add a mapping with `target: case`, or remove the field.",
        file="scans.yaml",
    ),
    "unknown_attribute": _field(
        "mother: {ref: person, key: MOTHER, value: frst_name}",
        "people.yaml:8:45: `person` has no attribute `frst_name`. Did you mean `first_name`?",
    ),
    "unknown_entity": _people(
        "target: persn", "people.yaml:7:9: Unknown entity `persn`. Did you mean `person`?", "target: person"
    ),
    "unknown_include": _people(
        "include: extra", "people.yaml:8:10: There is no field group `extra`. Create includes/NAME.yaml with `fields:`."
    ),
    "unknown_key": _people(
        "keyes: people", "people.yaml:8:1: Unknown key `keyes`. Did you mean `keys`?", "keys: people"
    ),
    "unknown_list": _field(
        "gender: {const: Female}",
        "people.yaml:8:3: Where `gender` finds its options, path of `gender`, is not known. Give them under `lookups:`, `gender:` in the tenant overlay, or its options with their ids.",
        columns="",
        more={"ours.yaml": "version: 1\ntenant: ours\n", "project.yaml": _OURS_USED},
    ),
    "unknown_mapping": Example(
        "rules: [{of: peple, check: last_name <> 'x'}]",
        "project.yaml:8:14: There is neither a mapping nor a mapped entity `peple`. Did you mean `people`?",
        mended="rules: [{of: people, check: last_name <> 'x'}]",
        file="project.yaml",
    ),
    "unknown_problem": _test(
        "given: {PERSON_ID: 1}, problems: [{code: unmaped_value}]",
        "people.yaml:8:62: There is no problem code `unmaped_value`. Did you mean `unmapped_value`?",
        "given: {PERSON_ID: 1}, problems: [{code: unmapped_value}]",
    ),
    "unused_include": Example(
        "fields: {middle_name: FIRST_NM}",
        "includes/extra.yaml:1:1: No mapping includes this group. Include it, or remove it.",
        file="includes/extra.yaml",
    ),
    "wrong_entity": _field(
        "mother: {ref: case, key: MOTHER}",
        "people.yaml:8:17: `mother` does not point to `case`. Known: person.",
        "mother: {ref: person, key: MOTHER}",
    ),
    "wrong_field": _people(
        "match: [{by: [last_name, mother]}]",
        "people.yaml:9:14: `mother` cannot tell one record from another. Name a field with one value.",
        "match: [{by: [last_name, first_name]}]",
        "MOTHER",
        beside="mother: {ref: person, key: MOTHER}",
    ),
    "wrong_form": _people("match: last_name", "people.yaml:8:8: Expected a list.", "match: [{by: last_name}]"),
    "wrong_name": Example(
        "rules: [{of: people, check: src.LAST_NM <> 'x'}]",
        "project.yaml:8:9: `src.LAST_NM` belongs to the rows of one mapping. Write the rule into that mapping.",
        mended="rules: [{of: people, check: last_name <> 'x'}]",
        file="project.yaml",
    ),
    "wrong_split": _field(
        "mother: {ref: person, key: MOTHER, split: ','}",
        "people.yaml:8:38: `mother` holds one record. Remove it.",
        "mother: {ref: person, key: MOTHER}",
    ),
}
