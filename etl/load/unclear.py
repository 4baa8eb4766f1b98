"""Settles records whose answer was lost: ask, wait until the request can no longer take effect, ask again, only then send.

"None" leads to another POST only when the quiet period has passed, a second look agrees, and sight is proved by a record
that is certainly there; or when the target takes ids of our choice, so that absence is certain and a second record is
impossible. Where any of this cannot be had the record is held as uncertain: never guessed.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

from etl.core.changes import MarkDuplicate, MarkRejected, MarkUncertain
from etl.core.keys import RecordKey
from etl.core.outcomes import SEND_AGAIN
from etl.core.records import TargetId
from etl.core.state_port import KnownRecord
from etl.load.ask import Answer, Asked, Asker, Question, Witness
from etl.load.ports import LoadPorts
from etl.load.schedule import Schedule
from etl.load.scope import scope_id_of

ROUNDS = 3
"""So many times the server may fail on a record again before it counts as one that the server cannot take."""
CUTS = 10
"""So many times a record may vanish for any reason before it is left to the next run: a cut line says nothing about it."""
WITNESSES = 3
"""So many records that are certainly there are looked for before an entity counts as one that cannot be seen."""
_SERVER_ERROR = 500
_SECOND_LOOK_S = 1.0

Resend = Callable[[], Awaitable[TargetId | None]]


class Unclear:
    """Decides about lost answers; knows one witness an entity."""

    def __init__(self, ports: LoadPorts, asker: Asker, schedule: Schedule, quiet_s: float) -> None:
        self._ports = ports
        self._asker = asker
        self._schedule = schedule
        self._quiet_s = quiet_s
        self._witnesses: dict[str, Witness] = {}
        self._seen: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._blind: set[str] = set()
        self._failed: Counter[RecordKey] = Counter()
        self._there: set[RecordKey] = set()
        self._stopping = asyncio.Event()

    def saw(self, entity: str, witness: Witness) -> None:
        """A record of this entity is certainly there."""
        if entity not in self._witnesses:
            self._witnesses[entity] = witness
            self._seen[entity].set()

    def lost(self, key: RecordKey, status: int | None) -> None:
        """The answer to a record was lost; only a server's error may be the record's own fault, a cut line never."""
        if status is not None and status >= _SERVER_ERROR:
            self._failed[key] += 1

    def known_there(self, key: RecordKey) -> None:
        """The target says that a record with this marker exists: another attempt could only be refused again."""
        self._there.add(key)

    def stop(self) -> None:
        """Ends all waiting; records stay as intents and are asked about by the next run."""
        self._stopping.set()

    async def settle(self, question: Question, resend: Resend | None, *, was_sent: bool = True) -> TargetId | None:
        """The id under which the record exists; None where it was settled otherwise or the run is stopping.

        ``resend`` makes the next attempt under a new durable intent; None where the record is not in this run's plan.
        What was not sent by this run needs no quiet period of its own.
        """
        if self._asker.needs_witness(question.entity):
            await self._witness(question)
        for vanished in range(CUTS + 1):
            asked = await (self._ask_until_quiet if was_sent or vanished else self._ask_once)(question)
            if asked is None or asked.answer is Answer.FOUND:
                return asked.id if asked else None
            if not await self._may_resend(question, asked, resend):
                await self._give_up(question, asked)
                return None
            if self._failed[question.key] > ROUNDS or vanished == CUTS:
                await self._commit(MarkRejected(question.key, None, self._verdict(question.key)))
                return None
            sent = await resend() if resend else None
            if sent is not None or not self._schedule.is_unsettled(question.key):
                return sent
        return None

    def _verdict(self, key: RecordKey) -> str:
        return "server_error" if self._failed[key] > ROUNDS else f"{SEND_AGAIN} the line was cut each time"

    async def _ask_once(self, question: Question) -> Asked | None:
        return None if self._stopping.is_set() else await self._asker.ask(question)

    async def _ask_until_quiet(self, question: Question) -> Asked | None:
        """Asks now, after the quiet period, and once more; the first certain answer wins. None when stopping."""
        asked = Asked(Answer.NONE)
        for delay_s in (0.0, self._quiet_s, min(self._quiet_s / 4, _SECOND_LOOK_S)):
            if not await self._pause(delay_s):
                return None
            asked = await self._asker.ask(question)
            if asked.answer is not Answer.NONE:
                return asked
        return asked

    async def _may_resend(self, question: Question, asked: Asked, resend: Resend | None) -> bool:
        if resend is None or question.key in self._there or asked.answer is not Answer.NONE:
            return resend is not None and asked.answer is Answer.ABSENT
        witness = await self._witness(question)
        return witness is not None and await self._sees(question.entity, witness)

    async def _sees(self, entity: str, witness: Witness) -> bool:
        """Whether sight is proved. A witness that was created just now may be listed late: it gets the quiet period; one that
        a person has deleted since gives way to others.
        """
        for delay_s in (0.0, self._quiet_s):
            if entity in self._blind or not await self._pause(delay_s):
                return False
            for each in (witness, *self._from_state(entity, besides=witness)):
                if not await self._asker.blind(entity, each):
                    return True
        self._blind.add(entity)
        return False

    def _from_state(self, entity: str, *, besides: Witness | None = None) -> list[Witness]:
        """The latest records of an entity that we created."""
        known = self._ports.state.latest(entity, WITNESSES)
        return [self._as_witness(each, each.target_id) for each in known if each.target_id and not _is(each, besides)]

    def _as_witness(self, known: KnownRecord, target_id: TargetId) -> Witness:
        catalog, state = self._ports.catalog, self._ports.state
        scope = scope_id_of(catalog, state, known.entity, known.scope) if known.scope else None
        return Witness(known.key, target_id, scope)

    async def _witness(self, question: Question) -> Witness | None:
        """A record that is certainly there: from this run, from state, or the next one that this run creates."""
        entity = question.entity
        if entity not in self._witnesses:
            for each in self._from_state(entity)[:1]:
                self.saw(entity, each)
        if entity not in self._witnesses:
            await self._wait_for_witness(question)
        return self._witnesses.get(entity)

    async def _wait_for_witness(self, question: Question) -> None:
        """Rests until some other record of the entity is created, or nothing more can come."""
        self._schedule.park(question.key)
        waits = [
            asyncio.ensure_future(each)
            for each in (self._seen[question.entity].wait(), self._schedule.until_finished(), self._stopping.wait())
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            self._schedule.resume()

    async def _give_up(self, question: Question, asked: Asked) -> None:
        if self._stopping.is_set():
            return
        if asked.answer is Answer.SEVERAL and asked.id is not None:
            await self._commit(MarkDuplicate(question.key, asked.id))
        else:
            unseen = "its marker is taken by a record that is not shown" if question.key in self._there else ""
            await self._commit(MarkUncertain(question.key, asked.why or unseen or "absence cannot be proved"))

    async def _pause(self, delay_s: float) -> bool:
        """Waits; False when the run is stopping."""
        if delay_s:
            sleeping = asyncio.ensure_future(self._ports.clock.sleep(delay_s))
            stopping = asyncio.ensure_future(self._stopping.wait())
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            sleeping.cancel()
            stopping.cancel()
        return not self._stopping.is_set()

    async def _commit(self, change: MarkDuplicate | MarkRejected | MarkUncertain) -> None:
        await asyncio.wrap_future(self._ports.state.commit(change))


def _is(known: KnownRecord, witness: Witness | None) -> bool:
    return witness is not None and known.key == witness.key
