"""What takes long to load is loaded by the verbs that need it."""

from __future__ import annotations

import subprocess
import sys

from tests.pipeline.county import write_county

HEAVY = ("httptools", "httpx", "networkx", "openpyxl", "uvicorn", "starlette")


def test_a_run_that_asks_nobody_loads_no_library_for_http_for_circles_or_for_spreadsheets():
    asked = f"import sys, etl.pipeline.runs; print([each for each in {HEAVY} if each in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout == "[]\n"


def test_the_first_validate_loads_neither_what_keeps_the_state_nor_what_loads_records(tmp_path):
    small_county(tmp_path)
    unwanted = (*HEAVY, "sqlalchemy", "etl.state", "etl.load.executor", "etl.load.verify")
    asked = (
        "import sys; from etl.cli import run_command_line;"
        f"sys.argv = ['casebook-etl', 'validate', {str(tmp_path)!r}, '--quiet', '--json'];"
        f"print(run_command_line(), [each for each in {unwanted} if each in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout.splitlines()[-1] == "0 []"


def test_the_program_loads_pandas_only_for_functions_of_a_project(tmp_path):
    small_county(tmp_path)
    asked = (
        "import atexit, sys; from etl.__main__ import main;"
        "atexit.register(lambda: print([each for each in sys.modules if each.partition('.')[0] == 'pandas']));"
        f"sys.argv = ['casebook-etl', 'validate', {str(tmp_path)!r}, '--quiet', '--json'];"
        "main()"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout.splitlines()[-1] == "[]"


def test_arrow_knows_series_where_functions_of_a_project_are_called():
    asked = (
        "from etl.__main__ import _leave_pandas_alone; _leave_pandas_alone();"
        "import etl.mapping.function_calls, pandas, pyarrow; print(pyarrow.array(pandas.Series([1.5, None])).null_count)"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout == "1\n"


def small_county(folder):
    write_county(folder, "first_name: FIRST_NM\nlast_name: LAST_NM", ["ID,FIRST_NM,LAST_NM", "7,Ana,Rivera"])
