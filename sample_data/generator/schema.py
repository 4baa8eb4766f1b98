"""The legacy tables: columns of the CSV files and statements of the SQL database.

Columns have the look of a case system of the nineties: short names, one-letter flags, technical columns at the end.
"""

from __future__ import annotations

TECHNICAL = ("ROW_GUID", "LAST_UPD_DT", "LAST_UPD_BY")

CSV_TABLES: dict[str, tuple[str, ...]] = {
    "PERSONS": (
        "PERSON_ID", "LAST_NM", "FIRST_NM", "MIDDLE_NM", "SUFFIX_CD", "DOB", "DOD", "SEX_CD", "GI_CD", "HISP_CD",
        "RACE_W", "RACE_B", "RACE_A", "RACE_I", "RACE_P", "RACE_UNK", "SSN", "SSN_STAT", "MAR_CD", "MOTHER_ID",
        "FATHER_ID", "INTERP_FL", "DELETED_FL", *TECHNICAL,
    ),
    "RELATIONS": ("REL_ID", "PERSON_ID", "RELATED_ID", "REL_CD", "DIR_CD", "START_DT", "END_DT", *TECHNICAL),
    "INTAKE": (
        "INTAKE_NO", "RCVD_DT", "RCVD_TM", "METHOD_CD", "TYPE_CD", "REFERRED_BY", "CALLER_KIND", "NARRATIVE",
        "COUNTY_CD", *TECHNICAL,
    ),
    "INTAKE_PEOPLE": ("INTAKE_NO", "PERSON_ID", "PART_CD", *TECHNICAL),
    "CASES": (
        "CASE_NO", "CASE_NM", "PROGRAM_CD", "STATUS_CD", "OPEN_DT", "CLOSE_DT", "CNTY_CD", "INTAKE_NO", "GOAL_TX",
        *TECHNICAL,
    ),
    "CASE_PEOPLE": ("CASE_NO", "PERSON_ID", "ROLE_CD", *TECHNICAL),
    "INVOLVEMENTS": ("INV_ID", "CASE_NO", "PERSON_ID", "TYPE_CD", "START_DT", "END_DT", *TECHNICAL),
    "NOTES": (
        "NOTE_ID", "OWNER_TYPE", "OWNER_ID", "NOTE_TS", "TYPE_CD", "SUBJECT", "BODY", "AUTHOR_NO", "PEOPLE_LST",
        *TECHNICAL,
    ),
    "SCANS": ("SCAN_ID", "OWNER_TYPE", "OWNER_ID", "ORIG_NAME", "FILE_PATH", "MIME_TX", *TECHNICAL),
    "ASSIGNMENTS": ("ASSIGN_ID", "OWNER_TYPE", "OWNER_ID", "WORKER_NO", "START_DT", *TECHNICAL),
    "AUDIT_LOG": ("AUDIT_ID", "TABLE_NM", "ACTION_CD", "WHEN_TS"),
}  # fmt: skip

SQL_TABLES: dict[str, tuple[str, ...]] = {
    "PARENT_ORGS": ("ORG_ID VARCHAR(8) PRIMARY KEY", "ORG_NM VARCHAR(80)"),
    "LOCATIONS": (
        "LOC_ID VARCHAR(12) PRIMARY KEY", "STREET1 VARCHAR(80)", "STREET2 VARCHAR(80)", "CITY VARCHAR(40)",
        "STATE VARCHAR(20)", "ZIP VARCHAR(10)", "CNTY_CD VARCHAR(4)", "LAT DECIMAL(9,6)", "LON DECIMAL(9,6)",
        "PROV_ID VARCHAR(12)", "REMARK VARCHAR(200)",
    ),
    "PROVIDERS": (
        "PROV_ID VARCHAR(12) PRIMARY KEY", "PROV_NM VARCHAR(80)", "PROV_TYPE VARCHAR(4)", "FAC_TYPE VARCHAR(4)",
        "LOC_ID VARCHAR(12)", "ORG_ID VARCHAR(8)", "PHONE VARCHAR(20)", "EIN VARCHAR(12)", "CONTRACT_FL BOOLEAN",
        "ACCRED_CD CHAR(2)", "FAX VARCHAR(20)",
    ),
    "PROVIDER_SERVICES": (
        "PSVC_ID VARCHAR(12) PRIMARY KEY", "PROV_ID VARCHAR(12)", "SVC_NM VARCHAR(80)", "SVC_TYPE VARCHAR(4)",
        "CAPACITY INTEGER", "UNIT_TX VARCHAR(20)", "DESCR VARCHAR(400)",
    ),
    "LICENCES": (
        "LIC_ID VARCHAR(12) PRIMARY KEY", "PROV_ID VARCHAR(12)", "LIC_TYPE VARCHAR(4)", "STATUS_CD VARCHAR(4)",
        "EFF_DT DATE", "EXP_DT DATE", "MIN_AGE INTEGER", "MAX_AGE INTEGER", "COND_TX VARCHAR(200)",
    ),
    "STAFF": (
        "STAFF_ID VARCHAR(12) PRIMARY KEY", "FULL_NM VARCHAR(80)", "BIRTH_DT DATE", "PROV_ID VARCHAR(12)",
        "TITLE_TX VARCHAR(40)", "ACTIVE BOOLEAN",
    ),
    "VISITS": (
        "VISIT_ID VARCHAR(12) PRIMARY KEY", "PROV_ID VARCHAR(12)", "VISIT_TS TIMESTAMP", "CONTACT_CD VARCHAR(4)",
        "REMARK VARCHAR(400)",
    ),
    "ADDRESSES": (
        "ADDR_ID VARCHAR(12) PRIMARY KEY", "PERS_ID VARCHAR(12)", "STREET VARCHAR(80)", "UNIT VARCHAR(20)",
        "CITY VARCHAR(40)", "STATE VARCHAR(20)", "ZIP VARCHAR(10)", "CNTY_CD VARCHAR(4)", "EFF_DT DATE", "END_DT DATE",
    ),
    "PERSON_EXTRA": (
        "EXTRA_ID INTEGER PRIMARY KEY", "PERS_ID VARCHAR(12)", "VET_CD VARCHAR(4)", "INCOME_AMT DECIMAL(10,2)",
        "SHOE_SIZE VARCHAR(8)",
    ),
    "ENROLLMENTS": (
        "ENR_ID VARCHAR(12) PRIMARY KEY", "PERSON_ID VARCHAR(12)", "CASE_NO VARCHAR(12)", "PROV_ID VARCHAR(12)",
        "PSVC_ID VARCHAR(12)", "STATUS_CD VARCHAR(4)", "START_DT DATE", "END_DT DATE", "UNITS DECIMAL(8,2)",
    ),
}  # fmt: skip


def sql_columns(table: str) -> tuple[str, ...]:
    """The column names of a table of the SQL database."""
    return tuple(declaration.split()[0] for declaration in SQL_TABLES[table])


def source_of(table: str) -> str:
    """The source that holds a table, as the project of the demonstration names it."""
    return "legacy" if table in CSV_TABLES else "oldsql"
