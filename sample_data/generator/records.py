"""What hangs on cases, reports and people of a block: services received, notes, scans and assignments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from generator.block import Block, Family
from generator.documents import DOCUMENTS
from generator.invent import us
from generator.ledger import ORPHAN, SOUND, Key, Verdict, held
from generator.providers import NAMELESS
from generator.writers import UNDECODABLE, Cell


class Owner(NamedTuple):
    """What a note, scan or assignment belongs to: the legacy code, the number, and the identity it means."""

    code: str
    id: str
    key: Key


def _case(family: Family) -> Owner:
    return Owner("C", family.case_no, Key("cases", family.case_no))


def _report(family: Family) -> Owner:
    return Owner("I", family.intake_no, Key("intake_reports", family.intake_no))


def _nowhere(block: Block) -> Owner:
    number = f"C{block.number_of(999):06d}"
    return Owner("C", number, Key("cases", number))


def add_enrollments(block: Block) -> None:
    """Writes a received service a family and a few of people without a case; one status is unknown, one person missing."""
    offered = [
        (provider.id, service)
        for index, provider in enumerate(block.providers)
        if provider.sound or index == NAMELESS
        for service in provider.services
    ]
    for family in block.families:
        provider, service = offered[family.number % len(offered)]
        person = family.members[-1]
        _write_enrollment(block, family.number, person.key, family.case_no, (provider, service), SOUND)
    for index, person in enumerate(block.loners[-6:]):
        _write_enrollment(block, 200 + index, person.key, None, offered[index], SOUND)
    unknown = block.ledger.plant("unknown code", "oldsql.ENROLLMENTS", held("unmapped_value"))
    _write_enrollment(block, 300, block.loners[-1].key, None, offered[0], unknown)
    block.ledger.plant("person who does not exist", "oldsql.ENROLLMENTS", ORPHAN)
    _write_enrollment(block, 301, Key("people", "09999997"), None, offered[0], SOUND)


def _write_enrollment(
    block: Block, serial: int, person: Key, case_no: str | None, offer: tuple[str, str], verdict: Verdict
) -> None:
    key, start = f"E{block.number_of(serial):06d}", block.invent.day(2018, 2021)
    done = serial % 2 == 0
    row: dict[str, Cell] = {
        "ENR_ID": key,
        "PERSON_ID": person.text,
        "CASE_NO": case_no,
        "PROV_ID": offer[0],
        "PSVC_ID": offer[1],
        "STATUS_CD": ("D" if done else "A") if verdict == SOUND else "W",
        "START_DT": start.isoformat(),
        "END_DT": block.invent.after(start, 300).isoformat() if done else None,
        "UNITS": serial % 12 + 0.25,
    }
    needs = [person, Key("providers", offer[0]), Key("provider_services", offer[1])]
    if case_no:
        needs.append(Key("cases", case_no))
    block.tables.add("ENROLLMENTS", row)
    block.ledger.add("service_enrollments", key, verdict, needs=needs)


def add_notes(block: Block) -> None:
    """Writes a note a case and one for two reports of three; five are faulty, one only looks dangerous."""
    for family in block.families:
        people = ";".join(each.id for each in family.members[-2:])
        _write_note(block, family.number, _case(family), people)
        if family.number % 3:
            _write_note(block, 200 + family.number, _report(family), "")
    flaws: tuple[tuple[str, Verdict, dict[str, Cell], int], ...] = (
        ("ragged row, too short", held("ragged_row"), {}, -2),
        ("bytes outside cp1252", held("undecodable_row"), {"BODY": f"caf{UNDECODABLE}"}, 0),
        ("empty required body", held("required_missing"), {"BODY": ""}, 0),
        ("formula cell", SOUND, {"SUBJECT": '=HYPERLINK("x")'}, 0),
    )
    for index, (dirt, verdict, cells, ragged) in enumerate(flaws):
        planted = block.ledger.plant(dirt, "legacy.NOTES", verdict)
        _write_note(block, 400 + index, _case(block.families[2]), "", planted, cells, ragged)
    for index in range(2):
        block.ledger.plant("case that does not exist", "legacy.NOTES", ORPHAN)
        _write_note(block, 410 + index, _nowhere(block), "")


def _write_note(
    block: Block,
    serial: int,
    owner: Owner,
    people: str,
    verdict: Verdict = SOUND,
    cells: dict[str, Cell] | None = None,
    ragged: int = 0,
) -> None:
    invent, key = block.invent, f"{block.number_of(serial):07d}"
    moment = datetime(2021, 1, 4, 9, 30) + timedelta(hours=7 * serial)  # noqa: DTZ001 - the legacy clock has no zone
    row: dict[str, Cell] = {
        "NOTE_ID": key,
        "OWNER_TYPE": owner.code,
        "OWNER_ID": owner.id,
        "NOTE_TS": moment.strftime("%m/%d/%Y %H:%M:%S"),
        "TYPE_CD": ("G", "C", "P", "M", "E", "S")[serial % 6],
        "SUBJECT": f"  {invent.sentence(2, 4)} ",
        "BODY": f'{invent.sentence()}\r\n\r\n"{invent.sentence(3, 5)}", said the mother \u2013 {invent.sentence()}',
        "AUTHOR_NO": f"W{1 + serial % 12:02d}",
        "PEOPLE_LST": people,
    }
    optional = tuple(("people_involved", Key("people", each)) for each in people.split(";") if each)
    whole = None if ragged or verdict.reason == "undecodable_row" else key
    block.put(
        "notes", "NOTES", row | (cells or {}), whole, verdict, needs=(owner.key,), optional=optional, ragged=ragged
    )


def add_scans(block: Block, *, with_large: bool) -> None:
    """Writes a scan for every third case and every sixth person; two files are missing, one path leaves the folder."""
    for family in block.families[::3]:
        _write_scan(block, family.number, _case(family))
    for family in block.families[::6]:
        person = family.members[-1]
        _write_scan(block, 200 + family.number, Owner("P", person.id, person.key))
    owner = _case(block.families[2])
    flaws = [
        ("file missing", held("file_missing"), "case/no_such_file.pdf"),
        ("file missing", held("file_missing"), "case/lost.png"),
        ("path that leaves the folder", held("file_refused"), "../legacy.db"),
    ]
    flaws += [("file over 10 MB (only with --with-large)", held("file_too_large"), LARGE)] * with_large
    for index, (dirt, verdict, path) in enumerate(flaws):
        _write_scan(block, 400 + index, owner, block.ledger.plant(dirt, "legacy.SCANS", verdict), path)
    block.ledger.plant("case that does not exist", "legacy.SCANS", ORPHAN)
    _write_scan(block, 410, _nowhere(block))


LARGE = "large/over_the_limit.bin"


def _write_scan(block: Block, serial: int, owner: Owner, verdict: Verdict = SOUND, path: str | None = None) -> None:
    key = f"D{block.number_of(serial):06d}"
    path = path or sorted(DOCUMENTS)[serial % len(DOCUMENTS)]
    row: dict[str, Cell] = {
        "SCAN_ID": key,
        "OWNER_TYPE": owner.code,
        "OWNER_ID": owner.id,
        "ORIG_NAME": f"{key} {path.rsplit('/', 1)[-1]}",
        "FILE_PATH": path,
        "MIME_TX": {"pdf": "application/pdf", "png": "image/png"}.get(path.rsplit(".", 1)[-1], "text/plain"),
    }
    block.put("scans", "SCANS", row, key, verdict, needs=(owner.key,))


def add_assignments(block: Block) -> None:
    """Writes a worker a case and one for every third report; two are unknown, two left, one case is missing."""
    for family in block.families:
        _write_assignment(block, family.number, _case(family), f"W{1 + family.number % 12:02d}")
        if family.number % 3 == 0:
            _write_assignment(block, 200 + family.number, _report(family), f"W{1 + family.number % 7:02d}")
    for index, worker in enumerate(("W77", "W78", "W13", "W13")):
        code = "unmapped_value" if worker != "W13" else "open_decision"
        dirt = "unknown worker" if worker != "W13" else "worker who left: open decision"
        verdict = block.ledger.plant(dirt, "legacy.ASSIGNMENTS", held(code))
        _write_assignment(block, 400 + index, _case(block.families[2 + index]), worker, verdict)
    block.ledger.plant("case that does not exist", "legacy.ASSIGNMENTS", ORPHAN)
    _write_assignment(block, 410, _nowhere(block), "W01")


def _write_assignment(block: Block, serial: int, owner: Owner, worker: str, verdict: Verdict = SOUND) -> None:
    row: dict[str, Cell] = {
        "ASSIGN_ID": f"{block.number_of(serial):06d}",
        "OWNER_TYPE": owner.code,
        "OWNER_ID": owner.id,
        "WORKER_NO": worker,
        "START_DT": us(block.invent.day(2020, 2022)),
    }
    block.put("assignments", "ASSIGNMENTS", row, str(row["ASSIGN_ID"]), verdict, needs=(owner.key,))
