"""Templates of the pages that people read: escaped by default, and strict about names that are not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from etl.report.words import counted

TEMPLATES = Path(__file__).with_name("templates")


def environment(**filters: Callable[..., object]) -> Environment:
    """A template environment with these filters, beside ``number``, which groups thousands, and ``counted``, which
    adds the noun.
    """
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": "{:,}".format, "counted": counted, **filters}
    return made
