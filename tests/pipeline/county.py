"""A county's project of one mapping and one table, for what a dry run does with it."""

from __future__ import annotations

from pathlib import Path

PROJECT = """
project: county
timezone: America/New_York
sources:
  legacy: {csv: "*.csv", encoding: utf-8}
profiles:
  sandbox: {base_url: "http://127.0.0.1:1", token_url: "http://127.0.0.1:1/oauth2/token", tenant: sandbox}
"""
MAPPING = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
"""


def write_county(folder: Path, fields: str, rows: list[str]) -> Path:
    """The project with these fields of people, one a line, and with these lines of their table, its header first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.yaml").write_text(PROJECT)
    (folder / "people.yaml").write_text(MAPPING + "".join(f"  {line}\n" for line in fields.strip().splitlines()))
    (folder / "PERSONS.csv").write_text("\n".join([*rows, ""]))
    return folder
