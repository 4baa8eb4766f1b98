"""The load end of the line: :class:`CasebookClient` is the Target that speaks to a Casebook tenant, or to the sandbox.

It only puts the parts together: what travels where is the catalogue's knowledge (``wire``), what an attempt meant is one
table (``failures``), when to send again is one rule (``retry``). A create is sent again only where it certainly had no
effect; whoever calls decides what to do about a lost answer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import BinaryIO, TypeAlias

from etl.casebook import form, jsonapi, wire
from etl.casebook.addresses import below, is_loopback
from etl.casebook.auth import ClientCredentials
from etl.casebook.channel import Channel, RequestEvent, Surroundings
from etl.casebook.clock import SystemClock
from etl.casebook.connection import Connection, Reply, Transport
from etl.casebook.failures import NOT_FOUND, Located, Verdict, is_id, judge_change, judge_create
from etl.casebook.listing import Lists
from etl.casebook.options import Options
from etl.casebook.pace import Pace, PaceFacts
from etl.casebook.retry import RetryBudget
from etl.casebook.session import MEDIA_TYPE, Session
from etl.casebook.sockets import Sockets
from etl.casebook.throttle import Rate, Throttle
from etl.casebook.uploads import Uploads
from etl.catalog.model import Catalog
from etl.core.errors import RecordRejected, ResponseLost, TargetError, TargetRefused
from etl.core.ports import Clock, Created, Fence
from etl.core.records import Document, JsonValue, RemoteRecord, TargetId
from etl.mapping.model import Profile

_IN_FLIGHT_UPLOADS = 4
_Create: TypeAlias = tuple[str, Callable[[Reply], Verdict]]


class CasebookClient:
    """A tenant as profile, catalogue and credentials describe it; implements :class:`etl.core.ports.Target`.

    ``transport`` and ``upload_transport`` replace the sockets (an application in this process, a recording);
    ``on_event`` hears of each attempt, with facts that are safe to log; ``on_cut`` of each time that fewer than ever
    may be in flight, with the reason and their number; ``rate`` replaces the profile's own. Raises SettingsError for
    an address that people's data may not be sent to.
    """

    def __init__(
        self,
        profile: Profile,
        catalog: Catalog,
        credentials: ClientCredentials,
        transport: Transport | None = None,
        *,
        upload_transport: Transport | None = None,
        clock: Clock | None = None,
        chance: random.Random | None = None,
        budget: RetryBudget | None = None,
        on_event: Callable[[RequestEvent], None] | None = None,
        on_cut: Callable[[str, int], None] | None = None,
        rate: Rate | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._catalog = catalog
        self._form = profile.body_format == "form"
        self._requests: Counter[tuple[str, int]] = Counter()
        self._creates: dict[str, _Create] = {}
        shared = Surroundings(clock, chance or random.SystemRandom(), budget or RetryBudget(), self._requests, on_event)
        self._pace = Pace(profile.concurrency, clock, on_cut)
        throttle = Throttle(self._pace, rate or profile.rate_per_s, clock)
        self._channel = Channel(Connection(transport), throttle, shared)
        self._session = Session(profile, credentials, self._channel, clock)
        lists = Lists(self._session, catalog, profile.page_size)
        self._lists = lists
        self._options = Options(lists, catalog)
        uploads = Connection(upload_transport or Sockets(public_only=not is_loopback(profile.base_url)))
        self._upload_channel = Channel(uploads, Throttle(_IN_FLIGHT_UPLOADS, None, clock), shared)
        self._uploads = Uploads(profile, self._upload_channel)

    @property
    def requests(self) -> Mapping[tuple[str, int], int]:
        """Attempts so far by verb and status; status 0 counts those without a whole answer. Tokens and uploads count."""
        return MappingProxyType(self._requests)

    @property
    def pace(self) -> PaceFacts:
        """How many requests were allowed in flight, and why fewer at times."""
        return self._pace.facts

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
        """POST of one record; see :class:`etl.core.ports.Target` for what its errors promise."""
        entity = document.entity
        url, judge = self._creates.get(entity) or self._create_of(entity)
        body, content_type = self._encoded(document)
        found: Created | Located = await self._session.write(
            "POST", url, judge, entity=entity, body=body, content_type=content_type, fence=fence
        )
        return found if isinstance(found, Created) else await self._located(found, url, entity)

    async def update(self, target_id: TargetId, document: Document) -> None:
        """PATCH. Custom fields are read and merged first, because a tenant may replace the whole object."""
        entity = document.entity
        url = self._session.url(wire.path_of(self._catalog, entity), target_id)
        kept = await self._custom_fields(url, entity) if wire.touches_custom_fields(self._catalog, document) else {}
        body, content_type = self._encoded(document, target_id, kept)

        def judge(reply: Reply) -> TargetError | None:
            return judge_change(reply, place=f"PATCH {entity}")

        await self._session.write("PATCH", url, judge, entity=entity, body=body, content_type=content_type)

    async def delete(self, entity: str, target_id: TargetId) -> bool:
        """DELETE; False where it was gone before this call."""
        url = self._session.url(wire.path_of(self._catalog, entity), target_id)
        return await self._session.write("DELETE", url, _Deletion(f"DELETE {entity}"), entity=entity)

    async def get(self, entity: str, target_id: TargetId) -> RemoteRecord | None:
        """One record, None where there is none or none visible."""
        url = self._session.url(wire.path_of(self._catalog, entity), target_id)
        document = await self._session.read(url, entity=entity)
        return None if document is None else self._decoded(entity, document["data"])

    async def list(
        self, entity: str, *, filters: Mapping[str, str] | None = None, newest_first: bool = False
    ) -> AsyncIterator[RemoteRecord]:
        """All records of an entity that match, oldest first unless said otherwise, ties by id."""
        known = self._catalog.entity(entity)
        wanted = filters or {}
        parameters = [(f"filter[{wire.filter_name(known, name)}]", value) for name, value in wanted.items()]
        parameters.append(("sort", "-created_at,id" if newest_first else "created_at,id"))
        async for resource in self._lists.resources(entity, parameters):
            record = self._decoded(entity, resource)
            if all(_agrees(record, name, value) for name, value in wanted.items()):
                yield record

    async def options(self, lookup: str) -> Mapping[str, TargetId]:
        """Label to id of a lookup or listed entity, fetched once."""
        return await self._options.of(lookup)

    async def upload(self, url: str, body: BinaryIO, size_bytes: int) -> None:
        """Bytes to a pre-signed address; see :meth:`etl.casebook.uploads.Uploads.put`."""
        await self._uploads.put(url, body, size_bytes)

    async def close(self) -> None:
        """Closes all connections."""
        await self._channel.close()
        await self._upload_channel.close()

    def _create_of(self, entity: str) -> _Create:
        """Where an entity's creates go and what their answers mean, worked out once."""
        url = self._session.url(wire.path_of(self._catalog, entity))
        judge = partial(judge_create, type_name=wire.type_of(self._catalog, entity), place=f"POST {entity}")
        return self._creates.setdefault(entity, (url, judge))

    def _encoded(
        self, document: Document, target_id: TargetId | None = None, kept: Mapping[str, JsonValue] | None = None
    ) -> tuple[bytes, str]:
        if self._form:
            return form.encode(self._catalog, document, kept), form.CONTENT_TYPE
        return jsonapi.encode(self._catalog, document, target_id, kept), MEDIA_TYPE

    def _decoded(self, entity: str, data: JsonValue) -> RemoteRecord:
        try:
            return jsonapi.decode(self._catalog, entity, data)
        except jsonapi.UnknownShape as error:
            raise TargetRefused(
                f"GET {entity} gave {error}.", hint="Check type and links of the entity in the tenant overlay."
            ) from None

    async def _custom_fields(self, url: str, entity: str) -> Mapping[str, JsonValue]:
        """The record's custom fields as they travel now. Raises RecordRejected (404) where the record is gone."""
        document = await self._session.read(url, entity=entity)
        if document is None:
            raise RecordRejected(f"PATCH {entity}: the record is gone.", status=NOT_FOUND)
        data = document["data"]
        attributes = data.get("attributes") if isinstance(data, dict) else None
        shown = attributes.get(wire.CUSTOM_FIELDS) if isinstance(attributes, dict) else None
        return shown if isinstance(shown, dict) else {}

    async def _located(self, found: Located, collection: str, entity: str) -> Created:
        """The record a create's answer only named. Raises ResponseLost where it cannot be had there: it may exist."""
        lost = ResponseLost(f"POST {entity}: the answer names no record that can be read.", status=201)
        place = below(collection, found.address)
        if place is None or not is_id(place[1].removeprefix("/")):
            raise lost
        try:
            document = await self._session.read(place[0], entity=entity)
            record = None if document is None else self._decoded(entity, document["data"])
        except TargetError:
            raise lost from None
        if record is None:
            raise lost
        return Created(record.id, record.attributes)


class _Deletion:
    """Judges the replies to one DELETE: a 404 after a lost answer means that the lost one took effect."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._perhaps_done = False

    def __call__(self, reply: Reply) -> bool | TargetError:
        """True where this call deleted the record, False where it was gone before."""
        error = judge_change(reply, place=self._place)
        if isinstance(error, RecordRejected) and error.status == NOT_FOUND:
            return self._perhaps_done
        self._perhaps_done = self._perhaps_done or isinstance(error, ResponseLost)
        return True if error is None else error


def _agrees(record: RemoteRecord, name: str, value: str) -> bool:
    """Whether a hit really has the value asked for, as far as it shows: servers read commas and case their own way."""
    if name in record.links:
        return any(each.id == value for each in wire.refs(record.links[name]))
    return not wire.has(record.attributes, name) or _text(wire.value_at(record.attributes, name)) == value


def _text(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
