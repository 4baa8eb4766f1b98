"""What the tenant offers against what the project uses: options by their labels, custom fields by their definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl.casebook.options import Options
from etl.casebook.probe.definitions import Definition, definitions
from etl.casebook.probe.line import ProbeLine
from etl.catalog.model import Attribute, Entity
from etl.core.capabilities import Check, Standing
from etl.core.errors import CatalogMismatch, EtlError
from etl.mapping.model import Project

_PREFIX = "custom_fields."
_OPTION_HINT = "Make the options in Casebook, or change the crosswalk or mapping that names them."
_FIELD_HINT = "Make the field in Casebook (Admin, dynamic pages), or correct the overlay."


async def option_checks(line: ProbeLine, used: Mapping[str, frozenset[str]]) -> list[Check]:
    """One check a list: that it can be read and has every label that the mappings can give."""
    options = Options(line.lists, line.catalog)
    return [await _option_check(options, name, labels) for name, labels in sorted(used.items())]


async def _option_check(options: Options, name: str, labels: frozenset[str]) -> Check:
    try:
        offered = await options.of(name)
    except EtlError as error:
        return Check("options", name, Standing.FAILED, f"The list cannot be read: {error.message}", error.hint)
    missing = sorted(labels - offered.keys())
    if missing:
        found = f"{len(missing)} of {len(labels)} labels used are not offered: {', '.join(missing)}."
        return Check("options", name, Standing.FAILED, found, _OPTION_HINT)
    return Check(
        "options", name, Standing.OK, f"{len(offered)} options; all {len(labels)} labels named are among them."
    )


async def custom_field_checks(line: ProbeLine, project: Project, slots: Mapping[str, str]) -> list[Check]:
    """One check for each custom field that the mappings fill or that takes the marker (``slots``, by entity)."""
    used = {(name, slot) for name, slot in slots.items() if slot.startswith(_PREFIX)} | set(_mapped(project))
    if not used:
        return []
    try:
        defined = await definitions(line)
    except CatalogMismatch:
        hint = "Give the path of `custom_field` under `lookups:` in the tenant overlay, or compare by hand."
        return [Check("custom fields", "", Standing.UNKNOWN, "Where they are defined is not known.", hint)]
    except EtlError as error:
        return [Check("custom fields", "", Standing.UNKNOWN, f"Cannot be read: {error.message}", error.hint)]
    entities = sorted({entity for entity, _ in used})
    checks = [_field_check(project.catalog.entity(entity), name, defined) for entity, name in sorted(used)]
    return [*checks, *_unmapped(project, entities, used, defined)]


def _mapped(project: Project) -> Iterator[tuple[str, str]]:
    for mapping in project.mappings:
        for field in mapping.fields:
            if field.name.startswith(_PREFIX):
                yield mapping.target, field.name


def _field_check(entity: Entity, name: str, defined: list[Definition]) -> Check:
    attribute = entity.attributes.get(name)
    key = (attribute.wire_name if attribute else name).removeprefix(_PREFIX)
    about = f"{entity.name}.{name}"
    found = next((each for each in defined if (each.record_type, each.key) == (entity.type, key)), None)
    if found is None:
        return Check("custom fields", about, Standing.FAILED, "The tenant has no such field.", _FIELD_HINT)
    if attribute is not None and found.kind and not _same_kind(attribute, found.kind):
        said = f"It is {found.kind} in the tenant and {attribute.kind} in the catalogue."
        return Check("custom fields", about, Standing.FAILED, said, "Correct its type in the tenant overlay.")
    return Check("custom fields", about, Standing.OK, "Defined as the catalogue says.")


def _same_kind(attribute: Attribute, kind: str) -> bool:
    texts = {"string", "text"}
    return attribute.kind == kind or {str(attribute.kind), kind} <= texts


def _unmapped(
    project: Project, entities: list[str], used: set[tuple[str, str]], defined: list[Definition]
) -> Iterator[Check]:
    """Custom fields that the tenant requires and no mapping fills."""
    for name in entities:
        entity = project.catalog.entity(name)
        filled = {key for each, key in used if each == name}
        for each in defined:
            if each.required and each.record_type == entity.type and _PREFIX + each.key not in filled:
                about = f"{name}.{_PREFIX}{each.key}"
                yield Check(
                    "custom fields",
                    about,
                    Standing.FAILED,
                    "Required by the tenant, filled by no mapping.",
                    "Map it, or let Casebook not require it.",
                )
