"""Attachments with the same bytes are told before the weekend, and loaded all the same."""

from __future__ import annotations

from tests.e2e.harness import etl, small

SCANS = """\
mapping: scans
target: attachment
source: legacy.SCANS
key: ID
fields:
  file: {file: docs, path: PATH}
  file_name: PATH
  target: {ref: case, key: CASE_NO}
"""


def problems_of(tmp_path, *rows: str, **files: bytes):
    place = small(
        tmp_path,
        changes={
            "scans.yaml": SCANS,
            "data/SCANS.csv": "\n".join(["ID,PATH,CASE_NO", *rows, ""]),
            **{f"data/files/{name}.pdf": content for name, content in files.items()},
        },
    )
    ended = etl("validate", place.project, "--progress", "none")
    told = [row for row in place.rows("problems.parquet") if row["code"] == "same_file"]
    return ended, [(row["severity"], row["row"], row["field"], row["detail"]) for row in told]


def test_the_later_of_two_is_a_warning_on_the_same_record_and_for_information_elsewhere(tmp_path):
    rows = ("1,a.pdf,C1", "2,b.pdf,C1", "3,c.pdf,C2", "4,d.pdf,C2", "5,a.pdf,C2")
    ended, told = problems_of(tmp_path, *rows, a=b"letter", b=b"letter", c=b"letter", d=b"photo")
    assert told == [
        ("warn", 2, "file", "as row 1, of the same record"),
        ("warn", 5, "file", "as row 3, of the same record"),
        ("info", 3, "file", "as row 1, of another record"),
    ]
    assert ended.code == 0, ended.text


def test_files_that_differ_or_are_missing_are_not_alike(tmp_path):
    _, told = problems_of(tmp_path, "1,a.pdf,C1", "2,b.pdf,C1", "3,gone.pdf,C1", "4,lost.pdf,C1", a=b"x", b=b"y")
    assert told == []
