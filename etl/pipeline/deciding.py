"""Takes up a sheet of decisions: what a person filled in goes into the crosswalks, and the next run maps by them.

Nothing is written unless the whole project is still sound with all of it; else every file is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from etl.casebook.clock import SystemClock
from etl.core.errors import MappingError, Mistake, SettingsError
from etl.mapping.crosswalk_edits import Decided, decided_in, with_decisions
from etl.mapping.project import CROSSWALKS, load_project
from etl.mapping.sheets import sheet_records, sheet_text
from etl.pipeline.audit import audit
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import replaced


def take_decisions(setting: Setting, sheet: Path) -> dict[str, int]:
    """How many codes were decided, by crosswalk. Raises MappingError with every line that does not fit."""
    decisions = _read(setting, sheet)
    today = setting.context(SystemClock().now()).today.isoformat()
    folder = setting.project.folder / CROSSWALKS
    by_crosswalk = {name: list(some) for name, some in groupby(decisions, key=lambda each: each.crosswalk)}
    before = {folder / f"{name}.csv": (folder / f"{name}.csv").read_bytes() for name in by_crosswalk}
    for name, some in by_crosswalk.items():
        path = folder / f"{name}.csv"
        _write(path, _edited(before[path], setting, name, some, today))
    _keep_sound(setting, before)
    counts = {name: len(some) for name, some in by_crosswalk.items()}
    if counts:
        setting.project.runs_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        audit(setting, decided=counts)
    return counts


def _read(setting: Setting, sheet: Path) -> list[Decided]:
    found: list[Mistake] = []

    def note(line: int, message: str, hint: str, code: str) -> None:
        found.append(Mistake(sheet.name, line, 1, message, hint, code))

    if not sheet.is_file():
        raise SettingsError(f"There is no file {sheet}.", hint="A run leaves its `decisions.csv` in its folder.")
    text = sheet_text(sheet, note)
    records = list(sheet_records(text, note)) if text is not None else []
    decisions = list(decided_in(records, sheet.name, setting.project.crosswalks, found))
    if found:
        raise MappingError(found)
    return sorted(decisions, key=lambda each: (each.crosswalk, each.line))


def _edited(raw: bytes, setting: Setting, name: str, decisions: list[Decided], today: str) -> bytes:
    """The crosswalk anew; its byte order mark, if it has one, stays."""
    text = raw.decode("utf-8")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    edited = with_decisions(text.removeprefix("\ufeff"), setting.project.crosswalks[name], decisions, today)
    return (mark + edited).encode()


def _keep_sound(setting: Setting, before: Mapping[Path, bytes]) -> None:
    try:
        load_project(setting.project.folder, profile=setting.profile.name, environ=setting.environ)
    except MappingError:
        for path, raw in before.items():
            _write(path, raw)
        raise


def _write(path: Path, raw: bytes) -> None:
    mode = path.stat().st_mode
    with replaced(path) as temporary:
        temporary.write_bytes(raw)
        temporary.chmod(mode)
