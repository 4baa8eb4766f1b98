"""A tenant in a function: requests go to a handler in this process, time is counted and never waited for."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from etl.casebook.client import CasebookClient
from etl.catalog.loader import load_catalog
from etl.core.ports import Clock
from etl.core.records import Document
from etl.mapping.model import Profile
from etl.settings import Credentials

CATALOG = load_catalog("sandbox")
SECRET = "canary-secret/+&="
PERSON_ID = "0d5e6c1e-7a43-4a0b-9f0e-3b1c2d4e5f60"

Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class CountedClock:
    """Time that passes only by sleeping."""

    elapsed_s: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.elapsed_s

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)
        self.elapsed_s += delay_s
        await asyncio.sleep(0)


@dataclass
class Tenant:
    """A client whose requests a handler answers; the token endpoint answers by itself unless told otherwise."""

    api: Handler
    token: Handler = lambda _: httpx.Response(200, json={"access_token": "t1", "expires_in": 3600})
    upload: Handler = lambda _: httpx.Response(200)
    profile: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=CountedClock)
    seen: list[httpx.Request] = field(default_factory=list)
    uploaded: list[httpx.Request] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        for _ in range(3):  # lets other requests come between, as a network does
            await asyncio.sleep(0)
        return self.token(request) if request.url.path == "/oauth2/token" else self.api(request)

    def answer_upload(self, request: httpx.Request) -> httpx.Response:
        self.uploaded.append(request)
        return self.upload(request)

    def client(self) -> CasebookClient:
        profile = Profile(
            "live", "https://api.casebook.example", "https://login.casebook.example/oauth2/token", "t", **self.profile
        )
        return CasebookClient(
            profile,
            CATALOG,
            Credentials("an id", SecretStr(SECRET), "CASEBOOK_LIVE_CLIENT_SECRET"),
            httpx.MockTransport(self.answer),
            upload_transport=httpx.MockTransport(self.answer_upload),
            clock=self.clock,
            chance=random.Random(7),  # noqa: S311 - delays are no secret
            on_event=self.events.append,
        )

    def paths(self) -> list[str]:
        return [f"{each.method} {each.url.path}" for each in self.seen]


def created(request: httpx.Request) -> httpx.Response:
    data = {"type": "people", "id": PERSON_ID, "attributes": {"last_name": "Rivera"}}
    return httpx.Response(201, json={"data": data})


def refused(status: int, *errors: dict[str, Any], **headers: str) -> httpx.Response:
    body = {"errors": list(errors) or [{"status": str(status), "code": "refused", "title": "Refused"}]}
    content = json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={"content-type": "application/vnd.api+json", **headers})


def person() -> Document:
    return Document("person", {"last_name": "Rivera", "first_name": "Ana"})


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
if sys.platform != "win32":
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.fixture(params=LOOPS)
def on_loop(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs to the end on each event loop that a run of the program may have."""

    def ran(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(asyncio.wait_for(main, 20))

    return ran


@pytest.fixture
def tenant() -> type[Tenant]:
    return Tenant


def run(tenant: Tenant, body: Callable[[CasebookClient], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        client = tenant.client()
        try:
            return await body(client)
        finally:
            await client.close()

    return asyncio.run(main())


def replies(*answers: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    queue = list(answers)

    def api(request: httpx.Request) -> httpx.Response:
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return api
