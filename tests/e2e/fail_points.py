"""Named places at which a process ends, in one of three ways; planted in a child before it begins to work."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

ENDED = 70
"""Exit code of a process that ended by an exception of its own."""
WAYS = ("SIGKILL", "exception", "cancellation")
HEARD_S = 0.05
"""So long the thread that writes stands still for the load to be cancelled meanwhile."""

Arguments = tuple[Any, ...]


def _any_call(_arguments: Arguments) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class FailPoint:
    """A function and the call of it, counted from 1, before or after whose work the process ends."""

    module: str
    name: str
    after: bool = True
    nth: int = 1
    counts: Callable[[Arguments], bool] = _any_call
    """Which calls count, by their arguments."""
    part: Callable[[Arguments], Arguments] | None = None
    """Arguments with which only a part of the work is done, before the process ends."""
    within: FailPoint | None = None
    """The place inside the work of that call where the process ends."""


# ---------------------------------------------------------------- which calls


def _of_file(name: str) -> Callable[[Arguments], bool]:
    """A call of which an argument is a path of this name."""
    return lambda arguments: any(getattr(each, "name", "") == name for each in arguments)


def _of(kind: str, entity: str = "") -> Callable[[Arguments], bool]:
    """A call about a change of this kind, wherever in its arguments: a commit, a group of commits, a draft."""

    def counts(arguments: Arguments) -> bool:
        changes = [change for each in arguments for change in _changes(each)]
        return any(type(each).__name__ == kind and entity in ("", getattr(each, "entity", "")) for each in changes)

    return counts


def _changes(argument: Any) -> list[Any]:
    if isinstance(argument, list | tuple):
        return [change for each in argument for change in _changes(each)]
    if isinstance(getattr(argument, "changes", None), list | tuple):
        return list(argument.changes)
    return [argument]


def _document_of(entity: str) -> Callable[[Arguments], bool]:
    return lambda arguments: any(getattr(each, "entity", "") == entity for each in arguments)


def _request(verb: bytes, of: bytes = b"") -> Callable[[Arguments], bool]:
    """The bytes of a request with this verb and, in the line after it, these bytes; none of a token's."""

    def counts(arguments: Arguments) -> bool:
        line = arguments[1].partition(b"\r\n")[0]
        return line.startswith(verb + b" ") and of in line and b"token" not in line

    return counts


def _all_but_its_end(arguments: Arguments) -> Arguments:
    line, request = arguments
    return line, request[:-20]


# ---------------------------------------------------------------- the places


def _change(kind: str, entity: str = "") -> dict[str, FailPoint]:
    """The way of a change to the disk: queued, its rows written, durable."""
    store, group = ("etl.state.store", "SqlStore.commit_telling"), ("etl.state.committer", "Committer._write")
    counts = _of(kind, entity)
    return {
        "is about to be queued": FailPoint(*store, counts=counts, after=False),
        "was queued": FailPoint(*store, counts=counts),
        "is being committed": FailPoint(*group, counts=counts, within=FailPoint("etl.state.draft", "Draft.write")),
        "is durable": FailPoint(*group, counts=counts),
    }


def _call(place: tuple[str, str], counts: Callable[[Arguments], bool] = _any_call) -> dict[str, FailPoint]:
    """Before it and after it."""
    return {"before": FailPoint(*place, after=False, counts=counts), "after": FailPoint(*place, counts=counts)}


def _wire(counts: Callable[[Arguments], bool]) -> dict[str, FailPoint]:
    """The way of a request to the socket: all but its last bytes, and all of it."""
    place = ("etl.casebook.line", "Line._send")
    return {
        "is written in part": FailPoint(*place, counts=counts, part=_all_but_its_end),
        "was written": FailPoint(*place, counts=counts),
    }


_CLIENT = "etl.casebook.client"
_NAMED = ("pathlib", "Path.replace")
_LOST = ("etl.load.unclear", "Unclear.lost")
_FENCE = ("etl.load.commits", "Commits.still_ours")
POINTS: dict[str, dict[str, FailPoint]] = {
    "snapshot": _call(("etl.pipeline.dry_run", "take_snapshot")),
    "mapping": _call(("etl.pipeline.dry_run", "map_and_validate")),
    "planning": _call(("etl.pipeline.runs", "plan_records")),
    "intent": _change("Intend"),
    "first byte": _call(_FENCE),
    "request": _wire(_request(b"POST")),
    "lost answer": _call(_LOST),
    "answer": _call((_CLIENT, "CasebookClient.create")),
    "outcome": _change("MarkCreated"),
    "child's intent": _change("Intend", "case_person"),
    "child's request": _wire(_request(b"POST", b"/case_people")),
    "link": _call((_CLIENT, "CasebookClient.update")),
    "link's outcome": _change("MarkLinked"),
    "attachment's intent": _change("Intend", "attachment"),
    "attachment's request": _wire(_request(b"POST", b"/attachments/attachments ")),
    "attachment's answer": _call((_CLIENT, "CasebookClient.create"), _document_of("attachment")),
    "bytes": _call((_CLIENT, "CasebookClient.upload")),
    "bytes on the wire": _wire(_request(b"PUT")),
    "bytes' outcome": _change("MarkUploaded"),
    "question": _call(("etl.load.ask", "Asker.ask")),
    "naming a report": _call(_NAMED, _of_file("report.html")),
    "naming a summary": _call(_NAMED, _of_file("summary.json")),
    "naming a manifest": _call(_NAMED, _of_file("manifest.json")),
    "copying before an upgrade": _call(("etl.state.sqlite", "_save_copy")),
    "ending an upgrade": _call(("etl.state.sqlite", "_set_version")),
    "deleting": _call((_CLIENT, "CasebookClient.delete")),
    "a deletion's outcome": _change("MarkUndone"),
    "a line of the audit": _call(("etl.pipeline.undoing", "audit")),
    "the lock": _call(("etl.state.lock", "FileLock.acquire")),
    "the lease": _call(("etl.state.lease", "take")),
    "a token": _call(("etl.casebook.auth", "Tokens._fetch")),
}


def plant(name: str, place: str, way: str, nth: int = 1) -> None:
    """From now on this process ends there, at the n-th call that counts."""
    _plant(replace(POINTS[name][place], nth=nth), way)


def _plant(point: FailPoint, way: str) -> None:
    *owners, name = point.name.split(".")
    owner: Any = importlib.import_module(point.module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, _ending(getattr(owner, name), point, way))


def _ending(work: Callable[..., Any], point: FailPoint, way: str) -> Callable[..., Any]:
    calls = 0

    def is_due(arguments: Arguments) -> bool:
        nonlocal calls
        calls += point.counts(arguments)
        if calls != point.nth or not point.counts(arguments):
            return False
        if point.within is not None:
            _plant(point.within, way)
        return point.within is None

    @functools.wraps(work)
    async def waited(*arguments: Any, **named: Any) -> Any:
        due = is_due(arguments)
        if due and not point.after:
            _end(way)
            await asyncio.sleep(0)
        result = await work(*arguments, **named)
        if due and point.after:
            _end(way)
            await asyncio.sleep(0)
        return result

    @functools.wraps(work)
    def plain(*arguments: Any, **named: Any) -> Any:
        due = is_due(arguments)
        if due and not point.after:
            _end(way)
        result = work(*(point.part(arguments) if due and point.part else arguments), **named)
        if due and point.after:
            _end(way)
        return result

    return waited if inspect.iscoroutinefunction(work) else plain


def _end(way: str) -> None:
    match way:
        case "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exception":
            raise ZeroDivisionError("planted")
        case _:
            _cancel()


def _cancel() -> None:
    """Cancels everything that is under way, also from another thread; where nothing waits on an event loop, nothing can
    be cancelled but by an interrupt.
    """
    gc.unfreeze()  # a load keeps what was there before it out of sight
    tasks = [each for each in gc.get_objects() if isinstance(each, asyncio.Task) and not each.done()]
    if not tasks:
        raise KeyboardInterrupt
    for loop in {each.get_loop() for each in tasks}:
        # In one go: were there a pause after a child of a group, the rest could take it for done and end well.
        loop.call_soon_threadsafe(_cancel_each, [each for each in tasks if each.get_loop() is loop])
    if not _is_on_a_loop():
        time.sleep(HEARD_S)


def _cancel_each(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for each in tasks:
        each.cancel()


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
