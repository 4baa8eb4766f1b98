"""When a request may be sent again: after how long, and when to give up.

A create is repeated only where it certainly was not applied; everything else is safe to repeat. The server's own
``Retry-After`` wins over the backoff; a date in it is read against the server's clock, so that ours may be wrong.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from etl.casebook.connection import Answer, Reply
from etl.core.errors import ResponseLost, TargetBusy, TargetError

RETRY_AFTER_CAP_S = 3600.0
_JITTER_SHARE = 0.1
_MAX_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Bounds of repetition: sends of one request, and seconds from the first send to the start of the last."""

    attempts: int = 5
    time_s: float = 120.0
    base_s: float = 0.5
    cap_s: float = 30.0

    def delay_s(self, reply: Reply, *, attempt: int, elapsed_s: float, chance: random.Random) -> float | None:
        """Seconds to wait after this attempt (counted from 1), None to give up."""
        asked = asked_delay_s(reply)
        delay = self._backoff_s(attempt, chance) if asked is None else asked * (1 + _JITTER_SHARE * chance.random())
        return None if attempt >= self.attempts or elapsed_s + delay > self.time_s else delay

    def _backoff_s(self, attempt: int, chance: random.Random) -> float:
        return chance.uniform(0, min(self.cap_s, self.base_s * 2 ** min(attempt, _MAX_DOUBLINGS)))


def is_repeatable(error: TargetError, *, safe: bool) -> bool:
    """Whether the request that ended so may be sent again. ``safe``: it is no create."""
    return isinstance(error, TargetBusy) or (safe and isinstance(error, ResponseLost))


def asked_delay_s(reply: Reply) -> float | None:
    """The delay the server asks for, None where it asks for none that can be understood."""
    return retry_after_s(reply.headers) if isinstance(reply, Answer) and not reply.succeeded else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` of lower-case headers, a date counted from the server's own ``date``."""
    return parse_retry_after(headers.get("retry-after", ""), headers.get("date", ""))


def parse_retry_after(value: str, server_date: str = "", *, cap_s: float = RETRY_AFTER_CAP_S) -> float | None:
    """Seconds from 0 to ``cap_s``; what lies in the past is 0; None for what is neither number nor date.

    >>> parse_retry_after("7"), parse_retry_after("-3"), parse_retry_after("soon")
    (7.0, 0.0, None)
    >>> parse_retry_after("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")
    30.0
    """
    seconds = _number(value)
    if seconds is None:
        seconds = _seconds_between(server_date, value)
    return None if seconds is None else min(max(seconds, 0.0), cap_s)


def _number(text: str) -> float | None:
    try:
        number = float(text) if text.isascii() else math.nan
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _seconds_between(start: str, end: str) -> float | None:
    begin, finish = _date(start), _date(end)
    return None if begin is None or finish is None else (finish - begin).total_seconds()


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
