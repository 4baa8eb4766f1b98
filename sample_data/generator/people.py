"""The people of a block: families of up to four generations' names, loners, and what hangs on each person.

Most faults of people sit on loners, whom nobody refers to, so that each is seen alone; two sit inside families, so that
their children show the cascade.
"""

# ruff: noqa: PLR2004 - faults are planted on things by their number, which is best read in place

from __future__ import annotations

from datetime import date

from generator.block import FAMILIES, Block, Family, Person
from generator.invent import us
from generator.ledger import ORPHAN, SOUND, UNMATCHED, Key, Verdict, held
from generator.writers import Cell

RACES = ("RACE_W", "RACE_B", "RACE_A", "RACE_I", "RACE_P", "RACE_UNK")
BAD_CHILD_OF = 7
NAMELESS_MOTHER_OF = 11


def add_families(block: Block) -> None:
    """Writes the families' people: children first, so that order must come from the references."""
    for index in range(FAMILIES):
        family = _family(block, index)
        block.families.append(family)
        for person in reversed(family.members):
            _write_member(block, family, person)


def _family(block: Block, index: int) -> Family:
    invent, name = block.invent, block.invent.family_name()
    serial = block.number_of(index + 1)
    first_id = serial * 10
    grandmother = Person(_person_id(first_id), name, "F", invent.day(1940, 1955), "grandmother")
    mother = Person(_person_id(first_id + 1), name, "F", invent.day(1972, 1990), "mother")
    children = [
        Person(_person_id(first_id + 3 + each), name, invent.random.choice("FM"), invent.day(2006, 2020))
        for each in range(1 + index % 3)
    ]
    father = [Person(_person_id(first_id + 2), invent.family_name(), "M", invent.day(1968, 1988), "father")]
    members = [grandmother] * (index % 10 == 0) + [mother] + father * (index % 3 == 1) + children
    opened = invent.day(2016, 2021)
    return Family(index, members, f"C{serial:06d}", f"{opened.year}-{serial:06d}", opened)


def _person_id(number: int) -> str:
    return f"{number:08d}"


def _write_member(block: Block, family: Family, person: Person) -> None:
    row = person_row(block, person)
    verdict = _member_fault(block, family, person, row)
    parents = {each.part: each for each in family.members}
    optional: list[tuple[str, Key]] = []
    for column, field, part in _parent_columns(person):
        if part in parents:
            row[column] = parents[part].id
            optional.append((field, parents[part].key))
    block.put("people", "PERSONS", row, person.id, verdict, optional=tuple(optional))


def _parent_columns(person: Person) -> tuple[tuple[str, str, str], ...]:
    if person.part == "child":
        return ("MOTHER_ID", "mother", "mother"), ("FATHER_ID", "father", "father")
    if person.part == "mother":
        return (("MOTHER_ID", "mother", "grandmother"),)
    return ()


def _member_fault(block: Block, family: Family, person: Person, row: dict[str, Cell]) -> Verdict:
    plant = block.ledger.plant
    if family.number == BAD_CHILD_OF and person is family.members[-1]:
        person.sound = False
        row["DOB"] = "02/30/2011"
        return plant("impossible date 02/30, with children of its own", "legacy.PERSONS", held("invalid_value"))
    if family.number == NAMELESS_MOTHER_OF and person.part == "mother":
        person.sound = False
        row["LAST_NM"] = " "
        return plant("empty required name, with children of its own", "legacy.PERSONS", held("required_missing"))
    return SOUND


def person_row(block: Block, person: Person) -> dict[str, Cell]:
    """The cells of a sound person; every tenth carries a date in another form."""
    invent = block.invent
    race = invent.random.choice(RACES)
    grown = person.born.year < 2000
    return {
        "PERSON_ID": person.id,
        "LAST_NM": person.family_name,
        "FIRST_NM": invent.given_name(person.sex),
        "MIDDLE_NM": invent.random.choice(("", "", "Q", "X")),
        "SUFFIX_CD": "JR" if person.sex == "M" and invent.chance(0.05) else "",
        "DOB": _birthday(block, person.born),
        "SEX_CD": person.sex,
        "GI_CD": "T" if invent.chance(0.02) else "",
        "HISP_CD": invent.random.choice(("Y", "N", "N", "U", "")),
        **dict.fromkeys(RACES, "0"),
        race: "1",
        "SSN": invent.ssn() if invent.chance(0.7) else "",
        "SSN_STAT": "V",
        "MAR_CD": invent.random.choice("SMDW") if grown else "",
        "INTERP_FL": "Y" if invent.chance(0.08) else "N",
        "DELETED_FL": "N",
    }


def _birthday(block: Block, born: date) -> str:
    form = block.invent.random.choice(("%m/%d/%Y",) * 8 + ("%Y%m%d", "%Y-%m-%d"))
    return born.strftime(form)


def add_relations(block: Block) -> None:
    """Writes each relation of a family in both directions, as the legacy system does; only the forward one is loaded."""
    serial = 0
    for family in block.families:
        mother = next(each for each in family.members if each.part == "mother")
        for other in family.members:
            if other is mother:
                continue
            for direction in "FR":
                serial += 1
                _write_relation(block, f"R{block.number * 10000 + serial:06d}", direction, mother, other)


_WORDS_FOR = {"child": ("PA", "CH"), "grandmother": ("CH", "PA"), "father": ("SP", "SP")}


def _write_relation(block: Block, key: str, direction: str, mother: Person, other: Person) -> None:
    forward = direction == "F"
    left, right = (mother, other) if forward else (other, mother)
    row: dict[str, Cell] = {
        "REL_ID": key,
        "PERSON_ID": left.id,
        "RELATED_ID": right.id,
        "REL_CD": _WORDS_FOR[other.part][not forward],
        "DIR_CD": direction,
        "START_DT": us(other.born),
    }
    verdict = (
        SOUND if forward else block.ledger.plant("mirrored relation", "legacy.RELATIONS", Verdict("ignored", "where"))
    )
    block.put("person_relationships", "RELATIONS", row, key, verdict, needs=(mother.key, other.key))


def add_addresses(block: Block) -> None:
    """Writes one address a person, a second and older one for every sixth, and two of nobody."""
    serial = 0
    people = [each for family in block.families for each in family.members]
    people += [each for each in block.loners if each.sound]
    for index, person in enumerate(people):
        for age in range(2 if index % 6 == 0 else 1):
            serial += 1
            _write_address(block, serial, person.id, age)
    for stray in range(2):
        block.ledger.plant("address of a person who does not exist", "oldsql.ADDRESSES", ORPHAN)
        _write_address(block, serial + 1 + stray, f"GHOST{block.number}{stray}", 0)


def _write_address(block: Block, serial: int, person_id: str, age: int) -> None:
    invent, key = block.invent, f"A{block.number * 10000 + serial:07d}"
    row: dict[str, Cell] = {
        "ADDR_ID": key,
        "PERS_ID": person_id,
        "STREET": f" {invent.street()} " if serial % 25 == 0 else invent.street(),
        "UNIT": f"Apt {serial % 40}" if serial % 4 == 0 else None,
        "CITY": invent.city(),
        "STATE": "Ohio" if serial % 9 == 0 else "OH",
        "ZIP": invent.zip_code(),
        "CNTY_CD": invent.county(),
        "EFF_DT": f"{2020 - 5 * age}-0{1 + serial % 9}-15",
        "END_DT": f"2019-12-{10 + serial % 20}" if age else None,
    }
    if serial == 100:
        row["ZIP"] = "4521"
        block.ledger.plant("ZIP code with four digits", "oldsql.ADDRESSES", SOUND, "invalid_value")
    block.tables.add("ADDRESSES", row)
    block.ledger.add("person_addresses", key, needs=(Key("people", person_id),))


def add_extras(block: Block) -> None:
    """Writes the side table of grown people, and one row of nobody."""
    serial = 0
    for family in block.families:
        for person in family.members:
            if person.part != "child":
                serial += 1
                _write_extra(block, serial, person.id)
    _write_extra(block, serial + 1, f"GHOST{block.number}9")
    block.ledger.unmatched["oldsql.PERSON_EXTRA"] += 1
    block.ledger.plant("row of a joined table that no person uses", "oldsql.PERSON_EXTRA", UNMATCHED)


def _write_extra(block: Block, serial: int, person_id: str) -> None:
    row: dict[str, Cell] = {
        "EXTRA_ID": block.number * 10000 + serial,
        "PERS_ID": person_id,
        "VET_CD": ("Y", "N", "N", "U")[serial % 4],
        "INCOME_AMT": float(1000 * (serial % 40)) + 0.5,
        "SHOE_SIZE": "9",
    }
    block.tables.add("PERSON_EXTRA", row)
