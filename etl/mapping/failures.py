"""Says where a project's own code failed, without the words of the failure, which may quote people's data."""

from __future__ import annotations

import traceback
from pathlib import Path


def place_of(error: Exception, path: Path | None) -> str:
    """The kind of an error and the line of the file where it arose; without a file, of the innermost code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if path is None or each.filename == str(path)]
    if isinstance(error, SyntaxError):
        return f"SyntaxError in line {error.lineno}"
    return f"{type(error).__name__} in line {own[-1].lineno}" if own else type(error).__name__
