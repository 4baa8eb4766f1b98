"""Care of the state database: examined, copied to one file, made anew from source and Casebook."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import (
    OUTDATED_HINT,
    SettingsError,
    StateDamaged,
    StateError,
    StateOutdated,
    WrongTarget,
)
from etl.core.ports import Progress
from etl.load.rebuild import ABSENT
from etl.pipeline import capabilities
from etl.pipeline import manifest as manifests
from etl.pipeline.loading import Bench, find_again
from etl.pipeline.runs import RunChoices, plan_into
from etl.pipeline.session import new_session, now_text
from etl.pipeline.settling import keep_deletions
from etl.pipeline.wiring import Setting
from etl.state.backups import copy_to, damage_hint
from etl.state.examining import Examined


@dataclass(frozen=True, slots=True)
class Checked:
    """A state database as examined, and its records by entity and state. ``trouble`` is what keeps it from being used."""

    examined: Examined
    counts: Mapping[tuple[str, str], int]
    trouble: StateError | None


def check(setting: Setting) -> Checked:
    """Examines the state database; works beside a running load. Raises StateError where there is none."""
    _require_file(setting, "check")
    examined = setting.examined()
    counts: Mapping[tuple[str, str], int] = {}
    if not examined.findings:
        with setting.reader() as state:
            counts = state.counts()
    return Checked(examined, counts, _trouble(setting, examined))


def export(setting: Setting, file: Path) -> None:
    """Writes one consistent file, also while a load runs. Raises SettingsError where the file is there already."""
    _require_file(setting, "export")
    setting.examined()
    if file.exists():
        raise SettingsError(f"{file} is there already.", hint="Name a file that does not exist.")
    if not file.resolve().parent.is_dir():
        raise SettingsError(f"The folder of {file} does not exist.", hint="Create it, or name another file.")
    try:
        copy_to(setting.state_path, file.resolve())
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        message = f"The state database could not be copied ({name})."
        raise StateError(message, hint="Check the room on the disk, and `casebook-etl state check`.") from None


def rebuild(setting: Setting, progress: Progress) -> Counter[tuple[str, str]]:
    """Makes the state anew and returns how many records of each entity were found, are absent or stay uncertain."""
    _require_file(setting, "rebuild")
    setting = capabilities.require(setting, progress)
    with setting.rebuilt_store() as store, new_session(setting, "rebuild", progress) as session:
        options = plan_into(setting, session, store, RunChoices())
        verdicts = find_again(setting, Bench(session.folder, store, session.log, session.progress), options)
        keep_deletions(setting, store)
        manifests.end(session.manifest, now_text(), 0)
        session.save()
    return verdicts


def certain(verdicts: Mapping[tuple[str, str], int]) -> bool:
    """Whether every record was found once or is certainly absent."""
    return all(verdict in ("created", ABSENT) for _, verdict in verdicts)


def _require_file(setting: Setting, verb: str) -> None:
    if setting.profile.state is not None:
        raise SettingsError(
            f"The state of profile {setting.profile.name} is on a database server; `state {verb}` is for files.",
            hint="Use the server's own tools for checks and copies.",
        )


def _trouble(setting: Setting, examined: Examined) -> StateError | None:
    path = examined.path
    if examined.findings:
        return StateDamaged(f"{path} is damaged: {examined.findings[0]}.", hint=damage_hint(path))
    if examined.is_outdated:
        return StateOutdated(f"{path} is older than the state that was last used on this machine.", hint=OUTDATED_HINT)
    owner = {"project": setting.project.name, "target": setting.target_name}
    for name, wanted in owner.items():
        if examined.facts.get(name) != wanted:
            message = f"{path} belongs to {name} {examined.facts.get(name)}, and this profile is for {wanted}."
            return WrongTarget(message, hint="Use the profile and project that this state belongs to.")
    return None
