"""The provider side of a block, all in the SQL database: organisations, locations, providers and what they offer.

Locations and providers refer to each other; the legacy database holds both directions.
"""

# ruff: noqa: PLR2004 - faults are planted on things by their number, which is best read in place

from __future__ import annotations

import unicodedata

from generator.block import Block, Provider
from generator.ledger import DELETED, ORPHAN, SOUND, Key, Verdict, held
from generator.writers import Cell

PROVIDERS = 28
LOCATIONS = 30
NAMELESS = 5
HOMELESS = 6
UNTYPED = 9
ACCENTED = 3


def add_providers(block: Block) -> None:
    """Writes everything of the provider side."""
    for index in range(3):
        key = f"O{block.number_of(index):06d}"
        block.tables.add("PARENT_ORGS", {"ORG_ID": key, "ORG_NM": f"{block.invent.family_name()} Family Services"})
        block.ledger.add("parent_organizations", key)
    block.providers = [Provider(_provider_id(block, index)) for index in range(PROVIDERS)]
    for index in range(LOCATIONS):
        _write_location(block, index)
    for index, provider in enumerate(block.providers):
        _write_provider(block, index, provider)
        _write_services(block, index, provider)
    for index in range(24):
        _write_licence(block, index)
    _write_stray_service(block)
    _add_staff(block)
    _add_visits(block)


def _provider_id(block: Block, index: int) -> str:
    return f"PEÑA{block.number_of(index):05d}" if index == ACCENTED else f"P{block.number_of(index):06d}"


def _location_id(block: Block, index: int) -> str:
    return f"L{block.number_of(index):06d}"


def _write_location(block: Block, index: int) -> None:
    invent = block.invent
    provider = block.providers[index] if index < PROVIDERS and index != HOMELESS else None
    key = _location_id(block, index)
    row: dict[str, Cell] = {
        "LOC_ID": key,
        "STREET1": invent.street(),
        "STREET2": "Suite 2" if index % 5 == 0 else None,
        "CITY": invent.city(),
        "STATE": "OH",
        "ZIP": invent.zip_code(),
        "CNTY_CD": invent.county(),
        "LAT": round(39.1 + index / 100, 6),
        "LON": round(-84.5 + index / 100, 6),
        "PROV_ID": provider.id if provider else None,
        "REMARK": "Ring the bell twice." if index % 7 == 0 else None,
    }
    if index == PROVIDERS:
        row["CNTY_CD"] = "ZZ"
        block.ledger.plant("county that nobody knows", "oldsql.LOCATIONS", SOUND, "unmapped_value")
    block.tables.add("LOCATIONS", row)
    optional = (("provider", Key("providers", provider.id)),) if provider else ()
    block.ledger.add("locations", key, optional=optional)


def _write_provider(block: Block, index: int, provider: Provider) -> None:
    invent, plant = block.invent, block.ledger.plant
    location = None if index == HOMELESS else _location_id(block, index)
    row: dict[str, Cell] = {
        "PROV_ID": provider.id,
        "PROV_NM": f"{invent.family_name()} {('Home', 'House', 'Center')[index % 3]}",
        "PROV_TYPE": ("FH", "GH", "SA")[index % 3],
        "FAC_TYPE": ("FF", "RC", "SO")[index % 3],
        "LOC_ID": location,
        "ORG_ID": f"O{block.number_of(index % 3):06d}" if index % 3 == 2 else None,
        "PHONE": f"(513) 555-01{index:02d}",
        "EIN": f"00-{block.number_of(index):07d}",
        "CONTRACT_FL": index % 2,
        "ACCRED_CD": ("Y", "N", None)[index % 3],
        "FAX": None,
    }
    verdict = SOUND
    if index == NAMELESS:
        row["PROV_NM"] = None
        verdict = plant("provider without a name", "oldsql.PROVIDERS", held("required_missing"))
    if index == UNTYPED:
        row["PROV_TYPE"] = "XX"
        verdict = plant("provider type still to be decided", "oldsql.PROVIDERS", held("open_decision"))
    if index == HOMELESS:
        plant("provider without a location", "oldsql.PROVIDERS", SOUND, "recommended_missing")
    provider.sound = verdict == SOUND
    block.tables.add("PROVIDERS", row)
    links = [] if location is None else [("facility_location", Key("locations", location))]
    if licence := _licence_of(block, index):
        links.append(("license", Key("licenses", licence)))
    if row["ORG_ID"]:
        links.append(("parent_organization", Key("parent_organizations", str(row["ORG_ID"]))))
    block.ledger.add("providers", provider.id, verdict, optional=links)


def _licence_of(block: Block, index: int) -> str | None:
    """The licence that a provider shows: each of the first 20 has one, and the first four an older one as well."""
    return f"N{block.number_of(index):06d}" if index < 20 else None


def _write_services(block: Block, index: int, provider: Provider) -> None:
    for turn in range(2):
        key = f"S{block.number_of(index * 2 + turn):06d}"
        owner = provider.id
        if index == ACCENTED:
            owner = unicodedata.normalize("NFD", provider.id)
            block.ledger.plant("key with accents in the other Unicode form", "oldsql.PROVIDER_SERVICES", SOUND)
        code, name = (("CO", "Counseling"), ("TR", "Transportation"), ("PC", "Parenting class"), ("CM", "Case work"))[
            (index + turn) % 4
        ]
        verdict = SOUND
        if (index, turn) == (12, 1):
            code = "QQ"
            verdict = block.ledger.plant("unknown code", "oldsql.PROVIDER_SERVICES", held("unmapped_value"))
        else:
            provider.services.append(key)
        _write_service(block, key, owner, name, code, verdict)


def _write_stray_service(block: Block) -> None:
    block.ledger.plant("service of a provider who does not exist", "oldsql.PROVIDER_SERVICES", ORPHAN)
    _write_service(block, f"S{block.number_of(900):06d}", f"GONE{block.number}", "Counseling", "CO", SOUND)


def _write_service(block: Block, key: str, owner: str, name: str, code: str, verdict: Verdict) -> None:
    row: dict[str, Cell] = {
        "PSVC_ID": key,
        "PROV_ID": owner,
        "SVC_NM": name,
        "SVC_TYPE": code,
        "CAPACITY": block.invent.random.randint(4, 40),
        "UNIT_TX": "session",
        "DESCR": f"<p>{block.invent.sentence()}</p>",
    }
    block.tables.add("PROVIDER_SERVICES", row)
    block.ledger.add("provider_services", key, verdict, needs=(Key("providers", unicodedata.normalize("NFC", owner)),))


def _write_licence(block: Block, index: int) -> None:
    """The licences of 20 providers; four of them have an older one as well, which the provider does not show."""
    owner, key = block.providers[index % 20], f"N{block.number_of(index):06d}"
    first = 2021 if index < 20 else 2017
    conditioned = index % 4 == 0
    row: dict[str, Cell] = {
        "LIC_ID": key,
        "PROV_ID": owner.id,
        "LIC_TYPE": ("FC", "GH")[index % 2],
        "STATUS_CD": "A" if first == 2021 else "E",
        "EFF_DT": f"{first}-03-01",
        "EXP_DT": f"{first + 2}-02-28",
        "MIN_AGE": index % 6 if conditioned else None,
        "MAX_AGE": 17 if conditioned else None,
        "COND_TX": "Siblings stay together" if conditioned else None,
    }
    verdict = SOUND
    if index == 8:
        row["STATUS_CD"] = "?"
        verdict = block.ledger.plant("unknown code", "oldsql.LICENCES", held("unmapped_value"))
    if index >= 20:
        block.ledger.plant("second match in a join with `pick`: the older licence", "oldsql.LICENCES", SOUND)
    block.tables.add("LICENCES", row)
    block.ledger.add("licenses", key, verdict, needs=(Key("providers", owner.id),))
    condition = SOUND if conditioned else DELETED
    block.ledger.add("license_conditions", key, condition, needs=(Key("licenses", key),))


def _add_staff(block: Block) -> None:
    for index in range(20):
        invent = block.invent
        name = f"{invent.given_name('FM'[index % 2])} {invent.family_name()}".upper()
        if index in {1, 2}:
            name = unicodedata.normalize("NFC" if index == 1 else "NFD", "INÉS NÚÑEZ")
            block.ledger.plant("one name in two Unicode forms: two people", "oldsql.STAFF", SOUND)
        inactive = index >= 17
        verdict = block.ledger.plant("staff who left", "oldsql.STAFF", DELETED) if inactive else SOUND
        owner, key = block.providers[index % 12], f"{block.number_of(index):08d}"
        row: dict[str, Cell] = {
            "STAFF_ID": key,
            "FULL_NM": name,
            "BIRTH_DT": invent.day(1960, 1998).isoformat(),
            "PROV_ID": owner.id,
            "TITLE_TX": ("Director", "Social worker", "Night staff")[index % 3],
            "ACTIVE": 0 if inactive else 1,
        }
        block.tables.add("STAFF", row)
        block.ledger.add("staff_people", key, verdict)
        block.ledger.add("provider_staff", key, verdict, needs=(Key("staff_people", key), Key("providers", owner.id)))


def _add_visits(block: Block) -> None:
    for index in range(20):
        owner, key = block.providers[10 + index % 8], f"V{block.number_of(index):06d}"
        row: dict[str, Cell] = {
            "VISIT_ID": key,
            "PROV_ID": owner.id,
            "VISIT_TS": f"2022-0{1 + index % 9}-1{index % 10} {8 + index % 10:02d}:30:00",
            "CONTACT_CD": ("HV", "OV", "PH", "VI")[index % 4],
            "REMARK": block.invent.sentence(),
        }
        block.tables.add("VISITS", row)
        block.ledger.add("visits", key, needs=(Key("providers", owner.id),))
