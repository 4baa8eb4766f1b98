"""The small world with the real client, the real state database and the sandbox's application, all in this process.

Time runs a hundred times faster for loader and client than for the sandbox, whose lateness is real.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr

from etl.casebook.client import CasebookClient
from etl.core.errors import EtlError
from etl.load.course import LoadSettings
from etl.load.executor import Loader
from etl.load.ports import LoadPorts
from etl.mapping.model import Profile
from etl.sandbox import create_app
from etl.sandbox.faults import FaultRule
from etl.sandbox.oracle import Oracle
from etl.sandbox.settings import SandboxSettings
from etl.sandbox.traffic import ConnectionCut
from etl.settings import Credentials
from tests.load.world import CATALOG, KEYS, OPTIONS, PATIENCE_S, FailPoints, FakeClock, SilentProgress, World

FASTER = 100
DEADLINE_S = 0.25
"""In real seconds: the hard deadline of a call."""
LATE_S = 0.05
QUIET_S = 15.0
CHANCE = 7
"""Seed of the client's delays."""
BASE = "http://127.0.0.1:9"


class FastClock(FakeClock):
    """The machine's clock, a hundred times faster."""

    def monotonic(self) -> float:
        return time.monotonic() * FASTER

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s / FASTER)


class InProcess(httpx.ASGITransport):
    """Reaches the sandbox's application; a line that it cuts is a broken connection, as a socket would show it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionCut as cut:
            raise httpx.ReadError("the connection broke") from cut


@dataclass
class Wired(World):
    """Loads by the real client into a sandbox; ``rules`` may change between loads."""

    settings: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clock = FastClock()
        self.quiet_s = QUIET_S
        self.app = create_app(SandboxSettings(catalog=CATALOG, **self.settings))
        self.oracle: Oracle = self.app.state.oracle

    def use(self, *rules: FaultRule) -> None:
        """From now on these faults."""
        self.app.state.use_faults(rules)

    def client(self) -> CasebookClient:
        profile = Profile(
            "sandbox", BASE, f"{BASE}/oauth2/token", "sandbox", deadline_s=DEADLINE_S, concurrency=4, **self.profile
        )
        credentials = Credentials("sandbox", SecretStr("sandbox"), "the sandbox")
        way = InProcess(self.app)
        chance = random.Random(CHANCE)  # noqa: S311 - delays are no secret
        return CasebookClient(
            profile, CATALOG, credentials, way, upload_transport=self.storage(), clock=self.clock, chance=chance
        )

    def storage(self) -> httpx.AsyncBaseTransport:
        """Where the bytes of attachments go."""
        return InProcess(self.app)

    async def _load(self, points: FailPoints, during: Callable[[Loader], None] | None) -> Loader:
        target = self.client()
        with self.open() as store:
            ports = LoadPorts(self.catalog, KEYS, target, store, self.files, self.clock, SilentProgress())
            loader = Loader(ports, self.planned, OPTIONS, LoadSettings(4, self.quiet_s))
            try:
                await asyncio.wait_for(loader.run(), PATIENCE_S)
                # What takes effect late has done so before anybody looks.
                await asyncio.sleep(LATE_S)
            finally:
                await target.close()
        return loader

    def ended(self) -> EtlError | None:
        """Loads, and tells what stopped it."""
        stopped: EtlError | None = None
        try:
            self.load()
        except* EtlError as group:
            stopped = first(group)
        return stopped

    def buckets(self) -> Counter[str]:
        """How many records are in which state."""
        return Counter(self.states().values())

    def owes(self) -> int:
        """Links and bytes that are still to be sent."""
        with self.open() as store:
            return len(list(store.pending_links())) + len(list(store.pending_uploads()))

    def close(self) -> None:
        self.app.state.close()


def first(group: BaseExceptionGroup[EtlError]) -> EtlError:
    """The first error in a group, however deep."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, EtlError)
    return error
