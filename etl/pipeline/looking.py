"""Looks into Casebook for people: at ids that they name, and for every copy of a record that is there more than once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.casebook.clock import SystemClock
from etl.core.errors import EtlError, SettingsError
from etl.core.keys import RecordKey
from etl.core.records import Document, TargetId
from etl.core.state_port import KnownRecord, StateReader, StateStore
from etl.load.claims import Claims, Doubt
from etl.load.parents import Parents, ParentUnreadable
from etl.load.planned import PlannedRecords
from etl.load.render import Renderer, UnknownOption
from etl.pipeline import capabilities
from etl.pipeline.loading import run_on_loop
from etl.pipeline.session import latest_loaded
from etl.pipeline.silence import Silence
from etl.pipeline.wiring import Setting

if TYPE_CHECKING:
    from etl.casebook.client import CasebookClient


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen, by record key: doubts about ids that were named, and the copies that carry a record's marker."""

    doubts: Mapping[RecordKey, Doubt] = field(default_factory=dict)
    copies: Mapping[RecordKey, Sequence[TargetId]] = field(default_factory=dict)


def look(
    setting: Setting,
    state: StateStore,
    claimed: Sequence[tuple[KnownRecord, TargetId]],
    doubled: Sequence[KnownRecord],
    gone: Sequence[KnownRecord] = (),
) -> Looked:
    """Looks at ids that people name, for the copies of doubled records, and whether others are ``gone``. Raises TargetError,
    SettingsError.
    """
    if not claimed and not doubled and not gone:
        return Looked()
    setting = capabilities.told(setting, Silence())

    async def work() -> Looked:
        target = setting.target()
        try:
            catalog = capabilities.with_rungs(setting.project.catalog, setting.capabilities)
            sent = await _sent(setting, state, target, [known for known, _ in claimed])
            claims = Claims(catalog, target, state, sent)
            doubts = {known.key: await claims.doubt(known, target_id) for known, target_id in claimed}
            doubts |= {known.key: await claims.doubt_of_absence(known) for known in gone}
            copies = await _copies(claims, doubled)
            return Looked({key: doubt for key, doubt in doubts.items() if doubt is not None}, copies)
        finally:
            await target.close()

    return run_on_loop(work())


def copies_of(setting: Setting, state: StateReader, known: Sequence[KnownRecord]) -> dict[RecordKey, list[TargetId]]:
    """All records that carry the markers of these, the oldest first. Raises TargetError, SettingsError."""
    if not known:
        return {}
    catalog = capabilities.with_rungs(setting.project.catalog, setting.capabilities)

    async def work() -> dict[RecordKey, list[TargetId]]:
        target = setting.target()
        try:
            return await _copies(Claims(catalog, target, state, {}), known)
        finally:
            await target.close()

    return run_on_loop(work())


async def _copies(claims: Claims, doubled: Sequence[KnownRecord]) -> dict[RecordKey, list[TargetId]]:
    by_entity: dict[str, list[RecordKey]] = defaultdict(list)
    for known in doubled:
        by_entity[known.entity].append(known.key)
    found: dict[RecordKey, list[TargetId]] = {}
    for entity, keys in by_entity.items():
        found |= await claims.copies(entity, keys)
    return {known.key: found[known.key] for known in doubled}


async def _sent(
    setting: Setting, state: StateStore, target: CasebookClient, claimed: Sequence[KnownRecord]
) -> dict[RecordKey, Document]:
    """What records without a marker would be sent as, by the latest run's own records."""
    catalog = setting.project.catalog
    keys = [known.key for known in claimed if not _has_slot(setting, known.entity)]
    if not keys:
        return {}
    try:
        folder = latest_loaded(setting, state)
    except SettingsError:
        return {}
    renderer = Renderer(catalog, json.loads(folder.options.read_text("utf-8")))
    parents = Parents(catalog, target, state, SystemClock())
    documents = {}
    for record in PlannedRecords(folder.planned, setting.project.mappings).find(keys).values():
        fields = [name for name in record.parents() if name not in record.deferred]
        try:
            documents[record.key] = renderer.document(record, await parents.links(record, fields))
        except (UnknownOption, ParentUnreadable, EtlError):
            continue
    return documents


def _has_slot(setting: Setting, entity: str) -> bool:
    rung = setting.project.catalog.entity(entity).marker
    return rung is not None and rung.slot is not None
