"""Undoes a run from outside: what may be undone, the work itself, and the account of it in ``undo.json`` of the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from etl.core.errors import EtlError, SettingsError
from etl.core.exits import COMPLETE, HELD_BACK, exit_code_of
from etl.core.outcomes import RecordState
from etl.core.ports import Progress
from etl.core.records import RunId
from etl.core.state_port import RunRow, StateReader, StateStore
from etl.load.groups import first_error
from etl.load.planned import PlannedRecords
from etl.load.undo import Undoer, UndoResult
from etl.pipeline import capabilities
from etl.pipeline import manifest as manifests
from etl.pipeline.audit import audit
from etl.pipeline.loading import Bench, interruptible, ports_of, run_on_loop
from etl.pipeline.runlog import LoggedProgress, RunLog
from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder
from etl.state.images import SealedImages

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Preview:
    """What undoing a run would touch: records it created and updates it made, by entity. ``later`` are runs after it."""

    run_id: str
    created: Mapping[str, int]
    adopted: Mapping[str, int]
    changed: Mapping[str, int]
    later: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many records and changes."""
        return sum(self.created.values()) + sum(self.adopted.values()) + sum(self.changed.values())


@dataclass(frozen=True, slots=True)
class Undone:
    """How it went. ``stopped`` is what ended it early; the same command goes on."""

    run_id: str
    result: UndoResult
    exit_code: int
    stopped: EtlError | None


def preview(setting: Setting, run_id: str) -> Preview:
    """What undoing would touch; reads state and the run's folder only. Raises SettingsError, StateOutdated."""
    with setting.reader() as state:
        setting.require_newest(state)
        folder = _folder_of(setting, state, run_id)
        adopted = (known for known in state.in_state(RecordState.CREATED) if known.adopted and known.run_id == run_id)
        changed = {(image.key, image.link): image.sent.entity for image in _images(setting, folder).read()}
        runs = [row.run_id for row in state.runs() if row.command == "run"]
        return Preview(
            run_id=run_id,
            created=dict(Counter(known.entity for known in state.created_by(folder.run_id))),
            adopted=dict(Counter(known.entity for known in adopted)),
            changed=dict(Counter(changed.values())),
            later=tuple(runs[: runs.index(folder.run_id)]),
        )


def undo(setting: Setting, progress: Progress, run_id: str, *, protected_too: bool = False) -> Undone:
    """Undoes a run as far as may be. Raises before anything was changed; what stopped it later is returned."""
    if setting.profile.protect and not protected_too:
        raise SettingsError(
            f"Profile {setting.profile.name} is protected, so nothing in its tenant is removed.",
            hint="If you mean it, say so with --protected.",
        )
    setting = capabilities.told(setting, progress)
    with setting.store("undo") as store:
        folder = _folder_of(setting, store, run_id)
        _close(store, folder.run_id)
        began = now_text()
        with RunLog(folder.log, folder.run_id, verbose=setting.verbose) as log:
            log.say("undo", version=manifests.read(folder)["fingerprints"]["code"])
            result, stopped = _work(setting, Bench(folder, store, log, LoggedProgress(progress, log)))
        left = bool(result.spared or result.unclear)
        code = exit_code_of(stopped) if stopped else HELD_BACK if left else COMPLETE
        _account(setting, folder, began, result, code, stopped)
        return Undone(run_id, result, code, stopped)


def require_nothing_half_undone(state: StateReader) -> None:
    """Raises SettingsError while an undoing is unfinished: loading meanwhile would meet records that are about to go."""
    half = list(state.in_state(RecordState.UNDOING))
    if half:
        raise SettingsError(
            "The undoing of a run is not finished.",
            hint=f"Finish it first with `casebook-etl undo {half[0].run_id}`; it goes on where it stopped.",
        )


def forget_old_images(setting: Setting, state: StateReader) -> int:
    """Destroys what records held before updates of runs that ended longer ago than the profile keeps it; how many runs."""
    oldest = datetime.now(UTC) - timedelta(days=setting.profile.undo_days)
    count = 0
    for row in state.runs():
        if row.ended is not None and datetime.fromisoformat(row.ended) < oldest:
            count += _images(setting, RunFolder(setting.project.runs_folder, row.run_id)).destroy()
    return count


def _images(setting: Setting, folder: RunFolder) -> SealedImages:
    return SealedImages(folder.before, folder.run_id, setting.keys(create=False))


def _folder_of(setting: Setting, state: StateReader, run_id: str) -> RunFolder:
    rows: dict[str, RunRow] = {row.run_id: row for row in state.runs() if row.command == "run"}
    if run_id not in rows:
        latest = next(iter(rows), None)
        hint = f"The latest run is {latest}." if latest else "No run is known with this profile."
        hint += " Runs from before a `state rebuild` cannot be undone."
        raise SettingsError(f"There is no run {run_id} of profile {setting.profile.name}.", hint=hint)
    folder = RunFolder(setting.project.runs_folder, RunId(run_id))
    if not folder.options.exists() or not any(folder.planned.glob("*.parquet")):
        raise SettingsError(
            f"The folder of run {run_id} holds no records to compare with.",
            hint="Bring the folder back from a backup: nothing is removed that cannot be compared first.",
        )
    missing = {each["name"] for each in manifests.read(folder)["mappings"]} - {
        each.name for each in setting.project.mappings
    }
    if missing:
        raise SettingsError(
            f"Mappings of run {run_id} are gone from the project: {', '.join(sorted(missing))}.",
            hint="Bring them back for the undoing; their fields may have changed.",
        )
    return folder


def _close(store: StateStore, run_id: RunId) -> None:
    """Ends the run if it is unfinished; another unfinished run has to come to its end first."""
    unfinished = store.open_run()
    if unfinished is None:
        return
    if unfinished.run_id != run_id:
        raise SettingsError(
            f"Run {unfinished.run_id} is not finished.",
            hint="Finish it with `casebook-etl run`, or undo that one first.",
        )
    store.finish_run(run_id, now_text(), HELD_BACK)


def _work(setting: Setting, bench: Bench) -> tuple[UndoResult, EtlError | None]:
    options = json.loads(bench.folder.options.read_text("utf-8"))

    async def work() -> tuple[UndoResult, EtlError | None]:
        target = setting.target(bench.log.request)
        planned = PlannedRecords(bench.folder.planned, setting.project.mappings)
        # Whatever was kept is brought back, though nothing may be kept by now.
        ports = replace(ports_of(setting, target, bench), images=_images(setting, bench.folder))
        concurrency = setting.profile.concurrency
        undoer = Undoer(ports, planned, options, bench.folder.run_id, concurrency)
        stopped: EtlError | None = None
        try:
            with interruptible(undoer):
                await undoer.run()
        except* EtlError as group:
            stopped = first_error(group)
        finally:
            await target.close()
        return undoer.result, stopped

    return run_on_loop(work())


def _account(
    setting: Setting, folder: RunFolder, began: str, result: UndoResult, code: int, stopped: EtlError | None
) -> None:
    """Writes what was undone beside what was done; an undoing that went on adds to what stands there."""
    rounds = json.loads(folder.undo.read_text("utf-8"))["rounds"] if folder.undo.exists() else []
    counts = counted(result)
    error = {"code": stopped.code, "message": stopped.message, "hint": stopped.hint} if stopped else None
    this: dict[str, object] = {"began": began, "ended": now_text(), "exit_code": code, "error": error, **counts}
    this["spared"] = [asdict(each) for each in result.spared]
    folder.write_json(folder.undo, {"version": _VERSION, "run_id": folder.run_id, "rounds": [*rounds, this]})
    audit(setting, decision="undo", run_id=folder.run_id, exit_code=code, spared=len(result.spared), **counts)


def counted(result: UndoResult) -> dict[str, dict[str, int]]:
    """The counts of an undoing by entity, as plain data."""
    names = ("removed", "gone", "restored", "released", "unclear")
    return {name: dict(sorted(getattr(result, name).items())) for name in names}
