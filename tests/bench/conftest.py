"""Benchmarks: whole processes, paired in one run, one JSON line each. Quote the ratios, never the seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LATENCY_S = 0.05
PROJECT = """
project: bench
timezone: America/New_York
sources:
  legacy: {{csv: "*.csv", encoding: utf-8}}
profiles:
  sandbox: {{base_url: "http://127.0.0.1:{port}", token_url: "http://127.0.0.1:{port}/oauth2/token", tenant: sandbox,
            concurrency: {concurrency}}}
"""
PEOPLE = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields: {first_name: FIRST_NM, last_name: LAST_NM, middle_name: MIDDLE_NM, suffix: SUFFIX}
"""


@dataclass(frozen=True)
class Measured:
    """Wall seconds, peak memory and CPU seconds of a finished process."""

    wall_s: float
    peak_mib: float
    output: str
    cpu_s: float = 0.0


def measure(*command: str, environ: dict[str, str] | None = None) -> Measured:
    """Runs a command to its end; exit code 1 (rows held back) is a legal end.

    It may keep its compiled modules, whatever the environment of the tests forbids: what is installed has them, ours as
    well as those of other libraries.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command, stdout=output, stderr=errors, text=True, env={**_installed(), **(environ or {})}
        )
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        assert process.returncode in (0, 1), errors.read()
        return Measured(wall_s, used.ru_maxrss / 1024, output.read(), used.ru_utime + used.ru_stime)


def _installed() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def made_project(folder: Path, port: int, concurrency: int, rows: int) -> Path:
    """A project of so many people, to be loaded into the server at a port."""
    project = folder / "mappings" / "bench"
    project.mkdir(parents=True)
    (project / "project.yaml").write_text(PROJECT.format(port=port, concurrency=concurrency))
    (project / "people.yaml").write_text(PEOPLE)
    lines = (f"{number},Ana,Maria,Rivera,Jr" for number in range(rows))
    (project / "PERSONS.csv").write_text("ID,FIRST_NM,MIDDLE_NM,LAST_NM,SUFFIX\n" + "\n".join(lines) + "\n")
    return project


@pytest.fixture
def tell(capsys):
    def say(**facts: object) -> None:
        with capsys.disabled():
            sys.stdout.write("\n" + json.dumps(facts) + "\n")

    return say


@pytest.fixture
def etl_command() -> str:
    return str(Path(sys.executable).with_name("casebook-etl"))


@pytest.fixture
def port():
    """Of a server that takes every POST after ``LATENCY_S``."""
    server = subprocess.Popen(  # noqa: S603 - our own server
        [sys.executable, str(HERE / "slow_api.py"), str(LATENCY_S)], stdout=subprocess.PIPE, text=True
    )
    with server:
        yield int(server.stdout.readline())
        server.kill()
