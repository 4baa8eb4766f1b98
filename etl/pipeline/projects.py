"""Opens projects for every verb, and answers questions about them that need no run: mistakes, order, roles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from etl.catalog.model import Catalog
from etl.core.errors import EtlError, MappingError, Mistake, SettingsError
from etl.mapping.columns import Unused, check_columns, new_columns, unknown_columns
from etl.mapping.model import Project
from etl.mapping.project import has_queries, load_head, load_project, load_surroundings, read_project
from etl.mapping.schema import ProjectNames, mapping_schema, project_schema
from etl.pipeline.select_trials import select_mistakes
from etl.pipeline.wiring import Setting
from etl.plan.graph import LoadOrder, edges_of, load_order

_HEADER_ROWS = 1


def open_project(folder: Path, profile: str | None, environ: Mapping[str, str]) -> Setting:
    """A project with the named profile (the first one by default). Raises MappingError, SettingsError."""
    _require_project(folder)
    return _with_profile(load_project(folder, profile=profile, environ=environ), profile, environ)


def open_surroundings(folder: Path, profile: str | None, environ: Mapping[str, str]) -> Setting:
    """A project whose mappings may be missing or unfinished; it has none here. Raises MappingError, SettingsError."""
    _require_project(folder)
    project, _ = load_surroundings(folder, profile=profile, environ=environ)
    return _with_profile(project, profile, environ)


def open_head(folder: Path, profile: str | None, environ: Mapping[str, str]) -> Setting:
    """A project for questions that no mapping has a part in; it has none here, and mistakes in mappings do not matter.

    Raises MappingError, SettingsError.
    """
    _require_project(folder)
    project, _ = load_head(folder, profile=profile, environ=environ)
    return _with_profile(project, profile, environ)


def mistakes_of_documents(folder: Path, profile: str | None, environ: Mapping[str, str]) -> tuple[Mistake, ...]:
    """Every mistake of a project's documents; where the sources can be read, with the columns that are not there."""
    project, found = read_project(folder, profile=profile, environ=environ)
    if project is None or not project.profiles:
        return tuple(sorted(found))
    columns, _ = headers(_with_profile(project, next(iter(project.profiles)), environ))
    return tuple(sorted({*found, *unknown_columns(project, columns)}))


def is_project(folder: Path) -> bool:
    """Whether a folder holds a project.yaml."""
    return (folder / "project.yaml").is_file()


def _require_project(folder: Path) -> None:
    if not is_project(folder):
        raise SettingsError(
            f"{folder} holds no project.yaml, so it is no project.",
            hint="Name the project's folder, for example `mappings/demo_agency`.",
        )


def _with_profile(project: Project, profile: str | None, environ: Mapping[str, str]) -> Setting:
    name = profile or next(iter(project.profiles), None)
    if name is None:
        raise SettingsError("The project has no profile.", hint="Add one under `profiles:` in project.yaml.")
    return Setting(project, project.profiles[name], environ)


def headers(setting: Setting) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The columns of every table of the sources by ``source.TABLE``, and which sources could not be read, and why."""
    unread: list[str] = []
    columns: dict[str, tuple[str, ...]] = {}
    for source in setting.sources():
        try:
            for table in source.tables():
                header = next(iter(source.read(table, _HEADER_ROWS))).schema.names
                columns[f"{source.name}.{table}"] = tuple(name for name in header if not name.startswith("_"))
        except EtlError as error:
            unread.append(f"{source.name}: {error.message}")
    return columns, unread


def lint(setting: Setting) -> tuple[list[Mistake], list[str]]:
    """Every mistake of the project that its sources' headers and its references show, and what could not be checked.

    Mistakes inside the documents have been raised when the project was opened.
    """
    mistakes, _, unchecked = judged_by_headers(setting)
    return mistakes, unchecked


def judged_by_headers(setting: Setting) -> tuple[list[Mistake], tuple[Unused, ...], list[str]]:
    """What :func:`lint` tells; between the two, what is new in an edition of a source that varies.

    Mistakes inside the documents have been raised when the project was opened.
    """
    mistakes: list[Mistake] = []
    new: tuple[Unused, ...] = ()
    columns, unchecked = headers(setting)
    if not unchecked:
        mistakes += [*check_columns(setting.project, columns), *select_mistakes(setting, columns)]
        new = new_columns(setting.project, columns)
    try:
        order_of(setting)
    except MappingError as error:
        mistakes += error.mistakes
    return sorted(set(mistakes)), new, unchecked


def schemas(
    folder: Path, profile: str | None, environ: Mapping[str, str]
) -> tuple[dict[str, dict[str, object]], list[str]]:
    """The JSON Schemas of a project's documents by file name, and which sources could not be read, and why.

    Mistakes in mappings do not matter. Raises MappingError, SettingsError.
    """
    _require_project(folder)
    project, spaces = load_surroundings(folder, profile=profile, environ=environ)
    columns, unread = headers(_with_profile(project, profile, environ))
    names = ProjectNames(project, columns, spaces, has_queries(folder))
    return {"mapping.schema.json": mapping_schema(names), "project.schema.json": project_schema(names)}, unread


def order_of(setting: Setting) -> LoadOrder:
    """The order of the entities that a project feeds. Raises MappingError for a cycle of required references."""
    mappings = setting.project.mappings
    return load_order({each.target for each in mappings}, edges_of(mappings))


def roles_needed(
    folder: Path, profile: str | None, environ: Mapping[str, str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The roles that the registered application needs, by entity and operation; an empty tuple means: not known.

    Asked for before a tenant's paths are known, so mistakes in mappings do not matter. Raises MappingError, SettingsError.
    """
    _require_project(folder)
    project, targets = load_head(folder, profile=profile, environ=environ)
    catalog: Catalog = project.catalog
    entities = sorted(targets & catalog.entities.keys())
    return {
        entity: {
            operation: catalog.entity(entity).roles.get(operation, ()) for operation in ("create", "list", "update")
        }
        for entity in entities
    }
