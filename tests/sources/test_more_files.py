"""JSON lines, Parquet and bcp files, each with the rows it must give."""

from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import SettingsError, SourceUnreadable
from etl.sources.bcp import BcpSource
from etl.sources.json_lines import JsonLinesSource
from etl.sources.parquet_files import ParquetSource


def rows_of(source, batch_rows=100):
    found = [tuple(row.values()) for batch in source.read("T", batch_rows) for row in batch.to_pylist()]
    return [(row, line, damage or "", *cells) for row, line, damage, *cells in found]


def json_rows(folder, text):
    (folder / "T.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(JsonLinesSource("old", str(folder / "*.jsonl")))


JSON = {
    "numbers as written": ('{"A": 1.50, "B": -0, "C": 1e3}', [(1, 1, "", "1.50", "0", "1000")]),
    "truth and null": ('{"A": true, "B": false, "C": null}', [(1, 1, "", "true", "false", None)]),
    "nested": ('{"A": {"B": {"C": "x"}}}', [(1, 1, "", "x")]),
    "lists": ('{"A": [1.50, {"b": "é"}, null, true]}', [(1, 1, "", '[1.50,{"b":"é"},null,true]')]),
    "names that come later": ('{"A": 1}\n\n{"B": 2}\n', [(1, 1, "", "1", None), (2, 3, "", None, "2")]),
    "cut off": ('{"A": 1}\n{"A": 2, "B', [(1, 1, "", "1"), (2, 2, "broken_record", None)]),
    "no object": ('{"A": 1}\n[1]\n7\n', [(1, 1, "", "1"), (2, 2, "broken_record", None), (3, 3, "broken_record", None)]),
    "a name twice": ('{"A": 1}\n{"A": 1, "A": 2}\n', [(1, 1, "", "1"), (2, 2, "broken_record", None)]),
    "a flattened name twice": ('{"A.b": 1}\n{"A.b": 1, "A": {"b": 2}}\n', [(1, 1, "", "1"), (2, 2, "broken_record", None)]),
    "no number": ('{"A": 1}\n{"A": NaN}\n', [(1, 1, "", "1"), (2, 2, "broken_record", None)]),
    "a number beyond measure": ('{"A": 1}\n{"A": 1e999999999}\n', [(1, 1, "", "1"), (2, 2, "broken_record", None)]),
    "nested beyond measure": ('{"A": 1}\n{"A": ' + "[" * 100_000 + "\n", [(1, 1, "", "1"), (2, 2, "broken_record", None)]),
    "escaped control character": ('{"A": "\\u0000"}', [(1, 1, "control_character", None)]),
    "half a character": ('{"A": "\\ud800"}', [(1, 1, "undecodable_row", None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", JSON)
def test_json_lines_give_exactly_these_rows(tmp_path, name):
    text, expected = JSON[name]
    assert json_rows(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "said"), [("", "holds no JSON object"), ('{"A": 1, "a": 2}', "both named"), ('{"": 1}', "no name")]
)
def test_json_lines_without_clear_columns_are_refused(tmp_path, text, said):
    with pytest.raises(SourceUnreadable, match=said):
        json_rows(tmp_path, text)


def test_objects_whose_names_are_data_are_refused(tmp_path):
    with pytest.raises(SourceUnreadable, match="more than 2000 columns"):
        json_rows(tmp_path, "\n".join(f'{{"K{number}": 1}}' for number in range(2_100)))


def test_parquet_values_take_the_one_text_form(tmp_path):
    moment = datetime(2024, 3, 1, 8, 30)  # noqa: DTZ001 - a cell
    columns = {
        "N": pa.array([Decimal("1.50")]),
        "F": pa.array([3.0]),
        "R": pa.array([7.3], pa.float32()),
        "T": pa.array([moment], pa.timestamp("ns")),
        "Z": pa.array([moment], pa.timestamp("us", "UTC")),
        "S": pa.array([{"a": 1, "b": {"c": "x"}}]),
        "L": pa.array([[1, 2]]),
        "D": pa.array(["x"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), tmp_path / "T.parquet")
    source = ParquetSource("old", str(tmp_path / "*.parquet"))
    batch = next(source.read("T", 10))
    assert batch.to_pylist()[0] == {
        "_row": 1, "_line": None, "_damage": None, "N": "1.50", "F": "3", "R": "7.3", "T": "2024-03-01 08:30:00",
        "Z": "2024-03-01 08:30:00+00:00", "S.a": "1", "S.b.c": "x", "L": "[1,2]", "D": "x",
    }  # fmt: skip


def test_bytes_in_parquet_are_damage(tmp_path):
    pq.write_table(pa.table({"A": [b"\xff", None], "B": ["x", "y"]}), tmp_path / "T.parquet")
    assert rows_of(ParquetSource("old", str(tmp_path / "*.parquet"))) == [
        (1, None, "undecodable_row", None, None), (2, None, "", None, "y")
    ]  # fmt: skip


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "T.parquet").write_bytes(b"PAR1 Garcia PAR1")
    with pytest.raises(SourceUnreadable, match="no sound Parquet file") as caught:
        rows_of(ParquetSource("old", str(tmp_path / "*.parquet")))
    assert "Garcia" not in str(caught.value)


FORMAT = """14.0
3
1       SQLCHAR             0       12      "\\t"     1     ID           ""
2       SQLCHAR             0       80      "\\t"     2     NM           SQL_Latin1_General_CP1_CI_AS
3       SQLCHAR             0       24      "\\r\\n"   3     "BORN ON"    ""
"""


def bcp_rows(folder, data, form=FORMAT, **options):
    (folder / "T.dat").write_bytes(data)
    (folder / "T.fmt").write_text(form)
    return rows_of(BcpSource("old", str(folder / "*.dat"), str(folder / "T.fmt"), **options))


BCP = {
    "plain": (b"1\tAnn\t2011\r\n2\tBob\t\r\n", [(1, 1, "", "1", "Ann", "2011"), (2, 2, "", "2", "Bob", None)]),
    "empty text": (b"1\t\0\t2011\r\n", [(1, 1, "", "1", "", "2011")]),
    "LF inside a cell": (b"1\ta\nb\t2011\r\n2\tc\t\r\n", [(1, 1, "", "1", "a\nb", "2011"), (2, 3, "", "2", "c", None)]),
    "quotes mean nothing": (b'1\t"Ann\t2011\r\n', [(1, 1, "", "1", '"Ann', "2011")]),
    "too few cells": (
        b"1\tAnn\r\n2\tBob\t2011\r\n",
        [(1, 1, "ragged_row", None, None, None), (2, 2, "", "2", "Bob", "2011")],
    ),
    "too many cells": (b"1\tA\tnn\t2011\r\n", [(1, 1, "ragged_row", None, None, None)]),
    "cut off": (b"1\tAnn\t2011\r\n2\tBo", [(1, 1, "", "1", "Ann", "2011"), (2, 2, "broken_record", None, None, None)]),
    "no rows": (b"", []),
}


@pytest.mark.parametrize("name", BCP)
def test_bcp_files_give_exactly_these_rows(tmp_path, name):
    data, expected = BCP[name]
    assert bcp_rows(tmp_path, data) == expected


@pytest.mark.parametrize("length", [*range(1_990, 2_012), 1 << 20, 3 << 20])
def test_the_rest_of_a_bcp_record_that_is_too_long_is_no_record(tmp_path, monkeypatch, length):
    monkeypatch.setattr("etl.sources.bcp.LONGEST_ROW", 1_000)
    monkeypatch.setattr("etl.sources.opened.BLOCK_BYTES", 1_000)
    data = b"1\tAnn\t2011\r\n2\tB\n" + b"x" * length + b"\tcy\t2012\r\n3\tDee\t\r\n"
    assert bcp_rows(tmp_path, data) == [
        (1, 1, "", "1", "Ann", "2011"), (2, 2, "oversized_row", None, None, None), (3, 4, "", "3", "Dee", None),
    ]  # fmt: skip


def test_a_bcp_record_that_is_too_long_and_has_no_end_of_its_own_is_refused_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr("etl.sources.bcp.LONGEST_ROW", 1_000)
    monkeypatch.setattr("etl.sources.opened.BLOCK_BYTES", 1_000)
    form = FORMAT.replace('"\\r\\n"', '"\\t"')
    with pytest.raises(SourceUnreadable, match="the record in line 2 is too long"):
        bcp_rows(tmp_path, b"1\tAnn\t2011\n\t2\tB\n" + b"x" * 5_000 + b"\tcy\t2012\t", form)


def test_bcp_cells_that_all_end_alike_are_read_one_after_the_other(tmp_path):
    form = FORMAT.replace('"\\r\\n"', '"\\t"')
    assert [row[3:] for row in bcp_rows(tmp_path, b"1\tAnn\t2011\t2\tBob\t\t", form)] == [
        ("1", "Ann", "2011"),
        ("2", "Bob", None),
    ]


def test_bcp_cells_may_end_by_their_length_or_not_be_wanted(tmp_path):
    form = '12.0\n3\n1 SQLCHAR 0 3 "" 1 ID ""\n2 SQLCHAR 0 2 "," 0 NM ""\n3 SQLCHAR 0 0 "\\n" 2 B ""\n'
    assert bcp_rows(tmp_path, b"001x,7\n", form) == [(1, 1, "", "001", "7")]


def test_wide_bcp_files_are_read_by_their_encoding(tmp_path):
    form = '12.0\n2\n1 SQLNCHAR 0 3 ",\\0" 1 ID ""\n2 SQLNCHAR 0 0 "\\n\\0" 2 B ""\n'
    assert bcp_rows(tmp_path, "1,é\n".encode("utf-16-le"), form, encoding="utf-16-le") == [(1, 1, "", "1", "é")]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("<?xml version='1.0'?>", "is XML"),
        ("14.0\n2\n" + FORMAT.splitlines()[2], "as many fields as it says"),
        (FORMAT.replace("SQLCHAR", "SQLINT"), "line 3 describes a field that is not characters"),
        (FORMAT.replace("  0       12", "  2       12"), "line 3 describes a field that is not characters"),
        (FORMAT.replace('"\\t"     1', "x 1"), "line 3 is no field"),
        ("", "as many fields as it says"),
    ],
)
def test_a_format_that_cannot_be_honoured_is_refused(tmp_path, form, said):
    with pytest.raises(SettingsError, match=said):
        bcp_rows(tmp_path, b"", form)
