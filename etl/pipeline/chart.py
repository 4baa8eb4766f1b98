"""What an examination has found out of a tenant's entities so far: roles, lists, ways of asking, sight.

Each look asks only for what the one before has shown to be there, so that a missing role is told once and not five times.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from etl.casebook.probe import reading
from etl.casebook.probe.line import ProbeLine
from etl.casebook.probe.reading import Glimpse
from etl.casebook.probe.roles import GRANTED, role
from etl.casebook.probe.rungs import rung
from etl.casebook.probe.sight import LINKED, LOADED, NAMED, Witness, pointed_to, sight
from etl.casebook.probe.writing import Written, harmless_entities, write_probes
from etl.catalog.model import Entity
from etl.core.capabilities import UNKNOWN, Fact, Rung, probed
from etl.core.errors import EtlError
from etl.core.ports import Progress
from etl.core.records import TargetId
from etl.pipeline.capabilities import entities_of
from etl.pipeline.wiring import Setting

_WRITES = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class DoctorChoices:
    """What a person chose. ``witnesses`` are records by entity that somebody else made and the application must see."""

    write_probes: bool = False
    witnesses: tuple[tuple[str, TargetId], ...] = ()


@dataclass(slots=True)
class Chart:
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
        return [name for name in entities_of(self.setting) if has_address(self.entity(name))]

    def entity(self, name: str) -> Entity:
        """Its entry in the catalogue."""
        return self.setting.project.catalog.entity(name)


async def look_at_entities(chart: Chart) -> None:
    """Fills the chart: roles of all entities, and of those that the project writes everything else."""
    catalog = chart.setting.project.catalog
    names = [name for name, entity in catalog.entities.items() if has_address(entity)]
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


async def _look_at_roles(chart: Chart, name: str) -> None:
    operations = ["list", *(["get"] if name in chart.needed else []), *(_WRITES if chart.choices.write_probes else ())]
    offered = chart.entity(name).operations
    chart.roles[name] = {each: await role(chart.line, name, each) for each in operations if each in offered}


async def _look_at_list(chart: Chart, name: str) -> None:
    seen = await _glimpse(chart.line, name)
    chart.sorts[name] = await reading.sort(chart.line, name)
    if seen is not None:
        chart.glimpses[name] = seen


async def _glimpse(line: ProbeLine, name: str) -> Glimpse | None:
    try:
        return await reading.glimpse(line, name)
    except EtlError:
        return None


async def _rung(chart: Chart, name: str) -> Fact:
    entity = chart.entity(name)
    found = rung(
        entity.marker,
        chart.roles[name].get("list", UNKNOWN),
        chart.sorts.get(name, UNKNOWN),
        await _filters(chart, entity),
    )
    never_seen = any(each.entity == name and each.lag_s.value == -1.0 for each in chart.written)
    return probed(Rung.HOLD.value) if never_seen else found


async def _filters(chart: Chart, entity: Entity) -> dict[str, Fact]:
    marker, seen = entity.marker, chart.glimpses.get(entity.name)
    if marker is None or seen is None:
        return {}
    found: dict[str, Fact] = {}
    if marker.slot is not None and marker.ask == Rung.FILTER:
        found[marker.slot] = await reading.slot_filter(chart.line, entity, marker.slot, seen.records)
    if marker.scope is not None:
        found[marker.scope] = await reading.link_filter(chart.line, entity, marker.scope, seen.records)
    return found


def _witnesses(chart: Chart, name: str) -> list[Witness]:
    shown = {entity: each.records for entity, each in chart.glimpses.items()}
    found = [Witness(entity, target_id, NAMED) for entity, target_id in chart.choices.witnesses if entity == name]
    with chart.setting.reader() as state:
        loaded = state.sample(name)
    if loaded is not None and loaded.target_id is not None:
        found.append(Witness(name, loaded.target_id, LOADED))
    return [*found, *(Witness(name, target_id, LINKED) for target_id in pointed_to(shown, name))]


def _may(chart: Chart, name: str, operation: str) -> bool:
    return chart.roles.get(name, {}).get(operation, UNKNOWN).value == GRANTED


def has_address(entity: Entity) -> bool:
    """Whether requests can be sent to an entity at all."""
    return entity.path is not None and entity.type is not None
