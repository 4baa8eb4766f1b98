"""Progress as a person sees it: a bar on a terminal, plain lines elsewhere, nothing when quiet. Always on standard error."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_EVERY_S = 10.0


class QuietProgress:
    """Says nothing but notes."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class PlainProgress:
    """One line when a stage begins and one every ten seconds while it lasts."""

    def __init__(self) -> None:
        self._stage = ""
        self._total: int | None = None
        self._done = 0
        self._said = 0.0

    def start(self, stage: str, total: int | None = None) -> None:
        """Begins a stage."""
        self._stage, self._total, self._done, self._said = stage, total, 0, time.monotonic()
        _say(f"{stage} ...")

    def advance(self, count: int = 1) -> None:
        """Says how far it is, now and then."""
        self._done += count
        if self._stage and time.monotonic() - self._said >= _EVERY_S:
            self._said = time.monotonic()
            _say(f"{self._stage}: {self._done:,}" + (f" of {self._total:,}" if self._total else ""))

    def note(self, text: str) -> None:
        """Says a line."""
        _say(text)

    def close(self) -> None:
        """Nothing."""


class BarProgress:
    """A bar with rate and time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, _Rate(), console=console, transient=False)
        self._task: TaskID | None = None
        self._progress.start()

    def start(self, stage: str, total: int | None = None) -> None:
        """Begins a stage."""
        self._finish_task()
        self._task = self._progress.add_task(stage, total=total)

    def advance(self, count: int = 1) -> None:
        """Moves the bar."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def note(self, text: str) -> None:
        """Says a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Leaves the bars as they are."""
        self._finish_task()
        self._progress.stop()

    def _finish_task(self) -> None:
        if self._task is not None:
            task = self._progress.tasks[self._task]
            self._progress.update(self._task, total=task.completed, completed=task.completed)


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        """The rate of a task."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
