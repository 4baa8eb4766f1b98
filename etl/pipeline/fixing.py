"""Finds the certain fixes of what lint told, and writes them into a project's documents, whose other lines stay as they are.

Certain is what has been tried: whoever writes fixes looks at the project again and takes back what did not help.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import Mistake
from etl.mapping.finding_fixes import finding_fixes
from etl.mapping.fixes import Edit, applied, edits_by_file
from etl.mapping.ignore_fixes import forgotten_fixes
from etl.mapping.lint import Finding
from etl.mapping.project import PROJECT_FILE


@dataclass(slots=True)
class Trial:
    """Whether what was written stays."""

    kept: bool = False


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


@contextmanager
def fixes_on_trial(folder: Path, edits: Iterable[Edit]) -> Iterator[Trial]:
    """Writes edits into their files; unless the trial is ``kept``, the files are as before when it ends."""
    by_file: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        by_file.setdefault(edit.file, []).append(edit)
    before = {folder / file: (folder / file).read_bytes() for file in by_file}
    trial = Trial()
    try:
        for file, some in by_file.items():
            _rewrite(folder / file, some)
        yield trial
    finally:
        for path, content in before.items() if not trial.kept else ():
            path.write_bytes(content)


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
    new_line = "\r\n" if "\r\n" in raw else "\n"
    changed = zip(applied(edits, bare), ends, strict=True)
    text = "".join(line.replace("\n", new_line) + end for line, end in changed)
    path.write_bytes((mark + text).encode())
