"""What takes long to load is loaded by the verbs that need it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("httptools", "httpx", "networkx", "openpyxl", "uvicorn", "starlette")


def test_a_run_that_asks_nobody_loads_no_library_for_http_for_circles_or_for_spreadsheets():
    asked = f"import sys, etl.pipeline.runs; print([each for each in {HEAVY} if each in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout == "[]\n"


PROJECT = """
project: county
timezone: America/New_York
sources:
  legacy: {csv: "*.csv", encoding: utf-8}
profiles:
  sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token", tenant: sandbox}
"""
MAPPING = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: FIRST_NM
  last_name: LAST_NM
"""


def test_the_first_validate_loads_neither_what_keeps_the_state_nor_what_loads_records(tmp_path):
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "people.yaml").write_text(MAPPING)
    (tmp_path / "PERSONS.csv").write_text("ID,FIRST_NM,LAST_NM\n7,Ana,Rivera\n")
    unwanted = (*HEAVY, "sqlalchemy", "etl.state", "etl.load.executor", "etl.load.verify")
    asked = (
        "import sys; from etl.cli import run_command_line;"
        f"sys.argv = ['casebook-etl', 'validate', {str(tmp_path)!r}, '--quiet', '--json'];"
        f"print(run_command_line(), [each for each in {unwanted} if each in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout.splitlines()[-1] == "0 []"
