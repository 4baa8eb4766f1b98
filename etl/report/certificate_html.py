"""The intake certificate as a page: self-contained, without script, allowed nothing but its own style sheet.

It is made from the same facts as the JSON, so that a value that is hidden there cannot appear here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup, escape

from etl.core.intake import Certificate, Observation, Table
from etl.core.observations import observation_code
from etl.core.problems import ProblemCode
from etl.report.certificate import certificate_facts, encoding_text, in_order, places_text
from etl.report.pages import TEMPLATES, environment

_CODE = re.compile(r"`([^`]+)`")
_FULL, _NEARLY_FULL = 100, 99


class Cause(NamedTuple):
    """All observations of one code."""

    code: str
    severity: str
    meaning: ProblemCode
    observations: list[Observation]


def certificate_page(certificate: Certificate, *, reveal: bool = False) -> str:
    """The page as text; cells' texts only with ``reveal``."""
    style = _style()
    return (
        _environment()
        .get_template("certificate.html.j2")
        .render(
            style=Markup(style),  # noqa: S704 - files of ours
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            certificate=certificate,
            facts=certificate_facts(certificate, reveal=reveal),
            causes=_causes(certificate),
            reveal=reveal,
            rows=sum(table.rows for table in certificate.tables),
            damaged=sum(table.damaged for table in certificate.tables),
        )
    )


def _causes(certificate: Certificate) -> dict[str, list[Cause]]:
    """Observations by severity and code, people's columns apart: they are shown with their tables."""
    found: dict[str, list[Cause]] = {}
    shown = [each for each in in_order(certificate.observations) if each.code != "people"]
    for (severity, code), group in groupby(shown, key=lambda each: (str(each.severity), each.code)):
        found.setdefault(severity, []).append(Cause(code, severity, observation_code(code), list(group)))
    return found


@cache
def _style() -> str:
    return "".join((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "certificate.css"))


@cache
def _environment() -> Environment:
    return environment(prose=_prose, places=places_text, encoding=encoding_text, share=_share, filled=_filled)


def _prose(text: str) -> Markup:
    """A text of ours in which backticks mark code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def _filled(column: dict[str, Any], table: Table) -> str:
    readable = table.rows - table.damaged
    return _share(column["filled"], readable) if readable else "–"  # noqa: RUF001 - typeset


def _share(part: int, whole: int) -> str:
    """A part as a percentage that is neither 0 % nor 100 % unless it is.

    >>> _share(1, 1000), _share(1, 2), _share(999, 1000)
    ('< 1 %', '50 %', '> 99 %')
    """
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if _NEARLY_FULL < percent < _FULL else f"{percent:.0f} %"
