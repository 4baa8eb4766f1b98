"""A small world to load into: a catalogue, plans made by the planner, a state database on disk, a server with faults."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from etl.catalog.loader import load_catalog
from etl.catalog.model import Catalog
from etl.core.changes import Change
from etl.core.errors import RecordRejected, ResponseLost, TargetBusy, TargetRefused
from etl.core.keys import RecordKey, RecordKeys, marker
from etl.core.outcomes import RecordState
from etl.core.ports import BaseQuery, BeforeImages, Created, Fence, Files
from etl.core.records import Document, JsonValue, RemoteRecord, RunId, TargetId
from etl.core.state_port import Told
from etl.load.client_ids import USED
from etl.load.course import LoadSettings
from etl.load.executor import Loader
from etl.load.markers import read_marker
from etl.load.planned import PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.sampling import Scope
from etl.load.verify import Verifier, VerifyResult
from etl.mapping.model import (
    EntityMapping,
    Field,
    FileField,
    OnError,
    OnMissing,
    Pipeline,
    Position,
    Reference,
    ReferenceTarget,
    SendNull,
)
from etl.plan.steps import PlanContext, links_to_set, plan_batch
from etl.state import SqlStore, open_store
from etl.state.committer import Durable
from tests.contracts.fake_target import FakeTarget

CATALOG = load_catalog("sandbox")
KEYS = RecordKeys(b"k" * 32)
PLACE = Position("mapping.yaml", 1, 1)
QUIET_S = 60.0
PATIENCE_S = 30.0
"""Real seconds after which a load counts as hung."""

Rows = Sequence[Mapping[str, Any]]


def key_of(mapping: EntityMapping, legacy_id: str) -> RecordKey:
    return KEYS.record_key(mapping.target, mapping.space, [legacy_id])


def mapping_of(
    target: str,
    *names: str,
    on_missing: str = "block",
    name: str = "",
    refer_to: Sequence[EntityMapping] = (),
    send_null: SendNull = SendNull.OMIT,
) -> EntityMapping:
    """A mapping of these fields; what each is comes from the catalogue."""
    entity = CATALOG.entity(target)
    fields = []
    for each in names:
        attribute, link = entity.attributes.get(each), entity.links.get(each)
        value: Any = Pipeline((each,))
        if each == "file":
            value = FileField("scans", "file", OnMissing.BLOCK)
        elif link is not None and not CATALOG.is_lookup(link.to[0]):
            spaces = {one.target: one.space for one in refer_to}
            targets = tuple(ReferenceTarget(to, spaces.get(to, to), to, (each,)) for to in link.to)
            value = Reference(targets, None, OnMissing(on_missing))
        fields.append(Field(each, value, OnError.QUARANTINE, None, None, None, (), PLACE, attribute, link, send_null))
    return EntityMapping(
        name or target, target, BaseQuery(f"legacy.{target}", ()), None, ("ID",), target, tuple(fields), "sum", PLACE
    )


class FakeClock:
    """Time that jumps to the next waking when everything rests."""

    def __init__(self) -> None:
        self.time = 0.0
        self._due: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 7, 1, tzinfo=UTC) + timedelta(seconds=self.time)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, delay_s: float) -> None:
        due = self.time + delay_s
        self._due.append(due)
        try:
            while self.time < due:
                await asyncio.sleep(0.002)
                if min(self._due) == due:
                    self.time = max(self.time, due)
        finally:
            self._due.remove(due)


class StandingClock(FakeClock):
    """Time that never comes."""

    async def sleep(self, delay_s: float) -> None:
        await asyncio.Event().wait()


class Crash(BaseException):
    """The process dies here."""


@dataclass
class FailPoints:
    """Counts the places where a process may die, and dies at the one chosen: ``at_death`` happens there."""

    dies_at: int | None = None
    hits: int = 0
    at_death: Callable[[], object] = lambda: None
    error: type[BaseException] | None = Crash

    def hit(self) -> None:
        self.hits += 1
        if self.hits == self.dies_at:
            self.at_death()
        if self.dies_at is not None and self.hits >= self.dies_at and self.error is not None:
            raise self.error


@dataclass
class FaultyTarget(FakeTarget):
    """A server with planned misbehaviour. ``faults`` says for each create (its number, from 1) what goes wrong:

    ``repeated`` (something on its way sends it twice and shows the second answer), ``lost`` or ``failed`` (no effect), ``lost_after`` (took effect), ``late`` (takes effect ``late_s`` later), ``busy``, ``rejected``,
    ``forbidden``, ``unauthorised``. Records are listed ``lag_s`` after they took effect; ``blind`` entities never. What is
    in ``doubles`` is stored twice where the answer is lost; ``echoes`` shows a made-up record to every question.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    points: FailPoints = field(default_factory=FailPoints)
    faults: Callable[[int, Document], str | None] = lambda _number, _document: None
    late_s: float = QUIET_S / 2
    lag_s: float = 0.0
    blind: set[str] = field(default_factory=set)
    echoes: bool = False
    doubles: set[str] = field(default_factory=set)
    creates: list[tuple[float, Document]] = field(default_factory=list)
    updates: list[tuple[TargetId, Document]] = field(default_factory=list)
    watch: Callable[[Document], None] = lambda _document: None
    _later: list[tuple[float, Document]] = field(default_factory=list)
    _seen_at: dict[TargetId, float] = field(default_factory=dict)

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
        if fence is not None:
            await fence()
        self.points.hit()
        self.watch(document)
        self.creates.append((self.clock.time, document))
        fault = self.faults(len(self.creates), document)
        await asyncio.sleep(0)
        if fault == "repeated":
            await self._take(document)
        created = await self._answer(document, fault)
        self.points.hit()
        return created

    async def _answer(self, document: Document, fault: str | None) -> Created:
        match fault:
            case "lost":
                raise ResponseLost("No answer.")
            case "failed":
                raise ResponseLost("No answer.", status=500)
            case "late":
                self._later.append((self.clock.time + self.late_s, document))
                raise ResponseLost("No answer.")
            case "busy":
                raise TargetBusy("Busy.")
            case "rejected":
                raise RecordRejected("Refused.", status=422)
            case "forbidden":
                raise TargetRefused("Not allowed.", status=403)
            case "unauthorised":
                raise TargetRefused("Not signed in.", status=401)
        created = await self._take(document)
        if document.entity in self.doubles and fault == "lost_after":
            await self._take(document)
        if fault == "lost_after":
            raise ResponseLost("No answer.", status=502)
        return created

    async def _take(self, document: Document) -> Created:
        created = await super().create(document)
        self._seen_at[created.id] = self.clock.time + self.lag_s
        return created

    async def update(self, target_id: TargetId, document: Document) -> None:
        self.points.hit()
        self.updates.append((target_id, document))
        await super().update(target_id, document)
        self.points.hit()

    async def get(self, entity: str, target_id: TargetId) -> RemoteRecord | None:
        self.points.hit()
        await self._arrive()
        return await super().get(entity, target_id)

    async def list(
        self, entity: str, *, filters: Mapping[str, str] | None = None, newest_first: bool = False
    ) -> AsyncIterator[RemoteRecord]:
        self.points.hit()
        await self._arrive()
        if self.echoes and filters:
            yield RemoteRecord(
                entity, TargetId("echo"), {"custom_fields": {"migrationKey": next(iter(filters.values()))}}, {}
            )
        async for record in super().list(entity, filters=filters, newest_first=newest_first):
            if entity not in self.blind and self._seen_at.get(record.id, 0.0) <= self.clock.time:
                yield record

    async def upload(self, url: str, body: BinaryIO, size_bytes: int) -> None:
        self.points.hit()
        await super().upload(url, body, size_bytes)
        self.points.hit()

    async def _arrive(self) -> None:
        """What took effect late, as of then: nobody looked in between."""
        due = [(at, document) for at, document in self._later if at <= self.clock.time]
        self._later = [(at, document) for at, document in self._later if at > self.clock.time]
        for at, document in due:
            with suppress(ResponseLost, RecordRejected):  # it meets a record that has its id or its marker
                created = await self._take(document)
                self._seen_at[created.id] = at + self.lag_s

    def of(self, entity: str) -> list[RemoteRecord]:
        return [record for record in self.records.values() if record.entity == entity]


class DyingStore:
    """The state database of a process that may die before or after anything is queued to be durable."""

    def __init__(self, store: SqlStore, points: FailPoints) -> None:
        self._store = store
        self._points = points

    def commit(self, *changes: Change) -> Future[None]:
        done = Durable()
        self.commit_telling(done, *changes)
        return done

    def commit_telling(self, told: Told, *changes: Change) -> None:
        self._points.hit()
        self._store.commit_telling(told, *changes)
        self._points.hit()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class MemoryFiles:
    """Files whose content is their own path."""

    def inspect(self, source: str, path: str) -> Any:
        raise AssertionError("loading opens files and inspects none")

    def open(self, source: str, path: str) -> BinaryIO:
        return BytesIO(path.encode())


class SilentProgress:
    """Says nothing."""

    def start(self, stage: str, total: int | None = None) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@dataclass
class World:
    """Plans and loads, again and again, on one state database and one server."""

    folder: Path
    catalog: Catalog = CATALOG
    clock: FakeClock = field(default_factory=FakeClock)
    concurrency: int = 4
    quiet_s: float = QUIET_S
    one_root_at_a_time: bool = True
    files: Files = field(default_factory=MemoryFiles)
    images: BeforeImages | None = None
    plans: int = 0

    def __post_init__(self) -> None:
        self.target = FaultyTarget(self.catalog, clock=self.clock)
        self.planned = PlannedRecords(self.folder, ())

    def copy(self, folder: Path) -> World:
        """The same state database and the same records at the server, to go on from separately."""
        shutil.copytree(self.folder, folder)
        twin = World(folder, self.catalog, plans=self.plans)
        twin.target.takes_ids, twin.target.unique = self.target.takes_ids, self.target.unique
        twin.target.records |= self.target.records
        twin.target.uploads |= self.target.uploads
        return twin

    def open(self) -> SqlStore:
        path = self.folder / "state.db"
        return open_store(path, project="p", target="t", key_check="c", run_command="run", clock=self.clock)

    def _begin_run(self, store: SqlStore) -> None:
        """Each plan is a run of its own; loading it again continues that run."""
        before = store.open_run()
        if before is not None:
            store.finish_run(before.run_id, "2026-07-01T00:00:00+00:00", 1)
        chosen = {USED: ",".join(each.name for each in self.catalog.entities.values() if each.client_ids)}
        store.start_run(RunId(f"run-{self.plans}"), "run", "2026-07-01T00:00:00+00:00", chosen)

    def plan(
        self,
        *mapped: tuple[EntityMapping, Rows],
        deferred: Mapping[str, Iterable[str]] | None = None,
        backwards: bool = False,
        retry_rejected: bool = False,
    ) -> None:
        """Plans against state as it is; ``backwards`` puts children before parents, and later rows before earlier."""
        self.plans += 1
        folder = self.folder / f"planned-{self.plans}"
        folder.mkdir()
        with self.open() as state:
            self._begin_run(state)
            for number, (mapping, rows) in enumerate(mapped[::-1] if backwards else mapped):
                late = frozenset((deferred or {}).get(mapping.name, ()))
                context = PlanContext(KEYS, state, late, number + 1, retry_rejected, pending=links_to_set(state))
                batch = batch_of(mapping, rows[::-1] if backwards else rows)
                pq.write_table(
                    pa.Table.from_batches([plan_batch(mapping, batch, context)]),
                    folder / f"{number:03d}-{mapping.name}.parquet",
                )
        self.planned = PlannedRecords(folder, [mapping for mapping, _ in mapped])

    def load(self, *, points: FailPoints | None = None, during: Callable[[Loader], None] | None = None) -> Loader:
        """Loads the latest plan; raises what stopped it, TimeoutError if it hangs."""
        return asyncio.run(self._load(points or FailPoints(), during))

    def load_dying_at(self, point: int, way: str = "dies") -> bool:
        """Loads in a process that ends at a fail-point; False where the load ended before it got there.

        It ``dies`` with all that is queued still written; is ``killed``, so that only what is on disk at that moment is
        left; meets a ``defect``; or is ``cancelled``.
        """
        points = FailPoints(point, error=ZeroDivisionError if way == "defect" else Crash)
        left = self.folder / "left"
        if way == "killed":
            points.at_death = lambda: _copy_state(self.folder, left)
        ended = False
        try:
            asyncio.run(self._cancelled(points) if way == "cancelled" else self._load(points, None))
        except* (Crash, ZeroDivisionError, asyncio.CancelledError):
            ended = True
        if left.exists():
            _copy_state(left, self.folder)
            shutil.rmtree(left)
        return ended

    async def _cancelled(self, points: FailPoints) -> None:
        """The load, cancelled as a whole at the fail-point: it goes on from there to its next wait."""
        load = asyncio.ensure_future(self._load(points, None))
        points.at_death, points.error = load.cancel, None
        await load

    async def _load(self, points: FailPoints, during: Callable[[Loader], None] | None) -> Loader:
        self.target.points = points
        with self.open() as store:
            state, quiet = DyingStore(store, points), SilentProgress()
            ports = LoadPorts(self.catalog, KEYS, self.target, state, self.files, self.clock, quiet, self.images)
            loader = Loader(
                ports, self.planned, OPTIONS, LoadSettings(self.concurrency, self.quiet_s, self.one_root_at_a_time)
            )
            if during is not None:
                during(loader)
            self.target.watch = Watch(store, self.target).at_create
            await asyncio.wait_for(loader.run(), PATIENCE_S)
        return loader

    def verify(self, scope: Scope | None = None) -> VerifyResult:
        """Reads everything back, or what is in scope, and compares it with the latest plan."""
        with self.open() as store:
            ports = LoadPorts(self.catalog, KEYS, self.target, store, self.files, self.clock, SilentProgress())
            return asyncio.run(Verifier(ports, self.planned, OPTIONS, scope).run())

    def states(self) -> dict[RecordKey, str]:
        with self.open() as store:
            return {known.key: str(known.state) for known in store.in_state()}

    def state_of(self, mapping: EntityMapping, legacy_id: str) -> str | None:
        return self.states().get(key_of(mapping, legacy_id))

    def names(self, entity: str = "person") -> list[JsonValue]:
        attribute = "last_name" if entity == "person" else "name"
        return sorted(str(record.attributes[attribute]) for record in self.target.of(entity))


@dataclass
class Watch:
    """What must be durable when a POST arrives."""

    store: SqlStore
    target: FaultyTarget

    def at_create(self, document: Document) -> None:
        """An intent of exactly this record, or, where it carries no marker, of a record of its entity."""
        intents = [each for each in self.store.in_state(RecordState.INTENT) if each.entity == document.entity]
        text = read_marker(self.target.catalog.entity(document.entity), document.attributes)
        if text is not None:
            intents = [each for each in intents if marker(each.key) == text]
        assert intents, "a POST left without a durable intent"


def _copy_state(source: Path, target: Path) -> None:
    """The files of a state database as they are on disk, without its backups; what else is in the target of a copy goes."""
    target.mkdir(exist_ok=True)
    for path in filter(Path.is_file, target.glob("state.db*")):
        path.unlink()
    for path in filter(Path.is_file, source.glob("state.db*")):
        shutil.copy2(path, target)


OPTIONS = {
    name: {each.label: TargetId(each.id) for each in CATALOG.options_of(name) or () if each.id}
    for name in [*CATALOG.lookups, *(each.name for each in CATALOG.entities.values() if each.match_on)]
}


def batch_of(mapping: EntityMapping, rows: Rows) -> pa.RecordBatch:
    """Ordered, valid records as the record graph gives them. References are record keys; ``id`` is the legacy key."""
    columns: dict[str, pa.Array] = {}
    for each in mapping.fields:
        values = [row.get(each.name) for row in rows]
        columns[each.name] = pa.array(values, pa.list_(pa.string()) if each.link and each.link.many else None)
        if not values or columns[each.name].null_count == len(values):
            columns[each.name] = pa.array(values, pa.string())
        if isinstance(each.value, FileField):
            columns[each.name + "._size"] = pa.array([len(path) for path in values], pa.int64())
            columns[each.name + "._sha256"] = pa.array(
                [sha256(path.encode()).hexdigest() for path in values], pa.string()
            )
    count = len(rows)
    columns |= {
        "_rk": pa.array([key_of(mapping, row["id"]) for row in rows], pa.string()),
        "_row": pa.array([row.get("row", number) for number, row in enumerate(rows, 1)], pa.int64()),
        "_line": pa.nulls(count, pa.int64()),
        "_key": pa.array([row["id"] for row in rows], pa.string()),
        "_status": pa.array(["valid"] * count),
        "_reason": pa.nulls(count, pa.string()),
        "_depth": pa.array([0] * count, pa.int32()),
        "_dropped": pa.array([[]] * count, pa.list_(pa.string())),
        "_deferred": pa.array([row.get("deferred", []) for row in rows], pa.list_(pa.string())),
    }
    return pa.record_batch(columns)


PEOPLE = mapping_of("person", "first_name", "last_name", "middle_name", "mother", on_missing="empty")
CASES = mapping_of("case", "name", "case_type", "case_status")
MEMBERS = mapping_of("case_person", "case", "person", "role")


def person(legacy_id: str, **more: Any) -> dict[str, Any]:
    return {"id": legacy_id, "first_name": "Ana", "last_name": legacy_id, **more}


def case(legacy_id: str, **more: Any) -> dict[str, Any]:
    return {"id": legacy_id, "name": legacy_id, "case_type": "Adoption", "case_status": "Open", **more}
