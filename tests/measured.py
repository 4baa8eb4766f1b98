"""A command in a process of its own, with the most memory that it held.

The child tells it itself, of what it is after its start: what a parent is told counts the parent's own peak too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.harness import ROOT, Ended

_PROGRAM = """
import atexit, pathlib, re, sys
place, status = pathlib.Path(sys.argv.pop(1)), pathlib.Path("/proc/self/status")
atexit.register(lambda: place.write_text(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
from etl.__main__ import main
main()
"""


def measured(folder: Path, *arguments: str | Path, **environ: str) -> tuple[Ended, int]:
    """How the command line ended, and its most memory in MiB; ``folder`` is where the child may leave a note."""
    note = folder / "most.txt"
    command = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, note, *arguments],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Ended(command.returncode, command.stdout, command.stderr), int(note.read_text()) // 1024
