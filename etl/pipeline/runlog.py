"""The run's log: JSON lines with facts from an allow-list, so that no sentence and no person's data can get in.

Requests are logged where something is worth knowing (anything but a plain success); a verbose run logs and shows all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import structlog
from structlog.typing import Processor

from etl.core.ports import Progress

if TYPE_CHECKING:
    from etl.casebook.channel import RequestEvent

ALLOWED = frozenset(
    {"event", "timestamp", "run_id", "stage", "total", "verb", "entity", "status", "attempt", "duration_s", "exit_code"}
    | {"error_code", "problems", "records", "version"}
)
_PLAIN_SUCCESS = range(200, 300)


class RunLog:
    """Appends to ``log.jsonl`` of a run, readable by its owner only; closed as a context manager."""

    def __init__(self, path: Path, run_id: str, *, verbose: bool = False) -> None:
        self._stream = os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8")
        self._verbose = verbose
        processors: list[Processor] = [
            _only_allowed,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            self._rendered,
        ]
        logger = structlog.PrintLogger(self._stream)
        self._log = structlog.wrap_logger(logger, processors=processors, run_id=run_id)

    def say(self, event: str, **facts: object) -> None:
        """Logs an event; facts outside the allow-list are left out."""
        self._log.info(event, **facts)

    def request(self, event: RequestEvent) -> None:
        """Logs one attempt of a request, where it is worth it."""
        if self._verbose or event.status not in _PLAIN_SUCCESS:
            self.say(
                "request",
                verb=event.verb,
                entity=event.entity,
                status=event.status,
                attempt=event.attempt,
                duration_s=round(event.duration_s, 4),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def _rendered(self, logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        line = structlog.processors.JSONRenderer(sort_keys=True)(logger, method, event)
        text = line.decode() if isinstance(line, bytes) else line
        if self._verbose:
            sys.stderr.write(text + "\n")
        return text


class LoggedProgress:
    """A progress display that also tells the log when a stage begins."""

    def __init__(self, shown: Progress, log: RunLog) -> None:
        self._shown = shown
        self._log = log

    def start(self, stage: str, total: int | None = None) -> None:
        """Begins a stage."""
        self._log.say("stage", stage=stage, total=total)
        self._shown.start(stage, total)

    def advance(self, count: int = 1) -> None:
        """Adds to the current stage."""
        self._shown.advance(count)

    def note(self, text: str) -> None:
        """Says one line to people; the log has no sentences."""
        self._shown.note(text)


def _only_allowed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if name in ALLOWED and value is not None}
