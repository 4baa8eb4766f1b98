"""The verb `validate`, and the stages that every run begins with: extract, map, validate.

It stands apart from the verbs that load because it is what people run most, and needs nothing of what they bring along.
"""

from __future__ import annotations

from etl.casebook.clock import SystemClock
from etl.catalog.model import Catalog
from etl.core.ahead import beside
from etl.core.ports import Progress
from etl.core.state_port import StateReader
from etl.pipeline import manifest as manifests
from etl.pipeline.accounts import close_ledger, doubts_of
from etl.pipeline.prepare import Checked, Work, check_snapshot_columns, map_and_validate, register_snapshot
from etl.pipeline.session import Finished, Session, new_session
from etl.pipeline.wiring import Setting
from etl.report import make_ready
from etl.sources.record_graph import DuckRecordGraph, record_graph
from etl.sources.snapshot import take_snapshot


def validate(setting: Setting, progress: Progress) -> Finished:
    """Extract, map, validate and report, without a target. Faults of mapping and data are found beside an old state too; that
    it is not the newest goes into the verdict, because what it does not know counts as never loaded.
    """
    with setting.reader_if_begun() as state, new_session(setting, "validate", progress) as session:
        session.manifest["state_outdated"] = state is not None and bool(setting.why_outdated(state))
        work = extracted(setting, session, setting.project.catalog)
        with record_graph(session.folder.temp) as graph:
            checked_records(session, work, state, graph)
        session.save()
        close_ledger(session.folder, session.tables)
        return session.end()


def extracted(setting: Setting, session: Session, catalog: Catalog) -> Work:
    """Takes the snapshot into the run's folder; returns the materials for what follows.

    Raises MappingError for columns that are unknown, unused or ignored in vain.
    """
    sources = setting.sources()
    with beside(make_ready):
        snapshot = take_snapshot(sources, None, session.folder.snapshot, session.progress)
    manifests.add_snapshot(session.manifest, snapshot)
    check_snapshot_columns(setting.project, snapshot)
    register_snapshot(session.tables, snapshot)
    return Work(
        project=setting.project,
        catalog=catalog,
        folder=session.folder,
        snapshot=snapshot,
        tables=session.tables,
        keys=setting.keys(create=True),
        context=setting.context(SystemClock().now()),
        files=setting.files(),
        progress=session.progress,
        doubts=doubts_of(sources, snapshot),
    )


def checked_records(session: Session, work: Work, state: StateReader | None, graph: DuckRecordGraph) -> Checked:
    """Maps and validates; notes in the manifest what reports tell of it."""
    checked = map_and_validate(work, state, graph)
    manifests.add_order(session.manifest, checked.order)
    manifests.add_overrides(session.manifest, checked.overrides)
    return checked
