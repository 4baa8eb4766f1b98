"""A synthetic directory of community services in the form of an Open Referral (HSDS) export: three flat files.

Each table repeats the name of its organization, addresses stand in one text, and the last columns of services have no
name, as spreadsheets leave them. The account is kept for the mappings of the project ``hsds``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from generator.account import account_of, dirt_of, nested
from generator.invent import Invention
from generator.ledger import ORPHAN, SOUND, Key, Ledger, held

ORGANIZATIONS = 18
_LOCATIONS_EACH, _SERVICES_EACH = 3, 4
_COLUMNS = {
    "organizations": (
        "organization_uuid", "organization_name", "organization_email", "organization_tax_id",
        "organization_legal_status", "organization_url", "organization_alternate_name", "organization_year_incorporated",
        "organization_description",
    ),
    "locations": (
        "organization_name", "organization_uuid", "location_name", "location_uuid", "location_address", "location_url",
        "phones",
    ),
    "services": (
        "service_uuid", "organization_name", "organization_uuid", "service_name", "service_alternate_name",
        "service_description", "service_email", "service_url", "service_additional_information", "service_min_age",
        "service_max_age", "service_program", "service_income_limit", "service_problem_codes", "service_require_veteran",
        "service_military_status", "service_immigration_status", "service_incarceration_status", "service_areas", "", "",
    ),
}  # fmt: skip
_MAPPINGS = {"providers": "organizations", "locations": "locations", "provider_services": "services"}
_KINDS = ("Food Pantry", "Legal Aid", "Youth Center", "Family Services", "Job Training", "Senior Help")
_OFFERS = ("Counseling", "Housing Help", "Tax Clinic", "Tutoring", "Case Management", "Rides to Appointments")


@dataclass(slots=True)
class _Directory:
    """The directory while it is made."""

    invent: Invention
    ledger: Ledger = field(default_factory=Ledger)
    rows: dict[str, list[list[str]]] = field(default_factory=lambda: {table: [] for table in _COLUMNS})

    def add(self, table: str, cells: Mapping[str, str], nameless: str = "") -> None:
        """Adds a row; ``nameless`` stands in the first column without a name."""
        row = [cells.get(column, "") if column else "" for column in _COLUMNS[table]]
        if nameless:
            row[_COLUMNS[table].index("")] = nameless
        self.rows[table].append(row)

    def key(self) -> str:
        """A key as such directories have them."""
        return str(UUID(int=self.invent.random.getrandbits(128), version=4))


def make_hsds(folder: Path, *, scale: int, seed: int) -> dict[str, object]:
    """Writes the directory and its expected ledger into a folder; returns the latter."""
    made = _Directory(Invention(f"hsds/{seed}"))
    for number in range(ORGANIZATIONS * scale):
        _add_organization(made, number)
    _add_strays(made)
    made.ledger.settle()
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in made.rows.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\r\n").writerows([_COLUMNS[table], *rows])
    expected = _expected(made)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    return expected


def _add_organization(made: _Directory, number: int) -> None:
    key, kind = made.key(), _KINDS[number % len(_KINDS)]
    name = f"{made.invent.city()} {kind}" if number else f"The “Open Door” {kind}"
    cells = {
        "organization_uuid": key, "organization_name": name, "organization_email": f"office{number}@agency.example",
        "organization_tax_id": _tax_id(made, number), "organization_legal_status": ("501(c)(3)", "active", "")[number % 3],
        "organization_url": f"www.agency{number}.example", "organization_year_incorporated": str(1950 + number % 70),
        "organization_description": f"{kind} for people with low income,\r\nfree of charge.",
    }  # fmt: skip
    places = [_add_location(made, number, turn, key, name) for turn in range(_LOCATIONS_EACH)]
    for turn in range(_SERVICES_EACH):
        _add_service(made, number, turn, key, name)
    made.add("organizations", cells)
    made.ledger.add("providers", key, optional=(("facility_location", Key("locations", min(places))),))


def _tax_id(made: _Directory, number: int) -> str:
    """One in three has a number; one says in words that it has none, one a number that is not given out."""
    if number == 1:
        made.ledger.plant("tax number in words", "hsds.organizations", SOUND)
        return "N/A"
    if number == 2:  # noqa: PLR2004 - the third organization
        made.ledger.plant("tax number that cannot be", "hsds.organizations", SOUND, "invalid_value")
        return "00-1234567"
    return f"59-{3000000 + number:07d}" if number % 3 == 0 else ""


def _add_location(made: _Directory, number: int, turn: int, owner: str, name: str) -> str:
    key, street = made.key(), made.invent.street()
    city, zip_code = made.invent.city(), f"3{made.invent.random.randint(2000, 4999)}"
    address = (f"{street}, {city}, FL {zip_code}", "State: FL", "")[turn]
    if (number, turn) == (3, 0):
        made.ledger.plant("address that no parser reads", "hsds.locations", SOUND, "invalid_value")
        address = "Corner of Main and the river"
    phones = f"main: 555-0{number % 10}1-01{number:02d}" if turn == 0 else ""
    cells = {
        "organization_name": name, "organization_uuid": owner, "location_name": f"{name} {'ABC'[turn]}",
        "location_uuid": key, "location_address": address, "phones": phones,
    }  # fmt: skip
    made.add("locations", cells)
    made.ledger.add("locations", key, optional=(("provider", Key("providers", owner)),))
    return key


def _add_service(made: _Directory, number: int, turn: int, owner: str, name: str) -> None:
    key, offer = made.key(), _OFFERS[(number + turn) % len(_OFFERS)]
    verdict, offered = SOUND, offer
    if (number, turn) == (5, 1):
        verdict, offered = made.ledger.plant("empty required name", "hsds.services", held("required_missing")), ""
    spilled = (number, turn) == (4, 2)
    if spilled:
        made.ledger.plant("cell in a column without a name", "hsds.services", SOUND)
    cells = _service(made, key, owner, name, offered)
    made.add("services", cells, nameless="Pine County" if spilled else "")
    made.ledger.add("provider_services", key, verdict, needs=[Key("providers", owner)])


def _service(made: _Directory, key: str, owner: str, name: str, offer: str) -> dict[str, str]:
    counties = made.invent.random.sample(("Pine County", "Lake County", "Bay County", "Oak County"), 2)
    return {
        "service_uuid": key, "organization_name": name, "organization_uuid": owner, "service_name": offer,
        "service_description": f"<p>{offer} by appointment.</p>", "service_min_age": "18", "service_max_age": "99",
        "service_income_limit": "125", "service_problem_codes": f"{offer}; Public Benefits",
        "service_require_veteran": "false", "service_areas": "; ".join(counties),
    }  # fmt: skip


def _add_strays(made: _Directory) -> None:
    """A location and a service of an organization that is not in the directory."""
    nobody = made.key()
    key = made.key()
    made.add(
        "locations",
        {
            "organization_uuid": nobody,
            "location_uuid": key,
            "location_name": "Nobody's",
            "location_address": "State: FL",
        },
    )
    made.ledger.plant("location of an organization that does not exist", "hsds.locations", SOUND, "link_left_out")
    made.ledger.add("locations", key, optional=(("provider", Key("providers", nobody)),))
    key = made.key()
    made.add("services", _service(made, key, nobody, "Nobody", "Counseling"))
    made.ledger.plant("service of an organization that does not exist", "hsds.services", ORPHAN)
    made.ledger.add("provider_services", key, needs=[Key("providers", nobody)])


def _expected(made: _Directory) -> dict[str, object]:
    ledger = made.ledger
    return {
        "rows": {f"hsds.{table}": len(rows) for table, rows in made.rows.items()},
        "mappings": {mapping: account_of(ledger, mapping, f"hsds.{table}") for mapping, table in _MAPPINGS.items()},
        "unmatched_rows": dict(sorted(ledger.unmatched.items())),
        "links_left_out": nested(ledger.left_out),
        "dirt": dirt_of(ledger),
    }
