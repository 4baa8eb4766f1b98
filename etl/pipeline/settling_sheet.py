"""Many decisions at once, from a CSV file with the columns ``record_key``, ``decision`` and ``id``, one record a line; ``why`` has the
reason of a deletion.

All lines are checked before anything is settled; where one is wrong every mistake is told with its line, and nothing is
settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from etl.core.errors import EtlError, MappingError, Mistake, SettingsError
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.mapping.sheets import Note, sheet_records, sheet_text
from etl.pipeline.settling import Decision, Refusals, Settled, Verdict, settle
from etl.pipeline.wiring import Setting

COLUMNS = ("record_key", "decision", "id")
_WHY = "why"
_WITHOUT_ID = (Verdict.ABSENT, Verdict.DELETED)
_CODE = "resolve"


def settle_sheet(setting: Setting, sheet: Path, *, force: bool = False) -> Settled:
    """Settles what a file says. Raises MappingError with every line that does not fit, TargetError."""
    if not sheet.is_file():
        raise SettingsError(f"There is no file {sheet}.", hint=f"Its columns are {', '.join(COLUMNS)}.")
    mistakes: list[Mistake] = []

    def note(line: int, message: str, hint: str, code: str) -> None:
        mistakes.append(Mistake(sheet.name, line, 1, message, hint, code))

    def refuse(refusals: Refusals) -> None:
        for each, doubt in refusals.items():
            note(each.line, doubt.message, doubt.hint, _CODE)
        if mistakes:
            raise MappingError(mistakes)

    decisions = _read(sheet, note)
    if not decisions:
        refuse({})
        raise SettingsError(
            f"{sheet.name} decides nothing.", hint=f"Write a line for each record: {', '.join(COLUMNS)}."
        )
    try:
        return settle(setting, decisions, refuse, force=force)
    except EtlError:
        # Where state or Casebook cannot be asked, what the file alone shows is told all the same.
        refuse({})
        raise


def _read(sheet: Path, note: Note) -> list[Decision]:
    text = sheet_text(sheet, note)
    lines = list(sheet_records(text, note)) if text is not None else []
    if not lines:
        return []
    number, names = lines[0][0], [each.strip() for each in lines[0][1]]
    missing = [each for each in COLUMNS if each not in names]
    if missing:
        note(number, f"These columns are missing: {', '.join(missing)}.", f"Begin with {','.join(COLUMNS)}.", _CODE)
        return []
    return list(_decisions(names, lines[1:], note))


def _decisions(names: Sequence[str], lines: Sequence[tuple[int, list[str]]], note: Note) -> Iterator[Decision]:
    """The lines that say something; one whose decision is left blank says nothing yet."""
    for number, cells in lines:
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
        key, said, target_id = (row.get(name, "") for name in COLUMNS)
        if not said:
            continue
        wrong = list(_wrong(key, said, target_id, row.get(_WHY, "")))
        for message, hint in wrong:
            note(number, message, hint, _CODE)
        if not wrong:
            yield Decision(RecordKey(key), Verdict(said), TargetId(target_id), number, row.get(_WHY, ""))


def _wrong(key: str, said: str, target_id: str, why: str) -> Iterator[tuple[str, str]]:
    """All that one line shows to be wrong by itself, with what to do."""
    if not key:
        yield "The record key is missing.", "`casebook-etl resolve` lists the keys."
    if said not in set(Verdict):
        yield "The decision is none that can be taken.", f"Write {', '.join(Verdict)}, or nothing."
    elif bool(target_id) == (said in _WITHOUT_ID):
        hint = (
            "An absent or deleted record is named by its key alone."
            if target_id
            else "Write the id that the record has in Casebook."
        )
        yield f"The decision {said} does not go with what stands under id.", hint
    if said == Verdict.DELETED and not why:
        yield "The reason of a deletion is missing.", f"Write it into a column `{_WHY}`; name nobody."
