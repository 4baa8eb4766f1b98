"""Finds the certain fixes of what lint told, and writes them into a project's documents, whose other lines stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from etl.core.errors import Mistake
from etl.mapping.finding_fixes import finding_fixes, removed_lines
from etl.mapping.fixes import Edit, applied, edits_by_file
from etl.mapping.ignore_fixes import forgotten_fixes
from etl.mapping.lint import Finding
from etl.mapping.project import PROJECT_FILE


def fixes_of_mistakes(folder: Path, mistakes: Sequence[Mistake]) -> dict[Mistake, Edit]:
    """The certain fix of each mistake that has one."""
    documents = {file: _lines(folder / file) for file in {each.file for each in mistakes}}
    found = forgotten_fixes(mistakes, documents.get(PROJECT_FILE, []))
    for mistake in mistakes:
        for edits in edits_by_file([mistake], documents).values():
            found[mistake] = edits[0]
    return found


def fixes_of_findings(folder: Path, findings: Iterable[Finding]) -> dict[Finding, tuple[Edit, ...]]:
    """The certain fixes of each finding that has some."""
    made = {each: finding_fixes(each, _lines(folder / each.position.file)) for each in findings}
    return {each: edits for each, edits in made.items() if edits}


def write_fixes(folder: Path, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Writes edits into their files; returns those made, each once."""
    distinct = tuple(dict.fromkeys(edits))
    by_file: Mapping[str, list[Edit]] = {each.file: [] for each in distinct}
    for edit in distinct:
        by_file[edit.file].append(edit)
    for file, some in by_file.items():
        _rewrite(folder / file, some)
    return distinct


def _lines(path: Path) -> list[str]:
    """The lines of a document as they are counted, without their ends; none where it cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _rewrite(path: Path, edits: Sequence[Edit]) -> None:
    """Writes a document with edits; its line ends, its byte order mark and all other lines stay as they are."""
    raw = path.read_bytes().decode("utf-8")
    kept = raw.splitlines(keepends=True)
    bare = raw.removeprefix("\ufeff").splitlines()
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    ends = [line[len(line.splitlines()[0]) :] for line in kept]
    gone = removed_lines(list(edits), bare)
    changed = enumerate(zip(applied(edits, bare), ends, strict=True), start=1)
    new_line = "\r\n" if "\r\n" in raw else "\n"
    text = "".join(line.replace("\n", new_line) + end for number, (line, end) in changed if number not in gone)
    path.write_bytes((mark + text).encode())
