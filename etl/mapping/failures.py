"""Runs a project's own code quietly, and says where it failed: its own words, printed or raised, may quote people's data."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path


@contextmanager
def silenced(name: str, told: set[str]) -> Iterator[None]:
    """Keeps what own code prints away from the program's output; that it printed is told on standard error, unless its
    name is among those ``told`` already.
    """
    out = StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(out):
            yield
    finally:
        if out.getvalue() and name not in told:
            told.add(name)
            sys.stderr.write(f"What the project's code `{name}` prints is not shown, for it may quote people's data.\n")


def place_of(error: BaseException, path: Path | None) -> str:
    """The kind of an error and the line of the file where it arose; without a file, of the innermost code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if path is None or each.filename == str(path)]
    if isinstance(error, SyntaxError):
        return f"SyntaxError in line {error.lineno}"
    return f"{type(error).__name__} in line {own[-1].lineno}" if own else type(error).__name__
