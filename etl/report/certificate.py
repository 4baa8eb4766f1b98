"""The intake certificate for machines and terminals: what a certificate says, with people's values left out unless asked for.

One place decides what may be shown (:func:`certificate_facts`), and every form of the certificate is made from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from etl.core.intake import Certificate, Column, Observation, Place, Table
from etl.core.observations import observation_code
from etl.core.problems import Severity

FORM = 1
"""Version of the JSON form."""

_ORDER = (Severity.BLOCK, Severity.WARN, Severity.INFO)
_PLACES_SHOWN = 3


def certificate_facts(certificate: Certificate, *, reveal: bool = False) -> dict[str, Any]:
    """Everything a certificate shows, as plain values for JSON; cells' texts only with ``reveal``."""
    return {
        "form": FORM,
        "taken": certificate.taken,
        "compared_with": certificate.compared_with or None,
        "clean": certificate.is_clean,
        "verdict": verdict_sentence(certificate),
        "revealed": reveal,
        "tables": [_table(each, reveal=reveal) for each in certificate.tables],
        "unreadable": list(certificate.unreadable),
        "references": [
            {
                "column": f"{each.table}.{each.column}",
                "parent": f"{each.parent}.{each.parent_column}",
                "values": each.values,
                "missing_values": each.missing_values,
                "missing_rows": each.missing_rows,
                "names_agree": each.is_named,
                "declared": each.is_declared,
            }
            for each in certificate.references
        ],
        "observations": [_observation(each) for each in in_order(certificate.observations)],
    }


def in_order(observations: Sequence[Observation]) -> list[Observation]:
    """The gravest first, then by code as they came."""
    return sorted(observations, key=lambda each: (_ORDER.index(each.severity), each.code))


def verdict_sentence(certificate: Certificate) -> str:
    """The certificate in one sentence."""
    counts = Counter(each.severity for each in certificate.observations)
    rows = sum(each.rows for each in certificate.tables)
    read = f"{_counted(len(certificate.tables), 'table')} with {_counted(rows, 'row')}"
    if certificate.is_clean:
        return f"Nothing stands in the way of mapping {read}."
    parts = []
    if counts[Severity.BLOCK]:
        parts.append(f"{_counted(counts[Severity.BLOCK], 'finding')} that would keep rows out or spoil them")
    if counts[Severity.WARN]:
        parts.append(f"{counts[Severity.WARN]:,} to decide or look at")
    return f"Not clean: {read}, {' and '.join(parts)}."


def certificate_lines(certificate: Certificate, *, reveal: bool = False) -> list[str]:
    """The certificate for a terminal, table by table."""
    lines = [verdict_sentence(certificate)]
    if certificate.compared_with:
        lines.append(f"Compared with the intake of {certificate.compared_with}.")
    for table in certificate.tables:
        lines += ["", *_table_lines(table, certificate.observations)]
        lines += [f"  {column.name}: {_values(column)}" for column in table.columns if reveal and column.values]
    named = {table.name for table in certificate.tables}
    others = [each for each in certificate.observations if each.table not in named]
    for name in dict.fromkeys(each.table for each in others):
        lines += ["", f"{name}:", *_observation_lines([each for each in others if each.table == name])]
    if certificate.references:
        lines += ["", "Columns that point, or seem to point, to other tables:", *_reference_lines(certificate)]
    return lines


def places_text(places: Sequence[Place]) -> str:
    """Places in words: ``line 414 (byte 46,371), line 415 (byte 46,445)``.

    >>> places_text([Place(7, 9, 120), Place(8, None, None)])
    'line 9 (byte 120), row 8'
    """
    return ", ".join(map(_place_text, places))


def encoding_text(table: Table) -> str:
    """How a table was read, in words."""
    if table.file is None:
        return table.origin
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    delimiter = names.get(table.file.delimiter, table.file.delimiter)
    parted = f", parted by {delimiter}" if delimiter else ", of fixed width"
    return f"{table.file.encoding} ({table.file.proof}){parted}"


def _table(table: Table, *, reveal: bool) -> dict[str, Any]:
    file = table.file
    return {
        "name": table.name,
        "origin": table.origin,
        "size_bytes": table.size_bytes,
        "sha256": table.sha256,
        "rows": table.rows,
        "damaged": table.damaged,
        "keys": [list(key) for key in table.keys],
        "declared_key": list(table.declared_key) or None,
        "file": file
        and {
            "encoding": file.encoding,
            "proof": file.proof,
            "candidates": list(file.candidates),
            "lines": file.lines,
            "utf8_lines": file.utf8_lines,
            "other_lines": file.other_lines,
            "line_ends": dict(file.line_ends),
            "delimiter": file.delimiter,
            "quoted": file.is_quoted,
        },
        "columns": [_column(each, reveal=reveal) for each in table.columns],
    }


def _column(column: Column, *, reveal: bool) -> dict[str, Any]:
    order = column.day_order
    facts: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "kinds": {str(kind): count for kind, count in column.kinds.items()},
        "filled": column.filled,
        "blank": column.blank,
        "null": column.null,
        "padded": column.padded,
        "distinct": column.distinct,
        "unique": column.is_unique,
        "shortest": column.shortest,
        "longest": column.longest,
        "people": column.people,
        "people_evidence": column.people_evidence or None,
        "shapes": [{"shape": each.text, "rows": each.rows} for each in column.shapes],
        "day_order": order
        and {"verdict": order.verdict, "month_first": order.month_first, "day_first": order.day_first}
        | {"either": order.either, "neither": order.neither},
    }
    if reveal:
        facts["values"] = [{"value": each.text, "rows": each.rows} for each in column.values]
    return facts


def _observation(observation: Observation) -> dict[str, Any]:
    meaning = observation_code(observation.code)
    return {
        "code": observation.code,
        "severity": observation.severity,
        "title": meaning.title,
        "remedy": meaning.remedy,
        "table": observation.table,
        "column": observation.column or None,
        "count": observation.count,
        "detail": observation.detail or None,
        "places": [
            {"row": place.row, "line": place.line, "offset_bytes": place.offset_bytes} for place in observation.places
        ],
    }


def _table_lines(table: Table, observations: Sequence[Observation]) -> Iterator[str]:
    damaged = f", {table.damaged:,} damaged" if table.damaged else ""
    declared = [f"{'+'.join(table.declared_key)} (declared)"] if table.declared_key else []
    keys = ", ".join([*declared, *("+".join(key) for key in table.keys if key != table.declared_key)]) or "none found"
    yield f"{table.name}: {_counted(table.rows, 'row')}{damaged}; {encoding_text(table)}; key: {keys}"
    yield from _observation_lines([each for each in observations if each.table == table.name])


def _observation_lines(observations: Sequence[Observation]) -> Iterator[str]:
    for each in in_order(observations):
        if each.severity is Severity.INFO:
            continue
        where = f" {each.column}" if each.column else ""
        places = f" at {places_text(each.places[:_PLACES_SHOWN])}" if each.places else ""
        detail = f": {each.detail.removesuffix('.')}" if each.detail else ""
        title = observation_code(each.code).title
        yield f"  {each.severity:<6}{each.code}{where} ({each.count:,}){detail}{places}. {title}."
    if people := [f"{each.column} ({each.detail.partition(',')[0]})" for each in observations if each.code == "people"]:
        yield f"  people {', '.join(people)}"


def _reference_lines(certificate: Certificate) -> Iterator[str]:
    for each in certificate.references:
        missing = f", {each.missing_values:,} of {each.values:,} values missing" if each.missing_values else ""
        weak = " (declared)" if each.is_declared else "" if each.is_named else " (by values only)"
        yield f"  {each.table}.{each.column} -> {each.parent}.{each.parent_column}{weak}{missing}"


def _values(column: Column) -> str:
    return ", ".join(f"{each.text} ({each.rows:,})" for each in column.values)


def _place_text(place: Place) -> str:
    if place.line is None:
        return f"row {place.row:,}"
    return f"line {place.line:,}" + ("" if place.offset_bytes is None else f" (byte {place.offset_bytes:,})")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
