"""Examples of the problems of rows, keys, joins and values: ``validate`` tells each of them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.problem_example import Example, Told

_JOIN = """\
mapping: people
target: person
source: {{from: legacy.PERSONS, join: {{a: {{table: legacy.ALIASES, match: ID, expect: {expect}}}}}}}
key: ID
fields: {{first_name: FIRST, last_name: LAST, middle_name: a.ALIAS}}
"""
_STAYS = """\
mapping: people
target: person
source: {from: legacy.PERSONS, episodes: {by: ID, start: BEGAN, end: ENDED}}
key: [ID, episode.start]
fields: {first_name: FIRST, last_name: LAST}
"""
_OWN = "version: 1\ntenant: own\nrequired_where_unstated: false\nentities:\n  person:\n"
_OVERRIDES = "key,column,old value,new value,who,why,until\n"

EXAMPLES: Mapping[str, Example] = {
    # ---- rows that cannot be read
    "ragged_row": Example((Told(2),), "ID,FIRST,LAST\n1,Ada,Vale,Moss\n2,Bea,Vale\n"),
    "undecodable_row": Example(
        (Told(2),), "ID,FIRST,LAST\n1,Zoë,Vale\n2,Bea,Vale\n", encoding="latin-1",
        given="The project declares `encoding: utf-8`, and the file is written in Latin-1.",
    ),
    "unclosed_quote": Example((Told(3),), 'ID,FIRST,LAST\n1,Ada,Vale\n2,"Bea,Vale\n'),
    "stray_quote": Example((Told(2),), 'ID,FIRST,LAST\n1,"Ada "the" Elder",Vale\n2,Bea,Vale\n'),
    "oversized_row": Example((Told(2),), f"ID,FIRST,LAST\n1,Ada,{'x' * 15_000_000}\n2,Bea,Vale\n"),
    "control_character": Example((Told(2),), "ID,FIRST,LAST\n1,A\x00da,Vale\n2,Bea,Vale\n"),
    "broken_record": Example(
        (Told(3), Told(3)),
        files={
            "data/old.sql": "-- MySQL dump 10.13\nCREATE TABLE `PERSONS` (`ID` int, `FIRST` text, `LAST` text);\n"
            "INSERT INTO `PERSONS` VALUES (1,'Ada','Vale'),(2,'Bea"
        },
        source='{dump: "../../data/old.sql"}',
    ),
    "utf8_in_code_page": Example(
        (Told(2, None, "warn", mapping=""),),
        "ID,FIRST,LAST\n1,Zoë,Vale\n2,Bea,Vale\n",
        source='{csv: "../../data/*.csv", encoding: cp1252, delimiter: ","}',
        given="The file is written in UTF-8.",
    ),
    # ---- identity and joins
    "missing_key": Example((Told(3),), "ID,FIRST,LAST\n1,Ada,Vale\n,Bea,Vale\n"),
    "duplicate_key": Example((Told(2), Told(3)), "ID,FIRST,LAST\n1,Ada,Vale\n1,Bea,Vale\n"),
    "unexpected_second_match": Example(
        (Told(2),), "ID,FIRST,LAST\n1,Ada,Vale\n",
        files={"data/ALIASES.csv": "ID,ALIAS\n1,Adele\n1,Addie\n", "people.yaml": _JOIN.format(expect="at_most_one")},
    ),
    "missing_match": Example(
        (Told(3),), "ID,FIRST,LAST\n1,Ada,Vale\n2,Bea,Vale\n",
        files={"data/ALIASES.csv": "ID,ALIAS\n1,Adele\n", "people.yaml": _JOIN.format(expect="one")},
    ),
    "unmatched_row": Example(
        (Told(3, severity="warn", table="legacy.ALIASES", mapping=""),), "ID,FIRST,LAST\n1,Ada,Vale\n",
        files={"data/ALIASES.csv": "ID,ALIAS\n1,Adele\n9,Nobody\n", "people.yaml": _JOIN.format(expect="one")},
    ),
    "new_column": Example(
        (Told(None, "SHOE", "warn", mapping=""),), "ID,FIRST,LAST,SHOE\n1,Ada,Vale,7\n",
        files={"project.yaml": "varies: {legacy: {PERSONS: {FIRST: optional}}}\n"},
    ),
    "episode_unclear": Example(
        (Told(3),), "ID,FIRST,LAST,BEGAN,ENDED\n1,Ada,Vale,2020-01-01,2020-02-01\n2,Bea,Vale,,2020-03-01\n",
        files={"people.yaml": _STAYS},
    ),
    "episode_waits": Example(
        (Told(2),), "ID,FIRST,LAST,BEGAN,ENDED\n1,Ada,Vale,2020-01-01,2020-02-01\n1,Ada,Vale,,2020-03-01\n",
        files={"people.yaml": _STAYS}, beside=frozenset({"episode_unclear"}),
    ),
    # ---- values
    "invalid_value": Example(
        (Told(3, "date_of_birth"),), "ID,FIRST,LAST,BORN\n1,Ada,Vale,1961-02-03\n2,Bea,Vale,05/06\n",
        "date_of_birth: {from: BORN, do: [date]}",
    ),
    "unmapped_value": Example(
        (Told(3, "gender"),), "ID,FIRST,LAST,SEX\n1,Ada,Vale,F\n2,Bea,Vale,Q\n", "gender: {from: SEX, crosswalk: sex}",
        {"crosswalks/sex.csv": "SEX,target\nF,Female\n"},
    ),
    "open_decision": Example(
        (Told(3, "gender"),), "ID,FIRST,LAST,SEX\n1,Ada,Vale,F\n2,Bea,Vale,Q\n", "gender: {from: SEX, crosswalk: sex}",
        {"crosswalks/sex.csv": "SEX,target\nF,Female\nQ,\n"},
    ),
    "withheld": Example(
        (Told(3, "date_of_birth", "info"),),
        "ID,FIRST,LAST,BORN,SURE\n1,Ada,Vale,1961-02-03,Y\n2,Bea,Vale,1989-05-06,N\n",
        "date_of_birth: {from: BORN, do: [date], when: SURE = 'Y'}",
    ),
    "required_missing": Example((Told(3, "last_name"),), "ID,FIRST,LAST\n1,Ada,Vale\n2,Bea,\n"),
    "wrong_type": Example(
        (Told(3, "date_of_birth"),), "ID,FIRST,LAST,BORN\n1,Ada,Vale,1961-02-03\n2,Bea,Vale,05/06/1989\n",
        "date_of_birth: BORN",
    ),
    "not_in_enum": Example(
        (Told(3, "hispanic_or_latino"),), "ID,FIRST,LAST,HISP\n1,Ada,Vale,no\n2,Bea,Vale,N\n",
        "hispanic_or_latino: HISP",
    ),
    "too_long": Example(
        (Told(3, "middle_name"),), "ID,FIRST,LAST,MIDDLE\n1,Ada,Vale,Rose\n2,Bea,Vale,Rosalind\n",
        "middle_name: MIDDLE",
        {"own.yaml": _OWN + "    attributes: {middle_name: {type: string, max_length: 5}}\n"}, tenant="own.yaml",
    ),
    "bad_format": Example(
        (Told(3, "ssn"),), "ID,FIRST,LAST,SSN\n1,Ada,Vale,000-12-3456\n2,Bea,Vale,000-12\n", "ssn: SSN",
        {"own.yaml": _OWN + "    attributes: {ssn: {type: string, pattern: '[0-9]{3}-[0-9]{2}-[0-9]{4}'}}\n"},
        tenant="own.yaml",
    ),
    "out_of_range": Example(
        (Told(3, "date_of_birth"),), "ID,FIRST,LAST,BORN\n1,Ada,Vale,1961-02-03\n2,Bea,Vale,1789-05-06\n",
        "date_of_birth: {from: BORN, do: [{date: {min: 1900-01-01}}]}",
    ),
    "unknown_option": Example(
        (Told(3, "gender"),), "ID,FIRST,LAST,SEX\n1,Ada,Vale,Female\n2,Bea,Vale,Lady\n", "gender: SEX",
    ),
    "option_not_checked": Example(
        (Told(None, "gender", "info"),), "ID,FIRST,LAST,SEX\n1,Ada,Vale,Female\n", "gender: SEX",
        {"own.yaml": _OWN + "    required: {first_name: true}\nlookups:\n  gender: {path: /people/genders}\n"}, tenant="own.yaml",
    ),
    "requirement_unknown": Example(
        (Told(None, "hispanic_or_latino", "info"),),
        files={"own.yaml": "version: 1\ntenant: own\nentities:\n  person:\n"
        "    required: {first_name: true, last_name: true, date_of_birth: false, gender: false}\n"},
        tenant="own.yaml",
    ),
    "rule_broken": Example(
        (Told(3, None, "warn"),),
        "ID,FIRST,LAST,BORN,DIED\n1,Ada,Vale,1961-02-03,\n2,Bea,Vale,1989-05-06,1979-05-06\n",
        files={"people.yaml": "mapping: people\ntarget: person\nsource: legacy.PERSONS\nkey: ID\nfields:\n"
        "  {first_name: FIRST, last_name: LAST, date_of_birth: BORN, date_of_death: DIED}\n"
        "rules:\n  - {in_order: [date_of_birth, date_of_death], say: died before birth}\n"},
    ),
    "stale_override": Example(
        (Told(2, None, "warn"),),
        files={"overrides/people.csv": f"{_OVERRIDES}1,LAST,Vail,Vale,A. Clerk,letter seen,\n"},
    ),
    "unused_override": Example(
        (Told(None, None, "warn"),),
        files={"overrides/people.csv": f"{_OVERRIDES}9,LAST,Vail,Vale,A. Clerk,letter seen,\n"},
    ),
    "expired_override": Example(
        (Told(None, None, "info"),),
        files={"overrides/people.csv": f"{_OVERRIDES}1,LAST,Vale,Moss,A. Clerk,for one year,2020-12-31\n"},
    ),
}  # fmt: skip
