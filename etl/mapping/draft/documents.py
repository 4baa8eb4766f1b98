"""Writes a draft as the files of a project: mappings and `ignore` in YAML with comments, crosswalks in CSV.

YAML is written by hand, one field a line, because comments are half of a draft's worth: why a column was taken, how sure
that is, and what a person must decide.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from etl.mapping.draft.model import Confidence, Draft, DraftCrosswalk, DraftField, DraftMapping, Written

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.@/ ()'-]*(?<! )")
_UNSAFE = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"))
_WIDTH = 120


def files_of(draft: Draft) -> dict[str, str]:
    """The texts of mappings and crosswalks by their paths in the project."""
    mappings = {f"{each.name}.yaml": mapping_text(each) for each in draft.mappings}
    return mappings | {f"crosswalks/{each.name}.csv": crosswalk_text(each) for each in draft.crosswalks}


def mapping_text(mapping: DraftMapping) -> str:
    """A mapping as a document."""
    return "\n".join([*_head(mapping), "fields:", *_fields(mapping.fields), *_test(mapping)]) + "\n"


def crosswalk_text(crosswalk: DraftCrosswalk) -> str:
    """A crosswalk as CSV, with the number of rows that hold each code."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((crosswalk.column, "target", "rows", "decided_by", "decided_on", "note"))
    for each in crosswalk.codes:
        writer.writerow((each.code, each.target, "" if each.rows is None else each.rows, "", "", each.note))
    return text.getvalue()


def ignore_text(ignore: Mapping[str, str | Mapping[str, str]]) -> str:
    """The `ignore` part of project.yaml; "" where nothing is left out."""
    if not ignore:
        return ""
    lines = ["ignore:"]
    for table, reason in ignore.items():
        if isinstance(reason, str):
            lines.append(f"  {_key(table)}: {_scalar(reason)}")
        else:
            lines.append(f"  {_key(table)}:")
            lines += [f"    {_scalar(_literal(column))}: {_scalar(each)}" for column, each in reason.items()]
    return "\n".join(lines) + "\n"


def _literal(column: str) -> str:
    """A column as a pattern of `ignore` that means nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", column)


def _head(mapping: DraftMapping) -> Iterator[str]:
    yield f"# Draft from {mapping.table}: {mapping.why} (confidence {mapping.confidence})."
    yield from (f"# decide: {each}" for each in mapping.notes)
    yield f"mapping: {mapping.name}"
    yield f"target: {mapping.entity}"
    yield f"source: {_flow(_source(mapping))}"
    yield f"key: {_flow(mapping.key[0] if len(mapping.key) == 1 else mapping.key)}"
    yield ""


def _source(mapping: DraftMapping) -> Written:
    source: dict[str, Written] = {"from": mapping.table}
    if mapping.joins:
        source["join"] = {each.alias: _join(each.table, each.match) for each in mapping.joins}
    if mapping.where:
        source["where"] = mapping.where
    if mapping.group:
        source["group"] = {"by": list(mapping.group)}
    return source if len(source) > 1 else mapping.table


def _join(table: str, match: tuple[str, str]) -> Written:
    return {"table": table, "match": {match[0]: match[1]}, "expect": "at_most_one"}


def _fields(fields: Sequence[DraftField]) -> Iterator[str]:
    for each in fields:
        if each.decide:
            yield f"  # decide: {each.decide}"
        comment = f"  # {'' if each.confidence is Confidence.HIGH else f'{each.confidence}: '}{each.why}"
        line = f"  {each.name}: {_flow(each.value)}"
        if len(line) <= _WIDTH:
            yield line + comment
        else:
            yield comment
            yield from _block(each)


def _test(mapping: DraftMapping) -> Iterator[str]:
    """The first test; quoted where YAML could read a value as something else, as everywhere."""
    if mapping.test is not None:
        yield from ("", "# Invented values: put rows here that show what you decided.", "tests:")
        for lead, (name, part) in zip(("  - ", *["    "] * len(mapping.test)), mapping.test.items(), strict=False):
            yield from _part(f"{lead}{name}:", part, " " * 6)


def _part(head: str, value: Written, indent: str) -> Iterator[str]:
    """A part of a document on one line, or one of its own parts a line where that is too long."""
    line = f"{head} {_flow(value)}"
    if len(line) <= _WIDTH or not isinstance(value, Mapping):
        yield line
        return
    yield head
    for name, part in value.items():
        yield from _part(f"{indent}{_key(name)}:", part, indent + "  ")


def _block(field: DraftField) -> Iterator[str]:
    """A field whose value does not fit on a line: one part a line."""
    if not isinstance(field.value, Mapping):
        yield f"  {field.name}: {_flow(field.value)}"
        return
    yield f"  {field.name}:"
    for name, part in field.value.items():
        if isinstance(part, Sequence) and not isinstance(part, str):
            yield f"    {name}:"
            yield from (f"      - {_flow(each)}" for each in part)
        else:
            yield f"    {name}: {_flow(part)}"


def _flow(value: Written) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        return _scalar(value)
    return "[" + ", ".join(map(_flow, value)) + "]"


def _key(name: str) -> str:
    return _scalar(name)


def _scalar(text: str) -> str:
    """A text, in quotes where YAML could take it for something else."""
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _UNSAFE
    return text if is_plain else json.dumps(text, ensure_ascii=False)
