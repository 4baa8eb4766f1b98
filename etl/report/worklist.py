"""Writes the worklist: one line a problem for a spreadsheet, with empty columns for the answer and its author.

A cell that a spreadsheet would run as a formula gets an apostrophe in front, which spreadsheets show as text. The file
carries a byte order mark because Excel reads it as the local code page otherwise.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from etl.core.problems import PROBLEM_SCHEMA
from etl.report.causes import meaning_of
from etl.report.facts import FindingFact, RunFacts, RunFiles

COLUMNS = (
    "code",
    "severity",
    "title",
    "mapping",
    "field",
    "table",
    "row",
    "line",
    "record_key",
    "detail",
    "remedy",
    "answer",
    "by",
)
_SCHEMA = pa.schema([(name, pa.int64() if name in {"row", "line"} else pa.string()) for name in COLUMNS])
_FORMULA = r"(^|[\n\r])([\s\p{Z}\x{feff}\x0b\x1c-\x1f\x{85}]*[=+\-@\t\r\n\x00\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])"


def write_worklist(path: Path, files: RunFiles, facts: RunFacts) -> None:
    """Writes all problems in the order in which they were found, then what reading back found."""
    options = pyarrow.csv.WriteOptions(quoting_style="all_valid")
    with path.open("wb") as stream:
        stream.write(codecs.BOM_UTF8)
        with pyarrow.csv.CSVWriter(stream, _SCHEMA, write_options=options) as writer:
            for batch in _problems(files, facts):
                writer.write_batch(_lines(batch))


def neutral(texts: pa.Array) -> pa.Array:
    """The texts, with an apostrophe before whatever a spreadsheet would take for a formula.

    >>> neutral(pa.array(["=1+1", "fine", " +2"])).to_pylist()
    ["'=1+1", 'fine', "' +2"]
    """
    return pc.replace_substring_regex(texts, _FORMULA, r"\1'\2")


def _problems(files: RunFiles, facts: RunFacts) -> Iterator[pa.RecordBatch]:
    yield from files.problems(PROBLEM_SCHEMA.names)
    if facts.verify is not None:
        yield _found(facts.verify.findings)


def _found(findings: Iterable[FindingFact]) -> pa.RecordBatch:
    """Findings of reading back as problems: they have a place in Casebook, none in the source."""
    rows = [
        {
            "code": each.code,
            "severity": "block",
            "mapping": each.mapping,
            "field": each.field,
            "record_key": each.key,
            "detail": f"Casebook id {each.target_id}",
        }
        for each in findings
    ]
    return pa.RecordBatch.from_pylist(rows, schema=PROBLEM_SCHEMA)


def _lines(problems: pa.RecordBatch) -> pa.RecordBatch:
    columns = {name: problems[name] for name in PROBLEM_SCHEMA.names if name in COLUMNS}
    columns |= _meanings(problems["code"])
    columns |= dict.fromkeys(("answer", "by"), pa.repeat("", problems.num_rows))
    texts = {name: _text(column) for name, column in columns.items() if name not in {"row", "line"}}
    return pa.RecordBatch.from_pydict(columns | texts, schema=_SCHEMA)


def _meanings(codes: pa.Array) -> dict[str, pa.Array]:
    """Title and remedy of every code."""
    distinct = pc.unique(pc.fill_null(codes, ""))
    places = pc.index_in(pc.fill_null(codes, ""), distinct)
    meanings = [meaning_of(code) for code in distinct.to_pylist()]
    return {
        "title": pc.take(pa.array([each.title for each in meanings], pa.string()), places),
        "remedy": pc.take(pa.array([each.remedy for each in meanings], pa.string()), places),
    }


def _text(column: pa.Array) -> pa.Array:
    """The column, neutral; each distinct text is looked at once, for most columns have few."""
    distinct = pc.fill_null(column, "").dictionary_encode()
    return pc.take(neutral(distinct.dictionary), distinct.indices)
