"""The corpus of bad input: cases on disk, laid out as projects, run by the program's own command, told as JSON.

A case is ``cases/<group>/<case>.expected.json``: why it is there, what is given, and what has to come out. What is given
is a project of ``projects/`` (the group's own unless said) with the file of the same name beside it put in its place;
recipes (:mod:`tests.corpus.recipes`) make what no small file can hold.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import typer

from etl.cli import run, validate
from tests.corpus import recipes, recipes_of_files
from tests.e2e.harness import Ended, Place, sandbox, writes
from tests.measured import measured

FOLDER = Path(__file__).parent
CANARY = "quenby"
"""A surname that stands in cells and nowhere else: no message, log or report may hold it."""
SHOWN_ROWS, SHOWN_TEXT, SHOWN_PROBLEMS = 12, 60, 40
SUFFIX = ".expected.json"
HELD = "casebook.json"
"""What Casebook holds after a load, beside the project."""


@dataclass(frozen=True, slots=True)
class Case:
    """One bad input; ``name`` is ``group/case``."""

    name: str
    why: str
    given: dict[str, Any]
    expected: dict[str, Any] | None

    @property
    def group(self) -> str:
        return self.name.split("/", 1)[0]

    @property
    def page(self) -> Path:
        return FOLDER / "cases" / (self.name + SUFFIX)

    @property
    def file(self) -> Path | None:
        """The bad file itself, where it is small enough to be kept."""
        beside = [
            path for path in self.page.parent.glob(f"{self.page.name.removesuffix(SUFFIX)}.*") if path != self.page
        ]
        return beside[0] if beside else None


@cache
def cases() -> tuple[Case, ...]:
    """Every case, by name."""
    return tuple(_case(page) for page in sorted((FOLDER / "cases").glob(f"*/*{SUFFIX}")))


def _case(page: Path) -> Case:
    content = json.loads(page.read_text("utf-8"))
    name = f"{page.parent.name}/{page.name.removesuffix(SUFFIX)}"
    return Case(name, content["why"], content.get("given", {}), content.get("expected"))


# ---------------------------------------------------------------- laying out


def lay_out(case: Case, folder: Path) -> Place:
    """The project of a case, in a folder of its own."""
    place = Place(folder, "small")
    template = FOLDER / "projects" / case.given.get("project", case.group)
    _copied(template / "project", place.project)
    _copied(template / "data", folder / "data")
    if case.file is not None:
        target = folder / case.given["as"] if "as" in case.given else _usual_place(template, case.file, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(case.file, target)
    for name, text in case.given.get("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    if "source" in case.given:
        _declare(place.project / "project.yaml", case.given["source"])
    if "recipe" in case.given:
        _recipe(case.given["recipe"])(folder)
    return place


def _recipe(name: str) -> Any:
    return getattr(recipes, name, None) or getattr(recipes_of_files, name)


def _copied(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _usual_place(template: Path, file: Path, folder: Path) -> Path:
    """The place that the template names for files of this ending, in ``places.json``."""
    places = json.loads((template / "places.json").read_text("utf-8"))
    return folder / str(places[file.suffix])


def _declare(page: Path, source: object) -> None:
    """Declares the source ``legacy`` anew; JSON is YAML too."""
    lines = page.read_text("utf-8").splitlines()
    told = [f"  legacy: {json.dumps(source)}" if line.startswith("  legacy:") else line for line in lines]
    page.write_text("\n".join(told) + "\n", "utf-8")


# ---------------------------------------------------------------- running


def ended(case: Case, place: Place) -> Ended:
    """How the command of a case ends, in this process, or in one of its own where the case says so."""
    if case.given.get("command") == "run":
        with sandbox() as casebook:
            place.point_at(casebook.base_url)
            _recipe(case.given["planted"])(casebook)
            before = casebook.oracle.records("person")
            result = called(run.run, place)
            held = {
                "requests that write": Counter(" ".join(each) for each in writes(casebook.oracle)),
                "records": casebook.oracle.counts(),
                "what was there is untouched": casebook.oracle.records("person")[: len(before)] == before,
            }
            (place.folder / HELD).write_text(json.dumps(held), "utf-8")
            return result
    return called(validate.validate, place)


def in_a_child(place: Place) -> tuple[Ended, int]:
    """The same through the command line itself, and the most memory that it held, in bytes."""
    ended, most_mb = measured(place.folder, "validate", place.project, "--progress", "none", "--json")
    return ended, most_mb << 20


def called(command: Any, place: Place) -> Ended:
    """What the command line calls once it has read its arguments."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            command(place.project, as_json=True, progress="none")
        except typer.Exit as exited:
            code = exited.exit_code
    return Ended(code, out.getvalue(), err.getvalue())


# ---------------------------------------------------------------- telling


def outcome(place: Place, end: Ended) -> dict[str, Any]:
    """What came out, as it stands in a page of the corpus."""
    told: dict[str, Any] = {"exit_code": end.code}
    answer = json.loads(end.out) if end.out else {}
    if answer.get("error"):
        return told | _error(answer["error"], place)
    told["balanced"] = answer["ledger"]["balanced"]
    told["tables"] = {each["table"]: _counts(each) for each in answer["ledger"]["tables"]}
    told["mappings"] = {each["mapping"]: _counts(each) for each in answer["ledger"]["mappings"]}
    told["problems"] = _problems(place)
    told["cells"] = {path.stem: _cells(path) for path in _of_run(place, "snapshot/*.parquet")}
    told["records"] = {path.stem: _records(path) for path in _of_run(place, "records/mapped/*.parquet")}
    held = place.folder / HELD
    return told | ({"casebook": json.loads(held.read_text("utf-8"))} if held.exists() else {})


def _error(error: dict[str, Any], place: Place) -> dict[str, Any]:
    told = {"error": error["code"], "message": error["message"], "hint": error["hint"]}
    if "mistakes" in error:
        told["message"] = error["message"].splitlines()[0]
        told["mistakes"] = [
            " ".join([f"{each['file']}:{each['line']}:{each['column']}:", each["message"], each["hint"]]).strip()
            for each in error["mistakes"]
        ]
    neutral = json.dumps(told, ensure_ascii=False).replace(str(place.folder), "FOLDER")
    content: dict[str, Any] = json.loads(neutral)
    return content


def _counts(row: dict[str, Any]) -> dict[str, int]:
    """Figures that are not zero; the number of rows read always."""
    return {
        name: value for name, value in row.items() if isinstance(value, int) and (value or name in {"read", "rows"})
    }


def _problems(place: Place) -> dict[str, Any]:
    rows = [row for name in _of_run(place, "*problems.parquet") for row in pq.read_table(name).to_pylist()]
    lines = sorted(_problem(row) for row in rows)
    counted = Counter(f"{row['severity']} {row['code']}" for row in rows)
    return {"count": dict(sorted(counted.items())), "places": lines[:SHOWN_PROBLEMS]}


def _problem(row: dict[str, Any]) -> str:
    line = f"row {row['row']}" if row["line"] is None else row["line"]
    return " ".join(filter(None, [row["code"], f"{row['table']}:{line}", row["mapping"], row["field"], row["detail"]]))


def _cells(path: Path) -> list[list[Any]]:
    """Line, damage and cells of the first rows of a table, as every mapping reads them."""
    rows = pq.read_table(path).slice(0, SHOWN_ROWS).to_pylist()
    return [[row["_line"], row["_damage"], *map(_short, list(row.values())[3:][:SHOWN_ROWS])] for row in rows]


def _records(path: Path) -> list[dict[str, Any]]:
    rows = pq.read_table(path).slice(0, SHOWN_ROWS).to_pylist()
    hidden = {"_rk", "_row"}
    return [
        {name: _short(value) for name, value in row.items() if name not in hidden and value is not None} for row in rows
    ]


def _short(value: object) -> object:
    """A cell verbatim; of a long one its beginning and its length."""
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_TEXT else f"{text[:20]}... ({len(text)} characters)"


def _of_run(place: Place, pattern: str) -> list[Path]:
    return sorted(path for folder in place.runs.glob("2*") for path in folder.glob(pattern))


# ---------------------------------------------------------------- what may never happen


def leaks(place: Place, end: Ended) -> list[str]:
    """Where the canary stands although it may not: anywhere but in the run's own copies of rows and records."""
    texts = {"standard output": end.out, "standard error": end.err}
    texts |= {str(path.relative_to(place.folder)): _text(path) for path in _written(place)}
    return [name for name, text in texts.items() if CANARY in text.lower()]


def _written(place: Place) -> Iterator[Path]:
    for path in sorted(place.runs.rglob("*")):
        inside = path.relative_to(place.runs).parts[1:2]
        if path.is_file() and inside not in {("snapshot",), ("records",)}:
            yield path


def _text(path: Path) -> str:
    if path.suffix == ".parquet":
        return json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False)
    return path.read_bytes().decode("utf-8", "replace")


def state_of_sources(place: Place) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file that is only to be read."""
    found = (path for path in sorted((place.folder / "data").rglob("*")) if not path.is_dir())
    return {os.fsdecode(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in found}
