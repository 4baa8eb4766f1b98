"""Extract, map, validate and plan: everything up to the line that writes. Stages meet here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from etl.catalog.model import Catalog
from etl.core.ahead import made_ahead
from etl.core.errors import MappingError
from etl.core.keys import RecordKeys
from etl.core.outcomes import DELETED_ON_PURPOSE, THERE
from etl.core.ports import ProblemSink, Progress, Utf8Lines
from etl.core.problems import PROBLEM_SCHEMA, Severity, problem_rows
from etl.core.records import KEY, LEDGER_SCHEMA, PLAN_SCHEMA
from etl.core.state_port import StateReader
from etl.mapping.columns import check_columns
from etl.mapping.model import EntityMapping, Project, Reference
from etl.mapping.operations import Context
from etl.mapping.reads import operations_of
from etl.pipeline.accounts import account_tables, report_doubts
from etl.pipeline.base_rows import base_rows
from etl.pipeline.same_files import report_same_files
from etl.pipeline.since_inspect import report_changes
from etl.pipeline.table_rules import judge_between_records
from etl.pipeline.workspace import ParquetSink, RunFolder
from etl.plan.graph import LoadOrder, edges_of, load_order
from etl.plan.steps import PlanContext, left_standing, links_to_set, plan_batch, steps_of
from etl.plan.waves import order_records
from etl.sources.files import FolderFiles
from etl.sources.record_graph import DuckRecordGraph
from etl.sources.snapshot import Snapshot
from etl.sources.tables import DuckTables
from etl.transform import Corrections, OverrideCounts, Transformer
from etl.validate import FieldChecks, RecordRules, check_relations, graph_mapping, note_row, report_loops

if TYPE_CHECKING:
    from etl.pipeline.matching import Matches

BATCH_ROWS = 32_000
"""As many as the snapshot keeps together: batches are then given on as they are read, where others are cut or copied. Where
rows are long there are fewer, see :mod:`etl.core.batching`.
"""
THREADS = 2
"""How many batches are mapped at a time."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run's materials. ``catalog`` holds the tenant's live options where they are known, ``doubts`` the tables whose
    declared encoding is in doubt.
    """

    project: Project
    catalog: Catalog
    folder: RunFolder
    snapshot: Snapshot
    tables: DuckTables
    keys: RecordKeys
    context: Context
    files: FolderFiles
    progress: Progress
    doubts: Mapping[str, Utf8Lines] = field(default_factory=dict)


def register_snapshot(tables: DuckTables, snapshot: Snapshot) -> None:
    """Makes the snapshot's tables known by the names that mappings use."""
    for table in snapshot.tables:
        tables.register(table.relation, str(snapshot.path(table)))


def check_snapshot_columns(project: Project, snapshot: Snapshot) -> None:
    """Raises MappingError with every column that is unknown, unused or ignored in vain."""
    mistakes = check_columns(project, {table.relation: table.columns for table in snapshot.tables})
    if mistakes:
        raise MappingError(mistakes)


@dataclass(frozen=True, slots=True)
class Checked:
    """What validation leaves for the plan: the record graph, the order of entities, the deepest record of each, and how
    the overrides of each mapping ended.
    """

    graph: DuckRecordGraph
    order: LoadOrder
    depths: Mapping[str, int]
    overrides: tuple[OverrideCounts, ...] = ()


def map_and_validate(work: Work, state: StateReader | None, graph: DuckRecordGraph) -> Checked:
    """Maps every base row and checks every record; leaves rows, records, verdicts and problems in the run's folder.

    Fills the ``graph``, which stays open for the plan. Without a ``state`` nothing was created yet.

    Raises MappingError for a cycle of required references, TooManyProblems where a policy says ``fail``.
    """
    mappings = work.project.mappings
    with ParquetSink(work.folder.problems, PROBLEM_SCHEMA) as problems:
        with ParquetSink(work.folder.rows, LEDGER_SCHEMA) as rows:
            work.progress.start("map", sum(work.tables.count(each.base.table) for each in mappings))
            corrected = [_map_one(work, mapping, rows, problems) for mapping in mappings]
        work.progress.start("validate")
        files = [(each, Path(_mapped(work, each))) for each in mappings]
        judge_between_records(work.tables, files, problems, work.context.today)
        report_same_files(work.tables, files, problems)
        graph.open([graph_mapping(each, _mapped(work, each)) for each in mappings], _known_keys(state))
        check_relations(graph, mappings, problems)
        order = load_order({each.target for each in mappings}, edges_of(mappings, graph.reference_counts()))
        report_doubts(work.doubts, work.snapshot, problems)
        account_tables(work.project, work.snapshot, work.tables, work.folder, problems)
        report_changes(work.project, work.snapshot, work.tables, problems)
        depths = {entity: _order_inside(graph, entity, order, mappings, problems) for entity in order.entities}
    with ParquetSink(work.folder.verdicts, keys=[KEY]) as verdicts:
        for batch in graph.verdicts():
            verdicts.add(batch)
    return Checked(graph, order, depths, tuple(corrected))


def plan_records(
    work: Work, checked: Checked, state: StateReader, matches: Matches, *, retry_rejected: bool = False
) -> None:
    """Writes the plan, the planned records in load order, and what is told of them."""
    work.progress.start("plan")
    waves = checked.order.first_waves(checked.depths)
    pending, deleted = links_to_set(state), frozenset(state.attributed(DELETED_ON_PURPOSE))
    # The plan comes last: where it stands, everything beside it does.
    with (
        ParquetSink(work.folder.plan, PLAN_SCHEMA) as plan,
        ParquetSink(work.folder.plan_problems, PROBLEM_SCHEMA) as problems,
    ):
        for number, mapping in enumerate(_in_order(work.project.mappings, checked.order)):
            deferred = frozenset(field for name, field in checked.order.deferred if name == mapping.name)
            context = PlanContext(
                keys=work.keys,
                state=state,
                deferred=deferred,
                wave=waves[mapping.target],
                retry_rejected=retry_rejected,
                adopted=matches.adopted,
                undecided=matches.undecided,
                pending=pending,
                deleted=deleted,
            )
            with ParquetSink(work.folder.planned / f"{number:03d}-{mapping.name}.parquet") as planned:
                for batch in checked.graph.ordered(mapping.name):
                    done = plan_batch(mapping, batch, context)
                    planned.add(done)
                    plan.add(steps_of(done))
                    _report_left(mapping, done, problems)
                    work.progress.advance(done.num_rows)


def _report_left(mapping: EntityMapping, planned: pa.RecordBatch, problems: ProblemSink) -> None:
    """Tells where Casebook keeps a value that the source does not have any more."""
    for name, rows in left_standing(planned):
        told = {"mapping": mapping.name, "entity": mapping.target, "table": mapping.base.table, "field": name}
        problems.add(problem_rows(rows, code="value_left", severity=Severity.WARN, **told))


def _map_one(work: Work, mapping: EntityMapping, rows: ParquetSink, problems: ParquetSink) -> OverrideCounts:
    corrections = Corrections(mapping, work.keys, work.context.today)
    transformer = Transformer(mapping, work.catalog, work.keys, work.context)
    checks = FieldChecks(mapping, work.catalog, work.context, work.files)
    rules = RecordRules(mapping, work.context)

    def mapped(corrected: pa.RecordBatch) -> _MappedBatch:
        made = transformer.apply(corrected)
        checked, found = checks.apply(made.records, made.problems)
        checked, broken = rules.apply(checked, corrected)
        return _MappedBatch(checked, made.ledger, (made.problems, *found, *broken), corrected.num_rows)

    batches = map(corrections.apply, base_rows(work.tables, mapping, work.folder.temp, BATCH_ROWS))
    with ParquetSink(Path(_mapped(work, mapping)), keys=[KEY]) as records:
        for each in made_ahead(mapped, batches, 0 if _works_alone(mapping) else THREADS):
            records.add(each.records)
            rows.add(each.ledger)
            for told in each.problems:
                problems.add(told)
            work.progress.advance(each.base_rows)
    for code, name, detail in checks.notes():
        problems.add(note_row(mapping, code, name, detail))
    for each in corrections.problems():
        problems.add(each)
    return corrections.counts()


@dataclass(frozen=True, slots=True)
class _MappedBatch:
    """What became of a batch of base rows."""

    records: pa.RecordBatch
    ledger: pa.RecordBatch
    problems: tuple[pa.RecordBatch, ...]
    base_rows: int


def _works_alone(mapping: EntityMapping) -> bool:
    """Whether it calls code that no two threads may be in at once."""
    return any(step.alone for field in mapping.fields for step in operations_of(field.value))


def _order_inside(
    graph: DuckRecordGraph,
    entity: str,
    order: LoadOrder,
    mappings: Sequence[EntityMapping],
    problems: ProblemSink,
) -> int:
    """Orders the records of an entity that refers to itself; returns the greatest depth."""
    if not any(_refers_to(each, entity) for each in mappings if each.target == entity):
        return 0
    found = order_records(lambda: graph.edges(entity, list(order.deferred)), order.required)
    graph.set_depths(found.depths())
    graph.defer(found.deferred)
    report_loops(graph, found.deferred, found.impossible, mappings, problems)
    return found.deepest


def _refers_to(mapping: EntityMapping, entity: str) -> bool:
    values = [field.value for field in mapping.references]
    return any(target.entity == entity for value in values if isinstance(value, Reference) for target in value.targets)


def _mapped(work: Work, mapping: EntityMapping) -> str:
    return str(work.folder.mapped / f"{mapping.name}.parquet")


def _known_keys(state: StateReader | None) -> Iterator[pa.RecordBatch]:
    """Record keys of everything created so far, in batches."""
    created = (known.key for known in state.in_state(*THERE)) if state is not None else iter(())
    while keys := list(islice(created, BATCH_ROWS)):
        yield pa.record_batch({"_rk": pa.array(keys, pa.string())})


def _in_order(mappings: Sequence[EntityMapping], order: LoadOrder) -> list[EntityMapping]:
    return [mapping for entity in order.entities for mapping in mappings if mapping.target == entity]
