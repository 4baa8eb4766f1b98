"""The HMIS export while it is made, and its files' bytes."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from generator.hmis_columns import BYTE_ORDER_MARK, QUOTED_HEADER, WINDOWS_LINES
from generator.hmis_editions import EDITIONS, in_words_of
from generator.invent import Invention
from generator.ledger import Ledger

_STAMPS = {"DateCreated": "2022-01-05 09:00:00", "DateUpdated": "2022-03-07 16:20:00", "ExportID": "SYNTHETIC01"}


@dataclass(slots=True)
class Export:
    """The export while it is made: its rows by table, its luck, its account."""

    invent: Invention
    edition: str = "FY2022"
    ledger: Ledger = field(default_factory=Ledger)
    rows: dict[str, list[list[str]]] = field(init=False)
    offered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rows = {table: [] for table in EDITIONS[self.edition]}

    def add(self, table: str, **cells: str) -> None:
        """Adds a row told in the words of 2022; a table that the edition has no more gets none, and the columns that
        every file ends with are filled in.
        """
        if table in self.rows:
            row = _STAMPS | in_words_of(self.edition, table, cells)
            self.rows[table].append([row.get(column, "") for column in EDITIONS[self.edition][table]])


def file_bytes(edition: str, table: str, rows: list[list[str]]) -> bytes:
    """The bytes of a file: its header and rows with the marks and line ends of this table."""
    end = "\r\n" if table in WINDOWS_LINES else "\n"
    text = io.StringIO(newline="")
    csv.writer(
        text, quoting=csv.QUOTE_ALL if table in QUOTED_HEADER else csv.QUOTE_MINIMAL, lineterminator=end
    ).writerow(EDITIONS[edition][table])
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue().encode("utf-8-sig" if table in BYTE_ORDER_MARK else "utf-8")
