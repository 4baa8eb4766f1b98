"""What only a write can tell, tried with records of an entity that the catalogue marks as harmless, and removed again.

Never people. Each record says what it is in its first text and carries a random marker, so that one that cannot be
deleted is found by a person. A create is sent once; where its answer is lost, that is told.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC

from etl.casebook import jsonapi, wire
from etl.casebook.failures import CONFLICT, is_id
from etl.casebook.options import Options
from etl.casebook.probe.line import SERVER_FAILS, ProbeLine, Seen
from etl.casebook.probe.reading import NEWEST
from etl.catalog.model import Attribute, Catalog, Entity, Kind, Link
from etl.core.capabilities import UNKNOWN, Fact, probed
from etl.core.errors import EtlError, ResponseLost
from etl.core.keys import MARKER_PREFIX
from etl.core.records import Document, JsonValue, LinkValue, Ref, TargetId

NAME = "casebook-etl probe"
MERGE, REPLACE = "merge", "replace"
LONGEST_LAG_S = 60.0
_FIRST_LOOK_S = 0.05
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Written:
    """What the probe records told. ``lag_s`` is the longest time until one was found by its marker, -1 where it never
    was. ``left`` are the records that could not be deleted, and ``unclear`` says that there may be one more,
    of which no answer told the id; ``why`` says what kept the probe from its work.
    """

    entity: str
    custom_fields: Fact = UNKNOWN
    client_ids: Fact = UNKNOWN
    lag_s: Fact = UNKNOWN
    left: tuple[TargetId, ...] = ()
    unclear: bool = False
    why: str = ""


@dataclass(slots=True)
class _Desk:
    """One entity at work: the ids made so far, those of them that the tenant has shown, and whether it is unclear that
    these are all.
    """

    line: ProbeLine
    entity: Entity
    made: list[TargetId] = field(default_factory=list)
    shown: set[TargetId] = field(default_factory=set)
    unclear: bool = False


def harmless_entities(catalog: Catalog) -> list[str]:
    """The entities of which a record may be made and deleted to try the tenant; first those that take custom fields."""
    found = [each for each in catalog.entities.values() if each.harmless and each.creatable]
    return [each.name for each in sorted(found, key=lambda each: not each.takes_custom_fields)]


async def write_probes(line: ProbeLine, entity_name: str) -> Written:
    """Makes at most three records of the entity, looks, and deletes them."""
    desk = _Desk(line, line.catalog.entity(entity_name))
    told = Written(entity_name)
    try:
        told = await _tried(desk)
    except EtlError as error:
        told = replace(told, why=error.message)
    return replace(told, left=await _removed(desk), unclear=desk.unclear)


async def _tried(desk: _Desk) -> Written:
    text = MARKER_PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(16))
    document = await _document(desk.line, desk.entity, text)
    first = _id(await _made(desk, document))
    if first is None:
        return Written(desk.entity.name, why="The probe record was refused.")
    lag_s = await _lag_s(desk, first, text)
    return Written(
        desk.entity.name,
        custom_fields=await _custom_fields(desk, first),
        client_ids=await _client_ids(desk, document),
        lag_s=lag_s,
    )


# ------------------------------------------------------------------ the record


async def _document(line: ProbeLine, entity: Entity, text: str) -> Document:
    """A record with what the tenant requires, its name where people look first, and the marker in its slot."""
    plain = [each for each in entity.attributes.values() if not each.read_only and "." not in each.name]
    title = next((each.name for each in plain if each.kind in {Kind.STRING, Kind.TEXT}), None)
    attributes: dict[str, JsonValue] = {each.name: _value(line, each) for each in plain if each.required}
    attributes |= {title: NAME} if title else {}
    slot = entity.marker.slot if entity.marker else None
    if slot is not None:
        head, _, key = slot.partition(".")
        attributes[head] = {key: text} if key else text
    links: dict[str, LinkValue] = {
        each.name: await _option(line, each) for each in entity.links.values() if each.required
    }
    return Document(entity.name, attributes, links)


def _value(line: ProbeLine, attribute: Attribute) -> JsonValue:
    match attribute.kind:
        case Kind.DATE:
            return line.clock.now().date().isoformat()
        case Kind.DATETIME:
            return line.clock.now().astimezone(UTC).isoformat(timespec="seconds")
        case Kind.INTEGER | Kind.NUMBER:
            return 0
        case Kind.BOOLEAN:
            return False
        case Kind.ENUM:
            return attribute.enum[0]
        case _:
            return NAME


async def _option(line: ProbeLine, link: Link) -> LinkValue:
    options = await Options(line.lists, line.catalog).of(link.to[0])
    first = Ref(link.to[0], options[min(options)]) if options else None
    return (first,) if link.many and first else first


# ------------------------------------------------------------------ the questions


async def _made(desk: _Desk, document: Document, client_id: str = "") -> Seen:
    """The answer to a create. The id of what was made is kept; so is that something may have been made without one."""
    try:
        seen = await desk.line.send("POST", desk.entity.name, body=_body(desk, document, client_id))
    except ResponseLost:
        desk.unclear = True
        raise
    made = _id(seen)
    if made is not None and made not in desk.made:
        desk.made.append(made)
    desk.unclear |= made is None and (seen.succeeded or seen.status >= SERVER_FAILS or not seen.from_api)
    return seen


async def _lag_s(desk: _Desk, target_id: TargetId, text: str) -> Fact:
    """Seconds until the record is in a list by its marker, or newest first where it cannot be filtered."""
    lag_s = await _waited_s(desk, lambda: _is_listed(desk, target_id, text), LONGEST_LAG_S)
    if lag_s is None:
        return probed(-1.0)
    desk.shown.add(target_id)
    return probed(round(lag_s, 3))


async def _is_listed(desk: _Desk, target_id: TargetId, text: str) -> bool:
    marker = desk.entity.marker
    query = [NEWEST]
    if marker is not None and marker.slot is not None and marker.ask == "filter":
        query.append((f"filter[{wire.filter_name(desk.entity, marker.slot)}]", text))
    seen = await desk.line.read(desk.entity.name, *query)
    if not seen.succeeded:
        seen = await desk.line.read(desk.entity.name, NEWEST)
    return any(isinstance(each, dict) and each.get("id") == target_id for each in seen.rows)


async def _custom_fields(desk: _Desk, target_id: TargetId) -> Fact:
    """Changes one custom field alone and looks whether the others are still there."""
    slot = desk.entity.marker.slot if desk.entity.marker else None
    other = _other_text_field(desk.entity, slot)
    if slot is None or other is None:
        return UNKNOWN
    change = {"data": {"type": desk.entity.type, "id": target_id, "attributes": {wire.CUSTOM_FIELDS: {other: NAME}}}}
    answer = await desk.line.send("PATCH", desk.entity.name, target_id=target_id, body=json.dumps(change).encode())
    shown = _attributes(await desk.line.read(desk.entity.name, target_id=target_id))
    if not answer.succeeded or wire.value_at(shown, f"{wire.CUSTOM_FIELDS}.{other}") != NAME:
        return UNKNOWN
    return probed(MERGE if wire.value_at(shown, desk.entity.attributes[slot].wire_name) else REPLACE)


def _other_text_field(entity: Entity, slot: str | None) -> str | None:
    prefix = f"{wire.CUSTOM_FIELDS}."
    if slot is None or not slot.startswith(prefix):
        return None
    texts = (
        each.wire_name
        for each in entity.attributes.values()
        if each.name.startswith(prefix) and each.name != slot and each.kind in {Kind.STRING, Kind.TEXT}
    )
    return next((each.removeprefix(prefix) for each in texts), None)


async def _client_ids(desk: _Desk, document: Document) -> Fact:
    """Whether an id of ours is kept, and a second create with it neither makes a second record nor overwrites the first."""
    wanted = TargetId(str(uuid.uuid4()))
    if _id(await _made(desk, document, wanted)) != wanted:
        return probed(False)
    if not await _is_shown(desk, wanted, LONGEST_LAG_S):
        return UNKNOWN
    shown = _attributes(await desk.line.read(desk.entity.name, target_id=wanted))
    title = next((name for name, value in document.attributes.items() if value == NAME), None)
    other = replace(document, attributes={**document.attributes, **({title: f"{NAME} once more"} if title else {})})
    again = await _made(desk, other, wanted)
    if again.status == CONFLICT:
        return probed(True)
    second = _id(again)
    after = _attributes(await desk.line.read(desk.entity.name, target_id=wanted))
    return probed(second in {None, wanted} and title is not None and after.get(title) == shown.get(title))


def _body(desk: _Desk, document: Document, client_id: str = "") -> bytes:
    content = json.loads(jsonapi.encode(desk.line.catalog, document))
    if client_id:
        content["data"]["id"] = client_id
    return json.dumps(content).encode()


# ------------------------------------------------------------------ afterwards


async def _removed(desk: _Desk) -> tuple[TargetId, ...]:
    """Deletes what was made; returns what is left, or may be: the wait for records not shown yet is one for them all."""
    until_s = desk.line.clock.monotonic() + LONGEST_LAG_S
    return tuple([each for each in desk.made if not await _is_gone(desk, each, until_s)])


async def _is_gone(desk: _Desk, target_id: TargetId, until_s: float) -> bool:
    """Whether it is deleted. A delete that finds nothing proves it only of a record that was to be seen before."""
    was_shown = await _is_shown(desk, target_id, until_s - desk.line.clock.monotonic())
    try:
        seen = await desk.line.send("DELETE", desk.entity.name, target_id=target_id)
    except EtlError:
        return False
    return seen.succeeded or (was_shown and seen.status == _NOT_FOUND)


# ------------------------------------------------------------------ waiting


async def _is_shown(desk: _Desk, target_id: TargetId, longest_s: float) -> bool:
    """Whether the tenant has shown the record by its id, now or before; waits while the answer is that there is none."""

    async def is_answered() -> bool:
        seen = await desk.line.read(desk.entity.name, target_id=target_id)
        if seen.succeeded:
            desk.shown.add(target_id)
        return seen.status != _NOT_FOUND

    if target_id not in desk.shown:
        with suppress(EtlError):
            await _waited_s(desk, is_answered, longest_s)
    return target_id in desk.shown


async def _waited_s(desk: _Desk, look: Callable[[], Awaitable[bool]], longest_s: float) -> float | None:
    """Seconds until a look found it; None where none did. It is looked once in any case."""
    clock, began, pause_s = desk.line.clock, desk.line.clock.monotonic(), _FIRST_LOOK_S
    while True:
        waited_s = clock.monotonic() - began
        if await look():
            return waited_s
        if waited_s >= longest_s:
            return None
        await clock.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 2.0)


# ------------------------------------------------------------------ answers


def _id(seen: Seen) -> TargetId | None:
    data = seen.document.get("data") if seen.succeeded and seen.document else None
    found = data.get("id") if isinstance(data, dict) else None
    return TargetId(str(found)) if is_id(found) else None


def _attributes(seen: Seen) -> Mapping[str, JsonValue]:
    data = seen.document.get("data") if seen.document else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return attributes if isinstance(attributes, dict) else {}
