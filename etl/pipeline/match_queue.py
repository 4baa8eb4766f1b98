"""The queue of matches: which records may be in Casebook already, and what people decided, as a CSV file beside the state.

It holds keys, ids and places, never a value; ids are a tenant's own, so each profile has its queue. People may fill the
column ``decision`` by hand, or with `resolve`. What is decided stays decided for every later run.
"""

from __future__ import annotations

import csv
import getpass
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from etl.core.errors import SettingsError
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.load.match import Finding
from etl.mapping.sheets import sheet_records, sheet_text
from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting
from etl.pipeline.workspace import replaced

NEW = "new"
"""The decision that a record is none of the candidates and is to be created."""
GONE = "gone"
"""Why a question is open again whose answer is not in Casebook any more."""


@dataclass(frozen=True, slots=True)
class Question:
    """One record that may be in Casebook already; ``candidates`` are Casebook ids, parted by blanks."""

    record_key: str
    mapping: str
    entity: str
    table: str
    row: str
    line: str
    candidates: str
    likeness: str
    why: str
    decision: str = ""
    by: str = ""
    at: str = ""

    @property
    def ids(self) -> list[TargetId]:
        """The candidates."""
        return [TargetId(each) for each in self.candidates.split()]


_COLUMNS = tuple(each.name for each in fields(Question))


def queue_path(setting: Setting) -> Path:
    """Where the queue of a profile lies."""
    return setting.project.runs_folder / f"{setting.project.name}-{setting.profile.name}.matches.csv"


def read_queue(setting: Setting) -> dict[RecordKey, Question]:
    """The queue by record key. Raises SettingsError that names the line."""
    path = queue_path(setting)
    if not path.exists():
        return {}
    rows = list(_rows(path))
    for line, each in rows:
        if each.decision not in {"", NEW, *each.ids}:
            raise SettingsError(
                f"{path.name}, line {line}: the decision is none of the candidates.",
                hint=f"Write one of the candidates, or `{NEW}`, or nothing; another one is named with `resolve --match`.",
            )
    _refuse_shared(path, [each for _, each in rows])
    return {RecordKey(each.record_key): each for _, each in rows}


def write_queue(setting: Setting, questions: Iterable[Question]) -> None:
    """Writes the queue anew, by rename."""
    path = queue_path(setting)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        writer.writerows(astuple(each) for each in sorted(questions, key=lambda each: (each.mapping, each.record_key)))


def ask(
    queue: Mapping[RecordKey, Question], findings: Iterable[Finding], reopened: Collection[RecordKey] = ()
) -> dict[RecordKey, Question]:
    """The queue with what was found now: new questions are added, decided ones kept, answered by time ones dropped.

    A question whose answer is gone stays open whatever is found: only a person may say that nobody is meant any more.
    """
    asked = {each.wanted.key: _question(each) for each in findings}
    again = {key: replace(asked.get(key, queue[key]), why=GONE) for key in reopened}
    decided = {key: each for key, each in queue.items() if each.decision}
    return {**asked, **again, **decided}


def decide(setting: Setting, key: str, decision: str, fits: Callable[[Question], bool]) -> Question:
    """Settles one question: a candidate's id, or ``new``; or an id that is not listed, where it ``fits``. Raises
    SettingsError.
    """
    queue = read_queue(setting)
    question = queue.get(RecordKey(key))
    if question is None:
        raise SettingsError(f"No match of {key} is open.", hint="`casebook-etl resolve` lists the open ones.")
    if decision not in {NEW, *question.ids}:
        if not fits(question):
            raise SettingsError(
                f"{decision} is none of the candidates, and does not agree with the record by any rule of `match:`.",
                hint=f"They are: {question.candidates or 'none'}; or `{NEW}`.",
            )
        named = f"{question.candidates} {decision}".strip()
        question = replace(question, candidates=named, likeness=f"{question.likeness} 1.00".strip())
    settled = replace(question, decision=decision, by=getpass.getuser(), at=now_text())
    write_queue(setting, {**queue, RecordKey(key): settled}.values())
    read_queue(setting)
    return settled


def reopen(setting: Setting, keys: Iterable[RecordKey]) -> None:
    """Asks again about records whose decided candidates are not in Casebook any more."""
    queue = read_queue(setting)
    for key in keys:
        write_queue(setting, (queue := queue | {key: without_answer(queue[key])}).values())


def without_answer(question: Question) -> Question:
    """A question whose answer is not in Casebook any more, asked again."""
    left = [
        (each, likeness)
        for each, likeness in zip(question.ids, question.likeness.split(), strict=False)
        if each != question.decision
    ]
    ids, likeness = (" ".join(each[place] for each in left) for place in (0, 1))
    return replace(question, candidates=ids, likeness=likeness, why=GONE, decision="", by="", at="")


def open_questions(setting: Setting) -> list[Question]:
    """The questions without a decision."""
    return [each for each in read_queue(setting).values() if not each.decision]


def _rows(path: Path) -> Iterator[tuple[int, Question]]:
    """The lines of a queue, as a spreadsheet may have saved it. Raises SettingsError that names the line."""

    def refuse(line: int, message: str, hint: str, _: str) -> None:
        raise SettingsError(f"{path.name}, line {line}: {message}", hint=hint)

    lines = list(sheet_records(sheet_text(path, refuse) or "", refuse))
    names = [each.strip() for each in lines[0][1]] if lines else []
    if not set(_COLUMNS[:10]) <= set(names):
        raise SettingsError(f"{path.name} lacks columns of a queue of matches.", hint=f"It has: {', '.join(_COLUMNS)}.")
    for line, cells in lines[1:]:
        row = dict(zip(names, cells, strict=False))
        yield line, Question(**{name: row.get(name, "").strip() for name in _COLUMNS})


def _question(finding: Finding) -> Question:
    wanted = finding.wanted
    return Question(
        record_key=wanted.key,
        mapping=wanted.mapping.name,
        entity=wanted.mapping.target,
        table=wanted.mapping.base.table,
        row=str(wanted.row),
        line="" if wanted.line is None else str(wanted.line),
        candidates=" ".join(each.target_id for each in finding.found),
        likeness=" ".join(f"{each.likeness:.2f}" for each in finding.found),
        why=f"{finding.why}, and {finding.more} more" if finding.more else finding.why,
    )


def _refuse_shared(path: Path, questions: Iterable[Question]) -> None:
    """Two legacy records never become one record of Casebook by a slip of the pen."""
    chosen: dict[tuple[str, str], str] = {}
    for each in questions:
        if each.decision in {"", NEW}:
            continue
        other = chosen.setdefault((each.entity, each.decision), each.record_key)
        if other != each.record_key:
            raise SettingsError(
                f"{path.name}: {other} and {each.record_key} are both decided to be {each.decision}.",
                hint="Merge the two in the source (`group:`), or decide `new` for one of them.",
            )
