"""Every kind of source under ``sources:`` with its options and absolute places, and its mistakes."""

import pytest

from tests.mapping.test_project_folder import with_source

PLACES = {
    '{dump: "old/agency.sql", dialect: tsql}': ("dump", "old/agency.sql", {"dialect": "tsql"}),
    '{fixed_width: "old/*.txt", layout: "layouts/{table}.csv"}': ("fixed_width", "old/*.txt", {"layout": "@layouts/{table}.csv"}),
    '{excel: "*.xlsx", header_row: 2, types: {ZIP: digits(5)}}': ("excel", "*.xlsx", {"header_row": 2, "types": {"ZIP": "digits(5)"}}),
    '{excel: "*.xls", nameless: number}': ("excel", "*.xls", {"nameless": "number", "types": {}}),
    '{json_lines: "*.jsonl"}': ("json_lines", "*.jsonl", {}),
    '{parquet: "*.parquet"}': ("parquet", "*.parquet", {}),
    '{bcp: "*.dat", format: T.fmt, encoding: cp1252}': ("bcp", "*.dat", {"format": "@T.fmt", "encoding": "cp1252", "types": {}}),
    "{access: case.mdb}": ("access", "case.mdb", {"types": {}}),
    '{zip: drop.zip, csv: "*.csv", encoding: cp1252}': ("zip", "drop.zip", {"kind": "csv", "members": "*.csv", "encoding": "cp1252"}),
}  # fmt: skip


@pytest.mark.parametrize("declared", PLACES)
def test_a_source_has_its_kind_its_absolute_place_and_its_options(desk, declared):
    kind, place, options = PLACES[declared]
    source = desk.load(with_source(declared)).sources["legacy"]
    assert (source.kind, source.location) == (kind, str(desk.folder / place))
    absolute = {
        key: str(desk.folder / each[1:]) if isinstance(each, str) and each.startswith("@") else each
        for key, each in options.items()
    }
    assert dict(source.options) == absolute


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("{dump: a.sql, dialect: ¦oracle}", "must be one of 'tsql', 'mysql' or 'postgres'"),
        ('¦{fixed_width: "*.txt"}', "`layout` is missing"),
        ('{excel: "*.xlsx", header_row: ¦0}', "greater than or equal 1"),
        ('{excel: "*.xlsx", ¦heading: 1}', "Unknown key `heading`"),
        ('{zip: a.zip, csv: "*.csv", ¦layout: x}', "Unknown key `layout`"),
        ("{zip: ¦[a], csv: x}", "Expected the path of a zip file"),
    ],
)
def test_a_mistake_in_a_source_is_told_at_its_place(desk, declared, said):
    assert said in desk.only_mistake(with_source(declared)).message


@pytest.mark.parametrize("declared", ["{zip: a.zip}", "{zip: a.zip, csv: x, parquet: z}"])
def test_a_zip_says_what_it_holds(desk, declared):
    desk.write(with_source(declared))
    desk.marks.append("project.yaml:3:11")
    assert desk.only_mistake(with_source(declared)).hint.startswith("Write beside `zip:` one of")


def test_an_access_file_in_a_zip_is_refused_with_the_way_out(desk):
    declared = with_source('{zip: a.zip, access: "*.mdb"}')
    desk.write(declared)
    desk.marks.append("project.yaml:3:11")
    assert "Unpack" in desk.only_mistake(declared).hint
