"""Benchmarks: whole processes, paired in one run, one JSON line each. Quote the ratios, never the seconds."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Measured:
    """Wall seconds and peak memory of a finished process."""

    wall_s: float
    peak_mib: float
    output: str


def measure(*command: str, environ: dict[str, str] | None = None) -> Measured:
    """Runs a command to its end; exit code 1 (rows held back) is a legal end."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own commands
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environ or {})}
    )
    wall_s = time.monotonic() - began
    assert done.returncode in (0, 1), done.stderr
    return Measured(wall_s, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, done.stdout)


@pytest.fixture
def tell(capsys):
    def say(**facts: object) -> None:
        with capsys.disabled():
            sys.stdout.write("\n" + json.dumps(facts) + "\n")

    return say


@pytest.fixture
def etl_command() -> str:
    return str(Path(sys.executable).with_name("casebook-etl"))
