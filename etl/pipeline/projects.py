"""Opens projects for every verb, and answers questions about them that need no run: mistakes, order, roles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from etl.catalog.model import Catalog
from etl.core.errors import EtlError, MappingError, Mistake, SettingsError
from etl.mapping.columns import check_columns
from etl.mapping.project import load_project
from etl.pipeline.wiring import Setting
from etl.plan.graph import LoadOrder, edges_of, load_order

_HEADER_ROWS = 1


def open_project(folder: Path, profile: str | None, environ: Mapping[str, str]) -> Setting:
    """A project with the named profile (the first one by default). Raises MappingError, SettingsError."""
    if not (folder / "project.yaml").is_file():
        raise SettingsError(
            f"{folder} holds no project.yaml, so it is no project.",
            hint="Name the project's folder, for example `mappings/demo_agency`.",
        )
    project = load_project(folder, profile=profile, environ=environ)
    name = profile or next(iter(project.profiles), None)
    if name is None:
        raise SettingsError("The project has no profile.", hint="Add one under `profiles:` in project.yaml.")
    return Setting(project, project.profiles[name], environ)


def lint(setting: Setting) -> tuple[list[Mistake], list[str]]:
    """Every mistake of the project that its sources' headers and its references show, and what could not be checked.

    Mistakes inside the documents have been raised when the project was opened.
    """
    mistakes: list[Mistake] = []
    unchecked: list[str] = []
    columns: dict[str, tuple[str, ...]] = {}
    for source in setting.sources():
        try:
            for table in source.tables():
                header = next(iter(source.read(table, _HEADER_ROWS))).schema.names
                columns[f"{source.name}.{table}"] = tuple(name for name in header if not name.startswith("_"))
        except EtlError as error:
            unchecked.append(f"{source.name}: {error.message}")
    if not unchecked:
        mistakes += check_columns(setting.project, columns)
    try:
        order_of(setting)
    except MappingError as error:
        mistakes += error.mistakes
    return sorted(set(mistakes)), unchecked


def order_of(setting: Setting) -> LoadOrder:
    """The order of the entities that a project feeds. Raises MappingError for a cycle of required references."""
    mappings = setting.project.mappings
    return load_order({each.target for each in mappings}, edges_of(mappings))


def roles_needed(setting: Setting) -> dict[str, dict[str, tuple[str, ...]]]:
    """The roles that the registered application needs, by entity and operation; an empty tuple means: not known."""
    catalog: Catalog = setting.project.catalog
    entities = sorted({mapping.target for mapping in setting.project.mappings})
    return {
        entity: {
            operation: catalog.entity(entity).roles.get(operation, ()) for operation in ("create", "list", "update")
        }
        for entity in entities
    }
