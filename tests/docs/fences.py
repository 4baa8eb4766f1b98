"""Reads the fenced blocks of the project's texts.

What a block is for stands behind its language: ``file=PATH`` is a file of the reader's project, ``mapping``,
``fields NAME`` and ``project`` are parts laid over a shipped project, ``console`` is typed into a shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fence:
    """One block: the document, the line where its text starts, its language, the words behind it, its text."""

    document: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"

    def setting(self, name: str, default: str = "") -> str:
        """The value of a word ``name=value``."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), default)


def documents() -> list[Path]:
    """The texts for people: those at the top, and all of docs/."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def fences(document: Path) -> Iterator[Fence]:
    """The blocks of a document in order."""
    content = document.read_text("utf-8")
    for found in _FENCE.finditer(content):
        language, *words = found["info"].split() or [""]
        yield Fence(document, content.count("\n", 0, found.start()) + 2, language, tuple(words), found["text"])
