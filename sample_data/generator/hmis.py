"""A synthetic homeless-services export in the form of HUD's HMIS CSV of one edition: projects, clients, households, services.

This module makes the projects and the files that are read but not migrated; the account is kept for the mappings of the
project ``hmis``.
"""

from __future__ import annotations

import json
from pathlib import Path

from generator.account import account_of, dirt_of, nested
from generator.hmis_export import Export, file_bytes
from generator.households import HOUSEHOLDS, KINDS, WORKERS, add_household, add_strays
from generator.invent import Invention
from generator.ledger import SOUND, Key

MAPPINGS = {
    "parent_organizations": "Organization", "locations": "ProjectCoC", "providers": "Project", "people": "Client",
    "cases": "Enrollment", "case_people": "Enrollment", "involvements": "Enrollment",
    "provider_services": "Services", "service_enrollments": "Services", "notes": "CurrentLivingSituation",
    "assignments": "Enrollment",
}  # fmt: skip


def make_hmis(folder: Path, *, scale: int, seed: int, edition: str = "FY2022") -> dict[str, object]:
    """Writes the export, in the form of one edition of the specification, and its expected ledger into a folder; returns
    the latter.
    """
    export = Export(Invention(f"hmis/{seed}"), edition)
    _add_projects(export)
    for number in range(HOUSEHOLDS * scale):
        add_household(export, number)
    add_strays(export)
    _add_the_rest(export)
    export.ledger.settle()
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in export.rows.items():
        (folder / f"{table}.csv").write_bytes(file_bytes(edition, table, rows))
    expected = _expected(export)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    return expected


def _add_projects(export: Export) -> None:
    export.add("Export", ExportID="SYNTHETIC01", SourceType="3", SourceName="Synthetic", CSVVersion=export.edition)
    export.add("Organization", OrganizationID="70", OrganizationName="Harbor Community Services", UserID="8")
    export.ledger.add("parent_organizations", "70")
    for number in range(len(KINDS)):
        key = str(900 + number)
        export.add(
            "Project", ProjectID=key, OrganizationID="70", ProjectName=f"Harbor project {number + 1}",
            OperatingStartDate="2015-07-01", ContinuumProject="1", ProjectType=KINDS[number], TargetPopulation="4",
        )  # fmt: skip
        coc_ids = [f"{key}0", f"{key}1"] if number in {0, 3} else [f"{key}0"]
        for turn, coc_id in enumerate(coc_ids):
            _add_coc(export, coc_id, key, turn)
        links = (
            ("facility_location", Key("locations", coc_ids[0])),
            ("parent_organization", Key("parent_organizations", "70")),
        )
        export.ledger.add("providers", key, optional=links)


def _add_coc(export: Export, key: str, project: str, turn: int) -> None:
    export.add(
        "ProjectCoC", ProjectCoCID=key, ProjectID=project, CoCCode=f"XX-50{turn}", Geocode="391062",
        Address1=export.invent.street(), City=export.invent.city(), State="OH", ZIP=export.invent.zip_code(),
    )  # fmt: skip
    if turn:
        export.ledger.plant("second match in a join with `pick`", "hmis.ProjectCoC", SOUND)
    export.ledger.add("locations", key, optional=(("provider", Key("providers", project)),))


def _add_the_rest(export: Export) -> None:
    """A few rows of the files that are read but not migrated."""
    for worker in WORKERS:
        export.add("User", UserID=worker, UserFirstName="Some", UserLastName="Worker")
    base = {
        "EnrollmentID": "H5000-0",
        "PersonalID": "60000",
        "InformationDate": "2021-10-01",
        "DataCollectionStage": "1",
    }
    export.add("Disabilities", DisabilitiesID="D1", DisabilityType="5", DisabilityResponse="0", **base)
    export.add("HealthAndDV", HealthAndDVID="HD1", DomesticViolenceVictim="0", **base)
    export.add("IncomeBenefits", IncomeBenefitsID="I1", IncomeFromAnySource="0", **base)
    export.add("EmploymentEducation", EmploymentEducationID="E1", Employed="0", **base)
    export.add("EnrollmentCoC", EnrollmentCoCID="EC1", HouseholdID="H5000", ProjectID="900", CoCCode="XX-500", **base)
    export.add("Event", EventID="EV1", EnrollmentID="H5000-0", PersonalID="60000", EventDate="2021-10-02", Event="13")
    export.add("Funder", FunderID="F1", ProjectID="900", Funder="8", GrantID="G-1", StartDate="2020-10-01")
    export.add("Inventory", InventoryID="IN1", ProjectID="900", CoCCode="XX-500", HouseholdType="1", BedInventory="16")
    if export.edition != "FY2022":
        export.add("CEParticipation", CEParticipationID="CE1", ProjectID="900", AccessPoint="1")
        export.add("HMISParticipation", HMISParticipationID="HP1", ProjectID="900", HMISParticipationType="1")


def _expected(export: Export) -> dict[str, object]:
    ledger = export.ledger
    return {
        "rows": {f"hmis.{table}": len(rows) for table, rows in export.rows.items()},
        "mappings": {mapping: account_of(ledger, mapping, f"hmis.{table}") for mapping, table in MAPPINGS.items()},
        "unmatched_rows": dict(sorted(ledger.unmatched.items())),
        "links_left_out": nested(ledger.left_out),
        "dirt": dirt_of(ledger),
    }
