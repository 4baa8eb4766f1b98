"""Reads project.yaml: name, time zone, sources, profiles, policies, what is ignored, and the tenant's catalogue.

Its parts are read one by one, so that a slip in one of them hides no mistake in another, nor in the mappings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from etl.catalog.loader import load_catalog
from etl.catalog.model import Catalog
from etl.core.errors import MappingError, UserFixable
from etl.core.records import JsonValue
from etl.core.suggest import did_you_mean
from etl.mapping.connections import Surroundings, chosen_profile, declared_profiles, declared_sources, tenant_place
from etl.mapping.environment import filled_in, note_secrets
from etl.mapping.form import fill
from etl.mapping.ignore import Ignore, declared_ignores
from etl.mapping.model import Profile, SourceSpec
from etl.mapping.page import Page
from etl.mapping.spec import DefaultsForm, ProjectForm
from etl.mapping.varies import with_editions

_ONE_BY_ONE = ("sources", "profiles")


@dataclass(frozen=True, slots=True)
class Head:
    """What project.yaml says, as far as it is sound. ``form`` None means: mistakes were noted."""

    page: Page
    form: ProjectForm | None
    timezone: str
    defaults: DefaultsForm
    sources: Mapping[str, SourceSpec]
    broken_sources: frozenset[str]
    profiles: Mapping[str, Profile]
    ignore: Ignore
    catalog: Catalog | None


def read_head(page: Page, root: Path, environ: Mapping[str, str], asked: str | None) -> Head:
    """Everything that project.yaml declares; mistakes are noted on the page."""
    raw = page.value if isinstance(page.value, dict) else {}
    note_secrets(page, (), raw, strict=True)
    plain = {key: each if key in _ONE_BY_ONE else filled_in(page, (key,), each, environ) for key, each in raw.items()}
    form = fill(ProjectForm, page, (), plain if isinstance(page.value, dict) else page.value)
    profiles, sources = _part(raw, "profiles"), _part(raw, "sources")
    chosen = chosen_profile(page, profiles, asked)
    around = Surroundings(page, root, environ)
    sound = declared_sources(around, sources)
    return Head(
        page=page,
        form=form,
        timezone=_timezone(page, form),
        defaults=form.defaults if form else DefaultsForm(),
        sources=with_editions(page, sound, _part(plain, "varies"), sources),
        broken_sources=frozenset(set(sources) - set(sound)),
        profiles=declared_profiles(around, profiles, chosen),
        ignore=declared_ignores(page, _part(plain, "ignore"), sources),
        catalog=_catalog(page, root, profiles, chosen),
    )


def tenant_files(page: Page, root: Path) -> Iterator[Path]:
    """The overlays of the project's own that its profiles name; they may lie among the mappings."""
    raw = page.value if isinstance(page.value, dict) else {}
    for name in _part(raw, "profiles"):
        tenant = _tenant(raw, root, name)
        if isinstance(tenant, Path):
            yield tenant


def _part(raw: Mapping[str, JsonValue], key: str) -> dict[str, JsonValue]:
    part = raw.get(key)
    return part if isinstance(part, dict) else {}


def _timezone(page: Page, form: ProjectForm | None) -> str:
    if form is None:
        return "UTC"
    if form.timezone not in available_timezones():
        hint = did_you_mean(form.timezone, available_timezones()) or "Such as America/New_York."
        page.note(("timezone",), f"Unknown time zone `{form.timezone}`.", hint, code="unknown_timezone")
    return form.timezone


def _tenant(raw: Mapping[str, JsonValue], root: Path, profile: str | None) -> str | Path | None:
    """The tenant of a profile: a shipped overlay's name, or the file of the project's own."""
    declared = _part(_part(raw, "profiles"), profile or "").get("tenant")
    if not isinstance(declared, str):
        return None
    placed = tenant_place(declared, root)
    return Path(placed) if os.path.isabs(placed) else placed  # noqa: PTH117 - a name or a path


def _catalog(page: Page, root: Path, profiles: Mapping[str, JsonValue], chosen: str | None) -> Catalog | None:
    """The catalogue of the chosen tenant; the plain public one where the project names no profile."""
    tenant = _tenant({"profiles": dict(profiles)}, root, chosen)
    if tenant is None and profiles:
        return None
    try:
        return load_catalog(tenant)
    except MappingError as error:
        page.found.extend(error.mistakes)
    except UserFixable as error:
        page.note(("profiles", chosen or "", "tenant"), error.message, error.hint, code=error.code)
    return None
