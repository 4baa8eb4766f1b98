"""What damage looks like in CSV text: control characters, bytes that fitted no encoding, and rows with broken quoting.

Where quoting is broken nobody can tell which lines belong to the cell, so its end is looked for leniently and every
physical line up to there is in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from etl.sources.dialect import Dialect

_SUSPECT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|[\ud800-\udfff]")
_MISFIT = re.compile("[\ud800-\udfff]")
_SUSPECT_BYTES = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\xed[\xa0-\xbf]|\xc2[\x80-\x9f]")
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_LINE_ENDS = ("\n", "\r")


def has_suspect_bytes(block: bytes) -> bool:
    """Whether UTF-8 text holds control characters or misfits anywhere."""
    if block.isascii():
        return len(block.translate(None, _CONTROLS)) != len(block)
    return _SUSPECT_BYTES.search(block) is not None


def suspect_damage(cells: Iterable[str]) -> str | None:
    r"""The problem code of cells that hold misfits or control characters, else None.

    >>> suspect_damage(["a", "b\x00"]), suspect_damage(["a\tb\n"])
    ('control_character', None)
    """
    text = "".join(cells)
    if not _SUSPECT.search(text):
        return None
    return "undecodable_row" if _MISFIT.search(text) else "control_character"


class BrokenRow:
    """Looks for the end of a row that the strict reader refused, keeping none of its text.

    A quoted cell ends at a quote before a delimiter or a line end; any other single quote inside it is stray.
    """

    def __init__(self, dialect: Dialect, first_line: int) -> None:
        self.first_line = first_line
        self._delimiter = dialect.delimiter
        self._quote = dialect.quote
        self._quotes = re.compile(f"{re.escape(dialect.quote)}{{1,2}}")
        self._is_stray = False
        self._is_open = False
        self._is_in_plain_cell = False
        self._held = ""

    def ends_with(self, text: str) -> bool:
        """Takes the next line, or the next piece of an overlong line; True where the row ends with it."""
        line = self._held + text
        if line.endswith(_LINE_ENDS):
            self._held = ""
            return self._walk(line)
        body = line.rstrip(self._quote) if self._quote else line
        self._held = self._quote * _same_meaning(len(line) - len(body))
        if body:
            self._walk(body)
        return False

    def finish(self) -> None:
        """The file ended here."""
        self.ends_with("\n")

    def damage(self) -> str:
        """The problem code, known at the row's end."""
        if self._is_open:
            return "unclosed_quote"
        return "stray_quote" if self._is_stray else "oversized_row"

    def _walk(self, line: str) -> bool:
        """Goes through the cells; False where the line ends inside quotes."""
        position = self._after_closing(line, 0) if self._is_open else 0
        while position >= 0:
            if self._opens_at(line, position):
                position = self._after_closing(line, position + 1)
                if position < 0:
                    return False
            delimiter = line.find(self._delimiter, position)
            self._is_in_plain_cell = delimiter < 0 and position < len(line) and not line.endswith(_LINE_ENDS)
            if delimiter < 0:
                return True
            position = delimiter + 1
        return False

    def _opens_at(self, line: str, position: int) -> bool:
        return bool(self._quote) and not self._is_in_plain_cell and line.startswith(self._quote, position)

    def _after_closing(self, line: str, position: int) -> int:
        """The position after the closing quote, -1 where the line has none."""
        for found in self._quotes.finditer(line, position):
            if len(found[0]) == 1:
                if line.startswith((self._delimiter, *_LINE_ENDS), found.end()):
                    self._is_open = False
                    return found.end()
                self._is_stray = True
        self._is_open = True
        return -1


def _same_meaning(quotes: int) -> int:
    """A run of quotes means the same with any number of pairs taken out of its middle."""
    return min(quotes, 2 + quotes % 2)
