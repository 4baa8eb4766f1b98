"""``scaffold`` end to end: the project's sources are looked at, drafted, and written beside what people have written.

A file that exists is never touched: its draft is written next to it under another ending, which no command reads. The
only file that grows is project.yaml: tables that its `ignore` does not speak of are added there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from etl.core.errors import SettingsError
from etl.core.ports import Clock, Progress
from etl.core.suggest import did_you_mean
from etl.mapping.draft.compose import Known, draft
from etl.mapping.draft.documents import files_of, ignore_text
from etl.mapping.draft.model import Draft
from etl.mapping.draft.terms import shipped_terms
from etl.mapping.project import PROJECT_FILE
from etl.pipeline.intake import inspect_sources
from etl.pipeline.projects import open_surroundings
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import replaced

BESIDE = ".draft"
_IGNORE_HEAD = "\n# Drafted: what no mapping reads. Give each reason in your own words.\n"


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """What was drafted and which files were written; ``beside`` are drafts of files that exist already."""

    draft: Draft
    written: tuple[Path, ...]
    beside: tuple[Path, ...]


def scaffold_project(
    folder: Path,
    profile: str | None,
    environ: Mapping[str, str],
    progress: Progress,
    clock: Clock,
    *,
    source: str | None = None,
    force: bool = False,
) -> Scaffolded:
    """Drafts a project from its sources and writes the files. Raises MappingError, SettingsError, SourceError.

    ``source`` drafts the tables of one source only (references to the others are still found); ``force`` writes over
    mappings and crosswalks that exist, never over what project.yaml says.
    """
    setting = open_surroundings(folder, profile, environ)
    _require_source(setting, source)
    certificate = inspect_sources([str(folder)], environ, progress, clock)
    known = Known(certificate, setting.project.catalog, shipped_terms(), _files_source(setting))
    made = _of_source(draft(known), source)
    written, beside = _write(folder, made, setting.project.ignore, force=force)
    return Scaffolded(made, tuple(written), tuple(beside))


def _require_source(setting: Setting, source: str | None) -> None:
    if source is not None and source not in setting.project.sources:
        raise SettingsError(f"The project has no source {source}.", hint=did_you_mean(source, setting.project.sources))


def _files_source(setting: Setting) -> str | None:
    return next((each.name for each in setting.project.sources.values() if each.kind == "files"), None)


def _of_source(made: Draft, source: str | None) -> Draft:
    """The part of a draft that one source's tables are the base of."""
    if source is None:
        return made
    mappings = tuple(each for each in made.mappings if each.table.startswith(f"{source}."))
    texts = "\n".join(files_of(replace(made, mappings=mappings, crosswalks=())).values())
    crosswalks = tuple(each for each in made.crosswalks if f"crosswalk: {each.name}" in texts)
    ignore = {table: reason for table, reason in made.ignore.items() if table.startswith(f"{source}.")}
    return replace(made, mappings=mappings, crosswalks=crosswalks, ignore=ignore)


def _write(folder: Path, made: Draft, known: Mapping[str, object], *, force: bool) -> tuple[list[Path], list[Path]]:
    written: list[Path] = []
    beside: list[Path] = []
    for name, text in files_of(made).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if path.exists() and not force:
            beside.append(_replaced(path.with_name(path.name + BESIDE), text))
        else:
            written.append(_replaced(path, text))
    _write_ignore(folder / PROJECT_FILE, made, known, written, beside)
    return written, beside


def _write_ignore(
    project: Path, made: Draft, known: Mapping[str, object], written: list[Path], beside: list[Path]
) -> None:
    """Adds what the draft leaves out to project.yaml, for tables that it does not speak of yet; the rest lies beside it."""
    present = project.read_text(encoding="utf-8")
    new = ignore_text({table: reason for table, reason in made.ignore.items() if table not in known})
    grown = _grown(present, new) if new else present
    if grown is None or set(made.ignore) & set(known):
        beside.append(_replaced(project.with_name(project.name + BESIDE), ignore_text(made.ignore)))
    if grown is not None and grown != present:
        written.append(_replaced(project, grown))


def _grown(present: str, new: str) -> str | None:
    """project.yaml with more entries behind those of `ignore`; None where that part is not written as `scaffold` writes it."""
    lines = present.rstrip("\n").splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("ignore:")]
    if not starts:
        return "\n".join(lines) + "\n" + _IGNORE_HEAD + new
    first = starts[0] + 1
    end = next(
        (at for at in range(first, len(lines)) if lines[at] and not lines[at].startswith((" ", "#"))), len(lines)
    )
    entries = [at for at in range(first, end) if lines[at].startswith("  ")]
    if lines[starts[0]].rstrip() != "ignore:" or not entries or lines[entries[0]].startswith("   "):
        return None
    return "\n".join([*lines[: entries[-1] + 1], *new.splitlines()[1:], *lines[entries[-1] + 1 :]]) + "\n"


def _replaced(path: Path, text: str) -> Path:
    """Writes a file whole or not at all; one that existed keeps who may read it."""
    mode = path.stat().st_mode if path.exists() else None
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        if mode is not None:
            temporary.chmod(mode)
    return path
