"""What takes long to load is loaded by the verbs that need it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("httptools", "httpx", "networkx", "openpyxl", "uvicorn", "starlette")


def test_a_run_that_asks_nobody_loads_no_library_for_http_for_circles_or_for_spreadsheets():
    asked = f"import sys, etl.pipeline.runs; print([each for each in {HEAVY} if each in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert found.stdout == "[]\n"
