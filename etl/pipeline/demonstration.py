"""The demonstration: the sample agency into a sandbox of its own, read back, and held against what was planted.

It passes only if the accounts balance, reading back finds nothing, and exactly those rows were held back that the
sample's own list of planted faults names.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from etl.core.errors import SettingsError
from etl.core.outcomes import LOADED, Bucket
from etl.core.ports import Progress
from etl.pipeline import runs
from etl.pipeline.projects import open_project
from etl.pipeline.sandboxes import SandboxChoices, sandbox_settings
from etl.pipeline.session import Finished
from etl.pipeline.wiring import Setting
from etl.sandbox.server import running

PROFILE = "sandbox"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """How the demonstration ended. ``surprises`` are sentences; without any it passed. ``run_exit_code`` is what `run`
    alone ends with.
    """

    finished: Finished
    run_exit_code: int
    surprises: tuple[str, ...]
    project: Path
    sandbox_db: Path


def demonstrate(
    project: Path, environ: Mapping[str, str], progress: Progress, *, fresh: bool = False, verbose: bool = False
) -> Demonstration:
    """Runs it. ``fresh`` forgets what an earlier demonstration loaded, ``verbose`` shows the log."""
    setting = replace(open_project(project, PROFILE, environ), verbose=verbose)
    database = setting.project.runs_folder / f"{setting.project.name}-{PROFILE}.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    _require_pair(setting, database, fresh=fresh)
    with running(sandbox_settings(SandboxChoices(db=str(database)))) as sandbox:
        at_sandbox = _pointed_at(setting, sandbox.base_url)
        loaded = runs.run(at_sandbox, progress)
        if loaded.stopped is not None:
            return Demonstration(loaded, loaded.exit_code, (loaded.stopped.message,), project, database)
        checked = runs.verify(at_sandbox, progress)
    expected = json.loads((_sample_folder(setting) / "expected.json").read_text("utf-8"))
    surprises = [*_ledger_surprises(checked, expected), *_verify_surprises(checked)]
    return Demonstration(checked, loaded.exit_code, tuple(surprises), project, database)


def _pointed_at(setting: Setting, base_url: str) -> Setting:
    profile = replace(setting.profile, base_url=base_url, token_url=f"{base_url}/oauth2/token", quiet_s=0.5, state=None)
    return replace(setting, profile=profile)


def _require_pair(setting: Setting, database: Path, *, fresh: bool) -> None:
    """The sandbox's records and our memory of them belong together; one without the other is refused."""
    files = [database, setting.state_path]
    if fresh:
        for file in files:
            for path in file.parent.glob(file.name + "*"):
                path.unlink()
    there = [file for file in files if file.exists()]
    if len(there) == 1:
        raise SettingsError(
            f"An earlier demonstration left {there[0].name} but not its counterpart.",
            hint="Begin anew with `casebook-etl demo --fresh`.",
        )


def _sample_folder(setting: Setting) -> Path:
    """Where the sample's own account lies: beside its source files."""
    folder = next(Path(spec.location) for spec in setting.project.sources.values() if spec.kind == "files")
    return folder.parent


def _ledger_surprises(finished: Finished, expected: Mapping[str, dict[str, dict[str, object]]]) -> list[str]:
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in pq.read_table(finished.folder / "ledger.parquet", columns=["mapping", "bucket", "reason"]).to_pylist():
        found[row["mapping"]][_kind(row["bucket"], row["reason"])] += 1
    surprises = [] if finished.summary.ledger.balanced else ["The ledger does not balance."]
    for mapping, account in expected["mappings"].items():
        planted = _planted(account)
        surprises += [
            f"{mapping}: {found[mapping][kind]} rows are {' '.join(kind).strip()}, planted were {planted[kind]}."
            for kind in sorted(found[mapping].keys() | planted.keys())
            if found[mapping][kind] != planted[kind]
        ]
    return surprises


def _kind(bucket: str, reason: str) -> tuple[str, str]:
    if bucket in LOADED:
        return "loaded", ""
    return bucket, "" if bucket == Bucket.MERGED else reason


def _planted(account: Mapping[str, object]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter({("loaded", ""): int(str(account["loaded"]))})
    for bucket in ("ignored", "merged", "quarantined", "blocked"):
        reasons = account.get(bucket)
        for reason, count in reasons.items() if isinstance(reasons, dict) else ():
            counts[_kind(bucket, reason)] += count
    return +counts


def _verify_surprises(finished: Finished) -> list[str]:
    manifest = json.loads((finished.folder / "manifest.json").read_text("utf-8"))
    findings = manifest["verify"]["findings"]
    return [f"Reading back found {len(findings)} differences."] if findings else []
