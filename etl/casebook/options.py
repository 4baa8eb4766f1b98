"""Labels to ids of the lists a tenant configures: lookups, drop-down options, and listed entities such as users.

A label that stands for several ids is left out, because to choose one would be a guess: a record that needs it is then
reported as having no such option.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from etl.casebook import wire
from etl.casebook.jsonapi import UnknownShape, parts
from etl.casebook.listing import Lists
from etl.catalog.model import Catalog, Entity, Lookup
from etl.core.errors import CatalogMismatch, TargetRefused
from etl.core.records import TargetId


class Options:
    """Fetches each list once, however many ask for it at the same time."""

    def __init__(self, lists: Lists, catalog: Catalog) -> None:
        self._lists = lists
        self._catalog = catalog
        self._known: dict[str, Mapping[str, TargetId]] = {}
        self._fetching = asyncio.Lock()

    async def of(self, name: str) -> Mapping[str, TargetId]:
        """Label to id. Raises CatalogMismatch where the catalogue does not say where the list is."""
        async with self._fetching:
            if name not in self._known:
                self._known[name] = await self._fetch(wire.resource(self._catalog, name))
        return self._known[name]

    async def _fetch(self, listed: Entity | Lookup) -> Mapping[str, TargetId]:
        if listed.match_on is None:
            raise CatalogMismatch(f"{listed.name} is no list of options.", hint="Check `match_on` in the overlay.")
        if listed.path is None and isinstance(listed, Lookup):
            return _shipped(listed)
        return await self._read(listed, listed.match_on)

    async def _read(self, listed: Entity | Lookup, match_on: str) -> Mapping[str, TargetId]:
        filters = listed.filters if isinstance(listed, Lookup) else {}
        parameters = [*((f"filter[{name}]", value) for name, value in filters.items()), ("sort", "id")]
        type_name = wire.type_of(self._catalog, listed.name)
        pairs: list[tuple[str, TargetId]] = []
        async for resource in self._lists.resources(listed.name, parameters):
            try:
                target_id, attributes = parts(resource, type_name)
            except UnknownShape as error:
                raise TargetRefused(f"The list of {listed.name} holds {error}.", hint="Check `type`.") from None
            label = wire.value_at(attributes, match_on)
            if isinstance(label, str) and all(
                wire.value_at(attributes, name) in {None, filters[name]} for name in filters
            ):
                pairs.append((label, target_id))
        return _unambiguous(pairs)


def _shipped(lookup: Lookup) -> Mapping[str, TargetId]:
    pairs = [(each.label, TargetId(each.id)) for each in lookup.options or () if each.id is not None]
    if not pairs:
        raise CatalogMismatch(
            f"Where the options of {lookup.name} can be read is not known.",
            hint="Say its path, or its options with their ids, in the tenant overlay.",
        )
    return _unambiguous(pairs)


def _unambiguous(pairs: Iterable[tuple[str, TargetId]]) -> Mapping[str, TargetId]:
    ids: dict[str, set[TargetId]] = {}
    for label, target_id in pairs:
        ids.setdefault(label, set()).add(target_id)
    return {label: next(iter(found)) for label, found in ids.items() if len(found) == 1}
