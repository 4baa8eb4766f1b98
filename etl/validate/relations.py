"""Checks records as a whole: unique keys, and parents that exist and will be loaded.

The record graph does the counting out of core; this module says what each finding means and stops where the project
says ``fail``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.errors import TooManyProblems
from etl.core.ports import GraphMapping, GraphReference, ProblemSink, RecordGraph
from etl.core.problems import Severity, problem_rows
from etl.mapping.model import EntityMapping, OnMissing, Reference

_SEVERITY = {"block": Severity.BLOCK, "quarantine": Severity.BLOCK, "empty": Severity.WARN}


def graph_mapping(mapping: EntityMapping, path: str) -> GraphMapping:
    """A mapping as the record graph sees it; ``fail`` counts as ``block`` there and stops the run here."""
    references = tuple(
        GraphReference(field.name, _policy(field.value), bool(field.link and field.link.many))
        for field in mapping.references
        if isinstance(field.value, Reference)
    )
    return GraphMapping(mapping.name, mapping.target, path, references)


def check_relations(graph: RecordGraph, mappings: Iterable[EntityMapping], problems: ProblemSink) -> None:
    """Runs the checks on an opened graph and reports what they find.

    Raises TooManyProblems where a reference whose policy is ``fail`` points to nothing.
    """
    by_name = {each.name: each for each in mappings}
    for batch in graph.duplicates():
        _report(batch, by_name, problems)
    for batch in graph.missing():
        _refuse(batch, by_name)
        _report(batch, by_name, problems)
    for batch in graph.held_back():
        _report(batch, by_name, problems)


def report_loops(
    graph: RecordGraph,
    deferred: pa.Table,
    impossible: pa.Table,
    mappings: Iterable[EntityMapping],
    problems: ProblemSink,
) -> None:
    """Reports records in loops: links to be set later are told, records that no order can serve are blocked.

    Both tables hold record numbers of the graph in ``record``.
    """
    by_name = {each.name: each for each in mappings}
    for batch in graph.places(deferred, "reference_loop"):
        _report(batch, by_name, problems, severity=Severity.INFO)
    for batch in graph.block(impossible, "required_loop"):
        _report(batch, by_name, problems)


def note_row(mapping: EntityMapping, code: str, field: str, detail: str) -> pa.RecordBatch:
    """A problem about a mapping as a whole, without a row."""
    nowhere = pa.record_batch({"_row": pa.array([None], pa.int64()), "_line": pa.array([None], pa.int64())})
    return problem_rows(
        nowhere,
        code=code,
        severity=Severity.INFO,
        mapping=mapping.name,
        entity=mapping.target,
        table=mapping.base.table,
        field=field,
        detail=detail,
    )


def _policy(reference: Reference) -> str:
    return "block" if reference.on_missing is OnMissing.FAIL else str(reference.on_missing)


def _report(
    batch: pa.RecordBatch,
    mappings: Mapping[str, EntityMapping],
    problems: ProblemSink,
    *,
    severity: Severity | None = None,
) -> None:
    for kind, rows in _groups(batch):
        left_out = kind["policy"] == "empty" and kind["reason"] != "self_reference"
        mapping = mappings[kind["mapping"]]
        problems.add(
            problem_rows(
                rows,
                code="link_left_out" if left_out else kind["reason"],
                severity=severity or _SEVERITY.get(kind["policy"], Severity.BLOCK),
                mapping=mapping.name,
                entity=mapping.target,
                table=mapping.base.table,
                field=kind["field"],
                detail=kind["reason"] if left_out else None,
            )
        )


def _groups(batch: pa.RecordBatch) -> Iterator[tuple[dict[str, str], pa.RecordBatch]]:
    """The rows of a batch by mapping, field, policy and reason."""
    names = ["mapping", "field", "policy", "reason"]
    for kind in pa.Table.from_batches([batch.select(names)]).group_by(names).aggregate([]).to_pylist():
        mask = pc.equal(batch["mapping"], kind["mapping"])
        for name in names[1:]:
            mask = pc.and_(mask, _equal(batch[name], kind[name]))
        yield kind, batch.filter(mask)


def _equal(column: pa.Array, value: str | None) -> pa.Array:
    return pc.is_null(column) if value is None else pc.fill_null(pc.equal(column, value), False)


def _refuse(batch: pa.RecordBatch, mappings: Mapping[str, EntityMapping]) -> None:
    for kind, rows in _groups(batch):
        mapping = mappings[kind["mapping"]]
        field = next(each for each in mapping.references if each.name == kind["field"])
        if isinstance(field.value, Reference) and field.value.on_missing is OnMissing.FAIL:
            raise TooManyProblems(
                f"{rows.num_rows} rows of {mapping.base.table} refer to a {field.name} that does not exist, and "
                f"{field.position.file}:{field.position.line} says on_missing: fail.",
                hint=f"The first is row {rows['_row'][0]}. Complete the source or change the policy, then run again.",
            )
