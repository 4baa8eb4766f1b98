"""Every public exception, grouped by what has to happen next.

::

    EtlError                    code, message, hint; the hint says what to do next
    |- UserFixable              exit 2: nothing was written
    |  |- SettingsError         profile, credentials, options
    |  |- MappingError          every mistake of every file at once, each with file:line:column
    |  |- CatalogMismatch       the tenant lacks something the mapping needs
    |  `- StalePlan             the plan was made from other inputs
    |- SourceError              exit 3
    |  |- SourceUnavailable     file missing, server unreachable, wrong password
    |  `- SourceUnreadable      wrong encoding, broken header: byte offset or row is named
    |- TargetError              exit 3
    |  |- TargetBusy            retry; carries retry_after_s
    |  |- RecordRejected        this record only: outcome rejected, with the target's findings
    |  |- ResponseLost          the request may have taken effect: never sent again blindly
    |  `- TargetRefused         stop: 401 after renewal, 403, contract drift, redirects
    |- StateError               exit 3
    |  |- StateLocked           another run holds the state database; names host and pid
    |  |- StateTooNew           written by a newer version
    |  |- StateDamaged          fails SQLite's own check
    |  |- StateOutdated         a newer one was used here, or somebody else writes
    |  `- WrongTarget           belongs to another tenant or another project key
    `- RunStopped               resumable
       |- TooManyProblems       exit 4
       `- Interrupted           exit 130

Bad data is never an exception: it is a row in ``problems`` (see :mod:`etl.core.problems`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


class EtlError(Exception):
    """Root of the tree: something is wrong in the world or the code. Never carries people's data."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UserFixable(EtlError):
    """Yours to fix; nothing was written."""

    code = "user_fixable"


class SettingsError(UserFixable):
    """A profile, a credential or an option is missing or wrong."""

    code = "settings"


@dataclass(frozen=True, slots=True)
class Slip:
    """A misspelt name and the one that it surely means."""

    wrong: str
    right: str


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a mapping document: where it is, what it is, how to mend it. Line and column count from 1.

    ``slip``, where there is one, stands at this very place, or behind the quote that opens there.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    code: str = "mapping"
    slip: Slip | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} {self.hint}".rstrip()


class MappingError(UserFixable):
    """Every mistake of every file of a project, in file order."""

    code = "mapping"

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        count = len(self.mistakes)
        listing = "\n".join(map(str, self.mistakes))
        super().__init__(f"{count} mistake{'s' * (count != 1)} in the project:\n{listing}")


class CatalogMismatch(UserFixable):
    """The tenant lacks a path, a type or an option that the project needs."""

    code = "catalog_mismatch"


class StalePlan(UserFixable):
    """The plan was made from another snapshot, mapping, crosswalk, catalogue or state."""

    code = "stale_plan"


class SourceError(EtlError):
    """The legacy side failed."""

    code = "source"


class SourceUnavailable(SourceError):
    """A file is missing, a server does not answer, a password is wrong."""

    code = "source_unavailable"


class SourceUnreadable(SourceError):
    """The bytes are not what was declared; the message names byte offset or row."""

    code = "source_unreadable"


class TargetError(EtlError):
    """Casebook, or the way to it, failed."""

    code = "target"


class TargetBusy(TargetError):
    """Certainly not applied and worth repeating: not connected, 429, a refused connection."""

    code = "target_busy"

    def __init__(self, message: str, *, retry_after_s: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Finding:
    """One error object of an answer, without values: the target's code and title, and the place it points to."""

    code: str
    title: str
    pointer: str = ""


class RecordRejected(TargetError):
    """The target certainly refused this record (400, 404, 409 on update, 413, 415, 422)."""

    code = "record_rejected"

    def __init__(self, message: str, *, status: int, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.findings = tuple(findings)


class ResponseLost(TargetError):
    """The request may or may not have taken effect; ask before sending again.

    ``status`` is the HTTP status where there was one (500, 502, a 2xx without an id), else None.
    """

    code = "response_lost"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TargetRefused(TargetError):
    """Going on is pointless or dangerous: 401 after renewal, 403, a redirect, an answer that breaks the contract."""

    code = "target_refused"

    def __init__(self, message: str, *, status: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class StateError(EtlError):
    """The state database cannot be used as it is."""

    code = "state"


class StateLocked(StateError):
    """Another run holds the state database; the message names host, pid and run."""

    code = "state_locked"


class StateTooNew(StateError):
    """The state database was written by a newer version of this program."""

    code = "state_too_new"


class StateDamaged(StateError):
    """The state database fails its own check; it is never recreated silently."""

    code = "state_damaged"


OUTDATED_HINT = (
    "Bring back the newest state if there is one. Else `casebook-etl state rebuild` makes it anew from source and "
    "Casebook, or `casebook-etl run --ask-first` asks Casebook about every record before it is first sent."
)


class StateOutdated(StateError):
    """The state database does not know everything that was sent: it is a copy, a restored backup, or not the only one."""

    code = "state_outdated"


class WrongTarget(StateError):
    """The state database belongs to another tenant, project or project key."""

    code = "wrong_target"


class RunStopped(EtlError):
    """The run stopped where it can be continued by the same command."""

    code = "run_stopped"


class TooManyProblems(RunStopped):
    """A threshold of the project or profile was reached."""

    code = "too_many_problems"


class Interrupted(RunStopped):
    """A person or the system asked the run to stop."""

    code = "interrupted"
