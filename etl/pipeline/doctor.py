"""Examines a tenant with a project in hand: what the project needs, against what can be found out without harm.

Reads come first and always; what only a write can tell is tried when it is asked for, and never with a protected profile.
Whatever cannot be tried is written down as unknown, not as a yes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from etl.casebook.probe import paging as pages
from etl.casebook.probe import reading
from etl.casebook.probe.line import NOBODY, NOTHING, ProbeLine
from etl.casebook.probe.reading import Glimpse
from etl.casebook.probe.roles import GRANTED, READS, role
from etl.casebook.probe.rungs import rung
from etl.casebook.probe.sight import LINKED, LOADED, NAMED, Witness, pointed_to, sight
from etl.casebook.probe.writing import Written, harmless_entities, write_probes
from etl.catalog.model import Entity
from etl.core.capabilities import (
    UNKNOWN,
    Capabilities,
    Check,
    EntityCapabilities,
    Evidence,
    Fact,
    Rung,
    Standing,
    TenantCapabilities,
    probed,
)
from etl.core.errors import EtlError, SettingsError, TargetError
from etl.core.ports import Progress
from etl.core.records import TargetId
from etl.pipeline import verdicts
from etl.pipeline.capabilities import NEEDED, entities_of, place_of, tenant_fingerprint, write
from etl.pipeline.labels import labels_used
from etl.pipeline.offers import custom_field_checks, option_checks
from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting

_WRITES = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class DoctorChoices:
    """What a person chose. ``witnesses`` are records by entity that somebody else made and the application must see."""

    write_probes: bool = False
    witnesses: tuple[tuple[str, TargetId], ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks in order, and the capability profile with its place; neither where there was no way in."""

    checks: tuple[Check, ...]
    capabilities: Capabilities | None = None
    path: Path | None = None

    @property
    def has_failed(self) -> bool:
        """Whether anything must be mended before a load."""
        return any(each.standing is Standing.FAILED for each in self.checks)


@dataclass(slots=True)
class _Chart:
    """What has been found out so far."""

    setting: Setting
    line: ProbeLine
    choices: DoctorChoices
    progress: Progress
    roles: dict[str, dict[str, Fact]] = field(default_factory=dict)
    glimpses: dict[str, Glimpse] = field(default_factory=dict)
    sorts: dict[str, Fact] = field(default_factory=dict)
    rungs: dict[str, Fact] = field(default_factory=dict)
    sights: dict[str, Fact] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)

    @property
    def needed(self) -> list[str]:
        """The entities that the project writes and that have an address."""
        return [name for name in entities_of(self.setting) if _has_address(self.entity(name))]

    def entity(self, name: str) -> Entity:
        """Its entry in the catalogue."""
        return self.setting.project.catalog.entity(name)


def examine(setting: Setting, progress: Progress, choices: DoctorChoices) -> Examination:
    """Examines the tenant and writes its capability profile. Raises SettingsError before anything is sent."""
    _require_consent(setting, choices)

    async def work() -> Examination:
        line = setting.probe_line()
        try:
            return await _examined(_Chart(setting, line, choices, progress))
        finally:
            await line.close()

    return asyncio.run(work())


def _require_consent(setting: Setting, choices: DoctorChoices) -> None:
    if choices.write_probes and setting.profile.protect:
        raise SettingsError(
            f"Profile {setting.profile.name} is protected: nothing is tried there by writing.",
            hint="Use --write-probes with a profile whose tenant is not in use and whose application has the same roles.",
        )
    unknown = sorted({entity for entity, _ in choices.witnesses} - setting.project.catalog.entities.keys())
    if unknown:
        raise SettingsError(
            f"The catalogue knows no {', '.join(unknown)}.",
            hint="Write a witness as ENTITY=ID, such as person=0d5e6c1e-...",
        )


async def _examined(chart: _Chart) -> Examination:
    try:
        life_s = await chart.line.token_life_s()
    except TargetError as error:
        return Examination((verdicts.no_token(error),))
    await _look_at_entities(chart)
    service = await _look_at_service(chart, life_s)
    checks = [
        verdicts.token(life_s),
        *verdicts.service_checks(service, chart.setting.profile.quiet_s),
        *await _project_checks(chart),
        *_entity_checks(chart),
        *verdicts.written_checks(chart.written, asked=chart.choices.write_probes),
        verdicts.state_library(),
    ]
    capabilities = _capabilities(chart, service)
    path = place_of(chart.setting)
    write(path, capabilities)
    return Examination(tuple(checks), capabilities, path)


# ------------------------------------------------------------------ entities


async def _look_at_entities(chart: _Chart) -> None:
    catalog = chart.setting.project.catalog
    names = [name for name, entity in catalog.entities.items() if _has_address(entity)]
    chart.progress.start("probe", len(names))
    for name in names:
        await _look_at_roles(chart, name)
        if name in chart.needed and _may(chart, name, "list"):
            await _look_at_list(chart, name)
        chart.progress.advance()
    if chart.choices.write_probes:
        chart.written += [
            await write_probes(chart.line, name) for name in harmless_entities(catalog) if _may(chart, name, "create")
        ]
    for name in chart.needed:
        chart.sights[name] = await sight(chart.line, _witnesses(chart, name))
        chart.rungs[name] = await _rung(chart, name)


async def _look_at_roles(chart: _Chart, name: str) -> None:
    operations = ["list", *(["get"] if name in chart.needed else []), *(_WRITES if chart.choices.write_probes else ())]
    offered = chart.entity(name).operations
    chart.roles[name] = {each: await role(chart.line, name, each) for each in operations if each in offered}


async def _look_at_list(chart: _Chart, name: str) -> None:
    seen = await _glimpse(chart.line, name)
    chart.sorts[name] = await reading.sort(chart.line, name)
    if seen is not None:
        chart.glimpses[name] = seen


async def _glimpse(line: ProbeLine, name: str) -> Glimpse | None:
    try:
        return await reading.glimpse(line, name)
    except EtlError:
        return None


async def _rung(chart: _Chart, name: str) -> Fact:
    entity = chart.entity(name)
    found = rung(
        entity.marker,
        chart.roles[name].get("list", UNKNOWN),
        chart.sorts.get(name, UNKNOWN),
        await _filters(chart, entity),
    )
    never_seen = any(each.entity == name and each.lag_s.value == -1.0 for each in chart.written)
    return probed(Rung.HOLD.value) if never_seen else found


async def _filters(chart: _Chart, entity: Entity) -> dict[str, Fact]:
    marker, seen = entity.marker, chart.glimpses.get(entity.name)
    if marker is None or seen is None:
        return {}
    found: dict[str, Fact] = {}
    if marker.slot is not None and marker.ask == Rung.FILTER:
        found[marker.slot] = await reading.slot_filter(chart.line, entity, marker.slot, seen.records)
    if marker.scope is not None:
        found[marker.scope] = await reading.link_filter(chart.line, entity, marker.scope, seen.records)
    return found


def _witnesses(chart: _Chart, name: str) -> list[Witness]:
    shown = {entity: each.records for entity, each in chart.glimpses.items()}
    found = [Witness(entity, target_id, NAMED) for entity, target_id in chart.choices.witnesses if entity == name]
    with chart.setting.reader() as state:
        loaded = state.sample(name)
    if loaded is not None and loaded.target_id is not None:
        found.append(Witness(name, loaded.target_id, LOADED))
    return [*found, *(Witness(name, target_id, LINKED) for target_id in pointed_to(shown, name))]


def _may(chart: _Chart, name: str, operation: str) -> bool:
    return chart.roles.get(name, {}).get(operation, UNKNOWN).value == GRANTED


def _has_address(entity: Entity) -> bool:
    return entity.path is not None and entity.type is not None


# ------------------------------------------------------------------ the service


async def _look_at_service(chart: _Chart, life_s: float | None) -> TenantCapabilities:
    line = chart.line
    found = await pages.paging(line, _lists(chart))
    lags = [each.lag_s.value for each in chart.written if isinstance(each.lag_s.value, float)]
    lag_s = max(lags, default=None)
    return TenantCapabilities(
        token_life_s=UNKNOWN if life_s is None else probed(life_s),
        clock_skew_s=UNKNOWN if line.skew_s is None else probed(round(line.skew_s, 1)),
        page_size=_page_size(chart, found.largest),
        page_size_max=found.largest,
        page_size_default=found.default,
        paging=found.walk,
        sort=_worst(chart.sorts.values()),
        error_bodies=await _error_bodies(chart),
        custom_fields=next((each.custom_fields for each in chart.written if each.custom_fields.value), UNKNOWN),
        visibility_lag_s=UNKNOWN if lag_s is None else probed(lag_s),
        slowest_answer_s=probed(round(line.slowest_s, 3)),
        quiet_s=UNKNOWN if lag_s is None or lag_s < 0 else probed(round(2 * (lag_s + line.slowest_s), 3)),
    )


def _lists(chart: _Chart) -> list[tuple[str, bool]]:
    """The lists to page through: the tenant's own first, which hold nobody's data."""
    catalog = chart.setting.project.catalog
    lookups = [
        (name, False) for name, each in catalog.lookups.items() if each.path is not None and name in _used(chart)
    ]
    return [*lookups, *((name, True) for name in chart.glimpses)]


def _used(chart: _Chart) -> Mapping[str, frozenset[str]]:
    return labels_used(chart.setting.project)


def _page_size(chart: _Chart, largest: Fact) -> Fact:
    wanted = chart.setting.profile.page_size
    if isinstance(largest.value, int):
        return probed(min(wanted, largest.value))
    return Fact(wanted, Evidence.CATALOGUE)


def _worst(facts: Iterable[Fact]) -> Fact:
    known = {each.value for each in facts if each.value is not None}
    return next(
        (probed(value) for value in (reading.REFUSED, reading.IGNORED, reading.HONOURED) if value in known), UNKNOWN
    )


async def _error_bodies(chart: _Chart) -> Fact:
    """Whether refusals have the API's own form: of a record that is not there, and of a body that holds nothing."""
    try:
        name = next(iter(chart.glimpses))
        seen = [await chart.line.read(name, target_id=NOBODY)]
        if chart.choices.write_probes:
            seen.append(await chart.line.send("POST", name, body=NOTHING))
    except (StopIteration, EtlError):
        return UNKNOWN
    return probed(all(each.from_api and not each.succeeded for each in seen))


# ------------------------------------------------------------------ what it comes to


async def _project_checks(chart: _Chart) -> list[Check]:
    slots = {name: marker.slot for name in chart.needed if (marker := chart.entity(name).marker) and marker.slot}
    return [
        *await option_checks(chart.line, _used(chart)),
        *await custom_field_checks(chart.line, chart.setting.project, slots),
    ]


def _entity_checks(chart: _Chart) -> list[Check]:
    found: list[Check] = []
    for name in entities_of(chart.setting):
        entity = chart.entity(name)
        if not _has_address(entity):
            found.append(verdicts.no_address(name))
            continue
        found += verdicts.role_checks(entity, _needed_roles(chart, name))
        found += verdicts.list_checks(name, chart.glimpses.get(name), chart.sorts.get(name, UNKNOWN))
        found += [verdicts.sight_check(name, chart.sights[name]), verdicts.rung_check(entity, chart.rungs[name])]
    return [*found, *verdicts.surplus_checks(_surplus(chart))]


def _needed_roles(chart: _Chart, name: str) -> dict[str, Fact]:
    offered = chart.entity(name).operations
    return {each: chart.roles[name].get(each, UNKNOWN) for each in NEEDED if each in offered}


def _surplus(chart: _Chart) -> dict[str, list[str]]:
    """The entities by operation that the application may do although the project does not need it."""
    found: dict[str, list[str]] = {}
    for name, roles in chart.roles.items():
        needed = NEEDED if name in chart.needed else READS if chart.entity(name).match_on else ()
        for operation, fact in roles.items():
            if fact.value == GRANTED and operation not in needed:
                found.setdefault(operation, []).append(name)
    return found


def _capabilities(chart: _Chart, service: TenantCapabilities) -> Capabilities:
    client_ids = {each.entity: each.client_ids for each in chart.written}
    setting = chart.setting
    return Capabilities(
        made_at=now_text(),
        project=setting.project.name,
        profile=setting.profile.name,
        tenant=tenant_fingerprint(setting),
        write_probes=chart.choices.write_probes,
        service=service,
        entities={
            name: EntityCapabilities(
                roles=chart.roles[name],
                sight=chart.sights.get(name, UNKNOWN),
                rung=chart.rungs.get(name, UNKNOWN),
                client_ids=client_ids.get(name, UNKNOWN),
            )
            for name in sorted({*chart.needed, *client_ids})
        },
    )
