"""Batches that are mapped at the same time leave the files that they leave one after the other."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

from etl.cli.progress import QuietProgress
from etl.mapping.operations import bind
from etl.pipeline import prepare
from etl.pipeline.dry_run import validate
from etl.pipeline.projects import open_project
from tests.pipeline.county import write_county

FIELDS = """
first_name: {from: FIRST_NM, do: [trim, title_name]}
last_name: LAST_NM
date_of_birth: {from: DOB, do: [{date: {in: ["%m/%d/%Y"]}}]}
mother: {ref: person, key: MOTHER_ID, on_missing: empty}
"""
MADE = ("records/mapped/people.parquet", "records/rows.parquet", "problems.parquet", "ledger.parquet")


@pytest.fixture
def project(tmp_path):
    lines = ["ID,FIRST_NM,LAST_NM,DOB,MOTHER_ID"]
    for number in range(200):
        born = "02/30/2001" if number % 7 == 0 else f"{number % 12 + 1:02}/15/2001"
        lines.append(f"{number or ''}, ana{number},{'' if number % 31 == 5 else 'Rivera'},{born},{number * 2 or ''}")
    return write_county(tmp_path / "mappings" / "county", FIELDS, lines)


def files_of(project, monkeypatch, threads, batch_rows):
    monkeypatch.setattr(prepare, "THREADS", threads)
    monkeypatch.setattr(prepare, "BATCH_ROWS", batch_rows)
    finished = validate(open_project(project, None, {"CASEBOOK_ETL_PROJECT_KEY": "ab" * 32}), QuietProgress())
    assert (finished.summary.ledger.balanced, finished.exit_code) == (True, 1)
    return {name: (finished.folder / name).read_bytes() for name in MADE}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("batch_rows", [1, 7, 64])
def test_all_files_are_the_same_byte_for_byte_with_any_number_of_threads(project, monkeypatch, threads, batch_rows):
    alone = files_of(project, monkeypatch, 0, batch_rows)
    assert files_of(project, monkeypatch, threads, batch_rows) == alone


FUNCTIONS = """
import threading

def where(texts):
    return texts + (" first" if threading.current_thread() is threading.main_thread() else " other")
"""


def test_code_of_the_project_is_called_by_the_first_thread_alone(project, monkeypatch):
    (project / "own.py").write_text(FUNCTIONS)
    with (project / "project.yaml").open("a") as file:
        file.write("functions: [own.where]\n")
    people = project / "people.yaml"
    people.write_text(people.read_text().replace("[trim, title_name]", "[{py: own.where}]"))
    made = pq.read_table(io.BytesIO(files_of(project, monkeypatch, 2, 7)["records/mapped/people.parquet"]))
    assert {text.split()[-1] for text in made["first_name"].to_pylist()} == {"first"}


def test_libraries_that_are_not_ours_are_called_alone_and_columns_are_not():
    assert bind("email_address", None).alone
    assert not bind("trim", None).alone
