"""Intake reports, cases, the people on both, and involvements of a block: one report and one case a family.

A faulty case is planted on families that carry no fault of their own, so that everything below it is blocked for one
reason only.
"""

# ruff: noqa: PLR2004 - faults are planted on things by their number, which is best read in place

from __future__ import annotations

from generator.block import Block, Family, Person
from generator.invent import us
from generator.ledger import ORPHAN, SOUND, Key, Verdict, held
from generator.writers import Cell

PROGRAMS = ("CP", "FC", "AD", "PV", "HS")
ROLES = {"child": "CH", "mother": "PA", "father": "PA", "grandmother": "OR", "loner": "NR"}


def add_intake(block: Block) -> None:
    """Writes a report a family, the people on it, and some faulty reports of nobody."""
    for family in block.families:
        _write_report(block, family.intake_no, _report(block, family), SOUND)
        for person in family.members:
            _write_report_person(block, family.intake_no, person)
    twice = f"2019-{block.number_of(990):06d}"
    flaws: tuple[tuple[str, Verdict, dict[str, Cell]], ...] = (
        ("control character", held("control_character"), {"NARRATIVE": "Caller hung up.\x0b"}),
        ("unknown code", held("unmapped_value"), {"METHOD_CD": "TG"}),
        ("impossible date 02/30", held("invalid_value"), {"RCVD_DT": "02/30/2019"}),
        ("duplicate key: both rows", held("duplicate_key"), {"INTAKE_NO": twice}),
        ("duplicate key: both rows", held("duplicate_key"), {"INTAKE_NO": twice}),
    )
    for index, (dirt, verdict, cells) in enumerate(flaws):
        planted = block.ledger.plant(dirt, "legacy.INTAKE", verdict)
        number = f"2019-{block.number_of(900 + index):06d}"
        _write_report(block, number, _report(block, block.families[0]) | {"INTAKE_NO": number} | cells, planted)


def _report(block: Block, family: Family) -> dict[str, Cell]:
    invent = block.invent
    return {
        "INTAKE_NO": family.intake_no,
        "RCVD_DT": us(family.opened),
        "RCVD_TM": f"{invent.random.randint(7, 19):02d}{invent.random.randint(0, 59):02d}",
        "METHOD_CD": invent.random.choice(("PH", "IP", "EM", "FX", "ON")),
        "TYPE_CD": invent.random.choice("QSI"),
        "REFERRED_BY": invent.random.choice(("school nurse", "neighbour", "clinic", "")),
        "CALLER_KIND": invent.random.choice(("01", "02", "")),
        "NARRATIVE": f'{invent.sentence()}\r\nCaller said: "{invent.sentence(3, 6)}"',
        "COUNTY_CD": invent.county(),
    }


def _write_report(block: Block, number: str, row: dict[str, Cell], verdict: Verdict) -> None:
    key = number if verdict == SOUND else None
    block.put("intake_reports", "INTAKE", row, key, verdict)


def _write_report_person(block: Block, number: str, person: Person) -> None:
    row: dict[str, Cell] = {"INTAKE_NO": number, "PERSON_ID": person.id, "PART_CD": ROLES[person.part]}
    needs = (Key("intake_reports", number), person.key)
    block.put("report_people", "INTAKE_PEOPLE", row, f"{number}|{person.id}", needs=needs)


def add_cases(block: Block) -> None:
    """Writes a case a family, and two rows that share a number."""
    for family in block.families:
        row = _case(block, family)
        verdict = _case_fault(block, family, row)
        block.put("cases", "CASES", row, family.case_no, verdict)
    for _ in range(2):
        twice = block.ledger.plant("duplicate key: both rows", "legacy.CASES", held("duplicate_key"))
        row = _case(block, block.families[1]) | {"CASE_NO": f"C{block.number_of(990):06d}"}
        block.put("cases", "CASES", row, None, twice)


def _case(block: Block, family: Family) -> dict[str, Cell]:
    invent, closed = block.invent, family.number % 3 == 0
    return {
        "CASE_NO": family.case_no,
        "CASE_NM": f"{family.members[-1].family_name} family",
        "PROGRAM_CD": PROGRAMS[family.number % 5],
        "STATUS_CD": "C" if closed else "O",
        "OPEN_DT": us(family.opened),
        "CLOSE_DT": us(invent.after(family.opened, 400)) if closed else "",
        "CNTY_CD": invent.county(),
        "INTAKE_NO": family.intake_no,
        "GOAL_TX": invent.sentence(),
    }


def _case_fault(block: Block, family: Family, row: dict[str, Cell]) -> Verdict:
    plant, where = block.ledger.plant, "legacy.CASES"
    match family.number:
        case 17:
            row["PROGRAM_CD"] = "ZZ"
            return plant("unknown code, with children of its own", where, held("unmapped_value"))
        case 23:
            row["OPEN_DT"] = "13/13/2018"
            return plant("impossible date 13/13, with children of its own", where, held("invalid_value"))
        case 31 | 32:
            row["STATUS_CD"] = "P"
            return plant("open decision, with children of its own", where, held("open_decision"))
        case 41:
            row["CASE_NM"] = ""
            return plant("empty required name, with children of its own", where, held("required_missing"))
        case 50:
            row["CASE_NM"] = "=cmd|' /C calc'!A0"
            plant("formula cell", where, SOUND)
    return SOUND


def add_case_people(block: Block) -> None:
    """Writes who is on each case; three person numbers carry blanks, three rows point to nothing, two are one twice."""
    for family in block.families:
        for person in family.members:
            padded = family.number in {60, 61, 62} and person.part == "mother"
            if padded:
                block.ledger.plant("outer blanks in a key", "legacy.CASE_PEOPLE", SOUND)
            _write_case_person(block, family, person, f" {person.id} " if padded else person.id)
    first = block.families[0]
    ghost = Person("09999998", "", "F", first.opened)
    for family in block.families[2:4]:
        block.ledger.plant("person who does not exist", "legacy.CASE_PEOPLE", ORPHAN)
        _write_case_person(block, family, ghost, ghost.id)
    block.ledger.plant("case that does not exist", "legacy.CASE_PEOPLE", ORPHAN)
    lost = Family(0, [], "C999999", "", first.opened)
    _write_case_person(block, lost, first.members[-1], first.members[-1].id)
    for _ in range(2):
        twice = block.ledger.plant("duplicate key: both rows", "legacy.CASE_PEOPLE", held("duplicate_key"))
        _write_case_person(block, first, block.loners[-1], block.loners[-1].id, twice)


def _write_case_person(block: Block, family: Family, person: Person, person_id: str, verdict: Verdict = SOUND) -> None:
    row: dict[str, Cell] = {"CASE_NO": family.case_no, "PERSON_ID": person_id, "ROLE_CD": ROLES[person.part]}
    if family.number == 70 and person.part == "mother":
        row["ROLE_CD"] = "??"
        block.ledger.plant("role that nobody knows", "legacy.CASE_PEOPLE", SOUND, "unmapped_value")
    key = f"{family.case_no}|{person.id}" if verdict == SOUND else None
    needs = (Key("cases", family.case_no), person.key)
    block.put("case_people", "CASE_PEOPLE", row, key, verdict, needs=needs)


def add_involvements(block: Block) -> None:
    """Writes an involvement for every child and every third mother; one lacks its date, one its person."""
    serial = 0
    for family in block.families:
        for person in family.members:
            if person.part == "child" or (person.part == "mother" and family.number % 3 == 0):
                serial += 1
                _write_involvement(block, serial, family, person)
    block.ledger.plant("person who does not exist", "legacy.INVOLVEMENTS", ORPHAN)
    _write_involvement(block, serial + 1, block.families[2], Person("09999998", "", "F", block.families[2].opened))
    dateless = block.ledger.plant("empty required date", "legacy.INVOLVEMENTS", held("required_missing"))
    _write_involvement(block, serial + 2, block.families[3], block.families[3].members[-1], dateless)


def _write_involvement(block: Block, serial: int, family: Family, person: Person, verdict: Verdict = SOUND) -> None:
    key = f"I{block.number * 10000 + serial:07d}"
    ended = family.number % 3 == 0
    row: dict[str, Cell] = {
        "INV_ID": key,
        "CASE_NO": family.case_no,
        "PERSON_ID": person.id,
        "TYPE_CD": "HM" if person.part == "mother" else ("PL", "SV")[serial % 2],
        "START_DT": us(family.opened) if verdict == SOUND else "",
        "END_DT": us(block.invent.after(family.opened, 500)) if ended else "",
    }
    optional = (("case_person", Key("case_people", f"{family.case_no}|{person.id}")),)
    needs = (Key("cases", family.case_no), person.key)
    block.put("involvements", "INVOLVEMENTS", row, key, verdict, needs=needs, optional=optional)
