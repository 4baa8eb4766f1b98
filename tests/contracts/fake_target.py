"""A Target in memory that passes the contract suite: what tests of the stages load into."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from etl.catalog.model import Catalog, Entity
from etl.core.errors import Finding, RecordRejected, ResponseLost, TargetError
from etl.core.ports import Created, Fence
from etl.core.records import Document, JsonValue, Ref, RemoteRecord, TargetId

UPLOAD_PREFIX = "https://files.example/"


@dataclass
class FakeTarget:
    """``before`` and ``after`` queue errors that the next creates raise before or after they took effect.

    Entities in ``takes_ids`` keep ids that clients choose; of those in ``unique`` no two records have the same marker.
    """

    catalog: Catalog
    records: dict[TargetId, RemoteRecord] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    before: deque[TargetError] = field(default_factory=deque)
    after: deque[TargetError] = field(default_factory=deque)
    takes_ids: set[str] = field(default_factory=set)
    unique: set[str] = field(default_factory=set)
    closed: bool = False

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
        if fence is not None:
            await fence()
        if self.before:
            raise self.before.popleft()
        self._check(document)
        number = len(self.records) + 1
        target_id = self._id(document, number)
        created_at = f"2026-01-01T00:00:00.{number:06d}Z"
        attributes = self._made_by_server(document.entity, target_id, created_at) | dict(document.attributes)
        self.records[target_id] = RemoteRecord(document.entity, target_id, attributes, dict(document.links), created_at)
        if self.after:
            raise self.after.popleft()
        return Created(target_id, attributes)

    async def update(self, target_id: TargetId, document: Document) -> None:
        record = self._found(document.entity, target_id)
        if record is None:
            raise RecordRejected(f"PATCH {document.entity} was refused.", status=404)
        attributes = {**record.attributes, **document.attributes}
        attributes["custom_fields"] = {**_object(record.attributes), **_object(document.attributes)}
        self.records[target_id] = replace(record, attributes=attributes, links={**record.links, **document.links})

    async def delete(self, entity: str, target_id: TargetId) -> bool:
        if self._found(entity, target_id) is None:
            return False
        if any(target_id in _ids(record) for record in self.records.values()):
            raise RecordRejected(f"DELETE {entity} was refused.", status=422)
        del self.records[target_id]
        return True

    async def get(self, entity: str, target_id: TargetId) -> RemoteRecord | None:
        return self._found(entity, target_id)

    async def list(
        self, entity: str, *, filters: Mapping[str, str] | None = None, newest_first: bool = False
    ) -> AsyncIterator[RemoteRecord]:
        found = [record for record in self.records.values() if record.entity == entity]
        for record in reversed(found) if newest_first else found:
            if all(_has(record, name, value) for name, value in (filters or {}).items()):
                yield record

    async def options(self, lookup: str) -> Mapping[str, TargetId]:
        return {each.label: TargetId(each.id) for each in self.catalog.options_of(lookup) or () if each.id}

    async def upload(self, url: str, body: BinaryIO, size_bytes: int) -> None:
        if url in self.expired:
            raise RecordRejected("The upload was refused.", status=403)
        self.uploads[url] = body.read()

    async def close(self) -> None:
        self.closed = True

    def _id(self, document: Document, number: int) -> TargetId:
        if document.id is None or document.entity not in self.takes_ids:
            return TargetId(f"00000000-0000-4000-8000-{number:012d}")
        if document.id in self.records:
            raise ResponseLost("There is one.", status=409)
        return document.id

    def _found(self, entity: str, target_id: TargetId) -> RemoteRecord | None:
        record = self.records.get(target_id)
        return record if record is not None and record.entity == entity else None

    def _made_by_server(self, entity: str, target_id: TargetId, created_at: str) -> dict[str, JsonValue]:
        made: dict[str, JsonValue] = {"created_at": created_at, "created_by": "Fake"}
        step = self.catalog.entity(entity).step("upload")
        if step is not None and step.url_attribute is not None:
            made[step.url_attribute] = UPLOAD_PREFIX + target_id
        if "assignment_id" in self.catalog.entity(entity).attributes:
            made["assignment_id"] = f"assignment-of-{target_id}"
        return made

    def _refuse_taken(self, document: Document) -> None:
        key = _object(document.attributes).get("migrationKey")
        same = [each for each in self.records.values() if each.entity == document.entity]
        if document.entity in self.unique and any(_object(each.attributes).get("migrationKey") == key for each in same):
            finding = Finding("taken", "has already been taken", "/data/attributes/custom_fields/migrationKey")
            raise RecordRejected(f"POST {document.entity} was refused.", status=422, findings=[finding])

    def _check(self, document: Document) -> None:
        entity = self.catalog.entity(document.entity)
        required = [*entity.attributes.values(), *entity.links.values()]
        given = {**document.attributes, **document.links}
        missing = [
            each.name for each in required if each.required and "." not in each.name and not given.get(each.name)
        ]
        findings = [Finding("required", "must be present", f"/data/attributes/{name}") for name in missing]
        self._refuse_taken(document)
        if findings:
            raise RecordRejected(f"POST {document.entity} was refused.", status=400, findings=findings)
        if not all(self._is_there(entity, name, ref) for name in document.links for ref in _refs(document.links[name])):
            raise RecordRejected(
                f"POST {document.entity} was refused.", status=422, findings=[Finding("parent", "unknown")]
            )

    def _is_there(self, entity: Entity, name: str, ref: Ref) -> bool:
        """Whether what a link holds names something: a record by its id or by the attribute that the link holds, an option."""
        link = entity.links[name]
        if link.value is not None:
            return any(record.attributes.get(link.value) == ref.id for record in self.records.values())
        if ref.to not in self.catalog.entities or self.catalog.is_lookup(ref.to):
            return True
        return ref.id in self.records or ref.id in {each.id for each in self.catalog.options_of(ref.to) or ()}


def _object(attributes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    value = attributes.get("custom_fields")
    return value if isinstance(value, dict) else {}


def _refs(value: object) -> list[Ref]:
    return [ref for ref in (value if isinstance(value, tuple) else (value,)) if isinstance(ref, Ref)]


def _ids(record: RemoteRecord) -> set[TargetId]:
    return {ref.id for value in record.links.values() for ref in _refs(value)}


def _has(record: RemoteRecord, name: str, value: str) -> bool:
    if name in record.links:
        return value in {ref.id for ref in _refs(record.links[name])}
    head, _, rest = name.partition(".")
    found = record.attributes.get(head)
    return (found.get(rest) if rest and isinstance(found, dict) else found) == value
