"""The run's manifest: what reports, later commands and a resumed run need to know, as one JSON file."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl import __version__
from etl.core.errors import EtlError, StalePlan
from etl.core.outcomes import RecordState
from etl.core.state_port import StateReader
from etl.mapping.functions import functions_in
from etl.mapping.model import EntityMapping, FileField, Project
from etl.mapping.reads import crosswalks_of, operations_of
from etl.pipeline.open_findings import before_reading, close_reading
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder
from etl.plan.graph import LoadOrder
from etl.sources.snapshot import Snapshot
from etl.transform import OverrideCounts

if TYPE_CHECKING:
    from etl.load.planned import PlannedRecords
    from etl.load.verify import VerifyResult
    from etl.pipeline.loading import Loaded

VERSION = 1
Manifest = dict[str, Any]
_UNSETTLED = (RecordState.INTENT, RecordState.UNCERTAIN, RecordState.DUPLICATE)


def begin(setting: Setting, folder: RunFolder, command: str, started: str) -> Manifest:
    """A manifest as a run begins, before anything is known of its data."""
    return {
        "version": VERSION,
        "run_id": folder.run_id,
        "command": command,
        "project": setting.project.name,
        "folder": _as_typed(setting.project.folder),
        "profile": setting.profile.name,
        "tenant": setting.project.catalog.tenant or setting.profile.tenant,
        "tenant_invented": setting.project.catalog.invented,
        "protected": setting.profile.protect,
        "concurrency": setting.profile.concurrency,
        "rate_per_s": setting.profile.rate_per_s,
        "max_problems": setting.profile.max_problems,
        "ran_by": _account(),
        "started": started,
        "ended": None,
        "exit_code": None,
        "error": None,
        "fingerprints": fingerprints(setting.project),
        "mappings": [_mapping(each) for each in setting.project.mappings],
        "functions": _functions(setting.project),
    }


def _account() -> str:
    """Whose account of which machine the run was made with."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return f"{user} on {platform.node()}"


def _as_typed(folder: Path) -> str:
    """The project's folder as one would type it where the command runs, so that the next commands can be copied."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)


def fingerprints(project: Project) -> dict[str, str]:
    """What a plan depends on beside its data: mapping, catalogue, code."""
    catalog = hashlib.sha256(repr(project.catalog).encode()).hexdigest()[:32]
    return {"mapping": project.checksum, "catalogue": catalog, "code": __version__}


def add_snapshot(manifest: Manifest, snapshot: Snapshot) -> None:
    """Adds what was extracted."""
    manifest["fingerprints"]["snapshot"] = snapshot.fingerprint
    manifest["snapshot"] = [
        {
            "table": table.relation,
            "rows": table.rows,
            "damaged": table.damaged,
            "columns": list(table.columns),
            "origin": table.origin,
            "encoding": table.encoding,
            "sha256": table.source_sha256,
        }
        for table in snapshot.tables
    ]


def add_order(manifest: Manifest, order: LoadOrder) -> None:
    """Adds the order of entities and why some links come later."""
    manifest["order"] = order_facts(order)


def order_facts(order: LoadOrder) -> dict[str, object]:
    """The load order as plain data."""
    return {
        "waves": [list(wave) for wave in order.waves],
        "edges": [
            {
                "parent": edge.parent,
                "child": edge.child,
                "mapping": edge.mapping,
                "field": edge.field,
                "required": edge.required,
                "later": edge.later,
                "count": edge.count,
            }
            for edge in order.edges
        ],
        "deferred": [
            {"mapping": mapping, "field": field, "why": why} for (mapping, field), why in order.deferred.items()
        ],
    }


def add_overrides(manifest: Manifest, counts: Iterable[OverrideCounts]) -> None:
    """Adds how many corrections were applied and how many were not, by mapping; mappings without any are left out."""
    manifest["overrides"] = [asdict(each) for each in counts if each.listed]


def add_load(manifest: Manifest, loaded: Loaded, state: StateReader, planned: PlannedRecords) -> None:
    """Adds how the load went, what its tail still owes and what earlier runs left unsettled that is not planned any more; what
    an earlier reading back found stays open.
    """
    unsettled = [each.key for each in state.in_state(*_UNSETTLED)]
    close_reading(manifest)
    pending = Counter(known.entity for known in state.known([key for key, _ in state.pending_links()]).values())
    manifest |= {
        "requests": {f"{verb} {status}": count for (verb, status), count in sorted(loaded.requests.items())},
        "load_s": round(loaded.load_s, 3),
        "pace": asdict(loaded.pace),
        "stopped": dict(loaded.notes.stopped),
        "pending_links": dict(pending),
        "pending_uploads": sum(1 for _ in state.pending_uploads()),
        "unsettled_elsewhere": len(set(unsettled) - planned.find(unsettled).keys()),
    }


def add_verify(manifest: Manifest, result: VerifyResult) -> None:
    """Adds what reading back found."""
    before_reading(manifest, whole=result.scope.is_all)
    manifest["verify"] = {
        "scope": str(result.scope),
        "checked": dict(result.checked),
        "expected": dict(result.expected),
        "findings": [
            {
                "code": each.code,
                "entity": each.entity,
                "mapping": each.mapping,
                "key": each.key,
                "target_id": each.target_id,
                "field": each.field,
            }
            for each in result.findings
        ],
        "tolerated": [
            {"entity": entity, "field": field, "tolerance": tolerance, "count": count}
            for (entity, field, tolerance), count in sorted(result.tolerated.items())
        ],
        "unsought": result.unsought,
        "deleted": dict(result.deleted),
    }


def end(manifest: Manifest, ended: str, exit_code: int, error: EtlError | None = None) -> None:
    """Closes a manifest."""
    manifest |= {"ended": ended, "exit_code": exit_code, "peak_memory_bytes": peak_memory_bytes()}
    manifest["error"] = {"code": error.code, "message": error.message, "hint": error.hint} if error else None


def read(folder: RunFolder) -> Manifest:
    """The manifest of a run."""
    content: Manifest = json.loads(folder.manifest.read_text("utf-8"))
    return content


def require_fresh(manifest: Mapping[str, Any], project: Project) -> None:
    """Raises StalePlan where the project changed since the plan was made."""
    then, now = manifest["fingerprints"], fingerprints(project)
    changed = [name for name in now if then.get(name) != now[name]]
    if changed:
        raise StalePlan(
            f"Run {manifest['run_id']} is not finished, and since it was planned the {' and '.join(changed)} changed.",
            hint="Undo the change and run again to finish it, or start anew with --fresh: what is loaded stays loaded.",
        )


def peak_memory_bytes() -> int:
    """The most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def runs_of(runs_folder: Path, project: str) -> Iterator[Path]:
    """The run folders of a project, newest first (several projects may share one runs folder)."""
    for path in sorted((each.parent for each in runs_folder.glob("*/manifest.json")), reverse=True):
        if json.loads((path / "manifest.json").read_text("utf-8"))["project"] == project:
            yield path


def _functions(project: Project) -> list[str]:
    """The project's own functions that take part, so that whoever reads a report knows of them."""
    steps = (step for each in project.mappings for field in each.fields for step in operations_of(field.value))
    return sorted(set(functions_in(steps)))


def _mapping(mapping: EntityMapping) -> dict[str, object]:
    return {
        "name": mapping.name,
        "entity": mapping.target,
        "table": mapping.base.table,
        "fields": [
            {
                "name": field.name,
                "columns": list(field.columns),
                "crosswalks": sorted({each.crosswalk.name for each in crosswalks_of(field.value)}),
                "pii": field.pii,
                "kind": "file" if isinstance(field.value, FileField) else type(field.value).__name__.lower(),
            }
            for field in mapping.fields
        ],
    }
