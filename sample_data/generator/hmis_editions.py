"""The editions of HUD's HMIS CSV: what the specifications of fiscal years 2024 and 2026 changed in columns and codes.

Each edition is told as its difference from the one before, and rows are made in the words of 2022 and translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.hmis_columns import COLUMNS

Columns = dict[str, tuple[str, ...]]
_END = "DateCreated DateUpdated UserID DateDeleted ExportID"


@dataclass(frozen=True, slots=True)
class Change:
    """What one edition changed: columns by table that are gone, called otherwise, or new (behind another one)."""

    gone: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    added: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dropped_tables: frozenset[str] = frozenset()
    new_tables: Mapping[str, str] = field(default_factory=dict)


_OF_2024 = Change(
    gone={
        "Client": "Ethnicity",
        "Enrollment": "WorstHousingSituation LastPermanentStreet LastPermanentCity LastPermanentState LastPermanentZIP "
        "AddressDataQuality",
        "HealthAndDV": "LifeValue SupportFromOthers BounceBack FeelingFrequency",
        "IncomeBenefits": "HIVAIDSAssistance NoHIVAIDSAssistanceReason",
        "Project": "TrackingMethod HMISParticipatingProject",
    },
    renamed={
        "Client": {"Female": "Woman", "Male": "Man", "NoSingleGender": "NonBinary"},
        "Exit": {"WorkplaceViolenceThreats": "WorkPlaceViolenceThreats"},
        "HealthAndDV": {"DomesticViolenceVictim": "DomesticViolenceSurvivor"},
        "IncomeBenefits": {"VAMedicalServices": "VHAServices", "NoVAMedReason": "NoVHAReason"},
        "ProjectCoC": {"ZIP": "Zip"},
    },
    added={
        "Client": {
            "BlackAfAmerican": "HispanicLatinaeo MidEastNAfrican",
            "RaceNone": "AdditionalRaceEthnicity",
            "NonBinary": "CulturallySpecific",
            "Questioning": "DifferentIdentity",
            "GenderNone": "DifferentIdentityText",
        },
        "CurrentLivingSituation": {"CurrentLivingSituation": "CLSSubsidyType"},
        "Enrollment": {
            "RelationshipToHoH": "EnrollmentCoC",
            "LivingSituation": "RentalSubsidyType",
            "ThresholdScore": "TranslationNeeded PreferredLanguage PreferredLanguageDifferent",
        },
        "Exit": {"Destination": "DestinationSubsidyType"},
        "Export": {"HashStatus": "ImplementationID"},
        "Project": {"HousingType": "RRHSubType"},
        "Services": {"FAAmount": "FAStartDate FAEndDate"},
    },
    dropped_tables=frozenset({"EnrollmentCoC"}),
    new_tables={
        "CEParticipation": "CEParticipationID ProjectID AccessPoint PreventionAssessment CrisisAssessment "
        "HousingAssessment DirectServices ReceivesReferrals CEParticipationStatusStartDate "
        f"CEParticipationStatusEndDate {_END}",
        "HMISParticipation": "HMISParticipationID ProjectID HMISParticipationType HMISParticipationStatusStartDate "
        f"HMISParticipationStatusEndDate {_END}",
    },
)
_OF_2026 = Change(
    gone={
        "Client": "Woman Man NonBinary CulturallySpecific Transgender Questioning DifferentIdentity GenderNone "
        "DifferentIdentityText",
        "Enrollment": "SexualOrientation SexualOrientationOther TranslationNeeded PreferredLanguage "
        "PreferredLanguageDifferent",
    },
    renamed={"Client": {"HispanicLatinaeo": "HispanicLatinao"}},
    added={
        "Client": {"DOBDataQuality": "Sex"},
        "Enrollment": {"ThresholdScore": "MentalHealthConsultation"},
    },
)

_SITUATIONS_OF_2024 = {"16": "116", "1": "101", "36": "336"}


def _changed(columns: Columns, change: Change) -> Columns:
    kept = {table: names for table, names in columns.items() if table not in change.dropped_tables}
    new = {table: tuple(names.split()) for table, names in change.new_tables.items()}
    return {table: _of_table(table, names, change) for table, names in kept.items()} | new


def _of_table(table: str, names: tuple[str, ...], change: Change) -> tuple[str, ...]:
    gone = change.gone.get(table, "").split()
    renamed, added = change.renamed.get(table, {}), change.added.get(table, {})
    kept = [renamed.get(name, name) for name in names]
    longer = [each for name in kept for each in (name, *added.get(name, "").split())]
    return tuple(name for name in longer if name not in gone)


EDITIONS: Mapping[str, Columns] = {
    "FY2022": COLUMNS,
    "FY2024": (_COLUMNS_2024 := _changed(COLUMNS, _OF_2024)),
    "FY2026": _changed(_COLUMNS_2024, _OF_2026),
}
"""Edition -> table -> its columns in order."""


def in_words_of(edition: str, table: str, cells: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row, told in the words of 2022, as an edition writes them."""
    if edition == "FY2022":
        return dict(cells)
    renamed = _OF_2024.renamed.get(table, {})
    told = {renamed.get(name, name): cell for name, cell in cells.items()}
    if table == "Client":
        told |= _of_a_client(edition, cells)
    elif table == "CurrentLivingSituation" and "CurrentLivingSituation" in told:
        told["CurrentLivingSituation"] = _SITUATIONS_OF_2024[told["CurrentLivingSituation"]]
    elif table == "Enrollment":
        told |= {"EnrollmentCoC": "XX-500", "LivingSituation": "116"}
    return told


def _of_a_client(edition: str, cells: Mapping[str, str]) -> dict[str, str]:
    """Ethnicity became a race among the others; in 2026 one column of sex took the place of gender."""
    hispanic = "HispanicLatinaeo" if edition == "FY2024" else "HispanicLatinao"
    races = {hispanic: "01"[cells["Ethnicity"] == "1"], "MidEastNAfrican": "0"}
    genders = {"CulturallySpecific": "0", "DifferentIdentity": "0"}
    sex = {("1", "0"): "0", ("0", "1"): "1"}.get((cells["Female"], cells["Male"]), "99")
    return races | (genders if edition == "FY2024" else {"Sex": sex})
