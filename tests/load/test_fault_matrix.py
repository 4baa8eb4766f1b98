"""Every fault of the loading protocol's table at every operation: the end state that the table names, and nothing doubled.

A cell is a load in which one kind of request meets one fault. After it the same load is continued without faults: whatever
the first one left open, the second ends with every record there once, but for what the server refused for good. Each cell
states how many these are (``held`` in the figures), and that nothing is there twice, lost or under another's id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from etl.core.changes import MarkUndone
from etl.core.records import TargetId
from etl.sandbox.faults import FaultRule
from tests.load.figures import figures
from tests.load.wired import CHANCE, DEADLINE_S, LATE_S, Wired
from tests.load.world import CASES, PEOPLE, Rows, case, key_of, mapping_of, person

NOTES = mapping_of("note", "subject", "body", "note_type", "target", refer_to=[CASES])
FILES = mapping_of("attachment", "file_name", "target", "file", refer_to=[CASES])
DONE, HELD, REJECTED, OWED = "done", "held", "rejected", "owed"

# ---------------------------------------------------------------- operations


def notes(count: int) -> Rows:
    about = {"body": "text", "note_type": "General", "target": key_of(CASES, "1")}
    return [{"id": str(number), "subject": f"s{number}", **about} for number in range(count)]


@dataclass(frozen=True)
class Operation:
    """A load that makes a kind of request, and which requests are meant by it. ``before`` faults make the load ask."""

    plan: Callable[[Wired], None]
    where: FaultRule
    records: Mapping[str, int]
    before: tuple[FaultRule, ...] = ()
    page_size: int = 50


def people(world: Wired) -> None:
    world.plan((PEOPLE, [person("a"), person("b"), person("c")]))


def linked(world: Wired) -> None:
    mother, child = key_of(PEOPLE, "a"), key_of(PEOPLE, "b")
    world.plan((PEOPLE, [person("a", mother=child, deferred=["mother"]), person("b", mother=mother)]))


def noted(world: Wired) -> None:
    world.plan((CASES, [case("1")]), (NOTES, notes(3)))


def filed(world: Wired) -> None:
    scan = {"id": "1", "file_name": "scan.pdf", "target": key_of(CASES, "1"), "file": "1.pdf"}
    world.plan((CASES, [case("1")]), (FILES, [scan]))


ANY = FaultRule("status")
LOSE_ONE = FaultRule("reset_before_commit", methods=("POST",), entity="person", spared=1, first=2)
LOSE_A_NOTE = FaultRule("reset_after_commit", methods=("POST",), entity="note", nth=(3,))
OPERATIONS: Mapping[str, Operation] = {
    "token": Operation(people, replace(ANY, methods=("POST",), path="/oauth2/token"), {"person": 3}),
    "POST": Operation(people, replace(ANY, methods=("POST",), entity="person", spared=1), {"person": 3}),
    "look": Operation(people, replace(ANY, methods=("GET",), entity="person"), {"person": 3}),
    "ask": Operation(people, replace(ANY, methods=("GET",), entity="person", spared=1), {"person": 3}, (LOSE_ONE,)),
    "page": Operation(
        noted, replace(ANY, methods=("GET",), entity="note", spared=2), {"case": 1, "note": 3}, (LOSE_A_NOTE,), 1
    ),
    "PATCH": Operation(linked, replace(ANY, methods=("PATCH",), entity="person"), {"person": 2}),
    "PUT": Operation(filed, replace(ANY, methods=("PUT",), entity="upload"), {"case": 1, "attachment": 1}),
}

# ---------------------------------------------------------------- faults that pass


def status(code: int, **more: object) -> FaultRule:
    return replace(FaultRule("status", status=code), **more)


ONCE: Mapping[str, FaultRule] = {
    **{f"429 Retry-After {text or 'none'}": status(429, retry_after=text)
       for text in ("", "1", "30", "date:2", "date:-60", "-5", "soon", "1e3", "nan", "99999999")},
    **{str(code): status(code) for code in (408, 425, 500, 502, 503, 504)},
    **{f"{code} after commit": status(code, after_commit=True) for code in (500, 502, 503, 504)},
    "503 Retry-After": status(503, retry_after="2"),
    "409": status(409),
    "407 of a proxy": replace(status(407), kind="foreign_status"),
    **{f"{code} of somebody else": replace(status(code), kind="foreign_status") for code in (400, 403, 404, 413, 422, 429)},
    "303": status(303, location="/people/people"),
    "401": status(401),
    "reset before commit": FaultRule("reset_before_commit"),
    "reset after commit": FaultRule("reset_after_commit"),
    "late commit": FaultRule("late_commit", delay_s=LATE_S),
    "slower than the deadline": FaultRule("delay", delay_s=2 * DEADLINE_S),
    "dripping body": FaultRule("drip", delay_s=2 * DEADLINE_S),
    **{kind: FaultRule(kind) for kind in (
        "truncated", "cut_body", "bad_encoding", "foreign_body", "no_id", "number_id", "wrong_type", "double_names",
        "huge_body", "deep_body", "empty_body", "expire_tokens", "lag")},
}  # fmt: skip
BUSY, REFUSED = "stopped: TargetBusy", "stopped: TargetRefused"
TOO_LONG = ("429 Retry-After 1e3", "429 Retry-After 99999999")
"""Longer than anybody waits: the run stops and says so, and the same command goes on later."""
EXCEPTIONS: Mapping[tuple[str, str], str] = {
    **{(operation, fault): BUSY for fault in TOO_LONG for operation in ("token", "POST", "look", "PATCH", "PUT")},
    **{(operation, fault): HELD for fault in (*TOO_LONG, "409", "403 of somebody else", "303")
       for operation in ("ask", "page")},
    **{("page", fault): HELD for fault in ("no_id", "number_id", "wrong_type")},
    **{("PATCH", fault): OWED for fault in ("409", "403 of somebody else")},
    ("PATCH", "303"): REFUSED,
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, proof_line) -> Iterator[Callable[[Operation], Wired]]:
    """Makes the world of one cell, whose figures are a part of one line for the whole matrix: of so many of its records the
    end is ``held``, and of none anything worse.
    """
    opened: list[tuple[Wired, Operation, int]] = []

    def make(operation: Operation, *, held: int = 0) -> Wired:
        made = Wired(tmp_path, profile={"page_size": operation.page_size})
        opened.append((made, operation, held))
        operation.plan(made)
        return made

    yield make
    for made, operation, held in opened:
        counted = figures(made, operation.records, settled=set(made.buckets()) == {"created"})
        proof_line("fault matrix", CHANCE, **counted, cells=1)
        made.close()
        stated = dict.fromkeys(("dup", "lost", "wrong_id", "corrupt"), 0) | {"held": held}
        assert counted == counted | stated


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_that_passes_ends_as_the_table_says(world, operation: str, fault: str) -> None:
    told = OPERATIONS[operation]
    where = told.where
    rule = replace(
        ONCE[fault],
        methods=where.methods,
        path=where.path,
        entity=where.entity,
        spared=where.spared,
        first=where.spared + 1,
    )
    made = world(told)
    check(made, told, (*told.before, rule), EXCEPTIONS.get((operation, fault), DONE))


# ---------------------------------------------------------------- faults that stay


@dataclass(frozen=True)
class Stays:
    """A fault that meets every request of an operation; how that load ends, and the one after it, without the fault."""

    operation: str
    rule: FaultRule
    end: str
    after: str = DONE


def foreign(code: int) -> FaultRule:
    return replace(status(code), kind="foreign_status")


REFUSED_FOR_GOOD = 2
"""Of three people the first meets no fault, so that the entity is not stopped."""
ELSEWHERE = ("/people/people", "https://evil.example/people", "http://127.0.0.1:9/people")
STAYS: Mapping[str, Stays] = {
    "token 401": Stays("token", status(401), REFUSED),
    "token 503": Stays("token", status(503), BUSY),
    "token 429": Stays("token", status(429), BUSY),
    "token 409": Stays("token", status(409), REFUSED),
    "token reset": Stays("token", FaultRule("reset_before_commit"), BUSY),
    "token is a page": Stays("token", FaultRule("foreign_body"), REFUSED),
    "token truncated": Stays("token", FaultRule("truncated"), REFUSED),
    "POST 429": Stays("POST", status(429), BUSY),
    "POST 401": Stays("POST", status(401), REFUSED),
    "POST 403": Stays("POST", status(403), REJECTED),
    "POST 500": Stays("POST", status(500), REJECTED, REJECTED),
    **{f"POST {code}": Stays("POST", status(code), REJECTED, REJECTED) for code in (400, 404, 405, 413, 414, 415, 422)},
    **{f"POST {code} to {place}": Stays("POST", status(code, location=place), REFUSED)
       for code in (301, 302, 307, 308) for place in ELSEWHERE},
    "ask 403": Stays("ask", status(403), HELD),
    "ask 422": Stays("ask", status(422), HELD),
    "ask 503": Stays("ask", status(503), HELD),
    "ask is a page": Stays("ask", FaultRule("foreign_body"), HELD),
    "ask sees nothing": Stays("ask", FaultRule("blind_get"), HELD),
    "ask ignores filters": Stays("ask", FaultRule("ignored_filter"), DONE),
    **{f"ask leads to {place}": Stays("ask", FaultRule("foreign_next", location=place), HELD) for place in ELSEWHERE[1:]},
    "page leads back": Stays("page", FaultRule("foreign_next", location="?page[number]=1"), HELD),
    **{f"PATCH {code}": Stays("PATCH", status(code), OWED) for code in (403, 404, 409, 413, 422)},
    **{f"PUT {code}": Stays("PUT", foreign(code), OWED) for code in (307, 400, 401, 403, 404)},
}  # fmt: skip


@pytest.mark.parametrize("name", STAYS)
def test_a_fault_that_stays_ends_as_the_table_says(world, name: str) -> None:
    told, stays = OPERATIONS[STAYS[name].operation], STAYS[name]
    where = told.where
    rule = replace(stays.rule, methods=where.methods, path=where.path, entity=where.entity, spared=where.spared)
    refused = REFUSED_FOR_GOOD if stays.after == REJECTED else 0
    check(world(told, held=refused), told, (*told.before, rule), stays.end, stays.after)


@pytest.mark.parametrize("code", [405, 413, 414, 415])
def test_an_entity_that_is_sent_the_wrong_way_is_stopped_after_three(world, code: int) -> None:
    made = world(
        replace(
            OPERATIONS["POST"],
            plan=lambda each: each.plan((PEOPLE, [person(f"p{n}") for n in range(30)])),
            records={"person": 0},
        ),
        held=3,
    )
    made.use(status(code, methods=("POST",), entity="person"))
    loader = made.load()
    assert len([entry for entry in made.oracle.journal("POST") if entry.entity == "person"]) == 3
    assert made.buckets() == Counter(rejected=3)
    assert str(code) in loader.notes.stopped["person"]


HOSTILE = (
    "http://storage.example/x", "https://evil.example/x", "https://10.0.0.1/x", "https://127.0.0.1.nip.io/x",
    "https://storage.example@evil.example/x", "https://169.254.169.254/latest", "file:///etc/passwd", "//evil.example/x", "",
)  # fmt: skip


@pytest.mark.parametrize("address", HOSTILE)
def test_an_upload_address_that_nobody_allowed_is_not_opened_and_the_bytes_stay_owed(world, address: str) -> None:
    told = OPERATIONS["PUT"]
    made = world(told)
    made.use(FaultRule("upload_url", methods=("POST", "GET"), entity="attachment", location=address))
    stopped = made.ended()
    assert (made.owes(), str(stopped).count(address) if address else 0) == (1, 0)
    assert not made.oracle.journal("PUT")
    made.use()
    assert made.ended() is None
    assert end_of(made, None) == DONE


# ---------------------------------------------------------------- deletes, which no load makes


GONE = (
    "reset after commit",
    "late commit",
    "500 after commit",
    "truncated",
    "foreign_body",
    "408",
    "503",
    "401",
    "429 Retry-After 1",
)


@pytest.mark.parametrize("fault", GONE)
def test_a_delete_that_meets_a_fault_deletes_once(world, fault: str) -> None:
    made = world(replace(OPERATIONS["POST"], records={"person": 2}))
    assert made.ended() is None
    made.use(replace(ONCE[fault], methods=("DELETE",), first=1))
    record = made.oracle.records("person")[0]

    async def delete_twice() -> tuple[bool, bool]:
        client = made.client()
        try:
            return await client.delete("person", TargetId(record.id)), await client.delete(
                "person", TargetId(record.id)
            )
        finally:
            await client.close()

    assert asyncio.run(delete_twice()) == (True, False)
    with made.open() as store:
        (key,) = store.by_target_id("person", [TargetId(record.id)]).values()
        store.commit(MarkUndone(key)).result()
    assert made.oracle.counts() == {"person": 2}


# ---------------------------------------------------------------- one cell


def check(made: Wired, told: Operation, faults: tuple[FaultRule, ...], wanted: str, after: str = DONE) -> None:
    """The load with faults ends as it should, the one without them too, and no record is there twice."""
    made.use(*faults)
    stopped = made.ended()
    assert end_of(made, stopped) == wanted, (made.buckets(), stopped)
    made.use()
    stopped = made.ended()
    assert end_of(made, stopped) == after, (made.buckets(), stopped)
    assert max(made.oracle.markers().values()) == 1
    if after == DONE:
        assert made.oracle.counts() == told.records
    assert sum(made.oracle.counts().values()) == made.buckets()["created"]


def end_of(made: Wired, stopped: object) -> str:
    if stopped is not None:
        return f"stopped: {type(stopped).__name__}"
    buckets = made.buckets()
    if made.owes():
        return OWED
    for state, name in (("uncertain", HELD), ("intent", HELD), ("rejected", REJECTED)):
        if buckets[state]:
            return name
    return DONE if buckets == Counter(created=sum(buckets.values())) else str(buckets)
