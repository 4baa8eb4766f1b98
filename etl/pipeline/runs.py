"""The verbs that make a run: validate, plan, run, verify. Each reads like the line extract, map, validate, plan, load,
verify, report; a run that was interrupted goes on with its own snapshot and plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import EtlError, SettingsError, TooManyProblems
from etl.core.exits import COMPLETE, HELD_BACK, exit_code_of
from etl.core.ports import Progress, StateReader, StateStore
from etl.core.records import TargetId
from etl.load.outcomes import OUTCOME_SCHEMA, outcomes
from etl.load.planned import PlannedRecords
from etl.pipeline import manifest as manifests
from etl.pipeline.accounts import close_ledger, count_blocking, report_outcomes
from etl.pipeline.loading import Loaded, Options, live_options, load, read_back, with_options
from etl.pipeline.manifest import Manifest
from etl.pipeline.prepare import Work, check_snapshot_columns, map_and_validate, plan_records, register_snapshot
from etl.pipeline.wiring import Setting, SystemClock
from etl.pipeline.workspace import ParquetSink, RunFolder, new_run_id
from etl.report import Summary, write_report
from etl.sources.snapshot import take_snapshot
from etl.sources.tables import DuckTables

_OPTIONS = "options.json"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a verb ended: its summary, where its files are, the exit code, and what stopped it (None: nothing did)."""

    summary: Summary
    folder: Path
    exit_code: int
    stopped: EtlError | None = None


@dataclass(frozen=True, slots=True)
class RunChoices:
    """What a person chose for one run. ``fresh`` closes an unfinished run, ``first_load`` allows a protected profile to
    begin without state, ``retry_rejected`` sends refused records again.
    """

    fresh: bool = False
    first_load: bool = False
    retry_rejected: bool = False


def validate(setting: Setting, progress: Progress) -> Finished:
    """Extract, map, validate and report, without a target."""
    folder, manifest = _begin(setting, "validate")
    with setting.reader() as state, closing(DuckTables(folder.temp)) as tables:
        _prepare(setting, folder, manifest, state, tables, progress, options=None, plans=False)
        close_ledger(folder, tables)
        return _end(folder, manifest, tables, COMPLETE)


def plan(setting: Setting, progress: Progress) -> Finished:
    """The same with the tenant's live options, and the plan against state; reads only."""
    folder, manifest = _begin(setting, "plan")
    with setting.reader() as state, closing(DuckTables(folder.temp)) as tables:
        options = live_options(setting)
        _prepare(setting, folder, manifest, state, tables, progress, options=options, plans=True)
        close_ledger(folder, tables)
        return _end(folder, manifest, tables, COMPLETE)


def run(setting: Setting, progress: Progress, choices: RunChoices | None = None) -> Finished:
    """Loads; goes on where the last run stopped. Raises only before anything was sent."""
    choices = choices or RunChoices()
    _require_state_or_consent(setting, choices)
    with setting.store("run") as store:
        folder, manifest = _open_or_begin(setting, store, choices, progress)
        with closing(DuckTables(folder.temp)) as tables:
            if not folder.plan.exists():
                options = live_options(setting)
                _prepare(
                    setting, folder, manifest, store, tables, progress, options=options, plans=True, choices=choices
                )
                folder.write_json(folder.path / _OPTIONS, options)
                store.set_stage(folder.run_id, "load")
            _require_few_problems(setting, folder, manifest, tables, store)
            loaded = load(setting, folder, store, _read_options(folder), progress)
            return _finish(setting, folder, manifest, store, tables, loaded)


def verify(setting: Setting, progress: Progress) -> Finished:
    """Reads back what the latest run loaded, and adds the findings to that run's report."""
    with setting.store("verify") as store:
        folder = _latest_loaded(setting, store)
        manifest = manifests.read(folder)
        manifests.add_verify(manifest, read_back(setting, folder, store, _read_options(folder), progress))
        folder.write_json(folder.manifest, manifest)
        with closing(DuckTables(folder.temp)) as tables:
            summary = write_report(folder.path, tables)
        return Finished(summary, folder.path, HELD_BACK if manifest["verify"]["findings"] else COMPLETE)


def _begin(setting: Setting, command: str) -> tuple[RunFolder, Manifest]:
    now = SystemClock().now()
    folder = RunFolder(setting.project.runs_folder, new_run_id(now)).create()
    manifest = manifests.begin(setting, folder, command, now.isoformat(timespec="seconds"))
    folder.write_json(folder.manifest, manifest)
    return folder, manifest


def _open_or_begin(
    setting: Setting, store: StateStore, choices: RunChoices, progress: Progress
) -> tuple[RunFolder, Manifest]:
    """The unfinished run where there is one that was planned, else a new one."""
    unfinished = store.open_run()
    if unfinished is not None:
        folder = RunFolder(setting.project.runs_folder, unfinished.run_id)
        if unfinished.stage == "load" and not choices.fresh and folder.plan.exists():
            manifest = manifests.read(folder)
            manifests.require_fresh(manifest, setting.project)
            progress.note(f"Run {folder.run_id} is not finished: going on with its own snapshot and plan.")
            return folder, manifest
        store.finish_run(unfinished.run_id, SystemClock().now().isoformat(timespec="seconds"), HELD_BACK)
    folder, manifest = _begin(setting, "run")
    store.start_run(folder.run_id, "run", manifest["started"], manifest["fingerprints"])
    return folder, manifest


def _prepare(
    setting: Setting,
    folder: RunFolder,
    manifest: Manifest,
    state: StateReader,
    tables: DuckTables,
    progress: Progress,
    *,
    options: Options | None,
    plans: bool,
    choices: RunChoices | None = None,
) -> None:
    """Everything up to the line that writes."""
    project = setting.project
    snapshot = take_snapshot(setting.sources(), None, folder.snapshot, progress)
    manifests.add_snapshot(manifest, snapshot)
    check_snapshot_columns(project, snapshot)
    register_snapshot(tables, snapshot)
    work = Work(
        project=project,
        catalog=with_options(project.catalog, options) if options is not None else project.catalog,
        folder=folder,
        snapshot=snapshot,
        tables=tables,
        keys=setting.keys(create=True),
        context=setting.context(SystemClock().now()),
        files=setting.files(),
        progress=progress,
    )
    checked = map_and_validate(work, state)
    manifests.add_order(manifest, checked.order)
    if plans:
        plan_records(work, checked, state, retry_rejected=bool(choices and choices.retry_rejected))
    checked.graph.close()
    folder.write_json(folder.manifest, manifest)


def _finish(
    setting: Setting, folder: RunFolder, manifest: Manifest, store: StateStore, tables: DuckTables, loaded: Loaded
) -> Finished:
    """Outcomes, accounts and report, whether the load came to its end or was stopped."""
    planned = PlannedRecords(folder.planned, setting.project.mappings)
    with ParquetSink(folder.outcomes, OUTCOME_SCHEMA) as sink:
        for batch in outcomes(planned, store, loaded.notes.failures):
            sink.add(batch)
    report_outcomes(folder)
    close_ledger(folder, tables)
    manifests.add_load(manifest, loaded, store)
    code = exit_code_of(loaded.stopped) if loaded.stopped else COMPLETE
    finished = _end(folder, manifest, tables, code, loaded.stopped)
    if loaded.stopped is None:
        store.finish_run(folder.run_id, manifest["ended"], finished.exit_code)
    return finished


def _end(
    folder: RunFolder, manifest: Manifest, tables: DuckTables, code: int, stopped: EtlError | None = None
) -> Finished:
    """Writes manifest and report; a run that came to its end exits 1 where anything was held back."""
    manifests.end(manifest, SystemClock().now().isoformat(timespec="seconds"), code, stopped)
    folder.write_json(folder.manifest, manifest)
    summary = write_report(folder.path, tables)
    if code == COMPLETE and not summary.is_complete:
        manifest["exit_code"] = code = HELD_BACK
        folder.write_json(folder.manifest, manifest)
        summary = write_report(folder.path, tables)
    return Finished(summary, folder.path, code, stopped)


def _require_state_or_consent(setting: Setting, choices: RunChoices) -> None:
    if setting.profile.protect and not setting.state_path.exists() and not choices.first_load:
        raise SettingsError(
            f"Profile {setting.profile.name} is protected and has no state database at {setting.state_path.name}.",
            hint="If nothing was ever loaded with it, run again with --first-load; else bring the state back first.",
        )


def _require_few_problems(
    setting: Setting, folder: RunFolder, manifest: Manifest, tables: DuckTables, store: StateStore
) -> None:
    """Stops before anything is sent where the profile's limit of blocking problems is passed."""
    limit = setting.profile.max_problems
    found = count_blocking(folder) if limit is not None else 0
    if limit is not None and found > limit:
        error = TooManyProblems(
            f"{found} blocking problems are more than the {limit} that profile {setting.profile.name} allows.",
            hint=f"Nothing was sent. Read {folder.path.name}/report.html, repair, and run again.",
        )
        close_ledger(folder, tables)
        ended = _end(folder, manifest, tables, exit_code_of(error), error)
        store.finish_run(folder.run_id, manifest["ended"], ended.exit_code)
        raise error


def _latest_loaded(setting: Setting, store: StateReader) -> RunFolder:
    for row in store.runs():
        folder = RunFolder(setting.project.runs_folder, row.run_id)
        if row.command == "run" and folder.plan.exists() and (folder.path / _OPTIONS).exists():
            return folder
    raise SettingsError(
        f"Nothing was loaded yet with profile {setting.profile.name}.", hint="Use `casebook-etl run` first."
    )


def _read_options(folder: RunFolder) -> Mapping[str, Mapping[str, TargetId]]:
    options: Mapping[str, Mapping[str, TargetId]] = json.loads((folder.path / _OPTIONS).read_text("utf-8"))
    return options
