"""The capability profile beside the state: written by `doctor`, obeyed by whoever loads, plans or lints.

It is obeyed only by the tenant and application that it was made with. What it forbids is refused before anything is sent;
what it does not know leaves everything as the catalogue says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from etl.casebook.clock import SystemClock
from etl.catalog.model import Catalog, Entity
from etl.core.capabilities import Capabilities, EntityCapabilities, Evidence, Rung
from etl.core.errors import CatalogMismatch, SettingsError
from etl.core.ports import Progress
from etl.mapping.model import Profile
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import replaced

VERSION = 1
STALE_AFTER = timedelta(days=30)
NEEDED = ("create", "list", "get", "update")
"""The operations that a run may use of an entity; deleting is not among them."""
_AGAIN = "Mend it in Casebook, then run `casebook-etl doctor` again with this profile."
_ADAPTER = TypeAdapter(Capabilities)


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A setting as the tenant's capabilities want it, what makes a load impossible, and what a person should know."""

    setting: Setting
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def place_of(setting: Setting) -> Path:
    """Where the profile's capabilities are kept: beside its state database."""
    return setting.project.runs_folder / f"{setting.project.name}-{setting.profile.name}.capabilities.json"


def tenant_fingerprint(setting: Setting) -> str:
    """What tells one tenant and application from another without naming them."""
    return hashlib.sha256(setting.target_name.encode()).hexdigest()[:32]


def write(path: Path, capabilities: Capabilities) -> None:
    """Writes the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary:
        temporary.write_text(json.dumps(asdict(capabilities), indent=2, ensure_ascii=False) + "\n", "utf-8")


def read(path: Path) -> Capabilities | None:
    """The capabilities of a file, None where there is none. Raises SettingsError for one that cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = _ADAPTER.validate_json(content)
    except ValidationError:
        found = None
    if found is None or found.version != VERSION:
        raise SettingsError(
            f"{path.name} is not a capability profile that this version reads.",
            hint="Make it anew with `casebook-etl doctor`, or delete it.",
        ) from None
    return found


def obeyed(setting: Setting) -> Obeyed:
    """The setting with what was found out about its tenant. Raises SettingsError for a file that cannot be read."""
    known = read(place_of(setting))
    if known is None:
        return Obeyed(setting)
    if known.tenant != tenant_fingerprint(setting):
        return Obeyed(setting, notes=("The capability profile is of another tenant or application: not used.",))
    changed = replace(setting, profile=_profile(setting.profile, known), capabilities=known)
    return Obeyed(changed, tuple(_refusals(setting, known)), tuple(_notes(setting, known)))


def require(setting: Setting, progress: Progress) -> Setting:
    """The setting to load with; notes are told. Raises CatalogMismatch where the tenant cannot give what a load needs."""
    found = obeyed(setting)
    for note in found.notes:
        progress.note(note)
    if found.refusals:
        raise CatalogMismatch(
            "The tenant cannot give what this project needs: " + " ".join(found.refusals), hint=_AGAIN
        )
    return found.setting


def told(setting: Setting, progress: Progress) -> Setting:
    """The same for what only reads: what a load would be refused for is told and stops nothing."""
    found = obeyed(setting)
    for note in (*found.notes, *(f"A run would be refused: {each}" for each in found.refusals)):
        progress.note(note)
    return found.setting


def with_rungs(catalog: Catalog, capabilities: Capabilities | None) -> Catalog:
    """The catalogue with the ways of asking that were found to work, ids of our choice among them. Markers are written wherever they were before."""
    if capabilities is None:
        return catalog
    entities = {
        name: _with_rung(each, capabilities.entities.get(name, EntityCapabilities()))
        for name, each in catalog.entities.items()
    }
    return replace(catalog, entities=entities)


def ids_chosen(setting: Setting) -> str:
    """The entities for whose records the loader chooses the ids, by name, with commas: a fingerprint of the run."""
    known = with_rungs(setting.project.catalog, setting.capabilities).entities
    return ",".join(sorted(name for name, entity in known.items() if entity.client_ids))


def _with_rung(entity: Entity, known: EntityCapabilities) -> Entity:
    if known.client_ids.evidence is Evidence.PROBED:
        entity = replace(entity, client_ids=known.client_ids.value is True)
    if entity.marker is None or known.rung.evidence is not Evidence.PROBED:
        return entity
    return replace(entity, marker=replace(entity.marker, ask=str(known.rung.value)))


def _profile(profile: Profile, known: Capabilities) -> Profile:
    """Page size as accepted; the quiet period never shorter than what was measured asks for."""
    size, quiet_s = known.service.page_size.value, known.service.quiet_s.value
    return replace(
        profile,
        page_size=min(profile.page_size, int(size)) if isinstance(size, int) else profile.page_size,
        quiet_s=max(profile.quiet_s, float(quiet_s)) if isinstance(quiet_s, int | float) else profile.quiet_s,
    )


def _refusals(setting: Setting, known: Capabilities) -> Iterator[str]:
    for name in entities_of(setting):
        found = known.entities.get(name, EntityCapabilities())
        missing = [operation for operation in NEEDED if found.roles.get(operation, _NONE).value in _CANNOT]
        if missing:
            yield f"{name}: {', '.join(missing)} is not allowed."
        if found.sight.is_known("limited"):
            yield f"{name}: the application does not see every record, so nothing could be proved absent."
    if known.service.paging.value in {"repeats", "endless"}:
        yield "Lists do not end or repeat themselves, so none can be read whole."


def _notes(setting: Setting, known: Capabilities) -> Iterator[str]:
    age = SystemClock().now() - datetime.fromisoformat(known.made_at).astimezone(UTC)
    if age > STALE_AFTER:
        yield f"The capability profile is {age.days} days old: run `casebook-etl doctor` again."
    new = [name for name in entities_of(setting) if name not in known.entities]
    if new:
        yield f"The capability profile does not know {', '.join(new)}: run `casebook-etl doctor` again."
    for name in entities_of(setting):
        if known.entities.get(name, EntityCapabilities()).rung.is_known(Rung.HOLD.value):
            yield f"{name}: a lost answer cannot be asked about; such a record waits for a person."


def entities_of(setting: Setting) -> list[str]:
    """The entities that a project writes, by name."""
    return sorted({each.target for each in setting.project.mappings})


_NONE = EntityCapabilities().sight
_CANNOT = frozenset({"missing", "not offered"})
