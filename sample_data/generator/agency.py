"""The agency as a whole: its blocks one after another, then the expected ledger and the description of the dirt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from generator.account import account_of, dirt_of, nested
from generator.block import Block
from generator.casework import add_case_people, add_cases, add_intake, add_involvements
from generator.documents import write_documents, write_large
from generator.invent import Invention
from generator.ledger import Ledger
from generator.loners import add_loners
from generator.people import add_addresses, add_extras, add_families, add_relations
from generator.providers import add_providers
from generator.records import LARGE, add_assignments, add_enrollments, add_notes, add_scans
from generator.schema import source_of
from generator.writers import Tables

BASE_TABLES = {
    "people": "PERSONS", "person_relationships": "RELATIONS", "person_addresses": "ADDRESSES",
    "intake_reports": "INTAKE", "report_people": "INTAKE_PEOPLE", "cases": "CASES", "case_people": "CASE_PEOPLE",
    "involvements": "INVOLVEMENTS", "notes": "NOTES", "scans": "SCANS", "assignments": "ASSIGNMENTS",
    "parent_organizations": "PARENT_ORGS", "locations": "LOCATIONS", "providers": "PROVIDERS",
    "provider_services": "PROVIDER_SERVICES", "licenses": "LICENCES", "license_conditions": "LICENCES",
    "staff_people": "STAFF", "provider_staff": "STAFF", "visits": "VISITS", "service_enrollments": "ENROLLMENTS",
}  # fmt: skip
"""Mapping of the demonstration project -> the table whose rows it accounts for."""


def make_agency(folder: Path, *, scale: int, seed: int, with_large: bool) -> dict[str, object]:
    """Writes the agency's extract below a folder; returns what `expected.json` says of it."""
    ledger = Ledger()
    with Tables(folder) as tables:
        for number in range(scale):
            block = Block(number, Invention(f"{seed}/{number}"), tables, ledger)
            _fill(block, with_large=with_large and number == 0)
            ledger.settle()
    write_documents(folder / "files")
    if with_large:
        write_large(folder / "files" / LARGE)
    expected = _expected(ledger, tables.rows)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    return expected


def _fill(block: Block, *, with_large: bool) -> None:
    add_families(block)
    add_loners(block)
    add_relations(block)
    add_addresses(block)
    add_extras(block)
    add_providers(block)
    add_intake(block)
    add_cases(block)
    add_case_people(block)
    add_involvements(block)
    add_enrollments(block)
    add_notes(block)
    add_scans(block, with_large=with_large)
    add_assignments(block)
    for index in range(20):
        audit = {"AUDIT_ID": str(block.number_of(index)), "TABLE_NM": "PERSONS", "ACTION_CD": "U", "WHEN_TS": ""}
        block.tables.add("AUDIT_LOG", audit)


def _expected(ledger: Ledger, rows: Mapping[str, int]) -> dict[str, object]:
    """The expected account, in the order of the mappings; rows of joined tables that nobody uses stand apart."""
    return {
        "rows": {f"{source_of(table)}.{table}": rows[table] for table in sorted(rows)},
        "mappings": {
            mapping: account_of(ledger, mapping, f"{source_of(table)}.{table}")
            for mapping, table in BASE_TABLES.items()
        },
        "unmatched_rows": dict(sorted(ledger.unmatched.items())),
        "links_left_out": nested(ledger.left_out),
        "dirt": dirt_of(ledger),
    }
