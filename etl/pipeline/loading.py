"""The part of a run that talks to Casebook: options before mapping, the load itself, reading back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from etl.casebook.clock import SystemClock
from etl.casebook.pace import ASKED, PaceFacts
from etl.catalog.model import Catalog, Option
from etl.core.errors import EtlError
from etl.core.keys import RecordKeys
from etl.core.ports import Progress
from etl.core.records import TargetId
from etl.core.state_port import StateStore
from etl.load.course import LoadSettings
from etl.load.executor import Loader
from etl.load.groups import first_error
from etl.load.notes import LoadNotes
from etl.load.planned import PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.rebuild import Rebuilder
from etl.load.sampling import Scope
from etl.load.verify import Verifier, VerifyResult
from etl.mapping.model import Profile, Project
from etl.pipeline.capabilities import with_rungs
from etl.pipeline.runlog import RunLog
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder
from etl.state.images import SealedImages

if TYPE_CHECKING:
    from etl.casebook.client import CasebookClient

Options = Mapping[str, Mapping[str, TargetId]]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a run works: its folder, the state database it holds, its log and its progress display."""

    folder: RunFolder
    store: StateStore
    log: RunLog
    progress: Progress


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load leaves beside the state database. ``stopped`` is what ended it early."""

    notes: LoadNotes
    requests: Mapping[tuple[str, int], int]
    load_s: float
    stopped: EtlError | None
    pace: PaceFacts


def live_options(setting: Setting, log: RunLog) -> Options:
    """The tenant's options for every lookup that the project uses, read now."""

    async def read() -> Options:
        target = setting.target(log.request)
        try:
            return {lookup: await target.options(lookup) for lookup in sorted(_lookups(setting.project))}
        finally:
            await target.close()

    return run_on_loop(read())


def with_options(catalog: Catalog, options: Options) -> Catalog:
    """The catalogue with the tenant's live options in place of what an overlay lists."""
    listed = {
        name: tuple(Option(label, identifier) for label, identifier in each.items()) for name, each in options.items()
    }
    lookups = {name: replace(each, options=listed.get(name, each.options)) for name, each in catalog.lookups.items()}
    entities = {name: replace(each, options=listed.get(name, each.options)) for name, each in catalog.entities.items()}
    return replace(catalog, lookups=lookups, entities=entities)


def load(setting: Setting, bench: Bench, options: Options) -> Loaded:
    """Loads a run's plan. An error that stopped it is returned, because what was loaded still has to be reported."""

    async def work() -> Loaded:
        target = setting.target(bench.log.request, on_cut=partial(_tell_of_pace, bench.progress))
        ports = ports_of(setting, target, bench)
        planned = PlannedRecords(bench.folder.planned, setting.project.mappings)
        loader = Loader(ports, planned, options, _settings(setting.profile))
        began = time.monotonic()
        stopped: EtlError | None = None
        try:
            with interruptible(loader), uncollected():
                await loader.run()
        except* EtlError as group:
            stopped = first_error(group)
        finally:
            await target.close()
        return Loaded(loader.notes, dict(target.requests), time.monotonic() - began, stopped, target.pace)

    return run_on_loop(work())


def read_back(setting: Setting, bench: Bench, options: Options, scope: Scope) -> VerifyResult:
    """Reads back what is in scope and compares. Raises what the target raises."""

    async def work() -> VerifyResult:
        target = setting.target(bench.log.request)
        planned = PlannedRecords(bench.folder.planned, setting.project.mappings)
        try:
            return await Verifier(ports_of(setting, target, bench), planned, options, scope).run()
        finally:
            await target.close()

    return run_on_loop(work())


def find_again(setting: Setting, bench: Bench, options: Options) -> Counter[tuple[str, str]]:
    """Fills an empty state with what a plan's records are found to be; see :mod:`etl.load.rebuild`."""

    async def work() -> Counter[tuple[str, str]]:
        target = setting.target(bench.log.request)
        planned = PlannedRecords(bench.folder.planned, setting.project.mappings)
        rebuilder = Rebuilder(ports_of(setting, target, bench), planned, options, setting.profile.quiet_s)
        try:
            await rebuilder.run()
        finally:
            await target.close()
        return rebuilder.verdicts

    return run_on_loop(work())


def ports_of(setting: Setting, target: CasebookClient, bench: Bench) -> LoadPorts:
    """Everything outside that loading, verifying and undoing need."""
    keys: RecordKeys = setting.keys(create=False)
    catalog, files = with_rungs(setting.project.catalog, setting.capabilities), setting.files()
    images = SealedImages(bench.folder.before, bench.folder.run_id, keys) if setting.profile.undo_days else None
    return LoadPorts(catalog, keys, target, bench.store, files, SystemClock(), bench.progress, images)


def _settings(profile: Profile) -> LoadSettings:
    return LoadSettings(profile.concurrency, profile.quiet_s, one_root_at_a_time=profile.one_case_at_a_time)


def _tell_of_pace(progress: Progress, why: str, in_flight: int) -> None:
    cause = "Casebook asks to slow down" if why == ASKED else "Casebook's answers take longer"
    progress.note(f"{cause}: at most {in_flight} at a time now, more again as it allows.")


def _lookups(project: Project) -> set[str]:
    return {lookup for mapping in project.mappings for field in mapping.fields if (lookup := field.lookup)}


class Interruptible(Protocol):
    """Work that can be asked to end."""

    def interrupt(self) -> None:
        """Finishes what is in flight and begins nothing new."""
        ...


@contextlib.contextmanager
def interruptible(work: Interruptible) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) drains; the second ends the process at once, which the protocol survives."""
    loop = asyncio.get_running_loop()
    asked = False

    def interrupt() -> None:
        nonlocal asked
        if asked:
            os._exit(130)
        asked = True
        work.interrupt()

    otherwise = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError):
            loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.remove_signal_handler(number)
        # The loop leaves the system's own way of ending, which tidies nothing up; the reports are still to be written.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGTERM, otherwise or signal.SIG_DFL)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """What is there when a load begins stays there to its end: Python's search for objects that hold each other leaves it out,
    or it would walk it again and again.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def run_on_loop(work: Coroutine[object, object, Result]) -> Result:
    """Runs on uvloop where there is one: the hot path is the event loop's."""
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)
