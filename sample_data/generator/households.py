"""The households of the HMIS export: clients, enrollments, exits, services and living situations.

Faults are planted by household number; what hangs on an enrollment is accounted for right where it is written.
"""
# ruff: noqa: PLR2004 - faults are planted on households by number, which is best read in place

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from generator.hmis_export import Export
from generator.ledger import DELETED, ORPHAN, SOUND, UNMATCHED, Key, Verdict, held

HOUSEHOLDS = 26
WORKERS = ("8", "882", "887", "889", "891")
KINDS = ("1", "2", "3", "13", "4", "12")
MERGED = Verdict("merged", "group")
FIRST_DAY = date(2021, 10, 1)


def add_household(export: Export, number: int) -> None:
    """One household: one to three clients, an enrollment each, exits for two households of three."""
    household, project = f"H{5000 + number}", str(900 + number % len(KINDS))
    entry = FIRST_DAY + timedelta(days=5 * (number % 40))
    size = (1, 1, 2, 1, 3)[number % 5]
    for member in range(size):
        person = f"{60000 + number * 10 + member}"
        flawed = _add_client(export, number, member, person)
        worker = _worker(number, member)
        relation = "7" if (number, member) == (12, 1) else ("1", "3", "2")[member]
        if relation == "7":
            export.ledger.plant("relationship that nobody knows", "hmis.Enrollment", SOUND, "unmapped_value")
        enrollment = Enrollment(f"{household}-{member}", person, household, project, entry, relation, worker)
        _add_enrollment(export, number, enrollment, first=member == 0, flawed=flawed)


def _worker(number: int, member: int) -> str:
    if number in {3, 8} and member == 0:
        return "0"
    return WORKERS[number % len(WORKERS)]


def _add_client(export: Export, number: int, member: int, person: str) -> bool:
    """Writes a client; returns whether it is held back or deleted."""
    invent, sex = export.invent, export.invent.random.choice("FM")
    cells = {
        "PersonalID": person, "FirstName": invent.given_name(sex), "LastName": invent.family_name(),
        "NameDataQuality": "1", "SSN": invent.ssn().replace("-", ""), "SSNDataQuality": "1",
        "DOB": invent.day(1955, 2012).isoformat(), "DOBDataQuality": "1",
        "AmIndAKNative": "0", "Asian": "0", "BlackAfAmerican": str(number % 2), "NativeHIPacific": "0",
        "White": str((number + 1) % 2), "Ethnicity": ("0", "1", "0", "8", "99")[number % 5],
        "Female": "01"[sex == "F"], "Male": "01"[sex == "M"], "NoSingleGender": "0", "Transgender": "0",
        "Questioning": "0", "VeteranStatus": ("0", "1", "99")[number % 3], "UserID": "8",
    }  # fmt: skip
    verdict = _client_fault(export, number, cells) if member == 0 else SOUND
    export.add("Client", **cells)
    export.ledger.add("people", person, verdict)
    return verdict != SOUND


_CLIENT_FLAWS: Mapping[int, tuple[str, dict[str, str], str]] = {
    0: ("SSN of impossible structure", {"SSN": "000217679"}, "invalid_value"),
    1: ("SSN of poor quality", {"SSN": "899111111", "SSNDataQuality": "99"}, "withheld"),
    2: ("date of birth of poor quality", {"DOB": "1980-01-01", "DOBDataQuality": "99"}, "withheld"),
    4: ("impossible date 02-30", {"DOB": "1990-02-30"}, "invalid_value"),
    5: ("name of poor quality", {"FirstName": "Street", "LastName": "Name", "NameDataQuality": "2"}, ""),
    6: (
        "no race and no gender given",
        {"White": "0", "RaceNone": "99", "Female": "0", "Male": "0", "GenderNone": "99"},
        "",
    ),
}


def _client_fault(export: Export, number: int, cells: dict[str, str]) -> Verdict:
    if number == 9:
        cells["LastName"] = ""
        return export.ledger.plant(
            "empty required name, with children of its own", "hmis.Client", held("required_missing")
        )
    if number == 10:
        cells["DateDeleted"] = "2022-02-02 00:00:00"
        return export.ledger.plant("deleted row, with children of its own", "hmis.Client", DELETED)
    if number in _CLIENT_FLAWS:
        dirt, changed, code = _CLIENT_FLAWS[number]
        cells.update(changed)
        export.ledger.plant(dirt, "hmis.Client", SOUND, code)
    return SOUND


@dataclass(slots=True)
class Enrollment:
    """A stay of one client in one project."""

    id: str
    person: str
    household: str
    project: str
    entry: date
    relation: str
    worker: str

    @property
    def case(self) -> Key:
        """The household's case."""
        return Key("cases", self.household)


def _add_enrollment(export: Export, number: int, stay: Enrollment, *, first: bool, flawed: bool) -> None:
    entry = stay.entry.isoformat()
    verdict = SOUND
    if number == 15:
        entry = "2021-02-30"
        verdict = export.ledger.plant("impossible date 02-30", "hmis.Enrollment", held("invalid_value"))
    export.add(
        "Enrollment", EnrollmentID=stay.id, PersonalID=stay.person, ProjectID=stay.project, EntryDate=entry,
        HouseholdID=stay.household, RelationshipToHoH=stay.relation, LivingSituation="16", UserID=stay.worker,
    )  # fmt: skip
    _account_enrollment(export, stay, verdict, first=first)
    if number % 3:
        _add_exit(export, stay, number)
    for turn in range(2 if not flawed else 1):
        _add_service(export, f"{stay.id}-S{turn}", stay, turn)
    if first and number % 2:
        _add_situation(export, stay, number)


def _account_enrollment(export: Export, stay: Enrollment, verdict: Verdict, *, first: bool) -> None:
    """An enrollment is a row of four mappings: of its household's case and assignment it is the first or merged."""
    ledger, person = export.ledger, Key("people", stay.person)
    pair = f"{stay.household}|{stay.person}"
    ledger.add("cases", stay.household if first else None, SOUND if first else MERGED)
    ledger.add("case_people", pair, needs=(stay.case, person))
    links = (("case_person", Key("case_people", pair)),)
    ledger.add("involvements", stay.id, verdict, needs=(stay.case, person), optional=links)
    if first:
        known = stay.worker in WORKERS
        unknown = None if known else ledger.plant("unknown worker", "hmis.Enrollment", held("unmapped_value"))
        ledger.add("assignments", stay.household, unknown or SOUND, needs=(stay.case,))
    else:
        ledger.add("assignments", None, MERGED)


def _add_exit(export: Export, stay: Enrollment, number: int) -> None:
    left = (stay.entry + timedelta(days=30 + number)).isoformat()
    export.add(
        "Exit",
        ExitID=stay.id,
        EnrollmentID=stay.id,
        PersonalID=stay.person,
        ExitDate=left,
        Destination="10",
        UserID="8",
    )
    if number == 7:
        export.ledger.plant("second match in a join with `pick`", "hmis.Exit", SOUND)
        export.add("Exit", ExitID=f"{stay.id}b", EnrollmentID=stay.id, PersonalID=stay.person, ExitDate=stay.entry.isoformat(),
                   DateUpdated="2022-01-01 00:00:00", UserID="8")  # fmt: skip


def _add_service(export: Export, key: str, stay: Enrollment, turn: int, verdict: Verdict = SOUND) -> None:
    day = (stay.entry + timedelta(days=7 * turn)).isoformat()
    kind = ("200", "200") if turn == 0 else ("141", "6")
    export.add(
        "Services", ServicesID=key, EnrollmentID=stay.id, PersonalID=stay.person, DateProvided=day, RecordType=kind[0],
        TypeProvided=kind[1], UserID=stay.worker,
    )  # fmt: skip
    offer = f"{stay.project}|{kind[0]}|{kind[1]}"
    new = offer not in export.offered
    export.offered.add(offer)
    provider = Key("providers", stay.project)
    export.ledger.add(
        "provider_services", offer if new else None, SOUND if new else MERGED, needs=(provider,) if new else ()
    )
    needs = (Key("people", stay.person), stay.case, provider, Key("provider_services", offer))
    export.ledger.add("service_enrollments", key if verdict == SOUND else None, verdict, needs=needs)


def _add_situation(export: Export, stay: Enrollment, number: int) -> None:
    key = f"CLS{number}"
    export.add(
        "CurrentLivingSituation", CurrentLivingSitID=key, EnrollmentID=stay.id, PersonalID=stay.person,
        InformationDate=stay.entry.isoformat(), CurrentLivingSituation=("16", "1", "36")[number % 3],
        LocationDetails='under the "old" bridge,\nnorth side' if number == 1 else "", UserID=stay.worker,
    )  # fmt: skip
    export.ledger.add("notes", key, needs=(stay.case,), optional=(("people_involved", Key("people", stay.person)),))


def add_strays(export: Export) -> None:
    """Rows that point to nothing, come twice or are damaged."""
    plant = export.ledger.plant
    ghost = Enrollment("H9000-0", "99999", "H9000", "900", FIRST_DAY, "1", "8")
    export.add(
        "Enrollment", EnrollmentID=ghost.id, PersonalID=ghost.person, ProjectID="900", EntryDate="2021-10-01",
        HouseholdID="H9000", RelationshipToHoH="1", UserID="8",
    )  # fmt: skip
    plant("client who does not exist: the case still loads", "hmis.Enrollment", ORPHAN)
    _account_enrollment(export, ghost, SOUND, first=True)
    plant("row of a joined table that nothing uses", "hmis.Exit", UNMATCHED)
    export.ledger.unmatched["hmis.Exit"] += 1
    export.add("Exit", ExitID="X1", EnrollmentID="NOWHERE", PersonalID="60000", ExitDate="2022-01-01")
    export.add("Services", ServicesID="LOST-1", EnrollmentID="NOWHERE", PersonalID="60000", DateProvided="2022-01-01", RecordType="200", TypeProvided="200")  # fmt: skip
    missing = plant("enrollment that does not exist", "hmis.Services", held("missing_match"))
    keyless = plant("enrollment that does not exist: no project for the offering", "hmis.Services", held("missing_key"))
    export.ledger.add("provider_services", None, keyless)
    export.ledger.add("service_enrollments", None, missing)
    sound = Enrollment("H5000-0", "60000", "H5000", "900", FIRST_DAY, "1", "8")
    for _ in range(2):
        twice = plant("duplicate key: both rows", "hmis.Services", held("duplicate_key"))
        _add_service(export, "TWICE", sound, 0, twice)
    ragged = plant("ragged row, too short", "hmis.CurrentLivingSituation", held("ragged_row"))
    export.add("CurrentLivingSituation", CurrentLivingSitID="CLSX", EnrollmentID=sound.id)
    del export.rows["CurrentLivingSituation"][-1][-3:]
    export.ledger.add("notes", None, ragged)
