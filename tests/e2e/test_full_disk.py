"""A disk that takes no more ends a command with a sentence and the environment's exit code, and leaves no half file.

The limit is the system's own for the size of a file: what fails is a real write, wherever in the line it happens to be.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import partial

import pyarrow.parquet as pq
import pytest

from tests.e2e.harness import KEY, ROOT


@pytest.mark.parametrize("limit_kb", [1, 8, 24, 48])
def test_a_file_that_cannot_be_written_ends_validate_with_a_sentence_and_no_half_file(agency, limit_kb):
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "etl", "validate", str(agency.project), "--quiet"],
        cwd=ROOT,
        env=os.environ | {"CASEBOOK_ETL_PROJECT_KEY": KEY, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit_kb * 1024,) * 2),
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (3, "")
    sentence, remedy = ended.stderr.splitlines()
    assert sentence in {
        "The system refused a file: File too large.",
        "Judging references needs more than 64 MB of memory and the disk beside it.",
    }
    assert "room" in remedy or "disk space" in remedy
    left = [path for path in agency.runs.rglob("*") if path.is_file()]
    assert not [path.name for path in left if path.name.endswith((".part", ".partial"))]
    for path in left:
        if path.suffix == ".parquet":
            pq.read_metadata(path)
