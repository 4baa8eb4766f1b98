"""Examines a tenant with a project in hand: what the project needs, against what can be found out without harm.

Reads come first and always; what only a write can tell is tried when it is asked for, and never with a protected profile.
Whatever cannot be tried is written down as unknown, not as a yes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.casebook.probe import paging as pages
from etl.casebook.probe import reading
from etl.casebook.probe.line import NOBODY, NOTHING
from etl.casebook.probe.roles import GRANTED, READS
from etl.core.capabilities import (
    UNKNOWN,
    Capabilities,
    Check,
    EntityCapabilities,
    Evidence,
    Fact,
    Standing,
    TenantCapabilities,
    probed,
)
from etl.core.errors import EtlError, SettingsError, TargetError
from etl.core.ports import Progress
from etl.pipeline import verdicts
from etl.pipeline.capabilities import NEEDED, entities_of, place_of, tenant_fingerprint, write
from etl.pipeline.chart import Chart, DoctorChoices, has_address, look_at_entities
from etl.pipeline.labels import labels_used
from etl.pipeline.offers import custom_field_checks, option_checks
from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting


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


def examine(setting: Setting, progress: Progress, choices: DoctorChoices) -> Examination:
    """Examines the tenant and writes its capability profile. Raises SettingsError before anything is sent."""
    _require_consent(setting, choices)

    async def work() -> Examination:
        line = setting.probe_line()
        try:
            return await _examined(Chart(setting, line, choices, progress))
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


async def _examined(chart: Chart) -> Examination:
    try:
        life_s = await chart.line.token_life_s()
    except TargetError as error:
        return Examination((verdicts.no_token(error),))
    await look_at_entities(chart)
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


# ------------------------------------------------------------------ the service


async def _look_at_service(chart: Chart, life_s: float | None) -> TenantCapabilities:
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


def _lists(chart: Chart) -> list[tuple[str, bool]]:
    """The lists to page through: the tenant's own first, which hold nobody's data, and of them those in use."""
    used = _used(chart)
    lookups = [name for name, each in chart.setting.project.catalog.lookups.items() if each.path is not None]
    lookups.sort(key=lambda name: name not in used)
    return [*((name, False) for name in lookups), *((name, True) for name in chart.glimpses)]


def _used(chart: Chart) -> Mapping[str, frozenset[str]]:
    return labels_used(chart.setting.project)


def _page_size(chart: Chart, largest: Fact) -> Fact:
    wanted = chart.setting.profile.page_size
    if isinstance(largest.value, int):
        return probed(min(wanted, largest.value))
    return Fact(wanted, Evidence.CATALOGUE)


def _worst(facts: Iterable[Fact]) -> Fact:
    known = {each.value for each in facts if each.value is not None}
    return next(
        (probed(value) for value in (reading.REFUSED, reading.IGNORED, reading.HONOURED) if value in known), UNKNOWN
    )


async def _error_bodies(chart: Chart) -> Fact:
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


async def _project_checks(chart: Chart) -> list[Check]:
    slots = {name: marker.slot for name in chart.needed if (marker := chart.entity(name).marker) and marker.slot}
    return [
        *await option_checks(chart.line, _used(chart)),
        *await custom_field_checks(chart.line, chart.setting.project, slots),
    ]


def _entity_checks(chart: Chart) -> list[Check]:
    found: list[Check] = []
    for name in entities_of(chart.setting):
        entity = chart.entity(name)
        if not has_address(entity):
            found.append(verdicts.no_address(name))
            continue
        found += verdicts.role_checks(entity, _needed_roles(chart, name))
        found += verdicts.list_checks(name, chart.glimpses.get(name), chart.sorts.get(name, UNKNOWN))
        found += [verdicts.sight_check(name, chart.sights[name]), verdicts.rung_check(entity, chart.rungs[name])]
    return [*found, *verdicts.surplus_checks(_surplus(chart))]


def _needed_roles(chart: Chart, name: str) -> dict[str, Fact]:
    offered = chart.entity(name).operations
    return {each: chart.roles[name].get(each, UNKNOWN) for each in NEEDED if each in offered}


def _surplus(chart: Chart) -> dict[str, list[str]]:
    """The entities by operation that the application may do although the project does not need it."""
    found: dict[str, list[str]] = {}
    for name, roles in chart.roles.items():
        needed = NEEDED if name in chart.needed else READS if chart.entity(name).match_on else ()
        for operation, fact in roles.items():
            if fact.value == GRANTED and operation not in needed:
                found.setdefault(operation, []).append(name)
    return found


def _capabilities(chart: Chart, service: TenantCapabilities) -> Capabilities:
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
