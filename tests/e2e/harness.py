"""What the end-to-end proofs share: project folders of one's own, the command line, sandboxes on sockets."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import pyarrow.parquet as pq

from etl.catalog.loader import load_catalog
from etl.catalog.model import Catalog
from etl.cli import run_command_line
from etl.sandbox import SandboxSettings
from etl.sandbox.faults import parse_faults
from etl.sandbox.oracle import Oracle
from etl.sandbox.server import Handle, running
from etl.state import ServerPlace

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
KEY = "0123456789abcdef" * 4
ADDRESS = "http://127.0.0.1:8089"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def answer(self) -> dict[str, Any]:
        """Its one JSON object."""
        content: dict[str, Any] = json.loads(self.out)
        return content


def etl(*arguments: object) -> Ended:
    """A command in this process: quick, and with every warning an error."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["casebook-etl", *map(str, arguments)]
    with patch.object(sys, "argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command_line()
    return Ended(code, out.getvalue(), err.getvalue())


def start(*arguments: object) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "etl", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"CASEBOOK_ETL_PROJECT_KEY": KEY, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], timeout_s: float = 240) -> Ended:
    """How a process ended; waits for it."""
    out, err = process.communicate(timeout=timeout_s)
    return Ended(process.returncode, out, err)


class Forks:
    """Starts commands from a process that has imported the program already; see :mod:`tests.e2e.fork_server`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.fork_server"],
            cwd=ROOT,
            env=os.environ | {"CASEBOOK_ETL_PROJECT_KEY": KEY, "ARROW_DEFAULT_MEMORY_POOL": "system"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, *arguments: object, ends: tuple[str, str] | None = None, **more: object) -> Forked:
        """A command in a process of its own; the one before must have ended. ``ends``: see :mod:`tests.e2e.fail_points`,
        ``more``: see :mod:`tests.e2e.fork_server`.
        """
        paths = {name: str(self._folder / f"fork.{name}") for name in ("out", "err")}
        self._server.stdin.write(
            json.dumps({"arguments": [*map(str, arguments)], **paths, **({"ends": ends} if ends else {}), **more})
            + "\n"
        )
        return Forked(int(self._server.stdout.readline()), self._server.stdout, paths)

    def close(self) -> None:
        """Ends the server."""
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(60)


class Forked:
    """A forked command, as far as a harness needs what ``subprocess.Popen`` offers."""

    def __init__(self, pid: int, answers: IO[str], paths: dict[str, str]) -> None:
        self.pid, self._answers, self._paths = pid, answers, paths
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, None while it works."""
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self.returncode = int(self._answers.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """What it wrote, once it has ended."""
        if self.returncode is None and not select.select([self._answers], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("casebook-etl", timeout)
        self.poll()
        return tuple(Path(self._paths[name]).read_text("utf-8") for name in ("out", "err"))


# ---------------------------------------------------------------- projects


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with ``mappings/<name>``, ``sample_data`` and ``runs`` of one test's own; ``server`` keeps the state where
    no file does.
    """

    folder: Path
    name: str
    server: ServerPlace | None = None

    @property
    def project(self) -> Path:
        return self.folder / "mappings" / self.name

    @property
    def sample(self) -> Path:
        return self.folder / "sample_data"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def state(self) -> Path | ServerPlace:
        return self.server or self.runs / f"{self.name}-sandbox.state.db"

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces text in a file of the project, which must be there."""
        path = self.project / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} holds no {old}"
        path.write_text(text.replace(old, new), "utf-8")

    def point_at(self, url: str, *, quiet_s: float = 0.3) -> Place:
        """Lets the profile ``sandbox`` mean the sandbox at an address."""
        path = self.project / "project.yaml"
        text = path.read_text("utf-8").replace(ADDRESS, url).replace("quiet_s: 2", f"quiet_s: {quiet_s}")
        path.write_text(text, "utf-8")
        return self

    def run(self, *options: object) -> Ended:
        return etl("run", self.project, "--profile", "sandbox", "--progress", "none", *options)

    def latest(self, name: str) -> Path:
        """A file of the latest run: the folder's name tells the second alone, and two runs may begin in one."""
        return max(self.runs.glob(f"*/{name}"), key=lambda path: path.stat().st_mtime_ns)

    def summary(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.latest("summary.json").read_text("utf-8"))
        return content

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a Parquet file of the latest run."""
        rows: list[dict[str, Any]] = pq.read_table(self.latest(name)).to_pylist()
        return rows

    def problems(self) -> Counter[tuple[str, str]]:
        """Problems of the latest run by (mapping, code), of the data and of the load."""
        files = [
            name
            for name in ("problems.parquet", "plan_problems.parquet", "load_problems.parquet")
            if self.latest(name).parent.exists()
        ]
        return Counter((row["mapping"], row["code"]) for name in files for row in self.rows(name))


def copy_project(folder: Path, name: str, sample: Path = SAMPLE) -> Place:
    """A project of ours in a folder of one's own, with its sources."""
    shutil.copytree(ROOT / "mappings" / name, folder / "mappings" / name, ignore=shutil.ignore_patterns("*.key"))
    shutil.copytree(sample, folder / "sample_data", ignore=shutil.ignore_patterns("generator", "__pycache__", "*.py"))
    return Place(folder, name)


def small_project(folder: Path, files: Mapping[str, str | bytes]) -> Place:
    """A project of given files; the profile ``sandbox`` and the usual defaults are added to its project.yaml."""
    place = Place(folder, "small")
    for name, content in files.items():
        path = folder / name if name.startswith("data/") else place.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return place


def trim(sample: Path, share: float, *, least: int = 20) -> None:
    """Keeps the first rows of every table, at least some of each, damaged ones byte for byte as they were."""
    for path in (sample / "legacy").glob("*.csv"):
        with path.open(encoding="latin-1", newline="") as file:
            rows = list(csv.reader(file))
        with path.open("w", encoding="latin-1", newline="") as file:
            csv.writer(file).writerows(rows[: 1 + max(least, int(len(rows) * share))])
    with contextlib.closing(sqlite3.connect(sample / "legacy.db")) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            database.execute(
                f"delete from {table} where rowid > (select max({least}, {share} * count(*)) from {table})"  # noqa: S608 - our own tables
            )
        database.commit()


# ---------------------------------------------------------------- sandboxes


@lru_cache
def sandbox_catalog() -> Catalog:
    return load_catalog("sandbox")


@contextlib.contextmanager
def sandbox(db: Path | str = ":memory:", faults: str = "", *, port: int = 0, **settings: Any) -> Iterator[Handle]:
    """A sandbox on a socket, in a thread that outlives every client."""
    rules = parse_faults(faults) if faults else ()
    made = SandboxSettings(**{"catalog": sandbox_catalog(), "db": str(db), "faults": rules, **settings})
    with running(made, port=port) as handle:
        yield handle


def writes(oracle: Oracle) -> list[tuple[str, str]]:
    """Every request that could change a record, as (method, entity); tokens and uploads are none."""
    return [
        (entry.method, entry.entity)
        for entry in oracle.journal()
        if entry.method != "GET" and entry.entity not in {"token", "upload"}
    ]


# ---------------------------------------------------------------- a project in sight

SMALL: Mapping[str, str] = {
    "project.yaml": """\
project: small
timezone: America/New_York
sources:
  legacy: {csv: "../../data/*.csv", encoding: utf-8, delimiter: ","}
  docs: {files: "../../data/files"}
profiles:
  sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token", tenant: sandbox, quiet_s: 2}
""",
    "people.yaml": """\
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: FIRST
  last_name: LAST
  date_of_birth: {from: BORN, do: [date]}
  mother: {ref: person, key: MOTHER, on_missing: empty}
""",
    "cases.yaml": """\
mapping: cases
target: case
source: legacy.CASES
key: CASE_NO
fields:
  name: TITLE
  goals: GOAL
  case_type: {const: Foster Care}
  case_status: {const: Open}
""",
    "case_people.yaml": """\
mapping: case_people
target: case_person
source: legacy.MEMBERS
key: [CASE_NO, ID]
fields:
  case: {ref: case, key: CASE_NO}
  person: {ref: person, key: ID}
  role: {const: Child}
""",
    "data/PERSONS.csv": """\
ID,FIRST,LAST,BORN,MOTHER
1,Ada,Vale,1961-02-03,
2,Bea,Vale,1989-05-06,1
3,Cy,Vale,2011-07-08,2
4,Dot,Moss,2012-09-10,
""",
    "data/CASES.csv": """\
CASE_NO,TITLE,GOAL
C1,Vale family,
C2,Moss family,Stay together
C3,Reed family,
""",
    "data/MEMBERS.csv": """\
CASE_NO,ID
C1,1
C1,2
C1,3
C2,4
""",
}


def small(folder: Path, url: str = ADDRESS, changes: Mapping[str, str | bytes] | None = None) -> Place:
    """The project in sight, with some of its files exchanged."""
    return small_project(folder, {**SMALL, **(changes or {})}).point_at(url)
