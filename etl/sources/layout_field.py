"""One column of a fixed-width record."""

from __future__ import annotations

from dataclasses import dataclass

from etl.sources.sql_text import Renderer


@dataclass(frozen=True, slots=True)
class LayoutField:
    """A column: ``start`` counts characters from 0; ``render`` turns its characters into text."""

    column: str
    start: int
    length: int
    render: Renderer
