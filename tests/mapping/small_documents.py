"""The documents of a small migration project, for whoever changes one of them in a test or an example and looks at it."""

from __future__ import annotations

PROJECT = """\
project: small
timezone: America/New_York
sources:
  legacy: {csv: "data/*.csv", encoding: cp1252}
  docs: {files: scans}
profiles:
  sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token", tenant: sandbox}
"""
PEOPLE = """\
mapping: people
target: person
source: legacy.PERSONS
key: PERSON_ID
fields:
  first_name: FIRST_NM
  last_name: LAST_NM
"""
CASES = """\
mapping: cases
target: case
source: legacy.CASES
key: [COUNTY, CASE_NO]
fields:
  name: TITLE
  case_type: {const: Foster Care}
  case_status: {const: Open}
"""
