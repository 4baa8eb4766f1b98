"""Named places at which a process ends, in one of three ways; planted in a child before it begins to work."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ENDED = 70
"""Exit code of a process that ended by an exception of its own."""
WAYS = ("SIGKILL", "exception", "cancellation")


@dataclass(frozen=True, slots=True)
class FailPoint:
    """A function and the call of it, counted from 1, before or after whose work the process ends."""

    module: str
    name: str
    after: bool = True
    nth: int = 1
    file: str = ""
    """Only calls of which an argument is a path of this name count."""


POINTS = {
    "an answer was received": FailPoint("etl.casebook.client", "CasebookClient.create", nth=3),
    "a question is about to be asked": FailPoint("etl.load.ask", "Asker.ask", after=False),
    "a question was answered": FailPoint("etl.load.ask", "Asker.ask"),
    "a report is about to get its name": FailPoint("pathlib", "Path.replace", after=False, file="report.html"),
    "a summary is about to get its name": FailPoint("pathlib", "Path.replace", after=False, file="summary.json"),
    "a manifest got its name": FailPoint("pathlib", "Path.replace", file="manifest.json"),
    "a record was deleted": FailPoint("etl.casebook.client", "CasebookClient.delete", nth=3),
    "a record is about to be deleted": FailPoint("etl.casebook.client", "CasebookClient.delete", after=False, nth=3),
    "the lease was taken": FailPoint("etl.state.lease", "take"),
    "the lease is about to be taken": FailPoint("etl.state.lease", "take", after=False),
    "a token is about to be fetched": FailPoint("etl.casebook.auth", "Tokens._fetch", after=False),
    "a token was fetched": FailPoint("etl.casebook.auth", "Tokens._fetch"),
}


def plant(point: str, way: str) -> None:
    """From now on this process ends there."""
    wanted = POINTS[point]
    *owners, name = wanted.name.split(".")
    owner: Any = importlib.import_module(wanted.module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, _ending(getattr(owner, name), wanted, way))


def _ending(work: Callable[..., Any], point: FailPoint, way: str) -> Callable[..., Any]:
    calls = 0

    def is_due(arguments: tuple[object, ...]) -> bool:
        nonlocal calls
        calls += not point.file or any(getattr(each, "name", "") == point.file for each in arguments)
        return calls >= point.nth

    @functools.wraps(work)
    async def waited(*arguments: Any, **named: Any) -> Any:
        due = is_due(arguments)
        if due and not point.after:
            _end(way)
            await asyncio.sleep(0)
        result = await work(*arguments, **named)
        if due:
            _end(way)
            await asyncio.sleep(0)
        return result

    @functools.wraps(work)
    def plain(*arguments: Any, **named: Any) -> Any:
        due = is_due(arguments)
        if due and not point.after:
            _end(way)
        result = work(*arguments, **named)
        if due:
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
    """Cancels everything that is under way; outside of an event loop nothing can be but by an interrupt."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        raise KeyboardInterrupt from None
    for each in tasks:
        each.cancel()
