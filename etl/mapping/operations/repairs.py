"""Operations that repair text damaged or decorated by another system."""

from __future__ import annotations

import html
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.model import BoundOperation, plain

_HIDDEN = r"(?is)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>"
_NEXT_CELL = r"(?i)</t[dh]\s*>\s*<t[dh]\b[^<>]*>"
_BREAK = r"(?i)<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>"
_ELEMENTS = """
a abbr acronym address applet area article aside b base basefont bdi bdo big blockquote body br button canvas caption
center cite code col colgroup dd del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer
form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main map meta
nav noscript object ol optgroup option p param picture pre q s samp section select small source span strike strong sub
summary sup svg table tbody td template textarea tfoot th thead time title tr tt u ul var video wbr
"""
"""Names of tags; what else stands in angle brackets, such as an e-mail address, is what somebody wrote."""
_OF_OFFICE = r"(?:o|w|v|m|x|st1):\w+"
_TAG = rf"(?is)</?(?:{'|'.join(_ELEMENTS.split())}|{_OF_OFFICE})(?:[\s/][^<>]*)?>|<[!?][^<>]*>"
_SUSPICIOUS = "[\u00c2\u00c3\u00e2\u00c5\u00c4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]"


def strip_html(argument: JsonValue) -> BoundOperation:
    r"""Takes the tags out of HTML text; ends of lines and paragraphs become line breaks, entities their characters.

    Cells of a table are parted by blanks. Other words in angle brackets stay.

    >>> strip_html(None).on("<p>Visit &amp; talk</p><p>Done</p>", "5 < 6", "<b>Ana</b> <ana@example.org>")
    ['Visit & talk\nDone', '5 < 6', 'Ana <ana@example.org>']
    """
    arguments.no_argument("strip_html", argument)
    return plain("strip_html", argument, _without_tags)


def _without_tags(texts: pa.Array) -> pa.Array:
    bare = pc.replace_substring_regex(pc.replace_substring_regex(texts, _HIDDEN, ""), _NEXT_CELL, " ")
    bare = pc.replace_substring_regex(pc.replace_substring_regex(bare, _BREAK, "\n"), _TAG, "")
    return pc.utf8_trim_whitespace(_each_where(bare, "&", html.unescape))


def fix_mojibake(argument: JsonValue) -> BoundOperation:
    """Repairs UTF-8 text that was once read as Windows-1252, where the whole value proves it; else changes nothing.

    >>> fix_mojibake(None).on("Jos\u00c3\u00a9", "Jos\u00e9")
    ['Jos\u00e9', 'Jos\u00e9']
    """
    arguments.no_argument("fix_mojibake", argument)
    return plain("fix_mojibake", argument, lambda texts: _each_where(texts, _SUSPICIOUS, _reread))


def _reread(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _each_where(texts: pa.Array, pattern: str, change: Callable[[str], str]) -> pa.Array:
    """Row by row, but only for the texts that match."""
    touched = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    if not pc.any(touched).as_py():
        return texts
    changed = [change(text) for text in texts.filter(touched).to_pylist()]
    return pc.replace_with_mask(texts, touched, pa.array(changed, pa.string()))


OPERATIONS = (strip_html, fix_mojibake)
