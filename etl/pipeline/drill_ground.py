"""Where a drill takes place: a project with its own mappings and sources, but with runs, key and address of the drill's.

Nothing of the user's is written: runs and state lie in a folder that is removed at the end, the project key is thrown
away with it, and every request goes to a sandbox in this process. The plan is made once; each load starts from a copy.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from etl.core.errors import StateDamaged
from etl.core.outcomes import UNDECIDED, RecordState
from etl.core.state_port import KnownRecord
from etl.pipeline.pictures import Picture
from etl.pipeline.projects import open_project
from etl.pipeline.wiring import Setting
from etl.sandbox.faults import FaultRule
from etl.sandbox.oracle import Oracle
from etl.sandbox.server import running
from etl.sandbox.settings import SandboxSettings
from etl.settings import PROJECT_KEY_VARIABLE
from etl.state.witness import FOLDER_VARIABLE

QUIET_S = 0.4
"""The sandbox's lateness stays below it, as a profile's must above the tenant's."""
LATE_S = 0.1
_CLIENT_ID, _CLIENT_SECRET = "CASEBOOK_ETL_DRILL_CLIENT_ID", "CASEBOOK_ETL_DRILL_CLIENT_SECRET"
_WRITTEN_ONCE = ("snapshot", "records")


@dataclass(frozen=True, slots=True)
class Ground:
    """A project as drills load it. ``runs`` is the folder of one load; picklable facts only, so a process can reopen it."""

    project: str
    profile: str
    runs: str
    base_url: str = ""

    def setting(self, environ: Mapping[str, str]) -> Setting:
        """The project, pointed at the sandbox. Raises MappingError, SettingsError."""
        opened = open_project(Path(self.project), self.profile, environ)
        # Limits and guards of the real tenant would only slow or stop a load that can harm nobody.
        profile = replace(
            opened.profile,
            base_url=self.base_url,
            token_url=f"{self.base_url}/oauth2/token",
            quiet_s=QUIET_S,
            protect=False,
            rate_per_s=None,
            office_hours=None,
            max_problems=None,
            state=None,
            client_id_env=_CLIENT_ID,
            client_secret_env=_CLIENT_SECRET,
        )
        return replace(opened, project=replace(opened.project, runs_folder=Path(self.runs)), profile=profile)


@dataclass(frozen=True, slots=True)
class Field:
    """One sandbox and the runs of one load into it."""

    ground: Ground
    setting: Setting
    oracle: Oracle

    def rows(self) -> list[KnownRecord]:
        """What its state database knows."""
        with self.setting.reader() as state:
            return list(state.in_state())

    def is_complete(self, keys: Iterable[str]) -> bool:
        """Whether all these records are created and nothing is owed: no answer, no link, no bytes."""
        with self.setting.reader() as state:
            created = {row.key for row in state.in_state(RecordState.CREATED)}
            owed = (
                state.in_state(*UNDECIDED),
                state.pending_links(),
                state.pending_uploads(),
            )
            # Read to the end: a stream that is still open when its reader is closed cannot end well.
            return created >= set(keys) and not any(list(each) for each in owed)

    def picture(self) -> Picture:
        """What its sandbox holds."""
        return Picture(self.oracle, self.setting.project.catalog)

    def is_intact(self) -> bool:
        """Whether the state database passes its own check."""
        try:
            with self.setting.store("drill"):
                return True
        except StateDamaged:
            return False

    def faults(self) -> int:
        """How many requests went wrong on purpose."""
        return sum(bool(entry.fault) for entry in self.oracle.journal())

    def written(self) -> int:
        """How many records the sandbox holds."""
        return sum(self.oracle.counts().values())


def drill_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with a project key and credentials that belong to the drill alone."""
    own = {PROJECT_KEY_VARIABLE: secrets.token_hex(32), _CLIENT_ID: "sandbox", _CLIENT_SECRET: "sandbox"}
    return {**environ, **own}


def witnessed_in(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of one load: each begins from a copy of one state, which its witness would rightly refuse."""
    return {**environ, FOLDER_VARIABLE: str(folder / "witness")}


@contextmanager
def drill_folder(runs_folder: Path) -> Iterator[Path]:
    """A private folder beside the real runs, on the same disk; removed at the end, because it holds people's data."""
    runs_folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".drill-", dir=runs_folder, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def field(
    ground: Ground, environ: Mapping[str, str], folder: Path, faults: tuple[FaultRule, ...] = (), seed: int = 0
) -> Iterator[Field]:
    """A sandbox with these faults, at an address of its own, and the project pointed at it; ``folder`` gets its file."""
    catalog = ground.setting(environ).project.catalog
    folder.mkdir(parents=True, exist_ok=True)
    settings = SandboxSettings(catalog=catalog, db=str(folder / "sandbox.db"), faults=faults, seed=seed)
    with running(settings) as sandbox:
        here, own = replace(ground, base_url=sandbox.base_url), witnessed_in(folder, environ)
        yield Field(here, here.setting(own), sandbox.oracle)


def copied_runs(ground: Ground, folder: Path) -> Ground:
    """The same plan in a runs folder of its own. What is written once and replaced whole is shared, not copied."""
    shutil.copytree(ground.runs, folder, copy_function=_copied)
    return replace(ground, runs=str(folder))


def _copied(source: str, destination: str) -> None:
    if any(f"{os.sep}{name}{os.sep}" in source for name in _WRITTEN_ONCE):
        try:
            os.link(source, destination)
        except OSError:
            pass
        else:
            return
    shutil.copy2(source, destination)
