"""Scripts of SQL Server's "generate scripts", each with the rows it must give."""

import pytest

HEAD = """USE [Agency]
GO
SET ANSI_NULLS ON
GO
CREATE TABLE [dbo].[T](
	[ID] [int] IDENTITY(1,1) NOT NULL,
	[NM] [nvarchar](40) NULL,
 CONSTRAINT [PK_T] PRIMARY KEY CLUSTERED ([ID] ASC)WITH (PAD_INDEX = OFF) ON [PRIMARY]
) ON [PRIMARY]
GO
SET IDENTITY_INSERT [dbo].[T] ON
"""


def script(*inserts: str) -> str:
    return HEAD + "\n".join(inserts) + "\nGO\nSET IDENTITY_INSERT [dbo].[T] OFF\nGO\n"


def insert(values: str, columns: str = "[ID], [NM]") -> str:
    return f"INSERT [dbo].[T] ({columns}) VALUES ({values})"  # noqa: S608 - a script in sight, run nowhere


SOUND = {
    "plain": (["1, N'Ann'"], [(1, 12, "", "1", "Ann")]),
    "null": (["1, NULL"], [(1, 12, "", "1", None)]),
    "doubled quote": (["1, N'O''Brien'"], [(1, 12, "", "1", "O'Brien")]),
    "several lines": (["1, N'a\nb\n\nc'", "2, N'd'"], [(1, 12, "", "1", "a\nb\n\nc"), (2, 16, "", "2", "d")]),
    "GO inside a text": (["1, N'a\nGO\nb'", "2, N'd'"], [(1, 12, "", "1", "a\nGO\nb"), (2, 15, "", "2", "d")]),
    "comment signs inside a text": (["1, N'a -- b /* c'"], [(1, 12, "", "1", "a -- b /* c")]),
    "beyond ASCII": (["1, N'Núñez 日本'"], [(1, 12, "", "1", "Núñez 日本")]),
    "a text that looks like SQL": (
        ["1, N'); DROP TABLE [T]; --'"],
        [(1, 12, "", "1", "); DROP TABLE [T]; --")],
    ),
}
DAMAGED = {
    "bytes": (["1, 0xFFD8", "2, N'b'"], [(1, 12, "undecodable_row", None, None), (2, 13, "", "2", "b")]),
    "too few values": (["1", "2, N'b'"], [(1, 12, "ragged_row", None, None), (2, 13, "", "2", "b")]),
    "too many values": (["1, N'a', 3", "2, N'b'"], [(1, 12, "ragged_row", None, None), (2, 13, "", "2", "b")]),
    "an expression": (["1, GETDATE()", "2, N'b'"], [(1, 12, "broken_record", None, None), (2, 13, "", "2", "b")]),
    "control character": (
        ["1, N'a\x00'", "2, N'b'"],
        [(1, 12, "control_character", None, None), (2, 13, "", "2", "b")],
    ),
    "quote too few": (
        ["1, N'Ann", "2, N'Bob'", "3, N'Cid'"],
        [
            (1, 12, "broken_record", None, None),
            (2, 13, "broken_record", None, None),
            (3, 14, "", "3", "Cid"),
        ],
    ),
    "quote too many": (
        ["1, N'O'Brien'", "2, N'Bob'", "3, N'Cid'"],
        [(1, 12, "broken_record", None, None), (2, 13, "", "2", "Bob"), (3, 14, "", "3", "Cid")],
    ),
    "closing parenthesis missing": (
        ["1, N'Ann') -- ", "2, N'Bob' -- ", "3, N'Cid'"],
        [(1, 12, "", "1", "Ann"), (2, 13, "broken_record", None, None), (3, 14, "", "3", "Cid")],
    ),
    "last quote missing": (
        ["1, N'Ann'", "2, N'Bob"],
        [(1, 12, "", "1", "Ann"), (2, 13, "broken_record", None, None)],
    ),
}


@pytest.mark.parametrize("name", [*SOUND, *DAMAGED])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_script_gives_exactly_these_rows(reads, name, encoding):
    values, expected = (SOUND | DAMAGED)[name]
    assert reads(script(*map(insert, values)), encoding=encoding) == expected
