"""The wire side of the sandbox: reads requests, lets faults happen, commits, answers, keeps the journal.

Every fault is placed relative to one point, the commit, in which the record and the journal row become durable
together. What a client may believe of a lost answer can therefore be compared with what the journal says.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from etl.sandbox.altered import ALTERED, altered, status_reply, too_many
from etl.sandbox.answers import Reply, error_reply, json_reply
from etl.sandbox.database import JournalEntry
from etl.sandbox.desk import Arrival, Desk
from etl.sandbox.faults import FaultPlan, FaultRule
from etl.sandbox.resources import Outcome
from etl.sandbox.settings import SandboxSettings
from etl.sandbox.uploads import MAX_BYTES

Seen: TypeAlias = "Callable[[Reply], Reply | None]"
CUT = "etl.sandbox.cut"
"""Key in the ASGI scope under which a server offers a way to cut the connection; its argument says whether what was sent
so far still goes out."""

_LARGEST_BODY = MAX_BYTES + 1024 * 1024


class ConnectionCut(ConnectionResetError):
    """The connection ended without a whole answer; raised where there is no real connection to cut."""


class Traffic:
    """The ASGI application of the data plane."""

    def __init__(self, desk: Desk, settings: SandboxSettings) -> None:
        self.desk = desk
        self._settings = settings
        self._plan = FaultPlan(settings.faults, settings.seed)
        self._limit = _Limit(settings.requests_per_s)
        self._late: set[asyncio.Task[None]] = set()

    def use_faults(self, rules: Sequence[FaultRule]) -> None:
        """Replace the rules; their counters begin anew."""
        self._plan = FaultPlan(rules, self._settings.seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        line = _Line(scope, receive, send)
        arrival = await self._arrive(scope, line)
        if self._settings.latency_s:
            await asyncio.sleep(self._settings.latency_s)
        wait_s = self._limit.wait_s() if self.desk.entity_of(arrival.path) != "upload" else 0.0
        if wait_s > 0:
            await line.answer(self._untouched(arrival, too_many(wait_s), "rate_limit"))
            return
        entity = self.desk.entity_of(arrival.path)
        rule = self._plan.choose(arrival.method, arrival.path, entity, (arrival.query, arrival.body))
        await self._serve(arrival, rule, line)

    async def _arrive(self, scope: Scope, line: _Line) -> Arrival:
        headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in scope["headers"]}
        server = scope.get("server") or ("sandbox", None)
        host = headers.get("host") or f"{server[0]}:{server[1]}"
        body = await line.body()
        query = scope["query_string"].decode("latin-1")
        return Arrival(scope["method"], scope["path"], query, headers, body, f"{scope['scheme']}://{host}")

    # ------------------------------------------------------------ faults

    async def _serve(self, arrival: Arrival, rule: FaultRule | None, line: _Line) -> None:
        if rule is None:
            await line.answer(self._commit(arrival))
        elif rule.kind in ALTERED:
            await line.answer(self._commit(arrival, rule.name, lambda reply: altered(reply, rule)))
        else:
            await self._disturb(arrival, rule, line)

    async def _disturb(self, arrival: Arrival, rule: FaultRule, line: _Line) -> None:  # noqa: C901 - one case a fault
        match rule.kind:
            case "status" | "foreign_status" if rule.after_commit:
                await line.answer(self._commit(arrival, rule.name, lambda _: status_reply(rule)))
            case "status" | "foreign_status":
                await line.answer(self._untouched(arrival, status_reply(rule), rule.name))
            case "ignored_filter":
                await line.answer(self._commit(replace(arrival, query=_unfiltered(arrival.query)), rule.name))
            case "reset_before_commit":
                self._untouched(arrival, None, rule.name)
                await line.cut()
            case "reset_after_commit":
                self._commit(arrival, rule.name, _nothing)
                await line.cut()
            case "late_commit":
                self._commit_later(arrival, rule)
                await line.cut()
            case "cut_body":
                await line.answer_half(self._commit(arrival, rule.name))
            case "delay":
                await asyncio.sleep(rule.delay_s)
                await line.answer(self._commit(arrival, rule.name))
            case "drip":
                await line.drip(self._commit(arrival, rule.name), rule.delay_s)
            case "expire_tokens":
                self.desk.gate.expire_all()
                await line.answer(self._commit(arrival, rule.name))
            case "lag":
                await line.answer(self._commit(arrival, rule.name, lag_s=rule.delay_s))
            case _:
                await line.answer(self._untouched(arrival, self._blind(arrival), rule.name))

    def _blind(self, arrival: Arrival) -> Reply:
        found = self.desk.schema.find(arrival.path)
        if found is None or found[1]:
            return error_reply(404, "not_found", "No such record.")
        return json_reply(200, {"data": [], "links": {}, "meta": {"totalResourceCount": 0}})

    def _commit_later(self, arrival: Arrival, rule: FaultRule) -> None:
        async def late() -> None:
            await asyncio.sleep(rule.delay_s)
            self._commit(arrival, rule.name, _nothing)

        task = asyncio.get_running_loop().create_task(late())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    # ------------------------------------------------------------ commit

    def _commit(self, arrival: Arrival, fault: str = "", seen: Seen | None = None, lag_s: float = 0.0) -> Reply:
        """Carries the request out and journals it in one transaction; returns what the client is to see."""
        with self.desk.database.transaction():
            outcome = self.desk.handle(arrival, lag_s)
            shown = seen(outcome.reply) if seen else outcome.reply
            self._journal(arrival, outcome, shown, fault)
        return shown or outcome.reply

    def _untouched(self, arrival: Arrival, reply: Reply | None, fault: str) -> Reply:
        """Journals a request that is not carried out."""
        outcome = Outcome(reply or Reply(500))
        with self.desk.database.transaction():
            self._journal(arrival, outcome, reply, fault)
        return outcome.reply

    def _journal(self, arrival: Arrival, outcome: Outcome, shown: Reply | None, fault: str) -> None:
        query = "" if self.desk.entity_of(arrival.path) in {"token", "upload"} else arrival.query
        self.desk.database.write_journal(
            JournalEntry(
                number=0,
                time=datetime.now(UTC).isoformat(),
                method=arrival.method,
                path=f"{arrival.path}?{query}" if query else arrival.path,
                entity=self.desk.entity_of(arrival.path),
                status=shown.status if shown else None,
                record_id=outcome.record_id,
                marker=arrival.marker,
                content_type=arrival.content_type,
                authorized="authorization" in arrival.headers,
                fault=fault,
            )
        )


class _Limit:
    """At most so many requests a second, as a bucket that holds one second's worth."""

    def __init__(self, requests_per_s: float | None) -> None:
        self._rate = requests_per_s
        self._left = requests_per_s or 0.0
        self._at = time.monotonic()

    def wait_s(self) -> float:
        """Take one request out of the bucket; seconds to wait where it is empty, else 0."""
        if self._rate is None:
            return 0.0
        now = time.monotonic()
        self._left = min(max(self._rate, 1.0), self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._rate
        self._left -= 1.0
        return 0.0


class _Line:
    """One request's connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._cut: Callable[[bool], None] | None = scope.get(CUT)
        self._receive = receive
        self._send = send

    async def body(self) -> bytes:
        """Return the body; of one beyond any limit only the beginning is kept."""
        pieces, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionCut("The client went away amid its request.")
            piece = message.get("body", b"")
            size += len(piece)
            if size <= _LARGEST_BODY:
                pieces.append(piece)
            more = message.get("more_body", False)
        return b"".join(pieces)

    async def answer(self, reply: Reply) -> None:
        """Send an answer."""
        await self._start(reply)
        await self._piece(reply.body, more=False)

    async def answer_half(self, reply: Reply) -> None:
        """Send half of the body it announced, then ends the connection."""
        await self._start(reply)
        await self._piece(reply.body[: len(reply.body) // 2], more=True)
        await self.cut(flush=True)

    async def drip(self, reply: Reply, seconds: float) -> None:
        """Send the body in ten pieces spread over this time."""
        await self._start(reply)
        step = max(1, math.ceil(len(reply.body) / 10))
        for start in range(0, len(reply.body), step):
            await self._piece(reply.body[start : start + step], more=True)
            await asyncio.sleep(seconds / 10)
        await self._piece(b"", more=False)

    async def cut(self, *, flush: bool = False) -> None:
        """End the connection without more ado; in-process, where there is none, raises ConnectionCut."""
        if self._cut is None:
            raise ConnectionCut("The sandbox cut the line.")
        self._cut(flush)
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _start(self, reply: Reply) -> None:
        headers = {
            "content-length": str(len(reply.body)),
            **({"content-type": reply.content_type} if reply.body else {}),
            **reply.headers,
        }
        raw = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": raw})

    async def _piece(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _nothing(_: Reply) -> None:
    return None


def _unfiltered(query: str) -> str:
    """Return a query without its filters, whether their brackets are quoted or not."""
    return "&".join(part for part in query.split("&") if not unquote(part).startswith("filter["))
