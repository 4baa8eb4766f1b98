"""A document under review: its values, and the mistakes found in it so far.

Nothing raises on the first mistake. Every check notes what it sees and goes on with what is still sound, so that one
reading of a project tells everything; ``found`` is shared by all pages of a project.
"""

from __future__ import annotations

from pathlib import Path

from etl.core.errors import Mistake, Slip
from etl.core.records import JsonValue
from etl.core.strict_yaml import Document, scan_document
from etl.core.strict_yaml import Path as Place
from etl.mapping.model import Position

_STOPS = frozenset({"yaml_syntax", "yaml_too_large", "yaml_character", "yaml_too_deep", "yaml_documents", "yaml_tab"})
"""Mistakes behind which a document is not read any further."""
_UNREAD = frozenset({"missing_variable", "wrong_variable"})
"""Mistakes that leave no value to judge."""


class Page:
    """One YAML document with its spelling; ``file`` is its name relative to the project."""

    def __init__(self, document: Document, text: str, found: list[Mistake]) -> None:
        self.file = document.file
        self.value: JsonValue = document.value
        self.found = found
        self._document = document
        self._lines = text.splitlines()
        self._unreadable = {(each.line, each.column) for each in found if each.file == document.file}

    def note(
        self,
        place: Place,
        message: str,
        hint: str = "",
        *,
        code: str = "mapping",
        key: bool = False,
        offset: int = 0,
        slip: Slip | None = None,
    ) -> None:
        """Adds a mistake at ``place`` (at its key where ``key``), ``offset`` characters into a one-line text.

        Where a value could not be read, or its variable is not set, there is nothing more to judge or add.
        """
        line, column = self._document.position(place, key=key)
        if (line, column) in self._unreadable:
            return
        if code in _UNREAD:
            self._unreadable.add((line, column))
        if offset:
            column = self._inside(line, column, offset)
        self.found.append(Mistake(self.file, line, column, message, hint, code, slip))

    def position(self, place: Place, *, key: bool = False) -> Position:
        """Where a part stands."""
        return Position(self.file, *self._document.position(place, key=key))

    def word_position(self, place: Place, word: str, *, key: bool = False) -> Position | None:
        """Where a name is written below ``place``, as a key (where ``key``), as a value or inside a condition."""
        found = self._document.word_position(place, word, key=key)
        if found is None:
            return None
        line, column, offset = found
        return Position(self.file, line, self._inside(line, column, offset) if offset else column)

    def text(self, place: Place) -> str:
        """A scalar as it was written; "" for anything else."""
        return self._document.text(place) or ""

    def _inside(self, line: int, column: int, offset: int) -> int:
        """The column ``offset`` characters into the scalar at this place; folded texts have no such column."""
        source = self._lines[line - 1] if line <= len(self._lines) else ""
        first = source[column - 1 : column]
        if first in {"|", ">"}:
            return column
        return min(column + offset + (first in {"'", '"'}), max(len(source), column))


def read_page(path: Path, file: str, found: list[Mistake]) -> Page | None:
    """Read one YAML file; None where it cannot be read, with the mistakes added to ``found``."""
    if path.exists() and not path.is_file():
        found.append(Mistake(file, 1, 1, "This is no regular file.", "Put a YAML file here.", "file"))
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"The file is not UTF-8 (byte {error.start})."
        found.append(Mistake(file, line, 1, message, "Save it as UTF-8.", "encoding"))
    except OSError:
        found.append(Mistake(file, 1, 1, "The file cannot be read.", "Check that it exists and is readable.", "file"))
    else:
        document, mistakes = scan_document(text, file)
        found.extend(mistakes)
        return None if any(each.code in _STOPS for each in mistakes) else Page(document, text, found)
    return None
