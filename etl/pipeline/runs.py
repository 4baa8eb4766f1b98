"""The verbs that load, or say what would be: plan, run, verify. Each reads like the line extract, map, validate, plan, load,
verify, report; a run that was interrupted goes on with its own snapshot and plan. What all begin with is in
:mod:`etl.pipeline.dry_run`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from etl.core.changes import StoreAttribute
from etl.core.errors import EtlError, SettingsError, StalePlan, TooManyProblems
from etl.core.exits import COMPLETE, HELD_BACK, exit_code_of
from etl.core.outcomes import DELETED_ON_PURPOSE
from etl.core.ports import Progress
from etl.core.records import TargetId
from etl.core.state_port import StateReader, StateStore
from etl.load.notes import LoadNotes
from etl.load.outcomes import OUTCOME_SCHEMA, outcomes
from etl.load.planned import PlannedRecords
from etl.load.sampling import Scope
from etl.load.verify import VerifyResult
from etl.pipeline import capabilities
from etl.pipeline import manifest as manifests
from etl.pipeline.accounts import close_ledger, count_blocking, report_outcomes
from etl.pipeline.audit import audit
from etl.pipeline.doubled import ask_about_doubled
from etl.pipeline.dry_run import checked_records, extracted
from etl.pipeline.loading import Bench, Loaded, Options, live_options, load, read_back, with_options
from etl.pipeline.matching import adopt_planned, match_records
from etl.pipeline.plan_file import PlanFile, read_plan_file, require_same_plan, write_plan_file
from etl.pipeline.prepare import plan_records
from etl.pipeline.room import require_room
from etl.pipeline.session import (
    Finished,
    Session,
    latest_loaded,
    load_session,
    new_session,
    now_text,
    open_session,
)
from etl.pipeline.settling import RETURNED
from etl.pipeline.undoing import forget_old_images, require_nothing_half_undone
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import ParquetSink, RunFolder
from etl.report.words import counted
from etl.sources.record_graph import record_graph


@dataclass(frozen=True, slots=True)
class RunChoices:
    """What a person chose for one run. ``fresh`` closes an unfinished run, ``first_load`` allows a protected profile to
    begin without state, ``retry_rejected`` sends refused records again, ``ask_first`` goes on with a state that is not
    the newest: Casebook is asked about each record before it is first sent, from now on. ``plan_file`` is a signed plan:
    nothing else is loaded.
    """

    fresh: bool = False
    first_load: bool = False
    retry_rejected: bool = False
    ask_first: bool = False
    plan_file: Path | None = None


def plan(setting: Setting, progress: Progress) -> Finished:
    """The same with the tenant's live options, and the plan against state; reads only. Raises StateOutdated as `run` does:
    what an old state does not know would be planned as new.
    """
    setting = capabilities.told(setting, progress)
    with setting.reader() as state:
        setting.require_newest(state)
    with setting.reader() as state, new_session(setting, "plan", progress) as session:
        options = live_options(setting, session.log)
        _prepare(setting, session, state, options, RunChoices())
        write_plan_file(setting, session, options)
        _write_outcomes(setting, session, state, LoadNotes())
        close_ledger(session.folder, session.tables)
        return session.end()


def run(setting: Setting, progress: Progress, choices: RunChoices | None = None) -> Finished:
    """Loads; goes on where the last run stopped. Raises only before anything was sent."""
    choices = choices or RunChoices()
    signed = read_plan_file(setting, choices.plan_file) if choices.plan_file else None
    setting = capabilities.require(setting, progress)
    _require_state_or_consent(setting, choices)
    with setting.reader() as state:
        require_nothing_half_undone(state)
    with (
        _held_state(setting, progress, ask_first=choices.ask_first) as store,
        load_session(setting, store, progress, fresh=choices.fresh) as session,
    ):
        forget_old_images(setting, store)
        goes_on = session.folder.plan.exists()
        _plan_once(setting, session, store, choices)
        if signed is not None:
            _require_signed(setting, session, store, signed, goes_on=goes_on)
        _require_few_problems(setting, session, store)
        planned = len(PlannedRecords(session.folder.planned, setting.project.mappings))
        require_room(setting.project.runs_folder, planned - store.size())
        adopt_planned(setting, session, PlannedRecords(session.folder.planned, setting.project.mappings), store)
        bench = Bench(session.folder, store, session.log, session.progress)
        return _finish(setting, session, store, load(setting, bench, _read_options(session.folder)))


@contextmanager
def _held_state(setting: Setting, progress: Progress, *, ask_first: bool) -> Iterator[StateStore]:
    """The state, held for a run; people hear what is to be told of it, also what came up by its end, such as a last copy
    that failed.
    """
    with setting.store("run", ask_first=ask_first) as store:
        told = store.notices()
        for notice in told:
            progress.note(notice)
        yield store
    for notice in store.notices():
        if notice not in told:
            progress.note(notice)


def prepare(setting: Setting, progress: Progress) -> None:
    """Everything of `run` that comes before the first request that writes; `run` then goes on from there."""
    with setting.store("run") as store, load_session(setting, store, progress, fresh=False) as session:
        _plan_once(setting, session, store, RunChoices())


def verify(setting: Setting, progress: Progress, scope: Scope | None = None) -> Finished:
    """Reads back what is loaded, all of it or a sample, and adds the findings to the latest run's report."""
    setting = capabilities.told(setting, progress)
    with setting.store("verify") as store:
        folder = latest_loaded(setting, store)
        with open_session(setting, folder, manifests.read(folder), progress) as session:
            bench = Bench(folder, store, session.log, session.progress)
            found = read_back(setting, bench, _read_options(folder), scope or Scope())
            _take_back_deletions(setting, store, session, found)
            manifests.add_verify(session.manifest, found)
            finished = session.end(session.manifest["exit_code"])
        code = HELD_BACK if session.manifest["verify"]["findings"] else COMPLETE
        # The run's own files keep the run's code; what this command answers is its own.
        answer = finished.summary.model_copy(update={"command": "verify", "exit_code": code})
        return Finished(answer, folder.path, code)


def _take_back_deletions(setting: Setting, store: StateStore, session: Session, found: VerifyResult) -> None:
    """Forgets that records were deleted on purpose which are there again: the next time they are gone it is told anew."""
    if found.returned:
        store.commit(*(StoreAttribute(key, DELETED_ON_PURPOSE, "") for key in found.returned)).result()
        for key in found.returned:
            audit(setting, decision=RETURNED, record_key=key)
        session.progress.note(
            f"In Casebook again, though deleted on purpose: {counted(len(found.returned), 'record')}."
        )


def _plan_once(setting: Setting, session: Session, store: StateStore, choices: RunChoices) -> None:
    """Everything up to the plan, unless this run has one already."""
    if session.folder.plan.exists():
        return
    ask_about_doubled(setting, store, session.progress)
    plan_into(setting, session, store, choices)
    store.set_stage(session.folder.run_id, "load")


def plan_into(setting: Setting, session: Session, state: StateReader, choices: RunChoices) -> Options:
    """Extract, map, validate and plan against a state, into a run's folder; returns the tenant's live options."""
    options = live_options(setting, session.log)
    _prepare(setting, session, state, options, choices)
    session.folder.write_json(session.folder.options, options)
    return options


def _prepare(setting: Setting, session: Session, state: StateReader, options: Options, choices: RunChoices) -> None:
    """Everything up to the line that writes."""
    work = extracted(setting, session, with_options(setting.project.catalog, options))
    with record_graph(session.folder.temp) as graph:
        checked = checked_records(session, work, state, graph)
        matches = match_records(setting, session, graph, state, options)
        plan_records(work, checked, state, matches, retry_rejected=choices.retry_rejected)
    session.save()


def _finish(setting: Setting, session: Session, store: StateStore, loaded: Loaded) -> Finished:
    """Outcomes, accounts and report, whether the load came to its end or was stopped."""
    _write_outcomes(setting, session, store, loaded.notes)
    report_outcomes(session.folder, setting.project.catalog)
    close_ledger(session.folder, session.tables)
    planned = PlannedRecords(session.folder.planned, setting.project.mappings)
    manifests.add_load(session.manifest, loaded, store, planned)
    finished = session.end(exit_code_of(loaded.stopped) if loaded.stopped else COMPLETE, loaded.stopped)
    if loaded.stopped is None:
        store.finish_run(session.folder.run_id, session.manifest["ended"], finished.exit_code)
    return finished


def _write_outcomes(setting: Setting, session: Session, state: StateReader, notes: LoadNotes) -> None:
    planned = PlannedRecords(session.folder.planned, setting.project.mappings)
    with ParquetSink(session.folder.outcomes, OUTCOME_SCHEMA) as sink:
        for batch in outcomes(planned, state, notes, setting.keys(create=False)):
            sink.add(batch)


def _require_state_or_consent(setting: Setting, choices: RunChoices) -> None:
    if setting.profile.protect and not setting.has_state and not choices.first_load:
        raise SettingsError(
            f"Profile {setting.profile.name} is protected and has no state database at {setting.state_place}.",
            hint="If nothing was ever loaded with it, run again with --first-load; else bring the state back first.",
        )


def _require_signed(setting: Setting, session: Session, store: StateStore, signed: PlanFile, *, goes_on: bool) -> None:
    """Stops before anything is sent unless the run's plan is the signed one; an unfinished run that is not stays open."""
    try:
        require_same_plan(signed, setting, session, goes_on=goes_on)
    except StalePlan as error:
        if not goes_on:
            _end_unsent(session, store, error)
        raise
    audit(setting, decision="run plan", plan=signed.plan, signed_by=signed.signed_by, run_id=session.folder.run_id)


def _require_few_problems(setting: Setting, session: Session, store: StateStore) -> None:
    """Stops before anything is sent where the profile's limit of blocking problems is passed."""
    limit = setting.profile.max_problems
    found = count_blocking(session.folder) if limit is not None else 0
    if limit is None or found <= limit:
        return
    error = TooManyProblems(
        f"{found} blocking problems are more than the {limit} that profile {setting.profile.name} allows.",
        hint=f"Nothing was sent. Read {session.folder.path.name}/report.html, repair, and run again.",
    )
    _end_unsent(session, store, error)
    raise error


def _end_unsent(session: Session, store: StateStore, error: EtlError) -> None:
    """Closes and reports a run that was refused before anything was sent."""
    close_ledger(session.folder, session.tables)
    ended = session.end(exit_code_of(error), error)
    store.finish_run(session.folder.run_id, now_text(), ended.exit_code)


def _read_options(folder: RunFolder) -> Mapping[str, Mapping[str, TargetId]]:
    options: Mapping[str, Mapping[str, TargetId]] = json.loads(folder.options.read_text("utf-8"))
    return options
