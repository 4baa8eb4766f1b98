"""Loads a migration project: every document of its folder, checked as a whole, into one resolved :class:`Project`.

All mistakes of all files come out at once. Later checks go on with what earlier ones found sound, and stay silent where
a mistake already told would only show up a second time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from etl.core.errors import MappingError, Mistake
from etl.core.suggest import did_you_mean
from etl.mapping.checksums import checksum
from etl.mapping.crosswalks import read_crosswalks
from etl.mapping.environment import note_secrets
from etl.mapping.functions import ProjectFunctions
from etl.mapping.head import Head, read_head, tenant_files
from etl.mapping.ignore import ignore_positions
from etl.mapping.model import Crosswalk, EntityMapping, Project
from etl.mapping.overrides import OVERRIDES, read_overrides
from etl.mapping.page import Page, read_page
from etl.mapping.project_rules import with_project_rules
from etl.mapping.resolve import Outline, outline, resolved
from etl.mapping.scope import KeySpaces, Shared
from etl.mapping.views import expanded, read_includes

PROJECT_FILE = "project.yaml"
CROSSWALKS = "crosswalks"


def load_project(folder: Path, *, profile: str | None = None, environ: Mapping[str, str]) -> Project:
    """The project in ``folder`` for one profile (by default its first), whose tenant decides what Casebook accepts.

    ``environ`` fills in ``${NAME}``. ``Project.profiles`` leaves out profiles that were not chosen and lack a variable.
    Raises MappingError with the mistakes of every file.
    """
    project, found = read_project(folder, profile=profile, environ=environ)
    if found or project is None:
        raise MappingError(found)
    return project


def read_project(
    folder: Path, *, profile: str | None = None, environ: Mapping[str, str]
) -> tuple[Project | None, tuple[Mistake, ...]]:
    """The project as far as it is sound, and the mistakes of every file; None where too little of project.yaml is."""
    found: list[Mistake] = []
    root = folder.resolve()
    page = _project_page(root, found)
    paths = list(_mapping_files(root, page))
    pages = [each for path in paths if (each := read_page(path, path.name, found)) is not None]
    if not paths:
        hint = "Add one YAML file an entity."
        found.append(Mistake(PROJECT_FILE, 1, 1, "The project holds no mapping.", hint, "file"))
    is_complete = len(pages) == len(paths)
    pages = expanded(pages, read_includes(root, found))
    crosswalks = read_crosswalks(root / CROSSWALKS, found)
    overrides = read_overrides(root / OVERRIDES, found)
    head = read_head(page, root, environ, profile) if page is not None else None
    if head is None or head.catalog is None:
        return None, tuple(found)
    shared = replace(_shared(head, root, pages, crosswalks, complete=is_complete), overrides=overrides)
    _refuse_stray_overrides(pages, overrides, found)
    mappings = with_project_rules(head.page, head.form, _mappings(pages, shared), shared)
    project = _project(head, root, mappings, crosswalks) if head.form is not None else None
    return project, tuple(set(found))


def is_unmapped(folder: Path) -> bool:
    """Whether a project holds no mapping document yet, as one that was just started."""
    root = folder.resolve()
    return not any(_mapping_files(root, _project_page(root, [])))


def has_queries(folder: Path) -> bool:
    """Whether a mapping takes its rows from a query, which makes columns that no table has."""
    root = folder.resolve()
    passed: list[Mistake] = []
    pages = (read_page(path, path.name, passed) for path in _mapping_files(root, _project_page(root, passed)))
    values = (page.value for page in pages if page is not None and isinstance(page.value, dict))
    sources = (value.get("source") for value in values)
    return any(isinstance(each, dict) and "query" in each for each in sources)


def load_head(
    folder: Path, *, profile: str | None = None, environ: Mapping[str, str]
) -> tuple[Project, frozenset[str]]:
    """The project without its mappings and crosswalks, and the entities that its mappings name as their targets.

    Mistakes in mappings and crosswalks do not matter here. Raises MappingError with those of project.yaml.
    """
    found: list[Mistake] = []
    root = folder.resolve()
    page = _project_page(root, found)
    head = read_head(page, root, environ, profile) if page is not None else None
    if found or page is None or head is None or head.catalog is None:
        raise MappingError(found)
    passed: list[Mistake] = []
    read = [each for path in _mapping_files(root, page) if (each := read_page(path, path.name, passed)) is not None]
    outlines = [outline(each) for each in expanded(read, read_includes(root, passed))]
    return _project(head, root, (), {}), frozenset(each.target for each in outlines if each is not None)


def load_surroundings(
    folder: Path, *, profile: str | None = None, environ: Mapping[str, str]
) -> tuple[Project, KeySpaces]:
    """The project without its mappings, and the key spaces that they outline: for whoever helps to write mappings.

    Mistakes in mappings do not matter here. Raises MappingError with those of project.yaml and the crosswalks.
    """
    found: list[Mistake] = []
    root = folder.resolve()
    page = _project_page(root, found)
    head = read_head(page, root, environ, profile) if page is not None else None
    crosswalks = read_crosswalks(root / CROSSWALKS, found)
    if found or page is None or head is None or head.catalog is None:
        raise MappingError(found)
    passed: list[Mistake] = []
    read = [each for path in _mapping_files(root, page) if (each := read_page(path, path.name, passed)) is not None]
    pages = expanded(read, read_includes(root, passed))
    return _project(head, root, (), crosswalks), _shared(head, root, pages, crosswalks, complete=True).spaces


def _project(
    head: Head, root: Path, mappings: tuple[EntityMapping, ...], crosswalks: Mapping[str, Crosswalk]
) -> Project:
    if head.form is None or head.catalog is None:
        raise MappingError(head.page.found)
    return Project(
        name=head.form.project,
        folder=root,
        timezone=head.timezone,
        sources=head.sources,
        profiles=head.profiles,
        mappings=mappings,
        ignore=head.ignore,
        runs_folder=_runs_folder(root, head.form.runs),
        catalog=head.catalog,
        checksum=_checksum(head, mappings),
        crosswalks=crosswalks,
        positions=dict(ignore_positions(head.page, head.ignore)),
    )


def _checksum(head: Head, mappings: Sequence[EntityMapping]) -> str:
    """Over what the project means; where it reads from and loads to has fingerprints of its own."""
    name = head.form.project if head.form else ""
    return checksum(name, head.timezone, head.ignore, sorted((each.name, each.checksum) for each in mappings))


def _runs_folder(root: Path, declared: str | None) -> Path:
    """Where runs live: never resolved from the working directory, so that a scheduled job finds the same state."""
    if declared is not None:
        return Path(os.path.normpath(root / declared))
    beside = root.parent.parent if root.parent.name == "mappings" else root.parent
    return beside / "runs"


# ---------------------------------------------------------------- files


def _project_page(root: Path, found: list[Mistake]) -> Page | None:
    path = root / PROJECT_FILE
    if path.is_file():
        return read_page(path, PROJECT_FILE, found)
    hint = "Name the folder of a migration project, or start one."
    found.append(Mistake(PROJECT_FILE, 1, 1, "The folder holds no project.yaml.", hint, "file"))
    return None


def _mapping_files(root: Path, page: Page | None) -> Iterator[Path]:
    """The mapping documents: every YAML file directly in the folder but project.yaml and tenant overlays."""
    others = {root / PROJECT_FILE, *(tenant_files(page, root) if page is not None else ())}
    paths = (path for path in sorted(root.iterdir()) if path.suffix in {".yaml", ".yml"}) if root.is_dir() else ()
    return (path for path in paths if path not in others)


# ---------------------------------------------------------------- mappings


def _shared(
    head: Head, root: Path, pages: Sequence[Page], crosswalks: Mapping[str, Crosswalk], *, complete: bool
) -> Shared:
    if head.catalog is None:
        raise MappingError(head.page.found)
    files = {path.stem for path in (root / CROSSWALKS).glob("*.csv")}
    outlines = [each for page in pages if (each := outline(page)) is not None]
    known = [each for each in outlines if each.target in head.catalog.entities]
    return Shared(
        catalog=head.catalog,
        sources=head.sources,
        broken_sources=head.broken_sources,
        crosswalks=crosswalks,
        broken_crosswalks=frozenset(files - set(crosswalks)),
        spaces=KeySpaces(_spaces(outlines), complete=complete and len(known) == len(pages)),
        defaults=head.defaults,
        timezone=head.timezone,
        functions=ProjectFunctions(root, head.form.functions if head.form else ()),
    )


def _spaces(outlines: Sequence[Outline]) -> dict[str, dict[str, int]]:
    spaces: dict[str, dict[str, int]] = {}
    for each in outlines:
        parts = spaces.setdefault(each.target, {})
        parts[each.space] = parts.get(each.space) or each.parts
    return spaces


def _mappings(pages: Sequence[Page], shared: Shared) -> tuple[EntityMapping, ...]:
    for page in pages:
        note_secrets(page, (), page.value)
    _refuse_repeated_names(pages)
    _refuse_unequal_keys(pages, shared)
    return tuple(each for page in pages if (each := resolved(page, shared)) is not None)


def _refuse_repeated_names(pages: Sequence[Page]) -> None:
    first: dict[str, str] = {}
    for page in pages:
        name = page.value.get("mapping") if isinstance(page.value, dict) else None
        if isinstance(name, str) and name in first:
            message = f"The mapping `{name}` stands in {first[name]} already."
            page.note(("mapping",), message, "Give each mapping its own name.", code="duplicate_mapping")
        elif isinstance(name, str):
            first[name] = page.file


def _refuse_stray_overrides(pages: Sequence[Page], overrides: Iterable[str], found: list[Mistake]) -> None:
    """A file of overrides bears the name of the mapping that it corrects."""
    names = [each.name for page in pages if (each := outline(page)) is not None]
    for name in overrides:
        if name not in names and len(names) == len(pages):
            message, hint = f"There is no mapping `{name}`.", did_you_mean(name, names)
            found.append(Mistake(f"{OVERRIDES}/{name}.csv", 1, 1, message, hint, "unknown_mapping"))


def _refuse_unequal_keys(pages: Sequence[Page], shared: Shared) -> None:
    """Mappings that share a key space name the same identities, so their keys have equally many parts."""
    for page in pages:
        each = outline(page)
        if each is None or not each.parts:
            continue
        parts = shared.spaces.parts[each.target][each.space]
        if parts != each.parts:
            message = f"The key space `{each.space}` has keys of {parts} parts, here are {each.parts}."
            page.note(("key",), message, "Give all its mappings the same key.", code="key_parts")
