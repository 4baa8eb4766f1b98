"""A source that comes in several editions shows one set of columns, whatever the edition calls them."""

from __future__ import annotations

import pytest

from etl.core.errors import SourceUnreadable
from etl.mapping.model import Position, VaryingColumn, VaryingTable
from etl.sources.csv import CsvSource
from etl.sources.editions import EditionSource

VARIES = {
    "CLIENTS": VaryingTable(
        {"SEX": VaryingColumn((), optional=True), "ZIP": VaryingColumn(("Zip", "POSTAL"), optional=False)},
        Position("project.yaml", 1, 1),
    )
}


def edition(folder, text, batch_rows=2):
    (folder / "CLIENTS.csv").write_text(text)
    source = EditionSource(CsvSource("old", str(folder / "*.csv")), VARIES)
    return [row for batch in source.read("CLIENTS", batch_rows) for row in batch.to_pylist()]


def cells(rows):
    return [{name: cell for name, cell in row.items() if not name.startswith("_")} for row in rows]


def test_a_column_has_the_name_that_mappings_use_in_every_edition(tmp_path):
    for name in ("ZIP", "Zip", "POSTAL"):
        rows = cells(edition(tmp_path, f"ID,{name},SEX\n1,43215,1\n2,43216,2\n3,43217,9\n"))
        assert rows[2] == {"ID": "3", "ZIP": "43217", "SEX": "9"}
        assert len(rows) == 3


def test_a_column_that_an_edition_lacks_is_blank_in_every_batch(tmp_path):
    rows = cells(edition(tmp_path, "ID,ZIP\n1,43215\n2,43216\n3,43217\n"))
    assert [row["SEX"] for row in rows] == [None, None, None]


def test_a_column_that_may_not_be_missing_is_left_missing_for_the_check_of_columns(tmp_path):
    assert "ZIP" not in cells(edition(tmp_path, "ID,SEX\n1,1\n"))[0]


def test_two_names_of_one_column_at_once_are_refused_with_both(tmp_path):
    with pytest.raises(SourceUnreadable, match=r"old\.CLIENTS has both ZIP and POSTAL") as refused:
        edition(tmp_path, "ID,ZIP,POSTAL\n1,43215,43215\n")
    assert "varies" in refused.value.hint


def test_lines_and_damaged_rows_stay_where_they_are(tmp_path):
    rows = edition(tmp_path, "ID,POSTAL\n1,43215\n2\n3,43217\n")
    assert [(row["_line"], row["_damage"]) for row in rows] == [(2, None), (3, "ragged_row"), (4, None)]


def test_tables_that_do_not_vary_are_as_they_are(tmp_path):
    (tmp_path / "STAYS.csv").write_text("ID,Zip\n1,x\n")
    source = EditionSource(CsvSource("old", str(tmp_path / "*.csv")), VARIES)
    assert next(source.read("STAYS", 10)).schema.names[-1] == "Zip"
