"""People without a family: nobody refers to them, so most faults of a person's row are planted here, one on each.

The table of faults is read top to bottom; loners beyond its end are sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from generator.block import LONERS, Block, Person
from generator.ledger import DELETED, SOUND, Key, Verdict, held
from generator.people import person_row
from generator.writers import UNDECODABLE, Cell


class Flaw(NamedTuple):
    """A fault of a person's row: what is written instead, and what becomes of the row or of the value."""

    dirt: str
    verdict: Verdict
    cells: Mapping[str, Cell] = {}
    code: str = ""
    ragged: int = 0


FIRST_OF_TWO = Flaw("duplicate key: both rows", held("duplicate_key"))
SECOND_OF_TWO = Flaw("duplicate key: both rows", held("duplicate_key"))
FLAWS = (
    Flaw("ragged row, too short", held("ragged_row"), ragged=-3),
    Flaw("ragged row, too long", held("ragged_row"), ragged=2),
    Flaw("bytes outside cp1252", held("undecodable_row"), {"LAST_NM": f"Gr{UNDECODABLE}n"}),
    Flaw("control character", held("control_character"), {"FIRST_NM": "Jo\x07an"}),
    Flaw("missing key", held("missing_key"), {"PERSON_ID": ""}),
    FIRST_OF_TWO,
    SECOND_OF_TWO,
    Flaw("unknown code", held("unmapped_value"), {"SEX_CD": "Q"}),
    Flaw("open decision", held("open_decision"), {"SEX_CD": "9"}),
    Flaw("impossible date 02/30", held("invalid_value"), {"DOB": "02/30/1991"}),
    Flaw("date of birth in the future", held("out_of_range"), {"DOB": "07/04/2099"}),
    Flaw("placeholder date 01/01/1900", SOUND, {"DOB": "01/01/1900"}),
    Flaw("placeholder SSN 123-45-6789", SOUND, {"SSN": "123-45-6789"}),
    Flaw("placeholder SSN 999-99-9999", SOUND, {"SSN": "999-99-9999"}),
    Flaw("SSN of impossible area 000", SOUND, {"SSN": "000-12-3456"}, "invalid_value"),
    Flaw("SSN of impossible area 666", SOUND, {"SSN": "666-12-3456"}, "invalid_value"),
    Flaw("SSN with eight digits", SOUND, {"SSN": "89912345"}, "invalid_value"),
    Flaw("SSN not verified", SOUND, {"SSN": "899-12-3456", "SSN_STAT": "U"}, "withheld"),
    Flaw("empty required name", held("required_missing"), {"LAST_NM": ""}),
    Flaw("deleted row", DELETED, {"DELETED_FL": "Y"}),
    Flaw("deleted row", DELETED, {"DELETED_FL": "Y"}),
    Flaw("deleted row", DELETED, {"DELETED_FL": "Y"}),
    Flaw("outer blanks", SOUND, {"LAST_NM": "  Rivera ", "FIRST_NM": " Zoë"}),
    Flaw("name in capitals", SOUND, {"LAST_NM": "NÚÑEZ", "FIRST_NM": "ANA MARÍA"}),
    Flaw("marital status that nobody knows", SOUND, {"MAR_CD": "Z"}, "unmapped_value"),
    Flaw("mother who does not exist", SOUND, {"MOTHER_ID": "09999999"}, "link_left_out"),
)


def add_loners(block: Block) -> None:
    """Writes the loners: the faulty ones first, then a loop of two, a doubled side row, and sound ones."""
    people = [_loner(block, index) for index in range(LONERS)]
    for flaw, person in zip(FLAWS, people, strict=False):
        _write_flawed(block, flaw, person)
    rest = people[len(FLAWS) :]
    _write_loop(block, rest[0], rest[1])
    _write_doubled(block, rest[2])
    for person in rest[3:]:
        block.put("people", "PERSONS", person_row(block, person), person.id)
    block.loners.extend(people)


def _loner(block: Block, index: int) -> Person:
    invent = block.invent
    born = invent.day(1950, 1995)
    return Person(
        f"{block.number_of(500 + index) * 10:08d}", invent.family_name(), invent.random.choice("FM"), born, "loner"
    )


def _write_flawed(block: Block, flaw: Flaw, person: Person) -> None:
    person.sound = False
    row = person_row(block, person) | dict(flaw.cells)
    key: str | None = person.id
    if flaw is SECOND_OF_TWO:
        row["PERSON_ID"] = f"{int(person.id) - 10:08d}"
    if flaw.verdict.bucket != "loaded" and flaw.verdict != held("required_missing"):
        key = None
    verdict = block.ledger.plant(flaw.dirt, "legacy.PERSONS", flaw.verdict, flaw.code)
    optional = (("mother", Key("people", "09999999")),) if "MOTHER_ID" in flaw.cells else ()
    block.put("people", "PERSONS", row, key, verdict, optional=optional, ragged=flaw.ragged)


def _write_loop(block: Block, left: Person, right: Person) -> None:
    for person, mother in ((left, right), (right, left)):
        block.ledger.plant("loop: two people are each other's mother", "legacy.PERSONS", SOUND, "reference_loop")
        row = person_row(block, person) | {"MOTHER_ID": mother.id}
        block.put("people", "PERSONS", row, person.id, optional=(("mother", mother.key),))


def _write_doubled(block: Block, person: Person) -> None:
    """Two side rows for one person, where the join expects at most one and nothing says which to take."""
    person.sound = False
    verdict = block.ledger.plant(
        "second match in a join without `pick`", "legacy.PERSONS", held("unexpected_second_match")
    )
    block.put("people", "PERSONS", person_row(block, person), person.id, verdict)
    for half in range(2):
        extra: dict[str, Cell] = {
            "EXTRA_ID": block.number * 10000 + 9000 + half,
            "PERS_ID": person.id,
            "VET_CD": "N",
            "INCOME_AMT": half,
        }
        block.tables.add("PERSON_EXTRA", extra)
