"""One tiny example of each mistake about tables and their columns: what is read, joined, ignored and forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.docs.lint_example import Example

_ALIASES = {"data/ALIASES.csv": "PERSON_ID,NICK\n1,x\n"}
_TWO = {"data/ALIASES.csv": "NICK\nx\n", "data/TITLES.csv": "PERSON_ID,NICK\n1,x\n"}
_IDS = {"data/ALIASES.csv": "PERSON_ID\n1\n"}
_FOLD = """\
source:
  from: legacy.PERSONS
  join: {%s: {table: legacy.ALIASES, match: PERSON_ID}}
  episodes: {by: PERSON_ID, start: SINCE, end: UNTIL}
"""
_OVERRIDE = "key,column,old value,new value,who,why,until\n7,LAST_NM,Vail,Vale,%s,passport seen,\n"


def _source(lines: str, told: str, mended: str = "", **more: Any) -> Example:
    return Example(lines, told, mended, file="people.yaml", **more)


def _ignore(lines: str, told: str, mended: str = "", columns: str = "") -> Example:
    return Example(lines, told, mended, file="project.yaml", columns=columns)


EXAMPLES: Mapping[str, Example] = {
    "forgotten_column": _ignore(
        "ignore: {}",
        "project.yaml:8:1: No mapping reads `SHOE` of `legacy.PERSONS`. Map it, or write `legacy.PERSONS: {SHOE: reason}` under `ignore`.",
        "ignore: {legacy.PERSONS: {SHOE: not case data}}",
        "SHOE",
    ),
    "forgotten_table": Example(
        "ignore: {}",
        "project.yaml:8:1: No mapping reads the table `legacy.ALIASES`. Map it, or write `legacy.ALIASES: reason` under `ignore`.",
        mended="ignore: {legacy.ALIASES: technical}",
        file="project.yaml",
        more=_ALIASES,
    ),
    "idle_ignore": _ignore(
        "ignore: {legacy.PERSONS: {SHOO: not case data, SHOE: not case data}}",
        "project.yaml:8:27: `SHOO` matches no column of `legacy.PERSONS`. Did you mean `SHOE`?",
        "ignore: {legacy.PERSONS: {SHOE: not case data}}",
        "SHOE",
    ),
    "ignored_and_read": _ignore(
        "ignore: {legacy.PERSONS: {LAST_NM: not case data}}",
        "project.yaml:8:27: `LAST_NM` is ignored, but a mapping reads it. Remove one of the two.",
        "ignore: {}",
    ),
    "join_name": _source(
        _FOLD % "episode",
        "people.yaml:9:10: Columns that start with `episode.` are those of `episodes`. Choose another name.",
        _FOLD % "alias",
        columns="SINCE,UNTIL",
        more=_IDS,
    ),
    "join_order": _source(
        "source: {from: legacy.PERSONS, join: {a: {table: legacy.ALIASES, match: {b.NICK: NICK}}, b: {table: legacy.TITLES, match: PERSON_ID}}}",
        "people.yaml:7:73: `b.NICK` is not joined yet. Put the other join first.",
        "source: {from: legacy.PERSONS, join: {b: {table: legacy.TITLES, match: PERSON_ID}, a: {table: legacy.ALIASES, match: {b.NICK: NICK}}}}",
        more=_TWO,
    ),
    "no_header": Example(
        "17,x,y\n18,x,y\n",
        "people.yaml:4:6: `legacy.PERSONS` has no column `PERSON_ID`, and its first row looks like data. See that the first row names the columns.",
        mended="PERSON_ID,FIRST_NM,LAST_NM\n17,x,y\n18,x,y\n",
        file="data/PERSONS.csv",
    ),
    "override": Example(
        _OVERRIDE % "",
        "overrides/people.csv:2:1: `who` is empty. A correction says whose, of what, by whom and why.",
        mended=_OVERRIDE % "A. Clerk",
        file="overrides/people.csv",
    ),
    "unknown_column": Example(
        "middle_name: FRST_NM",
        "people.yaml:8:16: `legacy.PERSONS` has no column `FRST_NM`. Did you mean `FIRST_NM`?",
        mended="middle_name: FIRST_NM",
    ),
    "unknown_source": _source(
        "source: lgacy.PERSONS",
        "people.yaml:7:9: There is no source `lgacy`. Did you mean `legacy`?",
        "source: legacy.PERSONS",
    ),
    "unknown_table": _ignore(
        "ignore: {legacy.PERSN: not case data}",
        "project.yaml:8:10: There is no table `legacy.PERSN`. Did you mean `legacy.PERSONS`? Source legacy reads data/*.csv: is its file there?",
        "ignore: {}",
    ),
    "wrong_sql": _source(
        "rules: [{sql: select last_name from records.people}]",
        "people.yaml:8:9: The rule's SELECT names no record. Give one of the columns _rk, _row, _key.",
        "rules: [{sql: select _row from records.people where last_name = 'x'}]",
    ),
}
