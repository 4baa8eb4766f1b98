"""Sandboxes for the command line and the demonstration: settings made from choices, served until stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from etl.catalog.loader import load_catalog
from etl.core.errors import SettingsError
from etl.sandbox.faults import parse_faults
from etl.sandbox.habits import parse_habits
from etl.sandbox.server import serve
from etl.sandbox.settings import Application, SandboxSettings, read_applications


@dataclass(frozen=True, slots=True)
class SandboxChoices:
    """What a person chose; see ``casebook-etl sandbox --help``."""

    db: str
    tenant: Path | None = None
    faults: str = ""
    latency_s: float = 0.0
    requests_per_s: float | None = None
    token_ttl_s: int = 3600
    strict_crnk: bool = False
    seed: int = 0
    habits: str = ""
    applications: Path | None = None


def sandbox_settings(choices: SandboxChoices) -> SandboxSettings:
    """The sandbox's settings. Raises MappingError for a wrong overlay, SettingsError for wrong faults, habits,
    applications or folders.
    """
    if choices.db != ":memory:" and not Path(choices.db).resolve().parent.is_dir():
        raise SettingsError(f"The folder of {choices.db} does not exist.", hint="Create it or choose another --db.")
    settings = SandboxSettings(
        catalog=load_catalog(choices.tenant or "sandbox"),
        db=choices.db,
        applications=(read_applications(choices.applications) if choices.applications else ()) or (Application(),),
        faults=parse_faults(choices.faults) if choices.faults else (),
        seed=choices.seed,
        latency_s=choices.latency_s,
        requests_per_s=choices.requests_per_s,
        token_ttl_s=choices.token_ttl_s,
        strict_crnk=choices.strict_crnk,
    )
    habits: dict[str, Any] = parse_habits(choices.habits)
    return replace(settings, **habits)


def serve_sandbox(choices: SandboxChoices, port: int, on_ready: Callable[[int], None]) -> None:
    """Serves until the process is asked to stop; ``on_ready`` gets the bound port."""
    serve(sandbox_settings(choices), "127.0.0.1", port, on_ready)
