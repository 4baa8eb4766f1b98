"""Exit codes: a schedule's only way to read how a command ended."""

from __future__ import annotations

from etl.core import interrupts
from etl.core.errors import EtlError, Interrupted, RunStopped, UserFixable

COMPLETE = 0
"""Complete and balanced."""
HELD_BACK = 1
"""Finished, but records were rejected, quarantined, blocked, or are uncertain or pending."""
YOURS_TO_FIX = 2
"""Nothing was written."""
ENVIRONMENT = 3
"""Source, target or state database failed; the same command goes on."""
THRESHOLD = 4
"""Stopped by a limit of the project or profile."""
INTERRUPTED = interrupts.EXIT_CODE
"""Stopped by a person or the system; the same command goes on."""


def exit_code_of(error: EtlError) -> int:
    """The exit code that an error ends a command with.

    >>> exit_code_of(Interrupted("stopped"))
    130
    """
    if isinstance(error, UserFixable):
        return YOURS_TO_FIX
    if isinstance(error, Interrupted):
        return INTERRUPTED
    return THRESHOLD if isinstance(error, RunStopped) else ENVIRONMENT
