"""The operation for names of counties, against the Census Bureau's list of one state or a list of your own.

``us_counties.txt`` beside this module has a line for each state: its letters and number, then number and name of each county
or what stands for one there (parishes, boroughs, independent cities). These are public facts, kept here because the packages
that carry them are either old or a hundred times larger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.domain_values import from_table
from etl.mapping.operations.model import (
    INVALID,
    Applied,
    BoundOperation,
    Context,
    OperationMistake,
    ValueType,
    checked,
    marks,
    on_text,
)
from etl.mapping.operations.people import letters_of, titled
from etl.mapping.operations.texts import NO_TEXT, squeezed

_KIND = r"(?:county|co\.?|parish|borough|census area|municipality|municipio|planning region)"
_BEFORE, _BEHIND = rf"(?i)^{_KIND} of (?:the )?", rf"(?i)(?:,?\s+{_KIND})+$"
_NO_NAME = rf"(?i)^(?:{_KIND}|{_KIND} of|[^\p{{L}}]*)$|[0-9]"
_OFFICIAL_KIND = re.compile(
    r" (?:County|Parish|City and Borough|Borough|Census Area|Municipality|Municipio|Planning Region|District|Island|city)$"
)
_BETWEEN = "\x1f"
_GIVE = ("name", "full", "fips")


def county(argument: JsonValue) -> BoundOperation:
    """Reads the name of a county, as CO. OF FRANKLIN, FRANKLIN CO or Franklin County, without what it is.

    `state` (two letters) checks it against the Census Bureau's list of that state, which knows parishes, boroughs and
    independent cities too; its five-digit FIPS codes are read. What is not there is an error, a misspelt name too, and so is
    a name that a county and a city share, where the text does not say which. `give` is `name`, `full` (Franklin County) or
    `fips`; where two share a name, `name` is the full one. `state: {from: COLUMN}` takes each row's state from another column,
    by its two letters or its name; a county beside no such state is an error.

    `known` lists counties as your own list spells them. With neither, nothing tells whether there is such a county: numbers
    and the bare word are errors, and names get capitals as of `title_name`.

    >>> county({"state": "OH"}).on("CO. OF FRANKLIN", "van wert county", "39049", "Franklyn", "25")
    ['Franklin', 'Van Wert', 'Franklin', '!invalid_value', '!invalid_value']
    >>> county({"state": "MD", "give": "full"}).on("BALTIMORE CO", "City of Baltimore", "Baltimore", "saint mary's")
    ['Baltimore County', 'Baltimore city', '!invalid_value', "St. Mary's County"]
    >>> county({"state": {"from": "ST"}, "give": "fips"}).on_columns(["ADAMS CO", "Adams", "Adams"], ["OH", "Indiana", ""])
    ['39001', '18001', '!invalid_value']
    >>> county({"known": ["DeKalb", "St. Clair"]}).on("DEKALB CO", "saint clair county", "Adams")
    ['DeKalb', 'St. Clair', '!invalid_value']
    >>> county(None).on("FRANKLIN COUNTY", "Orleans Parish", "Lucas Co.", "County", "01")
    ['Franklin', 'Orleans', 'Lucas', '!invalid_value', '!invalid_value']
    """
    given = arguments.settings("county", argument, ("known", "state", "give"), main="known")
    give = arguments.one_of("county", given.get("give"), "give", _GIVE)
    if given.get("state") is not None:
        return _of_state(argument, given, give)
    if given.get("give") is not None:
        raise OperationMistake("`give` of `county` needs `state`.", "Write `county: {state: OH, give: full}`.")
    if given.get("known") is not None:
        return _of_list(argument, arguments.texts("county", given["known"], "`known`"))
    return on_text("county", argument, lambda texts, _: checked(_there(texts), _unchecked(texts)))


def _of_state(argument: JsonValue, given: Mapping[str, JsonValue], give: str) -> BoundOperation:
    if given.get("known") is not None:
        raise OperationMistake("`county` takes `state` or `known`, not both.", "Keep one of them.")
    if isinstance(given["state"], dict):
        return _of_each_state(argument, given["state"], give)
    letters = arguments.text("county", given["state"], "`state`")
    if letters not in _states():
        raise OperationMistake(
            f"`county` knows no state {letters!r}.", "Give two capital letters, such as OH, or `{from: COLUMN}`."
        )
    return from_table("county", argument, _certain(letters, give), _form)


def _of_each_state(argument: JsonValue, state: JsonValue, give: str) -> BoundOperation:
    """The state stands in a column of the row."""
    inner = arguments.settings("county", state, ("from",), required=("from",))
    column = arguments.nonblank("county", inner["from"], "column in `state`")
    tables = {letters: _certain(letters, give) for letters in _states()}
    spelled = pa.array([_BETWEEN.join((letters, each)) for letters, table in tables.items() for each in table])
    counties = pa.array([each for table in tables.values() for each in table.values()])

    def run(inputs: Sequence[pa.Array], _: Context) -> Applied:
        written = _form(inputs[0])
        both = pc.binary_join_element_wise(letters_of(inputs[1]), written, _BETWEEN)
        found = pc.take(counties, pc.index_in(both, spelled, skip_nulls=True))
        failed = pc.and_(pc.fill_null(pc.not_equal(written, ""), False), pc.is_null(found))
        return Applied(found, marks(INVALID, failed))

    return BoundOperation("county", argument, ValueType.TEXT, ValueType.TEXT, run, columns=(column,))


def _certain(letters: str, give: str) -> dict[str, str]:
    """What the spellings of a state's counties mean, in the form in which they are compared; those of two mean none."""
    spelled = [(spelling, getattr(each, give)) for each in _states()[letters] for spelling in each.spellings()]
    meant: dict[str, set[str]] = {}
    for spelling, (_, result) in zip(_form(pa.array([text for text, _ in spelled])).to_pylist(), spelled, strict=True):
        meant.setdefault(spelling, set()).add(result)
    return {spelling: next(iter(found)) for spelling, found in meant.items() if len(found) == 1}


def _of_list(argument: JsonValue, known: tuple[str, ...]) -> BoundOperation:
    return from_table("county", argument, {name: name for name in known}, lambda texts: _form(_bare(texts)))


@dataclass(frozen=True, slots=True)
class _County:
    """A county of the list: its name alone (the full one where another has the same), its full name and its number."""

    name: str
    full: str
    fips: str

    def spellings(self) -> Iterator[str]:
        """The ways to write it. What each is called alone is left to those who share it: then it means neither."""
        alone = _OFFICIAL_KIND.sub("", self.full)
        yield from (self.fips, self.full, alone)
        if self.full.endswith((" city", " City")):
            yield from (f"{alone} city", f"city of {alone}")
        else:
            yield from (f"{alone} county", f"{alone} co", f"county of {alone}", f"co of {alone}", f"parish of {alone}")


@cache
def _states() -> Mapping[str, tuple[_County, ...]]:
    """The counties of each state by its letters."""
    table = files("etl.mapping.operations").joinpath("us_counties.txt").read_text("utf-8")
    return {line[:2]: tuple(_counties(line[3:5], line[6:].split("|"))) for line in table.splitlines()}


def _counties(state: str, entries: list[str]) -> Iterator[_County]:
    alone = [_OFFICIAL_KIND.sub("", entry[4:]) for entry in entries]
    for entry, name in zip(entries, alone, strict=True):
        full = entry[4:]
        yield _County(name if alone.count(name) == 1 else full, full, state + entry[:3])


def _there(texts: pa.Array) -> pa.Array:
    """The texts that are more than blanks."""
    squeezed_texts = squeezed(texts)
    return pc.if_else(pc.equal(squeezed_texts, ""), NO_TEXT, squeezed_texts)


def _unchecked(texts: pa.Array) -> pa.Array:
    names = _bare(texts)
    return titled(pc.if_else(pc.match_substring_regex(names, _NO_NAME), NO_TEXT, names))


def _bare(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.replace_substring_regex(squeezed(texts), _BEFORE, ""), _BEHIND, "")


def _form(texts: pa.Array) -> pa.Array:
    """What two spellings of a county have in common: letters without accents and digits alone, `saint` short."""
    plain = pc.replace_substring_regex(pc.utf8_normalize(squeezed(texts), "NFKD"), r"\p{M}", "")
    short = pc.replace_substring_regex(pc.utf8_upper(plain), r"\bSAINT(E?)\b", r"ST\1")
    return pc.replace_substring_regex(short, r"[^\p{L}\p{N}]", "")


OPERATIONS = (county,)
