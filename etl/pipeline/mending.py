"""Lets a machine mend what lint found: each fix is tried on the documents, and stays only where it proves to help.

The project is looked at again after each: its own mistake has to be gone, no other may have come, and no inline test that
passed before may fail. What cannot be compared, because no test could run on the broken documents, is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from etl.casebook.clock import SystemClock
from etl.core.errors import MappingError, Mistake
from etl.mapping.fixes import Edit
from etl.mapping.lint import Finding
from etl.pipeline.fixing import fixes_on_trial
from etl.pipeline.inline_tests import Tested, run_tests
from etl.pipeline.linting import LintReport, lint_project
from etl.pipeline.projects import open_project

_MOST_ROUNDS = 10
"""A fix may bring a mistake to light that could not be seen before."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The edits that were made, and those that were tried and taken back because they did not help. ``breaking`` names the
    inline tests that fail with an edit and pass without it; ``failing`` are those that can run only now, and fail.
    """

    made: tuple[Edit, ...] = ()
    taken_back: tuple[Edit, ...] = ()
    breaking: Mapping[Edit, tuple[str, ...]] = field(default_factory=dict)
    failing: tuple[Tested, ...] = ()


@dataclass(frozen=True, slots=True)
class _Look:
    """What is told of the documents as they are; ``tests`` are None where none can run."""

    report: LintReport
    tests: tuple[Tested, ...] | None


def without_fixes(report: LintReport, tried: Sequence[Edit]) -> LintReport:
    """The report without fixes that are known not to help."""
    fixes = {each: edit for each, edit in report.fixes.items() if edit not in tried}
    of_findings = {each: edits for each, edits in report.finding_fixes.items() if not set(edits) & set(tried)}
    return replace(report, fixes=fixes, finding_fixes=of_findings)


def fix_project(folder: Path, profile: str | None, environ: Mapping[str, str]) -> Mended:
    """Applies every certain fix that helps to the project's documents, until none is left."""
    look = partial(_look, folder, profile, environ)
    made: list[Edit] = []
    refused: dict[Edit, tuple[str, ...]] = {}
    first = now = look()
    for _ in range(_MOST_ROUNDS):
        open_ = [each for each in dict.fromkeys(_edits(now.report)) if each not in refused]
        if not open_:
            break
        made += _tried(folder, look, now, open_, refused)
        now = look()
    newly = now.tests if first.tests is None and made else None
    return Mended(
        tuple(made),
        tuple(refused),
        {each: names for each, names in refused.items() if names},
        tuple(each for each in newly or () if not each.passed),
    )


def _look(folder: Path, profile: str | None, environ: Mapping[str, str]) -> _Look:
    report = lint_project(folder, profile, environ)
    if not report.is_sound:
        return _Look(report, None)
    try:
        setting = open_project(folder, profile, environ)
    except MappingError:
        return _Look(report, None)  # it holds no mapping yet
    return _Look(report, tuple(run_tests(setting.project, setting.context(SystemClock().now()).today)))


def _edits(report: LintReport) -> Iterator[Edit]:
    yield from report.fixes.values()
    yield from (edit for edits in report.finding_fixes.values() for edit in edits)


def _tried(
    folder: Path,
    look: Callable[[], _Look],
    before: _Look,
    edits: Sequence[Edit],
    refused: dict[Edit, tuple[str, ...]],
) -> list[Edit]:
    """The edits that helped, which are written: all of them, or as many from the last line upward as help one by one. The
    others are ``refused``, with the tests that each breaks.
    """
    with fixes_on_trial(folder, edits) as trial:
        after = look()
        broken = _broken(before, after)
        trial.kept = not broken and _helped(before.report, after.report, edits)
    if trial.kept:
        return list(edits)
    if len(edits) == 1:
        refused[edits[0]] = broken
        return []
    kept: list[Edit] = []
    for each in sorted(edits, key=lambda edit: (edit.file, edit.line, edit.column), reverse=True):
        kept += _tried(folder, look, before if not kept else look(), [each], refused)
    return kept


def _broken(before: _Look, after: _Look) -> tuple[str, ...]:
    """The tests that passed and do not any more, by mapping and name; none where documents are not sound on both sides."""
    if before.tests is None or after.tests is None:
        return ()
    passed, passes = (
        Counter((each.mapping, each.test.name) for each in tests if each.passed)
        for tests in (before.tests, after.tests)
    )
    return tuple(f"{mapping}: {name}" for mapping, name in passed - passes)


def _helped(before: LintReport, after: LintReport, edits: Sequence[Edit]) -> bool:
    """Whether what the edits mend is gone, and nothing is wrong that was not before.

    A project whose documents have become sound is looked at further than before: what shows then is not new.
    """
    mended = [_said(each) for each, edit in before.fixes.items() if edit in edits]
    mended += [_said(each) for each, own in before.finding_fixes.items() if set(own) & set(edits)]
    was, now = Counter(map(_said, before.mistakes)), Counter(map(_said, after.mistakes))
    was_found, now_found = Counter(map(_said, before.findings)), Counter(map(_said, after.findings))
    gone = (was + was_found) - Counter(mended)
    if not mended or any((now + now_found)[each] > gone[each] for each in mended):
        return False
    return (after.is_sound and not before.is_sound) or not now - was


def _said(each: Mistake | Finding) -> tuple[str, str]:
    """What is told, wherever it stands: an edit moves what stands behind it."""
    return (each.file, each.message) if isinstance(each, Mistake) else (each.position.file, each.message)
