"""Judges what is written as a target value: constants and the labels of crosswalks, against the catalogue.

A label can be judged only where the tenant overlay lists the options; the live tenant is asked when a plan is made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from etl.catalog.model import Kind
from etl.core.errors import Mistake
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.crosswalks import decides
from etl.mapping.model import Crosswalk
from etl.mapping.scope import Entry, Scope, labels

_FORMS: Mapping[Kind, tuple[Callable[[str], object], str]] = {
    Kind.DATE: (dt.date.fromisoformat, "a date such as 2026-01-31"),
    Kind.DATETIME: (dt.datetime.fromisoformat, "a date and time such as 2026-01-31T08:30:00Z"),
    Kind.INTEGER: (int, "a whole number"),
    Kind.NUMBER: (float, "a number"),
    Kind.BOOLEAN: ({"true": True, "false": False}.__getitem__, "true or false"),
}


def check_constant(scope: Scope, entry: Entry, place: Place, text: str) -> None:
    """Notes a constant (or default) that the field can never hold."""
    known = labels(entry, scope.shared.catalog)
    if known is not None and text not in known:
        message = f"`{entry.name}` has no option `{text}`."
        scope.page.note(place, message, did_you_mean(text, known), code="unknown_option")
    elif entry.attribute is not None and not _has_form(entry.attribute.kind, text):
        expected = _FORMS[entry.attribute.kind][1]
        scope.page.note(place, f"`{entry.name}` must be {expected}.", "", code="wrong_type")


def check_labels(scope: Scope, entry: Entry, crosswalk: Crosswalk) -> None:
    """Notes each label of a crosswalk that the field does not offer, at its line, once however often it is used."""
    known = labels(entry, scope.shared.catalog)
    if known is None:
        return
    for row in decides(crosswalk):
        if row.target not in known:
            message = f"`{entry.name}` has no option `{row.target}`."
            hint = did_you_mean(row.target, known)
            mistake = Mistake(f"crosswalks/{crosswalk.name}.csv", row.line, 1, message, hint, "unknown_option")
            if mistake not in scope.page.found:
                scope.page.found.append(mistake)


def _has_form(kind: Kind, text: str) -> bool:
    if kind not in _FORMS:
        return True
    try:
        _FORMS[kind][0](text)
    except (ValueError, KeyError):
        return False
    return True
