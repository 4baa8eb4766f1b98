"""Facts about a tenant said as checks: what it means for a load, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from etl.casebook.probe.reading import HONOURED, IGNORED, REFUSED, Glimpse
from etl.casebook.probe.roles import MISSING, NOT_OFFERED
from etl.casebook.probe.sight import ALL, LIMITED, OWN
from etl.casebook.probe.writing import Written
from etl.catalog.model import Entity
from etl.core.capabilities import Check, Evidence, Fact, Rung, Standing, TenantCapabilities
from etl.core.errors import TargetError

_SHORT_LIFE_S, _SKEW_S = 300.0, 60.0
_SOUND_SQLITE = (3, 51, 3)
_WRITE = "Try it with --write-probes on a profile that is not protected."
_SUPPORT = "Ask Casebook's support."


def no_token(error: TargetError) -> Check:
    """There is no way in."""
    return Check("token", "", Standing.FAILED, error.message, error.hint)


def token(life_s: float | None) -> Check:
    """The token's life."""
    if life_s is None:
        return Check("token", "", Standing.WARNING, "Obtained; how long it lives is not said, 55 minutes are assumed.")
    if life_s < _SHORT_LIFE_S:
        return Check("token", "", Standing.WARNING, f"Obtained; it lives only {life_s:.0f} s.", _SUPPORT)
    return Check("token", "", Standing.OK, f"Obtained; it lives {life_s:.0f} s.")


def service_checks(service: TenantCapabilities, quiet_s: float) -> Iterator[Check]:
    """What concerns the service as a whole."""
    yield _clock(service.clock_skew_s)
    yield _page_size(service)
    yield _paging(service.paging)
    yield _errors(service.error_bodies)
    yield _quiet(service, quiet_s)


def no_address(entity: str) -> Check:
    """The overlay does not say where an entity is."""
    hint = "Give its `path` and `type` in the tenant overlay, from the tenant's own API documents."
    return Check("address", entity, Standing.FAILED, "Its path or its type is not known.", hint)


def role_checks(entity: Entity, roles: Mapping[str, Fact]) -> Iterator[Check]:
    """One check for each operation that the project needs."""
    for operation, fact in roles.items():
        about = f"{entity.name} {operation}"
        named = ", ".join(entity.roles.get("list" if operation == "get" else operation, ())) or "its name is not public"
        if fact.value == MISSING:
            hint = f"Give the application the role that allows it ({named}); views as View (All)."
            yield Check("role", about, Standing.FAILED, "Missing.", hint)
        elif fact.value == NOT_OFFERED:
            hint = "Correct `path` and `operations` in the tenant overlay."
            yield Check("role", about, Standing.FAILED, "The tenant does not offer this at the path.", hint)
        elif fact.value is None:
            yield Check("role", about, Standing.UNKNOWN, "Not tried.", _WRITE)
        else:
            yield Check("role", about, Standing.OK, "Granted.")


def surplus_checks(surplus: Mapping[str, Sequence[str]]) -> Iterator[Check]:
    """One check for each operation that is granted beyond need."""
    for operation, names in sorted(surplus.items()):
        found = f"Granted beyond this project's need: {', '.join(sorted(names))}."
        hint = "Take the roles away, or use an application of its own for that purpose."
        yield Check("surplus role", operation, Standing.WARNING, found, hint)


def list_checks(entity: str, seen: Glimpse | None, sort: Fact) -> Iterator[Check]:
    """What an entity's list looks like."""
    if seen is None:
        yield Check("list", entity, Standing.UNKNOWN, "Its list could not be read.", "See its role and path.")
        return
    if seen.misshapen:
        hint = "Correct its `type` in the tenant overlay."
        yield Check("list", entity, Standing.FAILED, "Its records are not of the type that the catalogue says.", hint)
    yield _sort(entity, sort)


def sight_check(entity: str, sight: Fact) -> Check:
    """Whether records are hidden."""
    if sight.value == LIMITED:
        hint = "Give the application View (All): with a limited view a record that exists looks absent."
        return Check("sight", entity, Standing.FAILED, "A record that must be there is not shown.", hint)
    if sight.value == ALL:
        return Check("sight", entity, Standing.OK, "The named records that others made are shown.")
    if sight.value == OWN:
        return Check(
            "sight", entity, Standing.OK, "A record that this project loaded is shown; others' were not tried."
        )
    hint = "Name records that a person made, best restricted ones: --witness ENTITY=ID."
    return Check("sight", entity, Standing.UNKNOWN, "Nothing proves that no record is hidden.", hint)


def rung_check(entity: Entity, rung: Fact) -> Check:
    """How lost answers are asked about."""
    if rung.value == Rung.HOLD and entity.marker is None:
        found = "The catalogue names no way to ask about a lost answer: such a record waits for a person (`resolve`)."
        return Check(
            "asking",
            entity.name,
            Standing.WARNING,
            found,
            "Give it a `marker` in the tenant overlay, if it has room for one.",
        )
    if rung.value == Rung.HOLD:
        found = "A lost answer cannot be asked about: such a record waits for a person (`resolve`)."
        return Check("asking", entity.name, Standing.WARNING, found, "See its role, filters and order; " + _SUPPORT)
    meant = entity.marker.ask if entity.marker else ""
    if rung.evidence is not Evidence.PROBED:
        hint = "Too little is there to try it on yet; a run proves it before it relies on it."
        return Check("asking", entity.name, Standing.UNKNOWN, f"By {rung.value}, as the catalogue says.", hint)
    if rung.value != meant:
        found = f"By {rung.value}: the filter that the catalogue names is not obeyed."
        return Check(
            "asking", entity.name, Standing.WARNING, found, "Whole lists are read instead, which takes longer."
        )
    return Check("asking", entity.name, Standing.OK, f"By {rung.value}.")


def written_checks(written: Sequence[Written], *, asked: bool) -> Iterator[Check]:
    """What the probe records told, and which of them are still there."""
    if not asked:
        found = "Custom fields on PATCH, ids of ours and the lag until records are visible were not tried."
        yield Check("write probes", "", Standing.UNKNOWN, found, _WRITE)
    elif not written:
        found = "There is no harmless entity that the application may create."
        yield Check("write probes", "", Standing.UNKNOWN, found, "Let it create intake reports or locations.")
    for each in written:
        yield from _written(each)


def state_library() -> Check:
    """The library of the state database."""
    if sqlite3.sqlite_version_info < _SOUND_SQLITE:
        found = f"SQLite {sqlite3.sqlite_version} has a fault with several writers; this program keeps to one."
        return Check(
            "state library", "", Standing.WARNING, found, "Nothing to do; a later Python brings a later SQLite."
        )
    return Check("state library", "", Standing.OK, f"SQLite {sqlite3.sqlite_version}.")


def _clock(skew: Fact) -> Check:
    if not isinstance(skew.value, float):
        return Check("clock", "", Standing.UNKNOWN, "The server does not say its time.")
    if abs(skew.value) > _SKEW_S:
        found = f"The clocks are {abs(skew.value):.0f} s apart."
        return Check("clock", "", Standing.WARNING, found, "Set this machine's clock by a time server.")
    return Check("clock", "", Standing.OK, "This machine and the server agree.")


def _page_size(service: TenantCapabilities) -> Check:
    largest, used = service.page_size_max, service.page_size.value
    if largest.value is None:
        return Check("page size", "", Standing.UNKNOWN, f"{used} is asked for; what is accepted was not seen.")
    default = service.page_size_default.value
    said = f"{used} of at most {largest.value} records a page; unasked come {default or 'unknown'}."
    return Check("page size", "", Standing.OK, said)


def _paging(walk: Fact) -> Check:
    if walk.value in {"repeats", "endless"}:
        found = "A list gives the same page again." if walk.value == "repeats" else "A list does not end."
        return Check("paging", "", Standing.FAILED, found, _SUPPORT)
    if walk.value is None:
        return Check("paging", "", Standing.UNKNOWN, "No list is long enough to tell.")
    return Check("paging", "", Standing.OK, "Pages differ and end.")


def _errors(bodies: Fact) -> Check:
    if bodies.value is None:
        return Check("error bodies", "", Standing.UNKNOWN, "No refusal was seen.")
    if not bodies.value:
        found = "Refusals are not in the API's form, so a refused create counts as unclear and is asked about."
        return Check("error bodies", "", Standing.WARNING, found, "See whether a proxy answers in Casebook's place.")
    return Check("error bodies", "", Standing.OK, "Refusals are lists of errors.")


def _quiet(service: TenantCapabilities, quiet_s: float) -> Check:
    asked, slowest = service.quiet_s.value, service.slowest_answer_s.value
    if not isinstance(asked, float):
        found = f"{quiet_s:g} s by the profile; the longest answer took {slowest} s, the lag was not measured."
        return Check("quiet period", "", Standing.UNKNOWN, found, _WRITE)
    said = f"Records are visible after {service.visibility_lag_s.value} s, the longest answer took {slowest} s"
    if asked > quiet_s:
        found = f"{said}: {asked:g} s are used in place of the profile's {quiet_s:g} s."
        return Check("quiet period", "", Standing.WARNING, found, "Raise `quiet_s` of the profile.")
    return Check("quiet period", "", Standing.OK, f"{said}: {quiet_s:g} s are enough.")


def _sort(entity: str, sort: Fact) -> Check:
    if sort.value in {IGNORED, REFUSED}:
        found = f"The order asked for is {sort.value}, so a long list may be read with gaps while others write."
        return Check("sort", entity, Standing.WARNING, found, _SUPPORT)
    if sort.value == HONOURED:
        return Check("sort", entity, Standing.OK, "The order asked for is kept.")
    return Check("sort", entity, Standing.UNKNOWN, "Too few records to tell one order from another.")


def _written(told: Written) -> Iterator[Check]:
    if told.why:
        yield Check("write probes", told.entity, Standing.UNKNOWN, told.why, "See its roles and required fields.")
    if told.lag_s.value == -1.0:
        hint = "Give the application View (All), or ask Casebook's support how long this takes."
        yield Check(
            "visibility", told.entity, Standing.FAILED, "A record made just now is not found by its marker.", hint
        )
    if told.custom_fields.value is not None:
        found = f"A PATCH is seen to {told.custom_fields.value} them; the loader reads and merges in any case."
        yield Check("custom fields on PATCH", told.entity, Standing.OK, found)
    if told.client_ids.value is not None:
        found = "Ids of ours are kept." if told.client_ids.value else "Ids of ours are not kept; markers are used."
        yield Check("client ids", told.entity, Standing.OK, found)
    for target_id in told.left:
        hint = "Delete it by hand; it is called 'casebook-etl probe'."
        yield Check("probe records", told.entity, Standing.FAILED, f"{target_id} could not be deleted.", hint)
    if told.unclear:
        found = "An answer to a create was lost, so there may be one more, of which nobody knows the id."
        hint = "Look for records called 'casebook-etl probe' and delete them by hand."
        yield Check("probe records", told.entity, Standing.FAILED, found, hint)
