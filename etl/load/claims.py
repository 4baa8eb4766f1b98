"""Looks at the record of Casebook that a person says one of ours is, before state believes it.

A wrong id would let the next run write over somebody else's record. So the record has to be there, be of the entity, and
carry our marker; where an entity has no slot for one it has to have been created under our application's name, or to
hold what we would send.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from etl.catalog.model import Catalog, Entity
from etl.core.capabilities import Rung
from etl.core.errors import TargetError
from etl.core.keys import RecordKey, marker
from etl.core.ports import Target
from etl.core.records import Document, JsonValue, RemoteRecord, TargetId
from etl.core.state_port import KnownRecord, StateReader
from etl.load.compare import same_content
from etl.load.creator import creator
from etl.load.markers import read_marker

Sent = Callable[[RecordKey], Document | None]
"""What a record is, as it would be sent; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a person's word is not believed, and what to do."""

    message: str
    hint: str


class Claims:
    """Judges what people say. Reads only. ``sent`` may tell nothing: then only the creator speaks for a record."""

    def __init__(
        self, catalog: Catalog, target: Target, state: StateReader, sent: Mapping[RecordKey, Document]
    ) -> None:
        self._catalog = catalog
        self._target = target
        self._state = state
        self._sent = sent
        self._names: set[JsonValue] | None = None

    async def doubt(self, known: KnownRecord, target_id: TargetId) -> Doubt | None:
        """Why this id cannot be the record's; None where nothing speaks against it. Raises TargetError."""
        shown = await self._target.get(known.entity, target_id)
        if shown is None or shown.id != target_id:
            return Doubt(
                f"Casebook shows no {known.entity} {target_id}.",
                "Look the id up again, and see that the application may view this record.",
            )
        entity = self._catalog.entity(known.entity)
        if entity.marker is not None and entity.marker.slot is not None:
            return _doubt_of_marker(entity, known, shown)
        if await self._is_by_us(shown) or self._is_same(known, shown):
            return None
        return Doubt(
            f"{known.entity} {target_id} was not created by this application and holds other values than record {known.key}.",
            "Look for the right one on its parent's page; say --force if it is this one all the same.",
        )

    async def doubt_of_absence(self, known: KnownRecord) -> Doubt | None:
        """Why a record cannot be gone; None where Casebook shows nothing under its id. Raises TargetError."""
        if known.target_id is None or await self._target.get(known.entity, known.target_id) is None:
            return None
        return Doubt(
            f"Record {known.key} is in Casebook: {known.entity} {known.target_id}.",
            "Only what is gone there can be acknowledged as deleted.",
        )

    async def copies(self, entity_name: str, keys: Collection[RecordKey]) -> dict[RecordKey, list[TargetId]]:
        """The records that carry the markers of these keys, the oldest first. Raises TargetError."""
        entity = self._catalog.entity(entity_name)
        rung = entity.marker
        if rung is None or rung.slot is None:
            return {key: [] for key in keys}
        wanted = {marker(key): key for key in keys}
        asked = [{rung.slot: text} for text in wanted] if rung.ask == Rung.FILTER else [{}]
        found: dict[RecordKey, list[tuple[str, TargetId]]] = defaultdict(list)
        for filters in asked:
            async for shown in self._target.list(entity.name, filters=filters):
                key = wanted.get(read_marker(entity, shown.attributes) or "")
                if key is not None:
                    found[key].append((shown.created_at, shown.id))
        return {key: [target_id for _, target_id in sorted(found[key])] for key in keys}

    def _is_same(self, known: KnownRecord, shown: RemoteRecord) -> bool:
        sent = self._sent.get(known.key)
        return sent is not None and same_content(sent, shown)

    async def _is_by_us(self, shown: RemoteRecord) -> bool:
        """Whether it was created under the name that records show which we certainly created."""
        if self._names is None:
            self._names = await self._our_names()
        return creator(shown) in self._names

    async def _our_names(self) -> set[JsonValue]:
        for name in self._catalog.entities:
            ours = self._state.sample(name)
            if ours is None or ours.target_id is None or ours.adopted:
                continue
            try:
                there = await self._target.get(name, ours.target_id)
            except TargetError:
                continue
            if there is not None and creator(there):
                return {creator(there)}
        return set()


def _doubt_of_marker(entity: Entity, known: KnownRecord, shown: RemoteRecord) -> Doubt | None:
    there = read_marker(entity, shown.attributes)
    if there == marker(known.key):
        return None
    carries = "carries no marker of ours" if there is None else "carries the marker of another record"
    return Doubt(
        f"{known.entity} {shown.id} {carries}, so it is not record {known.key}.",
        f"Look for the marker {marker(known.key)} in Casebook; say --force if it is this one all the same.",
    )
