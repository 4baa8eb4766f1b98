"""Sends a request as often as is sensible, within the throttle, and tells facts about each attempt.

The judge of a reply decides what it meant; this module only decides whether to send again. A request's own retries are
invisible to callers, but each is counted: the count is what proves that a create was not sent twice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, TypeVar

from etl.casebook.connection import Answer, Connection, Outgoing, Reply
from etl.casebook.failures import TOO_MANY, UNAVAILABLE
from etl.casebook.retry import RetryBudget, is_repeatable
from etl.casebook.throttle import Throttle
from etl.core.errors import TargetError
from etl.core.ports import Clock

T = TypeVar("T")
NO_ANSWER = 0
_BUSY = frozenset({TOO_MANY, UNAVAILABLE})


class RequestEvent(NamedTuple):
    """All that may be told about one attempt. ``status`` is None where no whole answer came."""

    verb: str
    entity: str
    status: int | None
    attempt: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all channels of one client share. ``requests`` counts attempts by verb and status (0: no answer)."""

    clock: Clock
    chance: random.Random
    budget: RetryBudget
    requests: Counter[tuple[str, int]]
    on_event: Callable[[RequestEvent], None] | None = None


class Channel:
    """One connection with its throttle."""

    def __init__(self, connection: Connection, throttle: Throttle, shared: Surroundings) -> None:
        self._connection = connection
        self._throttle = throttle
        self._shared = shared

    async def ask(
        self,
        outgoing: Outgoing,
        judge: Callable[[Reply], T | TargetError],
        *,
        entity: str,
        safe: bool,
        deadline_s: float,
    ) -> T:
        """What the judge made of the last reply; its error is raised where repeating is not allowed or not worth it."""
        started = self._shared.clock.monotonic()
        for attempt in count(1):
            reply = await self._send(outgoing, entity, attempt, deadline_s)
            verdict = judge(reply)
            if not isinstance(verdict, TargetError):
                return verdict
            await self._wait_or_raise(verdict, reply, attempt, started, safe=safe)
        raise AssertionError("counting never ends")

    async def close(self) -> None:
        """Closes the connection."""
        await self._connection.close()

    async def _send(self, outgoing: Outgoing, entity: str, attempt: int, deadline_s: float) -> Reply:
        async with self._throttle:
            began = self._shared.clock.monotonic()
            reply = await self._connection.send(outgoing, deadline_s)
            duration_s = self._shared.clock.monotonic() - began
            # Only what succeeded tells how long work takes; refusals are quick, and lost answers are all as long as a wait.
            busy = _status(reply) in _BUSY
            if busy or (isinstance(reply, Answer) and reply.succeeded):
                self._throttle.learn(f"{outgoing.verb} {entity}", began, duration_s, busy=busy)
        self._tell(RequestEvent(outgoing.verb, entity, _status(reply), attempt, duration_s))
        return reply

    def _tell(self, event: RequestEvent) -> None:
        self._shared.requests[event.verb, event.status or NO_ANSWER] += 1
        if self._shared.on_event is not None:
            self._shared.on_event(event)

    async def _wait_or_raise(
        self, error: TargetError, reply: Reply, attempt: int, started: float, *, safe: bool
    ) -> None:
        if not is_repeatable(error, safe=safe):
            raise error
        elapsed_s = self._shared.clock.monotonic() - started
        delay_s = self._shared.budget.delay_s(reply, attempt=attempt, elapsed_s=elapsed_s, chance=self._shared.chance)
        if delay_s is None:
            raise error
        if _status(reply) == TOO_MANY:
            self._throttle.pause(delay_s)
        await self._shared.clock.sleep(delay_s)


def _status(reply: Reply) -> int | None:
    return reply.status if isinstance(reply, Answer) else None
