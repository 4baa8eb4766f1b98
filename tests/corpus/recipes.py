"""What no small file can hold: files of many megabytes, pipes, links, archives and workbooks, made the same each time."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from etl.core.keys import RecordKeys, marker
from etl.sandbox.database import Row
from etl.sandbox.server import Handle
from tests.e2e.harness import KEY

# ---------------------------------------------------------------- CSV files of odd sizes and kinds


def _kept(folder: Path, name: str) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    return folder / "data" / name


def _table(folder: Path) -> Path:
    return _kept(folder, "T.csv")


def _written(path: Path, start: bytes, filler: bytes, count: int, end: bytes) -> None:
    with path.open("wb") as file:
        file.write(start)
        for _ in range(count):
            file.write(filler)
        file.write(end)


def ten_thousand_columns(folder: Path) -> None:
    names = ["a", "b", *(f"c{number}" for number in range(9_998))]
    rows = [names, ["1", "Quenby", *("x" * 9_998)], ["2", "Vale", *("y" * 9_997)]]
    _table(folder).write_text("".join(",".join(row) + "\n" for row in rows), "utf-8")


def long_note(folder: Path) -> None:
    _written(_table(folder), b"a,b\n1,", b"Quenby came. ", 400_000, b"\n2,Vale\n")


def endless_line(folder: Path) -> None:
    _written(_table(folder), b"a,b\n1,", b"Quenby,1," * 100_000, 70, b"\n2,Vale\n")


def endless_quote(folder: Path) -> None:
    _written(
        _table(folder), b'a,b\n1,"Quenby\n', b"2,Vale of the river and of the hills and of the sea\n" * 20_000, 40, b""
    )


def endless_nul(folder: Path) -> None:
    with _table(folder).open("wb") as file:
        file.write(b"a,b\n1,Quenby\n")
        file.truncate(64 * 1024 * 1024)


def blank_lines(folder: Path) -> None:
    _written(_table(folder), b"a,b\n1,Quenby\n", b"\n" * 100_000, 10, b"2,Vale\n")


def fifo_source(folder: Path) -> None:
    os.mkfifo(_table(folder))


def folder_source(folder: Path) -> None:
    _table(folder).mkdir()


def dangling_source(folder: Path) -> None:
    _table(folder).symlink_to(folder / "data" / "gone")


def looping_source(folder: Path) -> None:
    _table(folder).symlink_to("T.csv")


# ---------------------------------------------------------------- lines and records that do not end

_LONG = 64


def _long(path: Path, start: bytes, end: bytes) -> None:
    """A file with 64 MB of letters in one piece, in which what looks like a row begins at every megabyte."""
    looks = b"INSERT INTO `T` VALUES (9,'Ghost');|9|Ghost|"
    with path.open("wb") as file:
        file.write(start)
        for _ in range(_LONG):
            file.write(looks + b"Quenby" * ((1 << 20) // 6 - 8))
        file.write(end)


def bcp_endless_record(folder: Path) -> None:
    _long(_kept(folder, "T.bcp"), b"1|Vale\n2|Quenby", b"|Vale\n3|Vale\n")


def fixed_endless_line(folder: Path) -> None:
    _long(_kept(folder, "T.txt"), b"1   Vale\n2   ", b"\n3   Vale\n")


def json_endless_line(folder: Path) -> None:
    _long(_kept(folder, "T.jsonl"), b'{"a": 1, "b": "Vale"}\n{"a": 2, "b": "', b'"}\n{"a": 3, "b": "Vale"}\n')


def dump_endless_text(folder: Path) -> None:
    start = b"-- MySQL dump 10.13\nCREATE TABLE `T` (`a` int, `b` longtext);\nINSERT INTO `T` VALUES (1,'Vale');\n"
    end = b"');\nINSERT INTO `T` VALUES (3,'Vale');\n-- Dump completed on 2026-01-01\n"
    _long(_kept(folder, "old.sql"), start + b"INSERT INTO `T` VALUES (2,'", end)


# ---------------------------------------------------------------- people who refer to people


def _people(folder: Path, rows: list[str]) -> None:
    (folder / "data" / "PERSONS.csv").write_text("ID,LAST,MOTHER\n" + "".join(f"{row}\n" for row in rows), "utf-8")


def deep_chain(folder: Path) -> None:
    _people(folder, ["1,,", *(f"{number},Quenby,{number - 1}" for number in range(2, 2_001))])


def deepest_chain(folder: Path) -> None:
    _people(folder, ["1,,", *(f"{number},Quenby,{number - 1}" for number in range(2, 100_001))])


def wide_family(folder: Path) -> None:
    _people(folder, ["1,,", *(f"{number},Quenby,1" for number in range(2, 5_001))])


def large_loop(folder: Path) -> None:
    _people(folder, [f"{number},Quenby,{number % 3_000 + 1}" for number in range(1, 3_001)])


# ---------------------------------------------------------------- mappings


def large_mapping(folder: Path) -> None:
    with (folder / "mappings" / "small" / "people.yaml").open("a", encoding="utf-8") as file:
        file.write("# and so on\n" * 100_000)


def huge_mapping(folder: Path) -> None:
    with (folder / "mappings" / "small" / "people.yaml").open("a", encoding="utf-8") as file:
        file.truncate(100_000_000)


# ---------------------------------------------------------------- what Casebook holds already


def _planted(casebook: Handle, number: int, **values: str) -> None:
    """A person whom a worker entered in Casebook, or an earlier load that state does not know of."""
    identity = str(uuid.UUID(int=number))
    row = Row("person", identity, {"first_name": "A", **values}, {}, "2026-01-01T00:00:00.000000Z", "a worker")
    casebook.oracle.database.insert(row, [], [], 0)


def nobody(_casebook: Handle) -> None:
    """Nothing is there."""


def quenby_by_hand(casebook: Handle) -> None:
    _planted(casebook, 1, last_name="Quenby")


def quenby_twice(casebook: Handle) -> None:
    _planted(casebook, 1, last_name="Quenby")
    _planted(casebook, 2, last_name="Quenby")


def _marked() -> dict[str, str]:
    key = RecordKeys(bytes.fromhex(KEY)).record_key("person", "people", ["1"])
    return {"last_name": "Quenby", "custom_fields.migrationKey": marker(key)}


def marker_once(casebook: Handle) -> None:
    _planted(casebook, 1, **_marked())


def marker_twice(casebook: Handle) -> None:
    _planted(casebook, 1, **_marked())
    _planted(casebook, 2, **_marked())


def mapping_pipe(folder: Path) -> None:
    os.mkfifo(folder / "mappings" / "small" / "cases.yaml")


def mapping_folder(folder: Path) -> None:
    (folder / "mappings" / "small" / "cases.yaml").mkdir()


def crosswalk_pipe(folder: Path) -> None:
    (folder / "mappings" / "small" / "crosswalks").mkdir()
    os.mkfifo(folder / "mappings" / "small" / "crosswalks" / "genders.csv")
