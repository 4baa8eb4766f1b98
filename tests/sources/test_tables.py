"""Base rows, joins, groups and queries over small snapshot tables built in sight."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import SourceUnavailable, SourceUnreadable, UserFixable
from etl.core.ports import BaseQuery, Join
from etl.core.records import SNAPSHOT_COLUMNS
from etl.sources.tables import DuckTables

Row = tuple[str | None, ...]
ADDRESS = Join("addr", "old.ADDRESSES", (("ID", "PERS_ID"),))


class Tables(DuckTables):
    """With a way to put tables in from lines of text."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "temp", memory_limit_mb=64, threads=1)
        self.folder = folder

    def put(self, relation: str, columns: str, *rows: Row | str) -> None:
        """Adds a table; a text instead of a row is the damage of that row."""
        names = columns.split()
        damage = [row if isinstance(row, str) else None for row in rows]
        cells = [[None] * len(names) if isinstance(row, str) else row for row in rows]
        arrays = [range(1, len(rows) + 1), range(2, len(rows) + 2), damage]
        arrays += [[row[position] for row in cells] for position in range(len(names))]
        schema = pa.schema([*SNAPSHOT_COLUMNS, *((name, pa.string()) for name in names)])
        path = self.folder / f"{len(list(self.folder.iterdir()))}.parquet"
        pq.write_table(
            pa.Table.from_arrays(
                [pa.array(each, field.type) for each, field in zip(arrays, schema, strict=True)], schema=schema
            ),
            path,
        )
        self.register(relation, str(path))


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    made = Tables(tmp_path)
    made.put("legacy.PERSONS", "ID HOUSE", ("1", "h1"), ("2", "h2"), "ragged_row", ("3", "h1"), (None, ""), ("", None))
    made.put(
        "old.ADDRESSES",
        "PERS_ID CITY SINCE",
        ("1", "Lima", "2020"),
        ("1", "Troy", "2021"),
        ("9", "Rome", "1"),
        ("", "Oslo", ""),
        "ragged_row",
        (None, "Bern", ""),
    )
    return made


def base(tables: DuckTables, query: BaseQuery, batch_rows: int = 100) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for batch in tables.base(query, batch_rows) for row in batch.to_pylist()]


def column(tables: DuckTables, query: BaseQuery, name: str) -> list[object]:
    return [value for batch in tables.base(query, 100) for value in batch[name].to_pylist()]


def test_a_plain_table_comes_as_it_is(tables):
    query = BaseQuery("legacy.PERSONS", ("HOUSE",))
    assert base(tables, query) == [
        (1, 2, None, "h1"), (2, 3, None, "h2"), (3, 4, "ragged_row", None), (4, 5, None, "h1"), (5, 6, None, ""), (6, 7, None, None)
    ]  # fmt: skip
    assert [batch.num_rows for batch in tables.base(query, 4)] == [4, 2]


def test_a_table_without_rows_gives_one_empty_batch(tables):
    tables.put("legacy.EMPTY", "A B")
    for query in (BaseQuery("legacy.EMPTY", ("A",)), BaseQuery("legacy.EMPTY", ("A",), group_by=("B",))):
        (batch,) = tables.base(query, 10)
        assert batch.schema.names[:4] == ["_row", "_line", "_damage", "A"]


def test_a_join_never_multiplies_rows_and_tells_how_many_match(tables):
    query = BaseQuery("legacy.PERSONS", ("ID", "addr.CITY"), (ADDRESS,))
    assert [row[3:] for row in base(tables, query)] == [
        ("1", "Lima", 2), ("2", None, 0), (None, None, 0), ("3", None, 0), (None, None, 0), ("", None, 0)
    ]  # fmt: skip


def test_matches_are_whole_numbers_in_the_schema(tables):
    batch = next(tables.base(BaseQuery("legacy.PERSONS", (), (ADDRESS,), ("HOUSE",)), 100))
    assert [(field.name, field.type) for field in batch.schema][-2:] == [
        ("addr._matches", pa.int64()),
        ("_group", pa.int64()),
    ]


@pytest.mark.parametrize(
    ("order", "take", "city"),
    [
        ((), "first", "A"),
        ((), "last", "A"),
        (("N",), "first", "B"),
        (("N",), "last", "C"),
        (("-N",), "first", "C"),
        (("-N",), "last", "B"),
        (("D",), "first", "A"),
        (("D",), "last", "C"),
        (("SAME",), "first", "A"),
        (("SAME",), "last", "D"),
        (("SAME", "-N"), "first", "C"),
    ],
)
def test_pick_chooses_by_order_with_numbers_as_numbers_and_blanks_never_winning(tables, order, take, city):
    tables.put("t.BASE", "ID", ("1",))
    tables.put(
        "t.MANY",
        "ID CITY N D SAME",
        ("1", "A", "9", "2001-01-01", "x"),
        ("1", "B", "2", "2002-01-01", "x"),
        ("1", "C", "10", "2020-01-01", "x"),
        ("1", "D", " ", None, "x"),
    )
    join = Join("m", "t.MANY", (("ID", "ID"),), pick_order=order, pick_take=take)
    assert column(tables, BaseQuery("t.BASE", ("m.CITY",), (join,)), "m.CITY") == [city]


def test_keys_match_in_the_form_of_record_keys(tables):
    tables.put("t.BASE", "ID", (" 7\t",), ("e\u0301",), ("07",), ("\u00a0",), ("A",))
    tables.put("t.OTHER", "ID V", ("7", "seven"), ("\u00e9 ", "e"), ("\u3000", "blank"), ("a", "lower"))
    join = Join("o", "t.OTHER", (("ID", "ID"),))
    assert column(tables, BaseQuery("t.BASE", ("o.V",), (join,)), "o.V") == ["seven", "e", None, None, None]


def test_a_join_may_hang_on_a_join_and_on_several_columns(tables):
    tables.put("t.CASES", "ID COUNTY", ("1", "x"), ("2", "x"))
    tables.put("t.LINKS", "CASE_ID WORKER", ("1", "w1"), ("2", "w2"))
    tables.put("t.WORKERS", "W C NAME", ("w1", "x", "Ann"), ("w2", "y", "Bo"))
    joins = (
        Join("link", "t.LINKS", (("ID", "CASE_ID"),)),
        Join("worker", "t.WORKERS", (("link.WORKER", "W"), ("COUNTY", "C"))),
    )
    query = BaseQuery("t.CASES", ("worker.NAME",), joins)
    assert [row[3:] for row in base(tables, query)] == [("Ann", 1, 1), (None, 1, 0)]


def test_groups_stand_together_in_the_order_of_their_first_row(tables):
    query = BaseQuery("legacy.PERSONS", ("ID",), group_by=("HOUSE",))
    places = [(row[0], row[-1]) for row in base(tables, query)]
    assert places == [(1, 0), (4, 0), (2, 1), (3, 2), (5, 3), (6, 4)]


def test_rows_of_a_group_keep_the_order_of_the_group_not_the_first_place(tables):
    tables.put("t.T", "G ROLE", ("b", "10"), ("a", "1"), ("b", "2"), ("b", ""), ("a", "0"))
    query = BaseQuery("t.T", (), group_by=("G",), group_order=("ROLE",))
    assert [(row[0], row[-1]) for row in base(tables, query)] == [(3, 0), (1, 0), (4, 0), (5, 1), (2, 1)]


def test_a_joined_column_may_group(tables):
    joined = BaseQuery("legacy.PERSONS", ("ID",), (ADDRESS,), ("addr.CITY",))
    assert len(set(column(tables, joined, "_group"))) == 6


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 5, 100])
def test_a_batch_never_cuts_a_group(tables, batch_rows):
    sizes = [1, 4, 2, 1, 1, 7, 3]
    tables.put("t.T", "G", *((f"g{group}",) for group, size in enumerate(sizes) for _ in range(size)))
    batches = [batch["_group"].to_pylist() for batch in tables.base(BaseQuery("t.T", (), group_by=("G",)), batch_rows)]
    assert [each for batch in batches for each in batch] == [
        group for group, size in enumerate(sizes) for _ in range(size)
    ]
    assert all(left[-1] != right[0] for left, right in pairwise(batches))
    assert all(len(batch) <= batch_rows + max(sizes) for batch in batches)


def test_rows_that_no_base_row_matches_are_told_but_damaged_ones_are_not(tables):
    query = BaseQuery("legacy.PERSONS", ("ID",), (ADDRESS,))
    assert [row for batch in tables.unmatched(query, "addr") for row in batch.to_pylist()] == [
        {"_row": 3, "_line": 4}, {"_row": 4, "_line": 5}, {"_row": 6, "_line": 7}
    ]  # fmt: skip


def test_hostile_names_are_only_names(tables):
    tables.put('x"; drop table y;--', 'A"b')
    assert tables.count('x"; drop table y;--') == 0
    query = BaseQuery('x"; drop table y;--', ('A"b',), group_by=('A"b',))
    assert base(tables, query) == []


def test_rows_come_in_the_order_of_the_file(tables):
    (plain,) = tables.rows("legacy.PERSONS", ["HOUSE", "_row"])
    assert plain.schema.names == ["HOUSE", "_row"]
    assert plain["_row"].to_pylist() == [1, 2, 3, 4, 5, 6]


def test_columns_and_counts_are_known(tables):
    assert tables.columns("legacy.PERSONS") == ("_row", "_line", "_damage", "ID", "HOUSE")
    assert tables.count("legacy.PERSONS") == 6


def test_several_streams_may_be_open_at_once(tables):
    query = BaseQuery("legacy.PERSONS", ("ID", "addr.CITY"), (ADDRESS,))
    first, second = tables.base(query, 2), tables.base(query, 2)
    assert [(one["_row"].to_pylist(), other["_row"].to_pylist()) for one, other in zip(first, second, strict=True)] == [
        ([1, 2], [1, 2]), ([3, 4], [3, 4]), ([5, 6], [5, 6])
    ]  # fmt: skip


def test_a_query_sees_the_tables_under_the_names_of_mappings(tables):
    text = "select p.ID, count(*) as n from legacy.PERSONS p join old.ADDRESSES a on a.PERS_ID = p.ID where p.ID <> '' group by all;"
    assert [row for batch in tables.query(text) for row in batch.to_pylist()] == [{"ID": "1", "n": 2}]


@pytest.mark.parametrize(
    "text",
    [
        "select 1; select 2", "", "drop view legacy.PERSONS", "copy (select 1) to 'x.csv'", "set threads = 1", "selec 1",
        "select * from nowhere", "select NOPE from legacy.PERSONS", "select * from '{secret}'", "install httpfs",
        "select * from read_text('{secret}')", "select * from read_csv('{secret}')", "select * from glob('{folder}/*')",
        "attach '{secret}' as other", "pragma database_list", "select * from read_parquet('https://localhost/x.parquet')",
    ],
)  # fmt: skip
def test_a_query_is_one_select_over_the_snapshot_and_nothing_else(tables, tmp_path, text):
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(UserFixable):
        list(tables.query(text.format(secret=tmp_path / "secret.txt", folder=tmp_path)))


def test_a_query_that_fails_on_a_value_does_not_tell_the_value(tables):
    with pytest.raises(SourceUnreadable) as caught:
        list(tables.query("select cast(CITY as integer) from old.ADDRESSES"))
    assert not any(city in str(caught.value) for city in ("Lima", "Troy", "Rome", "Oslo"))


def test_a_query_that_fails_after_many_rows_does_not_tell_the_value_either(tables):
    text = "select cast(if(i = 900000, 'Lima', '1') as integer) as n from range(1000000) t(i)"
    with pytest.raises(SourceUnreadable) as caught:
        list(tables.query(text))
    assert (caught.value.message, "Lima" in str(caught.value)) == (
        "The query failed on the data (Conversion Error).",
        False,
    )


def test_a_query_without_room_says_so_and_what_to_do(tables):
    with pytest.raises(SourceUnreadable, match="needs more than 64 MB of memory") as caught:
        list(tables.query("select list(repeat(i::varchar, 100)) as all_of_it from range(3000000) t(i)"))
    assert "Free disk space" in caught.value.hint


def test_tables_made_on_the_way_are_gone_when_the_answer_is_read(tables, tmp_path):
    query = BaseQuery("legacy.PERSONS", ("ID", "addr.CITY"), (ADDRESS,))
    unfinished = tables.base(query, 1)
    assert (len(base(tables, query)), next(unfinished).num_rows) == (6, 1)
    (folder,) = (tmp_path / "temp").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    tables.close()
    unfinished.close()
    assert list((tmp_path / "temp").iterdir()) == []


def test_an_unknown_table_is_an_error_that_names_it(tables):
    with pytest.raises(SourceUnavailable, match=r"no table legacy\.NOWHERE"):
        base(tables, BaseQuery("legacy.NOWHERE", ("A",)))


def test_registering_again_replaces(tables):
    tables.put("legacy.PERSONS", "ID", ("9",))
    assert base(tables, BaseQuery("legacy.PERSONS", ("ID",))) == [(1, 2, None, "9")]


@pytest.fixture
def notes(tables: Tables) -> Tables:
    """Two long texts for each of 3,000 cases, more than the engine's memory holds, in no order of cases."""
    cases = [str(number * 7 % 3_000) for number in range(6_000)]
    tables.put("legacy.NOTES", "CASE_ID TEXT", *((case, f"{case}/{n} " * 1_500) for n, case in enumerate(cases)))
    tables.put("legacy.CASES", "ID", *((str(number),) for number in range(3_000)))
    return tables


@pytest.mark.parametrize("take", ["first", "last"])
def test_texts_longer_than_the_engine_can_hold_are_joined(notes, take):
    join = Join("note", "legacy.NOTES", (("ID", "CASE_ID"),), pick_order=("CASE_ID",), pick_take=take)
    seen = 0
    for batch in notes.base(BaseQuery("legacy.CASES", ("ID", "note.TEXT"), (join,)), 16_384):
        assert batch.nbytes < 16 << 20
        firsts = [text.split(" ", 1)[0].split("/") for text in batch["note.TEXT"].to_pylist()]
        assert [case for case, _ in firsts] == batch["ID"].to_pylist()
        assert all((int(number) < 3_000) == (take == "first") for _, number in firsts)
        seen += batch.num_rows
    assert seen == 3_000


def test_texts_longer_than_the_engine_can_hold_are_grouped(notes):
    query = BaseQuery("legacy.NOTES", ("CASE_ID", "TEXT"), group_by=("CASE_ID",))
    batches = [batch.select(["CASE_ID", "TEXT", "_group"]) for batch in notes.base(query, 1_000)]
    assert [case for batch in batches for case in batch["CASE_ID"].to_pylist()] == [
        str(number * 7 % 3_000) for number in range(3_000) for _ in (1, 2)
    ]
    assert all(
        text.startswith(f"{case}/")
        for batch in batches
        for case, text in zip(batch["CASE_ID"].to_pylist(), batch["TEXT"].to_pylist(), strict=True)
    )
