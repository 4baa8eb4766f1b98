"""Recipes for databases, attachments, workbooks, zips and Parquet files: damage that no editor makes."""

from __future__ import annotations

import bz2
import lzma
import os
import socket
import sqlite3
import stat
import struct
import zipfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.sources.workbooks import Cell, write_workbook

ROWS = "a,b\n1,Quenby\n2,Vale\n"


def _data(folder: Path, name: str) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    return folder / "data" / name


def _cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


# ---------------------------------------------------------------- databases


def database(folder: Path) -> None:
    script = _data(folder, "old.sql")
    with closing(sqlite3.connect(_data(folder, "old.db"))) as connection:
        connection.executescript(script.read_text("utf-8"))
    script.unlink()


def no_database(folder: Path) -> None:
    _data(folder, "old.db").write_text("Dear all, please find Quenby attached.\n" * 50, "utf-8")


def half_database(folder: Path) -> None:
    rows = "insert into T with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) select i, 'Quenby' from n;"
    _data(folder, "old.sql").write_text(f"create table T (a text, b text); {rows}", "utf-8")
    database(folder)
    _cut(_data(folder, "old.db"), 0.5)


def fifo_database(folder: Path) -> None:
    os.mkfifo(_data(folder, "old.db"))


# ---------------------------------------------------------------- attachments


def scans(folder: Path) -> None:
    files = _data(folder, "files")
    _data(folder, "secret.txt").write_text("secret")
    _links(files, folder / "data")
    os.mkfifo(files / "pipe.pdf")
    _socket(files / "socket.pdf")
    (files / "folder").mkdir()
    for name, content in _CONTENTS.items():
        (files / name).write_bytes(content)
    for name, size in {
        "just.pdf": 10 << 20,
        "large.pdf": (10 << 20) + 1,
        "million.pdf": 10_000_000,
        "huge.pdf": 1 << 40,
    }.items():
        with (files / name).open("wb") as file:
            file.truncate(size)


_CONTENTS = {
    "folder/inside.pdf": b"%PDF inside",
    "empty.pdf": b"",
    "line\nend.pdf": b"%PDF line",
    "right\u202eleft.pdf": b"%PDF right",
    "tab\there.pdf": b"%PDF tab",
    "nul\u200b.pdf": b"%PDF nul",
    "Jos\u00e9.pdf": b"%PDF composed",
    "page.pdf": b"<html><script>alert(1)</script></html>",
    "macro.docx": b"PK\x03\x04 vbaProject.bin",
    "picture.svg": b"<svg onload='alert(1)'/>",
    # The test text of virus scanners, in two parts, so that no scanner takes this file for one.
    "eicar.txt": b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
}


def _links(files: Path, outside: Path) -> None:
    (files / "link_in.pdf").symlink_to(files / "sound.pdf")
    (files / "link_out.pdf").symlink_to(outside / "secret.txt")
    (files / "out").symlink_to(outside)
    (files / "loop.pdf").symlink_to("loop.pdf")
    (files / "dangling.pdf").symlink_to("nowhere.pdf")
    os.link(files / "sound.pdf", files / "hard.pdf")


def _socket(path: Path) -> None:
    """A socket by a short name, because their paths may not be long."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with closing(socket.socket(socket.AF_UNIX)) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)


def no_folder(folder: Path) -> None:
    (_data(folder, "files") / "sound.pdf").unlink()
    _data(folder, "files").rmdir()


def linked_folder(folder: Path) -> None:
    _data(folder, "files").rename(_data(folder, "elsewhere"))
    _data(folder, "files").symlink_to("elsewhere")


def folder_in_itself(folder: Path) -> None:
    (_data(folder, "files") / "self").symlink_to(".")


# ---------------------------------------------------------------- workbooks


def _book(folder: Path, rows: list[list[Cell]], merged: tuple[str, ...] = ()) -> Path:
    path = _data(folder, "book.xlsx")
    write_workbook(path, {"T": rows}, merged)
    return path


_SOUND: list[list[Cell]] = [["a", "b"], ["1", "Quenby"], ["2", "Vale"]]


def workbook_truncated(folder: Path) -> None:
    _cut(_book(folder, _SOUND), 0.5)


def workbook_of_text(folder: Path) -> None:
    _data(folder, "book.xlsx").write_text(ROWS, "utf-8")


def workbook_bomb(folder: Path) -> None:
    with zipfile.ZipFile(_data(folder, "book.xlsx"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (100 << 20))


def workbook_with_errors(folder: Path) -> None:
    _book(folder, [["a", "b"], ["1", "=#N/A"], ["2", "Quenby"], ["3", "=#REF!"]])


def workbook_merged(folder: Path) -> None:
    _book(folder, [["a", "b"], ["1", "Quenby"], ["2", None], ["3", "Vale"]], ("B2:B3",))


def workbook_header_twice(folder: Path) -> None:
    _book(folder, [["a", "b", "a"], ["1", "Quenby", "x"]])


def workbook_ragged(folder: Path) -> None:
    _book(folder, [["a", "b", None], ["1", "Quenby", "surplus"], ["2", "Vale", None], ["3", None, None]])


def workbook_without_sheets(folder: Path) -> None:
    _book(folder, [])


def workbook_entities(folder: Path) -> None:
    """The workbook again, whose sheet declares entities that hold each other."""
    path = _book(folder, _SOUND)
    bomb = "<!DOCTYPE x [<!ENTITY a 'Quenby'>" + "".join(
        f"<!ENTITY {inner} '{f'&{outer};' * 10}'>" for outer, inner in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = bomb + "]>" + sheet.replace("Vale", "&i;")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def workbook_with_a_cell_far_away(folder: Path) -> None:
    """The workbook again, with one more cell in the last row and column that a sheet has."""
    path = _book(folder, _SOUND)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet, cell = "xl/worksheets/sheet1.xml", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    parts[sheet] = parts[sheet].replace("</sheetData>", f"{cell}</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def workbook_pipe(folder: Path) -> None:
    os.mkfifo(_data(folder, "book.xlsx"))


# ---------------------------------------------------------------- zips


def _zip(folder: Path, members: dict[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    path = _data(folder, "drop.zip")
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, packing)
    return path


def _exchanged(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def zip_bomb(folder: Path) -> None:
    _zip(folder, {"T.csv": b"0" * (100 << 20)})


def zip_nested_sizes(folder: Path) -> None:
    path = _zip(folder, {"T.csv": ROWS * 1000})
    _exchanged(path, struct.pack("<L", len(ROWS) * 1000), struct.pack("<L", 10))


def zip_escape(folder: Path) -> None:
    _zip(folder, {"../../../T.csv": ROWS})


def zip_twice(folder: Path) -> None:
    _zip(folder, {"a/T.csv": ROWS, "b/t.csv": ROWS})


def zip_damaged(folder: Path) -> None:
    path = _zip(folder, {"T.csv": ROWS * 100})
    content = path.read_bytes()
    path.write_bytes(content[:45] + b"XX" + content[47:])


def zip_encrypted(folder: Path) -> None:
    """A member that is marked as encrypted, in the file and in the directory."""
    path = _zip(folder, {"T.csv": ROWS}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def zip_lzma_damaged(folder: Path) -> None:
    path = _zip(folder, {"T.csv": ROWS * 500}, zipfile.ZIP_LZMA)
    content = path.read_bytes()
    path.write_bytes(content[:50] + b"\xff" * 30 + content[80:])
    assert lzma.is_check_supported(lzma.CHECK_NONE)


def zip_bzip_damaged(folder: Path) -> None:
    path = _zip(folder, {"T.csv": ROWS * 500}, zipfile.ZIP_BZIP2)
    content = path.read_bytes()
    assert bz2.compress(b"")[:2] in content
    path.write_bytes(content[:40] + b"\xff" * 30 + content[70:])


def zip_unknown_packing(folder: Path) -> None:
    path = _zip(folder, {"T.csv": ROWS}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[8] = content[content.find(b"PK\x01\x02") + 10] = 97
    path.write_bytes(content)


def zip_empty(folder: Path) -> None:
    _zip(folder, {})


def zip_cut(folder: Path) -> None:
    _cut(_zip(folder, {"T.csv": ROWS * 100}), 0.6)


def zip_many(folder: Path) -> None:
    _zip(folder, {f"T{number}.csv": b"" for number in range(20_000)}, zipfile.ZIP_STORED)


def zip_link(folder: Path) -> None:
    with zipfile.ZipFile(_data(folder, "drop.zip"), "w") as archive:
        link = zipfile.ZipInfo("T.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")


def zip_pipe(folder: Path) -> None:
    os.mkfifo(_data(folder, "drop.zip"))


# ---------------------------------------------------------------- Parquet, and pipes under other names


def _parquet(folder: Path, columns: dict[str, pa.Array]) -> Path:
    path = _data(folder, "T.parquet")
    pq.write_table(pa.table(columns), path, compression="none", use_dictionary=False)
    return path


def _sound_parquet(folder: Path) -> Path:
    return _parquet(folder, {"a": pa.array([str(each) for each in range(500)]), "b": pa.array(["Quenby"] * 500)})


def parquet_truncated(folder: Path) -> None:
    _cut(_sound_parquet(folder), 0.7)


def parquet_of_text(folder: Path) -> None:
    _data(folder, "T.parquet").write_text(ROWS, "utf-8")


def parquet_flipped(folder: Path) -> None:
    path = _sound_parquet(folder)
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)


def parquet_bytes(folder: Path) -> None:
    _parquet(folder, {"a": pa.array(["1", "2"]), "b": pa.array([b"\xff\x00", None], pa.binary())})


def parquet_names(folder: Path) -> None:
    _parquet(folder, {"a": pa.array(["1"]), "b": pa.array(["Quenby"]), "B": pa.array(["x"])})


def parquet_empty(folder: Path) -> None:
    _data(folder, "T.parquet").write_bytes(b"")


def parquet_pipe(folder: Path) -> None:
    os.mkfifo(_data(folder, "T.parquet"))


def json_pipe(folder: Path) -> None:
    os.mkfifo(_data(folder, "T.jsonl"))


def dump_pipe(folder: Path) -> None:
    os.mkfifo(_data(folder, "old.sql"))


def fixed_pipe(folder: Path) -> None:
    _data(folder, "layout.csv").write_text("column,start,length\na,1,3\nb,4,10\n", "utf-8")
    os.mkfifo(_data(folder, "T.txt"))


def layout_pipe(folder: Path) -> None:
    _data(folder, "T.txt").write_text("001Quenby    \n", "utf-8")
    os.mkfifo(_data(folder, "layout.csv"))
