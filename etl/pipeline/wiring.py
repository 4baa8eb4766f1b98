"""Chooses the adapters that a project's settings name. Nothing else in the program knows a concrete adapter.

What speaks HTTP is imported when a way to Casebook is opened, what keeps the state when a state is: their libraries take
longer to load than a small project takes to be validated, and the first `validate` needs none of them.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from etl.casebook.clock import SystemClock
from etl.core.capabilities import Capabilities
from etl.core.keys import RecordKeys
from etl.core.ports import Source
from etl.mapping.model import Profile, Project
from etl.mapping.operations import Context
from etl.pipeline.source_kinds import opened_source
from etl.settings import Credentials, read_credentials, read_project_key, read_state_password
from etl.sources.files import FolderFiles

__all__ = ["Setting", "SystemClock"]

if TYPE_CHECKING:
    from etl.casebook.channel import RequestEvent
    from etl.casebook.client import CasebookClient
    from etl.casebook.probe.line import ProbeLine
    from etl.state.examining import Examined
    from etl.state.postgres import ServerPlace
    from etl.state.reader import SqlReader
    from etl.state.store import SqlStore


@dataclass(frozen=True, slots=True)
class Setting:
    """A loaded project with the profile in use and the environment it was loaded with; ``verbose`` shows the log.

    ``capabilities`` is what was found out about the tenant, where it was and is obeyed.
    """

    project: Project
    profile: Profile
    environ: Mapping[str, str]
    verbose: bool = False
    capabilities: Capabilities | None = None

    @property
    def state_path(self) -> Path:
        """The state database: beside all runs of the project, one a profile."""
        return self.project.runs_folder / self._state_name(self.profile.name)

    def _state_name(self, profile: str) -> str:
        return f"{self.project.name}-{profile}.state.db"

    @property
    def state_place(self) -> Path | ServerPlace:
        """Where the state is: a file of this machine, or a schema of the server that the profile names."""
        if self.profile.state is None:
            return self.state_path
        from etl.state.postgres import ServerPlace, schema_name

        password = read_state_password(self.profile, self.environ)
        schema = schema_name(self.project.name, self.project.catalog.tenant)
        return ServerPlace(self.profile.state, schema, password.get_secret_value() if password else None)

    @property
    def has_state(self) -> bool:
        """Whether a state was ever begun. Raises StateError where the server cannot be asked."""
        from etl.state.opening import state_exists

        return state_exists(self.state_place)

    def keys(self, *, create: bool) -> RecordKeys:
        """The project's record keys; ``create`` allows the first run to make the project key."""
        project, allowed = self.project, create and not self.profile.protect
        secret = read_project_key(project.folder, project.name, self.environ, create=allowed, begun=self._begun_state)
        return RecordKeys(secret)

    def _begun_state(self) -> Path | ServerPlace | None:
        """A state database that knows records by the project key: all profiles have one key. None where there is none."""
        # By their names: a profile that lacks a variable today may be the one that loaded.
        files = sorted(self.project.runs_folder.glob(self._state_name("*")))
        begun = (file for file in files if self._knows_us(file))
        on_server = self.profile.state is not None and self.has_state
        return next(begun, self.state_place if on_server else None)

    def _knows_us(self, state: Path) -> bool:
        from etl.state.owner import knows_records_of

        return knows_records_of(state, self.project.name)

    def credentials(self) -> Credentials:
        """The profile's credentials."""
        return read_credentials(self.profile, self.environ)

    def target(
        self,
        on_event: Callable[[RequestEvent], None] | None = None,
        on_cut: Callable[[str, int], None] | None = None,
    ) -> CasebookClient:
        """The way to Casebook; ``on_event`` hears of every attempt, ``on_cut`` of each time that the pace was cut."""
        from etl.casebook.client import CasebookClient
        from etl.casebook.rates import rate_by_hour

        rate = rate_by_hour(self.profile, self.project.timezone, SystemClock())
        return CasebookClient(
            self.profile, self.project.catalog, self.credentials(), on_event=on_event, on_cut=on_cut, rate=rate
        )

    def probe_line(self, on_event: Callable[[RequestEvent], None] | None = None) -> ProbeLine:
        """The way to Casebook that shows answers as they come."""
        from etl.casebook.probe.line import ProbeLine

        return ProbeLine(self.profile, self.project.catalog, self.credentials(), on_event=on_event)

    @property
    def target_name(self) -> str:
        """What tells one tenant and application from another: the tenant's name and the client id."""
        return f"{self.project.catalog.tenant or self.profile.tenant}/{self.credentials().client_id}"

    def store(self, command: str, *, adopt: bool = False, ask_first: bool = False) -> SqlStore:
        """The state database, held for writing; ``adopt`` takes it over from another machine, ``ask_first`` admits one
        that is not the newest, whose records are all asked about before they are sent. Verifying checks the file too.
        """
        from etl.state.keeper import Guard
        from etl.state.opening import open_store
        from etl.state.witness import witness_folder

        return open_store(
            self.state_place,
            project=self.project.name,
            target=self.target_name,
            key_check=self.keys(create=True).check_value(),
            run_command=command,
            clock=SystemClock(),
            adopt=adopt,
            guard=Guard(witness_folder(self.environ), ask_first),
            thorough=command == "verify",
        )

    def rebuilt_store(self) -> AbstractContextManager[SqlStore]:
        """An empty state that takes the place of the state database when the block ends well."""
        from etl.state.keeper import Guard
        from etl.state.rebuilding import rebuilt_store
        from etl.state.witness import witness_folder

        return rebuilt_store(
            self.state_path,
            project=self.project.name,
            target=self.target_name,
            key_check=self.keys(create=False).check_value(),
            clock=SystemClock(),
            guard=Guard(witness_folder(self.environ)),
        )

    def examined(self) -> Examined:
        """What the state database's file says of itself, and its witness of it."""
        from etl.state.examining import examine
        from etl.state.witness import witness_folder

        return examine(self.state_path, witness_folder(self.environ))

    def reader(self) -> SqlReader:
        """The state database, read beside whoever writes it."""
        from etl.state.opening import open_reader

        return open_reader(self.state_place)

    def require_newest(self, state: SqlReader) -> None:
        """Raises StateOutdated where a newer state than the one that is read was used on this machine.

        Before that it looks again, with a reader of its own: a run beside us may write its witness at this very moment, or
        have brought a state of an older form, of which ``state`` is a copy, to today's.
        """
        from etl.core.errors import StateOutdated
        from etl.state.witness import witness_folder

        witnesses = witness_folder(self.environ)
        try:
            state.require_newest(self.state_place, witnesses)
        except StateOutdated:
            with self.reader() as again:
                again.require_newest(self.state_place, witnesses)

    def why_outdated(self, state: SqlReader) -> str:
        """What the next run would refuse this state for, "" where a newer one was never used on this machine."""
        from etl.core.errors import StateOutdated

        try:
            self.require_newest(state)
        except StateOutdated as error:
            return f"{error.message} {error.hint}"
        return ""

    def reader_if_begun(self) -> AbstractContextManager[SqlReader | None]:
        """The same, or None where the profile keeps its state in a file that was not begun yet."""
        return self.reader() if self.profile.state is not None or self.state_path.exists() else nullcontext()

    def sources(self) -> list[Source]:
        """The legacy sources."""
        return [opened_source(spec) for spec in self.project.sources.values() if spec.kind != "files"]

    def file_hashes(self) -> dict[str, str]:
        """SHA-256 of every CSV file as it lies there now, by table."""
        specs = [spec for spec in self.project.sources.values() if spec.kind == "csv"]
        return {
            f"{spec.name}.{Path(path).stem}": _sha256(Path(path))
            for spec in specs
            for path in sorted(glob.glob(spec.location))  # noqa: PTH207 - the pattern is absolute
        }

    def files(self) -> FolderFiles:
        """The attachments' folders."""
        specs = self.project.sources.values()
        return FolderFiles({spec.name: Path(spec.location) for spec in specs if spec.kind == "files"})

    def context(self, taken: datetime) -> Context:
        """What operations may know: the date of the snapshot where the agency is."""
        return Context(_local_date(taken, self.project.timezone), self.project.timezone)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _local_date(moment: datetime, timezone: str) -> date:
    return moment.astimezone(ZoneInfo(timezone)).date()
