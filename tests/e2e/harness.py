"""What the end-to-end proofs share: project folders of one's own, the command line, and the truth about a sandbox.

A load is judged by its *picture*: every record in terms that do not depend on chance, with ids replaced by markers (or,
where an entity has no slot for one, by contents). Two loads are equal exactly if their pictures are.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

from etl.catalog.loader import load_catalog
from etl.catalog.model import Catalog
from etl.cli import run_command_line
from etl.core.keys import marker
from etl.load.markers import read_marker
from etl.sandbox import SandboxSettings
from etl.sandbox.faults import parse_faults
from etl.sandbox.oracle import HeldRecord, Oracle
from etl.sandbox.server import Handle, running

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
KEY = "0123456789abcdef" * 4
ADDRESS = "http://127.0.0.1:8089"
MADE_BY_THE_SERVER = frozenset({"created_at", "created_by", "updated_at", "updated_by", "assignment_id", "upload_url"})


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


# ---------------------------------------------------------------- projects


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with ``mappings/<name>``, ``sample_data`` and ``runs`` of one test's own."""

    folder: Path
    name: str

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
    def state(self) -> Path:
        return self.runs / f"{self.name}-sandbox.state.db"

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
        """A file of the latest run."""
        return max(self.runs.glob(f"*/{name}"), key=lambda path: path.parent.name)

    def summary(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.latest("summary.json").read_text("utf-8"))
        return content

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a Parquet file of the latest run."""
        rows: list[dict[str, Any]] = pq.read_table(self.latest(name)).to_pylist()
        return rows

    def problems(self) -> Counter[tuple[str, str]]:
        """Problems of the latest run by (mapping, code), of the data and of the load."""
        files = [name for name in ("problems.parquet", "load_problems.parquet") if self.latest(name).parent.exists()]
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


def trim(sample: Path, share: float) -> None:
    """Keeps the first rows of every table, damaged ones byte for byte as they were."""
    for path in (sample / "legacy").glob("*.csv"):
        with path.open(encoding="latin-1", newline="") as file:
            rows = list(csv.reader(file))
        with path.open("w", encoding="latin-1", newline="") as file:
            csv.writer(file).writerows(rows[: 1 + max(1, int(len(rows) * share))])
    with contextlib.closing(sqlite3.connect(sample / "legacy.db")) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            database.execute(
                f"delete from {table} where rowid > (select {share} * count(*) from {table})"  # noqa: S608 - our own tables
            )
        database.commit()


def without_unaskable(sample: Path) -> None:
    """Leaves out the records that a sandbox cannot be asked for: no marker, and no parent under which to look."""
    with contextlib.closing(sqlite3.connect(sample / "legacy.db")) as database:
        database.execute("update PROVIDERS set ORG_ID = null")
        database.execute("delete from PARENT_ORGS")
        database.execute("delete from PROVIDERS where LOC_ID is null or LOC_ID not in (select LOC_ID from LOCATIONS)")
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


# ---------------------------------------------------------------- pictures


class Picture:
    """What a sandbox holds, told without ids: ``records`` counts the contents, ``name(id)`` is the content of one."""

    def __init__(self, oracle: Oracle) -> None:
        catalog = sandbox_catalog()
        held = [record for entity in oracle.counts() for record in oracle.records(entity)]
        self._held = {record.id: record for record in held}
        self._catalog = catalog
        self._names: dict[str, str] = {}
        self.markers = {record.id: self._marker(record) for record in held}
        self.records = Counter(self.name(record.id) for record in held)

    def name(self, record_id: str) -> str:
        """The content of a record with everything it points to, as a hash behind its entity."""
        if record_id not in self._names:
            record = self._held.get(record_id)
            self._names[record_id] = record_id if record is None else self._content(record)
        return self._names[record_id]

    def entity(self, record_id: str) -> str | None:
        record = self._held.get(record_id)
        return record.entity if record else None

    def _content(self, record: HeldRecord) -> str:
        attributes = {name: value for name, value in record.attributes.items() if name not in MADE_BY_THE_SERVER}
        return _hashed(record.entity, [self._replaced(attributes, self._referred), self._links(record)])

    def _links(self, record: HeldRecord) -> dict[str, list[str]]:
        """Links by what they point to; one that is set later may close a loop, so it tells less of its target."""
        kinds = self._catalog.entity(record.entity).links
        tell = {name: self._shallow if kinds[name].set_by == "patch" else self._referred for name in record.links}
        return {name: sorted(map(tell[name], ids)) for name, ids in record.links.items()}

    def _referred(self, record_id: str) -> str:
        """A marked record's marker, any other record's content, and every other text as it is."""
        return self.markers.get(record_id) or self.name(record_id)

    def _shallow(self, record_id: str) -> str:
        record = self._held.get(record_id)
        if record is None or self.markers[record_id]:
            return self._referred(record_id)
        plain = {name: value for name, value in record.attributes.items() if name not in MADE_BY_THE_SERVER}
        return _hashed(record.entity, self._replaced(plain, lambda text: "" if text in self._held else text))

    def _replaced(self, value: Any, replace: Callable[[str], str]) -> Any:
        if isinstance(value, dict):
            return {name: self._replaced(each, replace) for name, each in value.items()}
        return replace(value) if isinstance(value, str) else value

    def _marker(self, record: HeldRecord) -> str | None:
        return read_marker(self._catalog.entity(record.entity), record.attributes)  # type: ignore[arg-type] # JSON values


def _hashed(entity: str, content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return f"{entity}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Known:
    """A row of the state database."""

    key: str
    entity: str
    state: str
    target_id: str | None


def known(state: Path) -> list[Known]:
    """All records of a state database."""
    with contextlib.closing(sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)) as database:
        return [Known(*row) for row in database.execute("select rk, entity, state, target_id from records")]


def is_intact(state: Path) -> bool:
    """SQLite's own check."""
    with contextlib.closing(sqlite3.connect(state)) as database:
        return bool(database.execute("pragma integrity_check").fetchall() == [("ok",)])


@dataclass(frozen=True, slots=True)
class Proof:
    """A load held against a load that met no trouble: all figures are 0 where it is right."""

    n: int
    dup: int
    lost: int
    wrong_id: int
    corrupt: int
    held: int

    @property
    def is_clean(self) -> bool:
        return not (self.dup or self.lost or self.wrong_id or self.corrupt or self.held)

    def line(self, test: str, seed: int, seconds: float, **more: int) -> str:
        """One JSON line for scripts."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"test": test, "seed": seed, **figures, **more, "s": round(seconds, 1)})


def prove(state: Path, oracle: Oracle, good: Mapping[str, str], records: Counter[str]) -> Proof:
    """Compares a load with a good one: ``good`` gives the content of each record key, ``records`` counts contents."""
    picture = Picture(oracle)
    rows = known(state)
    ids = {row.key: row.target_id for row in rows if row.target_id is not None}
    wrong = [key for key, target_id in ids.items() if not _is_right(picture, key, target_id, good)]
    return Proof(
        n=records.total(),
        dup=(picture.records - records).total(),
        lost=(records - picture.records).total() + len(good.keys() - ids.keys()),
        wrong_id=len(wrong) + len(ids) - len(set(ids.values())),
        corrupt=0 if is_intact(state) else 1,
        held=sum(row.state not in {"created", "blocked", "quarantined"} for row in rows),
    )


def _is_right(picture: Picture, key: str, target_id: str, good: Mapping[str, str]) -> bool:
    """Whether an id of state names the record that it should: its own marker, and the content the good load has."""
    own = picture.markers.get(target_id)
    return own in (None, marker(key)) and picture.name(target_id) == good.get(key)  # type: ignore[arg-type] # a key as text


@dataclass(frozen=True, slots=True)
class Reference:
    """A load that met no trouble: where it lies, its summary, its contents."""

    place: Place
    summary: Mapping[str, Any]
    good: Mapping[str, str]
    records: Counter[str]


def reference_load(place: Place) -> Reference:
    """Loads a project into a quiet sandbox."""
    with sandbox() as quiet:
        ended = place.point_at(quiet.base_url).run()
        assert ended.code in (0, 1), ended.text
        picture = Picture(quiet.oracle)
    good = {row.key: picture.name(row.target_id) for row in known(place.state) if row.target_id is not None}
    return Reference(place, place.summary(), good, picture.records)


def buckets(summary: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The account of rows by mapping, without what does not count rows."""
    names: Sequence[str] = (
        "created",
        "updated",
        "unchanged",
        "quarantined",
        "blocked",
        "rejected",
        "uncertain",
        "pending",
    )
    return {
        account["mapping"]: {name: account[name] for name in names if account[name]}
        for account in summary["ledger"]["mappings"]
    }


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
