"""What a storage and the way to it do to the bytes of an attachment: they are sent again until all of them are there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from etl.load.ports import LoadPorts
from etl.load.verify import Verifier
from tests.load.figures import figures
from tests.load.test_fault_matrix import DONE, OPERATIONS, OWED, end_of, filed
from tests.load.wired import BASE, CHANCE, Wired
from tests.load.world import KEYS, OPTIONS, SilentProgress

Happening = Callable[[httpx.Request], httpx.Request | httpx.Response]
NEVER_ENDING = 1_000


@dataclass
class Uploading(Wired):
    """``happenings`` are what the next uploads meet, one each."""

    happenings: list[Happening] = field(default_factory=list)

    def storage(self) -> httpx.AsyncBaseTransport:
        return Storage(super().storage(), self.happenings)


class Storage(httpx.AsyncBaseTransport):
    """The sandbox's storage behind something that goes wrong."""

    def __init__(self, inner: httpx.AsyncBaseTransport, happenings: list[Happening]) -> None:
        self._inner = inner
        self._happenings = happenings

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        met = self._happenings.pop(0)(request) if self._happenings else request
        return met if isinstance(met, httpx.Response) else await self._inner.handle_async_request(met)


def says(status: int, code: str) -> Happening:
    """An answer as storages give it, in XML."""
    return lambda _: httpx.Response(status, content=f"<Error><Code>{code}</Code></Error>".encode())


def breaks(_: httpx.Request) -> httpx.Response:
    raise httpx.WriteError("the line broke amid the body")


def keeps_half(request: httpx.Request) -> httpx.Request:
    """The storage takes a part and answers that all is well."""
    half = request.content[: len(request.content) // 2]
    headers = {**request.headers, "content-length": str(len(half))}
    return httpx.Request(request.method, request.url, headers=headers, content=half)


def has_expired(request: httpx.Request) -> httpx.Request:
    """The address is one of a minute ago."""
    query = urlencode({"expires": "1", "signature": request.url.params["signature"]})
    return httpx.Request(
        request.method, f"{BASE}{request.url.path}?{query}", headers=request.headers, content=request.content
    )


MET: dict[str, tuple[list[Happening], str]] = {
    "500 once": ([says(500, "InternalError")], DONE),
    "503 SlowDown twice": ([says(503, "SlowDown")] * 2, DONE),
    "503 SlowDown each time": ([says(503, "SlowDown")] * NEVER_ENDING, "stopped: ResponseLost"),
    "a line that breaks amid the body": ([breaks], DONE),
    "a line that breaks each time": ([breaks] * NEVER_ENDING, "stopped: ResponseLost"),
    "an expired address": ([has_expired], DONE),
    "403 AccessDenied": ([says(403, "AccessDenied")], DONE),
    "403 SignatureDoesNotMatch each time": ([says(403, "SignatureDoesNotMatch")] * NEVER_ENDING, OWED),
    "400 BadDigest": ([says(400, "BadDigest")], DONE),
    "307 to another region": ([says(307, "TemporaryRedirect")], DONE),
}


@pytest.fixture
def world(tmp_path: Path, proof_line) -> Iterator[Uploading]:
    made = Uploading(tmp_path)
    filed(made)
    yield made
    proof_line("fault matrix: uploads", CHANCE, **figures(made, OPERATIONS["PUT"].records), cells=1)
    made.close()


def stored(world: Uploading) -> list[object]:
    return [each.attributes.get("byte_size") for each in world.oracle.records("attachment")]


@pytest.mark.parametrize("name", MET)
def test_bytes_that_meet_a_fault_are_sent_again_to_one_record(world: Uploading, name: str) -> None:
    happenings, wanted = MET[name]
    world.happenings = list(happenings)
    assert end_of(world, world.ended()) == wanted
    world.happenings = []
    assert end_of(world, world.ended()) == DONE
    assert stored(world) == [len("1.pdf")]
    posts = [entry for entry in world.oracle.journal("POST") if entry.entity == "attachment"]
    assert len(posts) == 1, "a fresh address comes from a question, never from a second record"


def test_a_storage_that_kept_a_part_and_said_all_is_found_out_by_reading_back(world: Uploading) -> None:
    world.happenings = [keeps_half]
    assert end_of(world, world.ended()) == DONE

    async def verify() -> Counter[str]:
        target = world.client()
        with world.open() as store:
            ports = LoadPorts(world.catalog, KEYS, target, store, world.files, world.clock, SilentProgress())
            found = await Verifier(ports, world.planned, OPTIONS).run()
        await target.close()
        return Counter(each.code for each in found.findings)

    assert asyncio.run(verify()) == Counter(file_differs_in_target=1)
