"""Looks, before a POST leaves, whether the state database still knows everything that was sent.

A copy, a restored backup or a second writer shows itself at the target: among the newest records are some of ours that
state does not know. Each entity's list is read back to a record that state knows, before the first POST and every few minutes
after it; a run that has nothing to create reads none. A state that is doubted is asked about record by record instead.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping

from etl.catalog.model import Entity
from etl.core.errors import OUTDATED_HINT, StateOutdated, TargetRefused
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import DECIDED_ABSENT, RecordState
from etl.core.records import Ref, RemoteRecord, TargetId
from etl.load.ask import Question
from etl.load.compare import same_content
from etl.load.creator import creator, creators
from etl.load.markers import read_marker
from etl.load.planned import PlannedRecords
from etl.load.ports import LoadPorts

EVERY_S = 300.0
NEWEST = 50
"""So many of the newest records of an entity are looked at in any case: a page."""
MOST = 1000
"""And so many at the most, where none among them is known to state."""
_PERHAPS_THERE = (RecordState.INTENT, RecordState.UNCERTAIN, RecordState.DUPLICATE)


class Freshness:
    """Looks for records of ours that state does not know; remembers which records have been asked about first."""

    def __init__(self, ports: LoadPorts, planned: PlannedRecords, quiet_s: float) -> None:
        self._ports = ports
        self._planned = planned
        self._quiet_s = quiet_s
        self._is_doubted = ports.state.is_doubted()
        self._good_until: float | None = None
        self._looking = asyncio.Lock()
        self._tolerated: set[TargetId] = set()
        self._blind: set[str] = set()
        self._asking: set[RecordKey] = set()

    async def assured(self) -> None:
        """Returns when a POST may leave. Raises StateOutdated if state does not know all that was sent."""
        if self._is_good():
            return
        async with self._looking:
            if not self._is_good():
                await self._look(is_first=self._good_until is None)
                self._good_until = self._ports.clock.monotonic() + EVERY_S

    def asks_first(self, key: RecordKey) -> bool:
        """Whether this attempt of a record is to be asked about instead of sent: the first one, where state is doubted
        and no person has decided since. Called before its intent.
        """
        if self._is_doubted and key not in self._asking and not self._is_decided(key):
            self._asking.add(key)
            return True
        self._asking.discard(key)
        return False

    def _is_decided(self, key: RecordKey) -> bool:
        known = self._ports.state.known([key]).get(key)
        return known is not None and known.error == DECIDED_ABSENT

    def is_asking(self, key: RecordKey) -> bool:
        """Whether a record is asked about without having been sent by this run."""
        return key in self._asking

    async def differs(self, question: Question, target_id: TargetId) -> bool:
        """Whether a record that was found where state is doubted shows something else than would be sent now. Of an intent
        that an earlier run left it is not known either whether anything was sent under it.
        """
        self._asking.discard(question.key)
        if not self._is_doubted or question.document is None:
            return False
        shown = await self._ports.target.get(question.entity, target_id)
        return shown is None or not same_content(question.document, shown)

    def _is_good(self) -> bool:
        return self._good_until is not None and self._ports.clock.monotonic() < self._good_until

    async def _look(self, *, is_first: bool) -> None:
        if self._is_doubted and is_first:
            self._ports.progress.note(
                "The state database is not the newest: Casebook is asked about each record before it is first sent."
            )
            await self._ports.clock.sleep(self._quiet_s)  # what another writer sent last may still take effect
        pages = {entity.name: await self._newest(entity) for entity in self._entities()}
        # Read before the ids: what becomes created in between is then counted twice, and never taken for a stranger.
        on_their_way = Counter(each.entity for each in self._ports.state.in_state(*_PERHAPS_THERE))
        unknown = {name: self._unknown(name, page) for name, page in pages.items()}
        writers = creators(record for name, page in pages.items() for record in page if record not in unknown[name])
        for name, records in unknown.items():
            entity = self._ports.catalog.entity(name)
            foreign = (
                self._marked(entity, records, is_first) + self._by_us(entity, records, writers)[on_their_way[name] :]
            )
            self._judge(name, foreign, is_first=is_first)
        if is_first and not self._ports.state.size():
            self._tell_of_strangers(unknown)

    def _judge(self, name: str, foreign: list[RemoteRecord], *, is_first: bool) -> None:
        if foreign and not (self._is_doubted and is_first):
            raise StateOutdated(
                f"Casebook holds records of {name} that this migration made and this state database does not know "
                f"({len(foreign)} of the newest, for example {foreign[0].id}): another run writes with a copy of it, or it "
                "is not the newest. Nothing more was sent.",
                hint=OUTDATED_HINT,
            )
        self._tolerated.update(record.id for record in foreign)

    def _tell_of_strangers(self, unknown: Mapping[str, list[RemoteRecord]]) -> None:
        """Says where an empty state meets records with markers that this project key did not make: another project's, or our
        own of a key that was lost.
        """
        catalog = self._ports.catalog
        marked = {
            name: sum(read_marker(catalog.entity(name), record.attributes) is not None for record in records)
            for name, records in unknown.items()
        }
        told = ", ".join(f"{name} ({count})" for name, count in marked.items() if count)
        if told:
            self._ports.progress.note(
                f"Casebook holds records with markers that this project and its key did not make: {told} of the newest. If "
                "they are this project's, loaded with another key or state, stop now and bring those back: all would be doubled."
            )

    def _entities(self) -> list[Entity]:
        """The planned entities whose records can be listed and told to be ours."""
        planned = [self._ports.catalog.entity(name) for name in self._planned.entities]
        return [each for each in planned if each.marker and each.path and "list" in each.operations]

    async def _newest(self, entity: Entity) -> list[RemoteRecord]:
        """The newest records, back to a page with one that state knows; none where the tenant refuses such a list, which
        people are told once.
        """
        if entity.name in self._blind:
            return []
        found: list[RemoteRecord] = []
        try:
            async for record in self._ports.target.list(entity.name, newest_first=True):
                found.append(record)
                if len(found) % NEWEST == 0 and (len(found) >= MOST or self._knows_any(entity.name, found[-NEWEST:])):
                    break
        except TargetRefused:
            self._blind.add(entity.name)
            self._ports.progress.note(f"The newest records of {entity.name} cannot be listed: other writers go unseen.")
        return found

    def _knows_any(self, name: str, page: list[RemoteRecord]) -> bool:
        return bool(self._ports.state.by_target_id(name, [record.id for record in page]))

    def _unknown(self, name: str, page: list[RemoteRecord]) -> list[RemoteRecord]:
        known = self._ports.state.by_target_id(name, [record.id for record in page])
        return [record for record in page if record.id not in known and record.id not in self._tolerated]

    def _marked(self, entity: Entity, unknown: list[RemoteRecord], is_first: bool) -> list[RemoteRecord]:
        """Those that carry the marker of a planned record of which state says that it is not there, or (later in a run)
        that another record stands for it.
        """
        texts = {text: record for record in unknown if (text := read_marker(entity, record.attributes)) is not None}
        if not texts:
            return []
        keys = [key for key in self._planned.keys(entity.name) if marker(key) in texts]
        known = self._ports.state.known(keys)
        there = {*_PERHAPS_THERE, RecordState.CREATED} if is_first else set(_PERHAPS_THERE)
        settled = {key for key, each in known.items() if each.state in there or each.target_id == texts[marker(key)].id}
        self._tolerated.update(texts[marker(key)].id for key in settled if is_first)
        return [texts[marker(key)] for key in keys if key not in settled]

    def _by_us(self, entity: Entity, unknown: list[RemoteRecord], writers: Collection[object]) -> list[RemoteRecord]:
        """Those without a place for a marker that our application created under a parent of ours."""
        rung = entity.marker
        if rung is None or rung.slot is not None or rung.scope is None or entity.links[rung.scope].value is not None:
            return []
        ours = [each for each in unknown if creator(each) in writers]
        homes = {each.id: link.id for each in ours if isinstance(link := each.links.get(rung.scope), Ref)}
        known = {
            home
            for to in entity.links[rung.scope].to
            for home in self._ports.state.by_target_id(to, sorted(set(homes.values())))
        }
        return [each for each in ours if homes.get(each.id) in known]
