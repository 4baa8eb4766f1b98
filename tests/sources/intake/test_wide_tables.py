"""Tables of very many columns: looked at in parts, with the same words as in one, and in bounded memory."""

from __future__ import annotations

import datetime as dt

import pytest

from etl.sources.intake import parts
from etl.sources.intake.intake import Intake
from etl.sources.intake.verdict import Declared
from tests.measured import measured

NAMES = ["CHILD_ID", "ROW", "Seen Date", "alike", "ZIP", "first", "CASE_ID"]
ROWS = [
    ["1", "a", "01/31/2020", "x", "02139", "q", "7"],
    ["2", "b ", "13/01/2020", "", "2139", "q", "7"],
    ["2", "b ", "13/01/2020", "", "2139", "q", "7"],
    ["2", "b ", "13/01/2020", "", "2139", "q", "8"],
    ["3", "c", "UNK", "NULL", "02139", "r"],
    ["4", "d", "02/03/2021", "y", "30601", "r", "9"],
]
MOST_MB = 400


class Silent:
    def start(self, stage, total=None):
        pass

    def advance(self, count=1):
        pass

    def note(self, text):
        pass


def taken_in(folder, width, monkeypatch):
    monkeypatch.setattr(parts, "WIDTH", width)
    work = folder / f"work{width}"
    work.mkdir(mode=0o700)
    path = folder / "CHILDREN.csv"
    path.write_text("\n".join(",".join(each) for each in (NAMES, *ROWS)) + "\n")
    with Intake(work, Silent(), dt.datetime(2026, 1, 31, tzinfo=dt.UTC)) as intake:
        intake.add_file(path, "CHILDREN", Declared())
        return intake.certificate()


@pytest.mark.parametrize("width", [1, 2, 3])
def test_parts_change_nothing_of_what_is_found(tmp_path, monkeypatch, width):
    whole = taken_in(tmp_path, 100, monkeypatch)
    assert {"repeated_rows", "ragged_row", "sentinels"} <= {each.code for each in whole.observations}
    assert taken_in(tmp_path, width, monkeypatch) == whole


def test_memory_does_not_grow_with_the_number_of_columns(tmp_path):
    path = tmp_path / "WIDE.csv"
    header = ",".join(f"COL_{each}" for each in range(300))
    rows = (",".join(f"{row * 7 % 10}x{each}" for each in range(300)) for row in range(10))
    path.write_text("\n".join([header, *rows]) + "\n")
    ended, peak_mb = measured(tmp_path, "inspect", path, "--quiet")
    assert ended.code in (0, 1), ended.text
    assert peak_mb < MOST_MB
