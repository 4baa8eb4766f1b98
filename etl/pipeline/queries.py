"""Questions about finished and running work: where a legacy key went, a run's report again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.core.errors import SettingsError
from etl.core.keys import RecordKey
from etl.core.problems import problem_code
from etl.core.records import RunId
from etl.core.state_port import KnownRecord
from etl.mapping.model import EntityMapping
from etl.pipeline.manifest import runs_of
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import RunFolder
from etl.report import Summary, write_report
from etl.sources.tables import DuckTables


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What became of one record: its place in the source, its state and id, its problems as sentences.

    ``state`` is what the state database says of the record ("" where it knows none), ``bucket`` where the latest command
    (which may have been a dry run) put its row ("" where it met none).
    """

    mapping: str
    entity: str
    record_key: str
    table: str
    row: int | None
    line: int | None
    state: str
    bucket: str
    target_id: str | None
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Found:
    """The records with a legacy key, and what the state that told of them is not the newest by ("" where it is)."""

    records: tuple[Whereabouts, ...]
    why_outdated: str


def where(setting: Setting, key: Sequence[str], mapping: str | None) -> Found:
    """The records with a legacy key, in every mapping whose key has as many parts, as the latest run saw them."""
    known_names = [each.name for each in setting.project.mappings]
    if mapping is not None and mapping not in known_names:
        raise SettingsError(f"There is no mapping {mapping}.", hint=f"The project has: {', '.join(known_names)}.")
    candidates = [each for each in setting.project.mappings if mapping in (None, each.name)]
    keys, folder = setting.keys(create=False), _latest(setting)
    with setting.reader() as state:
        found: list[Whereabouts] = []
        for each in candidates:
            if len(each.key) == len(key):
                record_key = keys.record_key(each.target, each.space, key)
                found += _whereabouts(each, record_key, state.known([record_key]).get(record_key), folder)
        return Found(tuple(found), setting.why_outdated(state))


def rewrite_report(setting: Setting, run_id: str | None) -> tuple[Summary, Path]:
    """Writes the report of a run (the latest by default) again from its files."""
    folder = RunFolder(setting.project.runs_folder, RunId(run_id)) if run_id else _latest(setting)
    if folder is None or not folder.manifest.exists():
        raise SettingsError(
            f"There is no run {run_id or ''} of this project.".replace("  ", " "),
            hint="`casebook-etl status` lists the runs.",
        )
    with closing(DuckTables(folder.temp)) as tables:
        return write_report(folder.path, tables), folder.path


def _whereabouts(
    mapping: EntityMapping, key: RecordKey, known: KnownRecord | None, folder: RunFolder | None
) -> Iterator[Whereabouts]:
    rows = [row for row in _rows(folder.ledger if folder else None, key) if row["mapping"] == mapping.name]
    if known is not None and known.mapping != mapping.name:
        return
    files = (folder.problems, folder.plan_problems, folder.load_problems) if folder else ()
    problems = tuple(dict.fromkeys(_sentence(row) for file in files for row in _rows(file, key)))
    for row in rows or ([{"row": None, "line": None, "bucket": ""}] if known else []):
        yield Whereabouts(
            mapping=mapping.name,
            entity=mapping.target,
            record_key=key,
            table=mapping.base.table,
            row=row["row"],
            line=row["line"],
            state=str(known.state) if known else "",
            bucket=row["bucket"] or "",
            target_id=known.target_id if known else None,
            problems=problems,
        )


def _rows(file: Path | None, key: RecordKey) -> list[dict[str, Any]]:
    if file is None or not file.exists():
        return []
    rows: list[dict[str, Any]] = pq.read_table(file, filters=pc.field("record_key") == key).to_pylist()
    return rows


def _sentence(row: dict[str, Any]) -> str:
    code = problem_code(row["code"])
    place = f" in {row['field']}" if row["field"] else ""
    detail = f" ({row['detail']})" if row["detail"] else ""
    return f"{code.title}{place}{detail}. {code.remedy}"


def _latest(setting: Setting) -> RunFolder | None:
    """The folder of the project's latest run that got as far as a ledger."""
    for path in runs_of(setting.project.runs_folder, setting.project.name):
        folder = RunFolder(setting.project.runs_folder, RunId(path.name))
        if folder.ledger.exists():
            return folder
    return None
