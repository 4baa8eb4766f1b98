"""One tiny example of each lint rule: what makes it speak, it alone, of a project with three columns of persons."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.lint_example import Example

EXAMPLES: Mapping[str, Example] = {
    "no-mapping": Example("project: small", is_mapped=False),
    "undecided-draft": Example(
        'ignore: {legacy.PERSONS: {SHOE: "decide: no mapping reads it"}}',
        file="project.yaml",
        columns="SHOE",
    ),
    "ignored-data": Example(
        'ignore: {legacy.PERSONS: {"REM*": technical}}',
        file="project.yaml",
        more={
            "data/PERSONS.csv": "PERSON_ID,FIRST_NM,LAST_NM,REMARK\n" + "".join(f"{n},x,x,r{n}\n" for n in range(101))
        },
        rows=True,
    ),
    "unused-crosswalk": Example("SEX,target\nF,Female\n", file="crosswalks/sex.csv"),
    "dead-crosswalk-row": Example(
        "SEX,target\nx,Male\nQ,Female\n",
        file="crosswalks/sex.csv",
        beside="gender: {from: SEX, crosswalk: sex}",
        columns="SEX",
        rows=True,
    ),
    "crosswalk-tie": Example(
        "SEX,GI,target\nF,*,Female\n*,B,Non-binary\n",
        file="crosswalks/sex.csv",
        beside="gender: {from: [SEX, GI], crosswalk: sex}",
        columns="SEX,GI",
    ),
    "unreachable-branch": Example(
        "gender: {choose: [{when: SEX is not null, const: Male}, {when: SEX = 'F', const: Female}]}",
        columns="SEX",
    ),
    "impossible-condition": Example(
        "source: {from: legacy.PERSONS, where: \"KIND = 'A' and KIND = 'B'\"}",
        file="people.yaml",
        columns="KIND",
    ),
    "lossy-operation": Example("middle_name: {from: CODE, do: [digits]}", columns="CODE"),
    "useless-step": Example("middle_name: {from: CODE, do: [upper, {null_if: [unk]}]}", columns="CODE"),
    "silent-pick": Example(
        "source: {from: legacy.PERSONS, join: {a: {table: legacy.ALIASES, match: PERSON_ID, expect: many}}}",
        file="people.yaml",
        more={"data/ALIASES.csv": "PERSON_ID\n1\n"},
    ),
    "unmarked-personal-data": Example('custom_fields.legacyCounty: {const: "{SSN} of somebody"}', columns="SSN"),
    "unresolvable-reference": Example("mother: {ref: person, key: PERSON_ID}"),
    "new-column": Example(
        "varies: {legacy: {PERSONS: {FIRST_NM: optional}}}",
        file="project.yaml",
        columns="SHOE",
    ),
}
