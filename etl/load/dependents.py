"""Finds what hangs on records that are about to be removed: records of other people, and ours of other runs.

Removing their parent would take them along in one tenant and be refused in another, so such a parent is spared. Every
entity that can point to a doomed one is listed once; nothing is asked per record and only keys are held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from etl.catalog.model import Entity, Link
from etl.core.errors import RecordRejected, TargetRefused
from etl.core.keys import RecordKey
from etl.core.records import Ref, RemoteRecord, TargetId
from etl.load.ports import LoadPorts

_CHUNK = 2_000


class Dependents:
    """Looks for dependents of doomed records. ``unseen`` are entities that could not be listed. One use."""

    def __init__(self, ports: LoadPorts, doomed: Collection[RecordKey]) -> None:
        self._ports = ports
        self._doomed = doomed
        self._entities = set(Counter(each.entity for each in ports.state.known([*doomed]).values()))
        self.unseen: list[str] = []

    async def find(self) -> set[RecordKey]:
        """The doomed records that something else hangs on."""
        needed: set[RecordKey] = set()
        children = [each for each in self._ports.catalog.entities.values() if self._may_point(each)]
        self._ports.progress.start("look for dependents", len(children))
        for entity in children:
            try:
                needed |= await self._pointed_to_by(entity)
            except (TargetRefused, RecordRejected) as refused:
                if refused.status not in (403, 404):
                    raise
                self.unseen.append(entity.name)
            self._ports.progress.advance()
        return needed

    def _may_point(self, entity: Entity) -> bool:
        is_listed = entity.path is not None and "list" in entity.operations
        return is_listed and any(self._entities & set(link.to) for link in entity.links.values() if _holds(link))

    async def _pointed_to_by(self, entity: Entity) -> set[RecordKey]:
        needed: set[RecordKey] = set()
        chunk: list[RemoteRecord] = []
        async for record in self._ports.target.list(entity.name):
            chunk.append(record)
            if len(chunk) == _CHUNK:
                needed |= self._parents_of(entity, chunk)
                chunk = []
        return needed | self._parents_of(entity, chunk)

    def _parents_of(self, entity: Entity, records: list[RemoteRecord]) -> set[RecordKey]:
        """The doomed parents of those records that are not doomed themselves."""
        ours = self._ports.state.by_target_id(entity.name, [each.id for each in records])
        staying = [each for each in records if ours.get(each.id) not in self._doomed]
        ids: dict[str, set[TargetId]] = {}
        names = {link.name for link in entity.links.values() if _holds(link)}
        for ref in (ref for each in staying for ref in _refs(each, names)):
            ids.setdefault(ref.to, set()).add(ref.id)
        parents = (self._ports.state.by_target_id(to, sorted(found)) for to, found in ids.items())
        return {key for found in parents for key in found.values() if key in self._doomed}


def _holds(link: Link) -> bool:
    """Whether a child hangs on its parent by this link; one that is set later is a way back, which the server empties."""
    return link.set_by != "patch"


def _refs(record: RemoteRecord, names: Collection[str]) -> list[Ref]:
    links = (each if isinstance(each, tuple) else (each,) for name, each in record.links.items() if name in names)
    return [ref for link in links for ref in link if ref is not None]
