"""The plan file: what `plan` leaves to be read and signed, and what `run --plan` holds its own plan against.

The file orders nothing. A run makes its plan itself, from the sources as they are then, and goes on only if everything
that the file states is so again: a changed number in the file can stop a load, never alter it. Steps are compared by a
digest a mapping, in which each record stands with its keyed hashes; no value of a cell is in the file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from etl.core.errors import SettingsError, StalePlan
from etl.core.outcomes import Action
from etl.load.planned import PLANNED
from etl.pipeline.loading import Options
from etl.pipeline.session import Session, now_text
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder

_BATCH_ROWS = 16_384
_LISTS = ("changed", "cleared", "deferred")
_COLUMNS = ("_rk", *(PLANNED + name for name in ("action", "fingerprint", "adopts", *_LISTS)))
_BETWEEN_PARTS, _BETWEEN_RECORDS = "\x1f", "\x1e"
_WORDS = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.ADOPT: "to adopt",
    Action.NOTHING: "to leave alone",
    Action.BLOCKED: "waiting for a decision",
}
_ANEW = "Nothing was sent. Take the change back; or make a new plan with `casebook-etl plan`, and have that read and signed."


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)


class PlannedTable(_Part):
    """A table of the sources as it was read; ``sha256`` is of the file's bytes or, for databases, of the rows."""

    rows: int
    sha256: str


class PlannedMapping(_Part):
    """What would be done with a mapping's records, and the digest of each single step of it."""

    checksum: str
    create: int = 0
    update: int = 0
    adopt: int = 0
    nothing: int = 0
    blocked: int = 0
    steps: str = ""


class PlanFile(_Part):
    """A plan as people sign it. ``signed_by`` is for a person to fill in; ``plan`` names the run folder with its report."""

    version: Literal[1] = 1
    signed_by: str = Field(default="", max_length=200)
    plan: str
    made: str
    project: str
    profile: str
    tenant: str
    address: str
    application: str
    code: str
    catalogue: str
    options: str
    mapping: str
    sources: dict[str, PlannedTable]
    mappings: dict[str, PlannedMapping]


def write_plan_file(setting: Setting, session: Session, options: Options) -> Path:
    """Leaves what the session planned in its folder, unsigned."""
    content = _planned_here(setting, session, options).model_dump()
    # Not sorted: a person reads it from the top.
    session.folder.write_text(session.folder.plan_file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return session.folder.plan_file


def read_plan_file(setting: Setting, path: Path) -> PlanFile:
    """A signed plan for this project and profile. Raises SettingsError."""
    file = _checked(path)
    for name, wanted in (("project", setting.project.name), ("profile", setting.profile.name)):
        if getattr(file, name) != wanted:
            raise SettingsError(
                f"{path.name} plans a load of {name} {getattr(file, name)}, not of {wanted}.",
                hint="Name the project and the profile that it was made for, or another plan file.",
            )
    if not file.signed_by.strip():
        raise SettingsError(
            f"Nobody has signed {path.name}: `signed_by` is empty.",
            hint=f"Read report.html of run {file.plan}. Who agrees writes their name there, in quotes.",
        )
    return file


def require_same_plan(file: PlanFile, setting: Setting, session: Session, *, goes_on: bool) -> None:
    """Raises StalePlan, with every difference, unless the session's plan is the signed one. ``goes_on``: the session is of
    an unfinished run, which has its own plan.
    """
    options = json.loads(session.folder.options.read_text("utf-8"))
    now = _planned_here(setting, session, options)
    found = list(_differences(file, now, {each.name: each.position.file for each in setting.project.mappings}))
    if not found:
        return
    if goes_on:
        what = f"Run {session.folder.run_id} is not finished, and its plan is not the signed plan {file.plan}:"
        hint = "Nothing more was sent. Finish that run without --plan, or close it with --fresh; what is loaded stays loaded."
    else:
        what, hint = f"What would be done now is not the signed plan {file.plan}:", _ANEW
    raise StalePlan("\n".join([what, *(f"  {each}" for each in found)]), hint=hint)


def _checked(path: Path) -> PlanFile:
    if not path.is_file():
        raise SettingsError(
            f"There is no plan file {path.name}.", hint="`casebook-etl plan` makes one: plan.json in the plan's folder."
        )
    try:
        return PlanFile.model_validate(json.loads(path.read_text("utf-8")))
    except json.JSONDecodeError as error:
        place, what = f"{path.name}:{error.lineno}:{error.colno}", "This is no JSON."
    except UnicodeDecodeError:
        place, what = path.name, "The file is not UTF-8."
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place, what = path.name, f"`{'.'.join(map(str, first['loc']))}` cannot be so: {first['msg']}."
    raise SettingsError(f"{place}: {what}", hint="Write nothing but the name behind `signed_by`, or plan again.")


def _planned_here(setting: Setting, session: Session, options: Options) -> PlanFile:
    """What the session's own plan states."""
    prints: Mapping[str, str] = session.manifest["fingerprints"]
    tables: list[dict[str, Any]] = session.manifest["snapshot"]
    mappings = {each.name: each.checksum for each in setting.project.mappings}
    return PlanFile(
        plan=session.folder.run_id,
        made=now_text(),
        project=setting.project.name,
        profile=setting.profile.name,
        tenant=session.manifest["tenant"],
        address=setting.profile.base_url,
        application=_sha256(setting.target_name),
        code=prints["code"],
        catalogue=prints["catalogue"],
        options=_sha256(json.dumps(options, sort_keys=True)),
        mapping=prints["mapping"],
        sources={each["table"]: PlannedTable(rows=each["rows"], sha256=each["sha256"]) for each in tables},
        mappings={name: _account(session.folder, name, checksum) for name, checksum in mappings.items()},
    )


def _account(folder: RunFolder, mapping: str, checksum: str) -> PlannedMapping:
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    for file in (each for each in folder.planned.glob("*.parquet") if each.stem.partition("-")[2] == mapping):
        with pq.ParquetFile(file) as parquet:
            known = set(parquet.schema_arrow.names)
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=list(_COLUMNS)) if known else ():
                counts.update(batch[PLANNED + "action"].to_pylist())
                digest.update(_steps(batch))
    return PlannedMapping(checksum=checksum, steps=digest.hexdigest(), **{each: counts[each] for each in _WORDS})


def _steps(batch: pa.RecordBatch) -> bytes:
    """One line a record: which, what is done with it, and the keyed hash of what is sent."""
    lists = {PLANNED + name for name in _LISTS}
    texts = [pc.binary_join(batch[name], ",") if name in lists else batch[name] for name in _COLUMNS]
    parts = [pc.fill_null(each.cast(pa.string()), "") for each in texts]
    lines: list[str] = pc.binary_join_element_wise(*parts, _BETWEEN_PARTS).to_pylist()
    return "".join(line + _BETWEEN_RECORDS for line in lines).encode()


def _differences(then: PlanFile, now: PlanFile, files: Mapping[str, str]) -> Iterator[str]:
    """Everything that is not as it was planned, each with its place."""
    profile = f"project.yaml: profile {now.profile}"
    if now.address != then.address:
        yield f"{profile} leads to {now.address} (planned: {then.address})"
    if (now.tenant, now.application) != (then.tenant, then.application):
        yield f"{profile} is another tenant or registered application"
    if now.code != then.code:
        yield f"casebook-etl is version {now.code} (planned: {then.code})"
    if now.catalogue != then.catalogue:
        yield "the catalogue, or the tenant's overlay or capability profile, has changed"
    if now.options != then.options:
        yield "the tenant offers other options in its lists"
    changed = [name for name, each in now.mappings.items() if each.checksum != _checksum(then, name)]
    yield from (f"{files[name]}: mapping {name} has changed" for name in changed)
    if now.mapping != then.mapping and not changed and now.mappings.keys() == then.mappings.keys():
        yield "project.yaml: the time zone or what is ignored has changed"
    for name in sorted(then.sources.keys() | now.sources.keys()):
        yield from _of_table(name, then.sources.get(name), now.sources.get(name))
    for name in sorted(then.mappings.keys() | now.mappings.keys()):
        yield from _of_mapping(name, then.mappings.get(name), now.mappings.get(name))


def _checksum(file: PlanFile, mapping: str) -> str | None:
    return file.mappings[mapping].checksum if mapping in file.mappings else None


def _of_table(name: str, then: PlannedTable | None, now: PlannedTable | None) -> Iterator[str]:
    if then is None or now is None:
        yield f"source {name} is {'new' if then is None else 'gone'}"
    elif now.rows != then.rows:
        yield f"source {name} has {now.rows:,} rows (planned: {then.rows:,})"
    elif now.sha256 != then.sha256:
        yield f"source {name} has {now.rows:,} rows as planned, but not the same ones"


def _of_mapping(name: str, then: PlannedMapping | None, now: PlannedMapping | None) -> Iterator[str]:
    if then is None or now is None:
        yield f"mapping {name} is {'new' if then is None else 'gone'}"
        return
    counts = [(words, getattr(now, each), getattr(then, each)) for each, words in _WORDS.items()]
    told = [f"{count:,} {words} (planned: {planned:,})" for words, count, planned in counts if count != planned]
    if told:
        yield f"mapping {name}: {', '.join(told)}"
    elif now.steps != then.steps:
        yield f"mapping {name}: as many records as planned, but not the same ones or not with the same values"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
