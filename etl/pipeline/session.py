"""One execution with an id: begun, continued or ended; its folder, manifest, log and tables in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from etl.casebook.clock import SystemClock
from etl.core.errors import EtlError, SettingsError, StalePlan
from etl.core.exits import COMPLETE, HELD_BACK, THRESHOLD, YOURS_TO_FIX
from etl.core.ports import Progress
from etl.core.records import RunId
from etl.core.state_port import RunRow, StateReader, StateStore
from etl.load.client_ids import USED
from etl.pipeline import manifest as manifests
from etl.pipeline.capabilities import ids_chosen
from etl.pipeline.manifest import Manifest
from etl.pipeline.open_findings import carry
from etl.pipeline.runlog import LoggedProgress, RunLog
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder
from etl.report import Summary, summarize, write_report
from etl.sources.tables import DuckTables

_NOTHING_SENT = (YOURS_TO_FIX, THRESHOLD)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a verb ended: its summary, where its files are, the exit code, and what stopped it (None: nothing did)."""

    summary: Summary
    folder: Path
    exit_code: int
    stopped: EtlError | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A run at work. ``manifest`` grows while it lasts."""

    folder: RunFolder
    manifest: Manifest
    tables: DuckTables
    log: RunLog
    progress: Progress

    def save(self) -> None:
        """Writes the manifest as it stands."""
        self.folder.write_json(self.folder.manifest, self.manifest)

    def end(self, code: int = COMPLETE, stopped: EtlError | None = None) -> Finished:
        """Writes manifest and report; a run that came to its end exits 1 where anything was held back."""
        manifests.end(self.manifest, now_text(), code, stopped)
        self.save()
        summary = summarize(self.folder.path)
        if code == COMPLETE and not summary.is_complete:
            self.manifest["exit_code"] = code = HELD_BACK
            self.save()
            summary = summary.model_copy(update={"exit_code": code})
        write_report(self.folder.path, self.tables, summary)
        self.log.say("ended", exit_code=code, error_code=stopped.code if stopped else None)
        return Finished(summary, self.folder.path, code, stopped)


def now_text() -> str:
    """The wall clock in UTC as ISO text, for people."""
    return SystemClock().now().isoformat(timespec="seconds")


@contextmanager
def new_session(setting: Setting, command: str, progress: Progress) -> Iterator[Session]:
    """A new run in a folder of its own."""
    folder = RunFolder.new(setting.project.runs_folder, SystemClock())
    manifest = manifests.begin(setting, folder, command, now_text())
    with open_session(setting, folder, manifest, progress) as session:
        session.save()
        yield session


@contextmanager
def open_session(setting: Setting, folder: RunFolder, manifest: Manifest, progress: Progress) -> Iterator[Session]:
    """A run at work in a folder that exists."""
    with (
        RunLog(folder.log, folder.run_id, verbose=setting.verbose) as log,
        closing(DuckTables(folder.temp)) as tables,
    ):
        log.say(manifest["command"], version=manifest["fingerprints"]["code"])
        yield Session(folder, manifest, tables, log, LoggedProgress(progress, log))


@contextmanager
def load_session(setting: Setting, store: StateStore, progress: Progress, *, fresh: bool) -> Iterator[Session]:
    """The unfinished run where there is one that was planned, else a new one; an unfinished one without a plan has sent
    nothing and is closed. Raises StalePlan where the project changed since.
    """
    unfinished = store.open_run()
    folder = RunFolder(setting.project.runs_folder, unfinished.run_id) if unfinished else None
    if unfinished and folder and not fresh and _is_planned(unfinished, folder):
        manifest = manifests.read(folder)
        manifests.require_fresh(manifest, setting.project)
        _require_same_ids(setting, store, folder.run_id)
        progress.note(f"Run {folder.run_id} is not finished: going on with its own snapshot and plan.")
        for table in _changed_since(setting, manifest):
            progress.note(f"{table} has changed since that snapshot; the change comes with the next run.")
        manifest["continued"] = True
        with open_session(setting, folder, manifest, progress) as session:
            yield session
        return
    if unfinished:
        store.finish_run(unfinished.run_id, now_text(), HELD_BACK)
    with new_session(setting, "run", progress) as session:
        earlier = next(_loaded(setting, store), None)
        carry(session.manifest, manifests.read(earlier) if earlier is not None else None)
        started = session.manifest["started"]
        fingerprints = session.manifest["fingerprints"] | {USED: ids_chosen(setting)}
        store.start_run(session.folder.run_id, "run", started, fingerprints)
        yield session


def latest_loaded(setting: Setting, store: StateReader) -> RunFolder:
    """The folder of the latest run that got as far as loading. Raises SettingsError where there is none."""
    folder = next(_loaded(setting, store), None)
    if folder is None and store.counts():
        raise SettingsError(
            f"No run of profile {setting.profile.name} has loaded since its state was made anew.",
            hint="Use `casebook-etl run` first: it sends only what is absent.",
        )
    if folder is None:
        raise SettingsError(
            f"Nothing was loaded yet with profile {setting.profile.name}.", hint="Use `casebook-etl run` first."
        )
    return folder


def _loaded(setting: Setting, store: StateReader) -> Iterator[RunFolder]:
    """The folders of the runs that got as far as loading, newest first; what a refused run planned is nowhere."""
    for row in store.runs():
        folder = RunFolder(setting.project.runs_folder, row.run_id)
        if row.exit_code in _NOTHING_SENT:
            continue
        if row.command == "run" and folder.plan.exists() and folder.options.exists():
            yield folder


def _require_same_ids(setting: Setting, store: StateReader, run_id: RunId) -> None:
    """One run sends ids of our choice for an entity always or never: what an open attempt carried is told by its run alone."""
    if store.run_fingerprints(run_id).get(USED, "") != ids_chosen(setting):
        raise StalePlan(
            f"Run {run_id} is not finished, and since it began it changed for which entities ids of our choice are sent.",
            hint="Bring the capability profile (or the overlay's `client_ids`) back and run again to finish it, or start "
            "anew with --fresh: what is loaded stays loaded.",
        )


def _changed_since(setting: Setting, manifest: Manifest) -> list[str]:
    """The CSV tables that are not as this run's snapshot took them: reported, not mixed in."""
    taken = {table["table"]: table["sha256"] for table in manifest["snapshot"]}
    now = setting.file_hashes()
    return [table for table, sha256 in taken.items() if now.get(table, sha256) != sha256]


def _is_planned(row: RunRow, folder: RunFolder) -> bool:
    return row.stage == "load" and folder.plan.exists()
