"""From what was measured of a column to what a person should know of it: spreadsheet damage, dates in doubt, values that
stand for nothing, texts broken by conversions.

Conditions are SQL on ``cell`` (see :class:`etl.sources.intake.columns.Cells`): a rule counts rows and finds the first
places; a detail names values only where they are no person's, such as 01/01/1900.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl.core.intake import Column, Kind, Observation, People
from etl.core.problems import Severity
from etl.sources.engine import text
from etl.sources.intake.columns import Cells, kinds_share
from etl.sources.intake.hints import is_date_column, is_zip_name
from etl.sources.intake.lines import PLACES

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_EXCEL_ERRORS = r"#N/A|#REF!|#VALUE!|#NAME\?|#DIV/0!|#NUM!|#NULL!|#{5,}"
_UNKNOWN = (
    *("UNK", "UNKN", "UNKNOWN", "N/A", "NA", "NULL", "NONE", "NIL", "TBD", "NOT KNOWN", "NOT AVAILABLE", "NOT GIVEN"),
    *("?", "??", "???", "-", "--", ".", "X", "XX", "XXX", "XXXX", "TEST", "(NULL)", "REFUSED", "MISSING", "BLANK"),
)
_ALSO_NAMES = ("X", "NA")
"""An initial, and a surname."""
_NO_DATES = (
    *("01/01/1900", "1/1/1900", "1900-01-01", "19000101", "12/31/1899", "1899-12-31", "12/30/1899", "1899-12-30"),
    *("01/01/1753", "1753-01-01", "01/01/1800", "1800-01-01", "01/01/0001", "0001-01-01", "01/01/1901", "1901-01-01"),
    *("12/31/9999", "9999-12-31", "99991231", "31.12.9999", "31/12/9999", "12/31/2099", "2099-12-31", "11/11/1111"),
    *("00/00/0000", "0000-00-00", "00000000", "99/99/9999", "9999-99-99", "99999999", "09/09/9999", "9/9/9999"),
)
_NO_SSN = (*(digit * 9 for digit in "0123456789"), "123456789", "078051120", "219099999")
"""Numbers of one digit, the first nine digits, and two that were printed on sample cards and never given to anybody since
(https://www.ssa.gov/history/ssn/misused.html).
"""
_DAY = r"regexp_replace(value, '[T ].*$', '')"
_NINES = r"-?9{2,}(?:-9+)*|-[0-9]|8{2,}|7{2,}"
_ROUND_LENGTHS = (50, 80, 100, 128, 150, 200, 250, 254, 255, 256, 500, 512, 1000, 1024, 2000, 4000, 8000, 32767, 65535)
_MOJIBAKE = "[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac|\u00c3[\u0192\u201a\u00a9\u00b1]"
_MARKUP = r"(?i)</?(?:p|br|div|span|b|i|a|ul|li|table|td|tr|font)\b[^<>]*>|&(?:amp|lt|gt|quot|nbsp|#[0-9]+);"
_OFTEN = 0.01
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """One observation that a condition on values makes where it applies."""

    code: str
    severity: Severity
    condition: str
    detail: str = ""


class Judge:
    """Judges the columns of one table, each while it is loaded in ``cells``. ``today`` is an ISO date."""

    def __init__(self, cells: Cells, table: str, today: str) -> None:
        self._cells = cells
        self._table = table
        self._today = today

    def observations(self, column: Column) -> Iterator[Observation]:
        """Everything to be said of a measured column, people and keys apart."""
        if not column.filled:
            yield Observation("empty_column", Severity.INFO, self._table, column.name, column.blank + column.null)
            return
        rules = (*_excel(column), *_dates(column, self._today), *_texts(column))
        counts = self._cells.rows(*(rule.condition for rule in rules))
        for rule, count in zip(rules, counts, strict=True):
            if count:
                places = self._cells.places(rule.condition, PLACES)
                yield Observation(rule.code, rule.severity, self._table, column.name, count, rule.detail, places)
        yield from self._day_order(column)
        yield from self._sentinels(column)
        yield from self._cut_texts(column)

    def _day_order(self, column: Column) -> Iterator[Observation]:
        order = column.day_order
        if order is None or not is_date_column(column):
            return
        if order.verdict == "ambiguous" and order.either:
            detail = f"{order.either:,} dates, and each can be read both ways"
            yield Observation("day_order_ambiguous", Severity.WARN, self._table, column.name, order.either, detail)
        elif order.verdict == "mixed":
            detail = f"{order.month_first:,} allow month first only, {order.day_first:,} day first only, {order.either:,} both"
            count = min(order.month_first, order.day_first)
            yield Observation("day_order_mixed", Severity.WARN, self._table, column.name, count, detail)

    def _sentinels(self, column: Column) -> Iterator[Observation]:
        """Values that are nobody's own, each with its count; numbers only where they stand out."""
        unknown = tuple(each for each in _UNKNOWN if column.people is not People.NAME or each not in _ALSO_NAMES)
        words = f"upper(value) in ({_listed(unknown)})"
        written = tuple(each for each in _NO_DATES if is_date_column(column) or not each.isdigit())
        days = f"{_DAY} in ({_listed(written)})"
        numbers = self._number_condition(column)
        if column.people is People.SSN:
            numbers += f" or regexp_replace(value, '[ -]', '', 'g') in ({_listed(_NO_SSN)})"
        condition = f"({words}) or ({days}) or ({numbers})"
        found = self._cells.tallies(condition, PLACES)
        if found:
            detail = ", ".join(f"{each.text} ({each.rows:,})" for each in found)
            places = self._cells.places(condition, PLACES)
            (count,) = self._cells.rows(condition)
            yield Observation("sentinels", Severity.WARN, self._table, column.name, count, detail, places)

    def _number_condition(self, column: Column) -> str:
        """Runs of one digit and negative codes, where they are frequent and far from all other numbers."""
        if column.is_unique or kinds_share(column, Kind.INTEGER, Kind.SSN, Kind.DATE_DIGITS) < _MOSTLY:
            return "false"
        odd = f"regexp_full_match(value, {text(_NINES)})"
        number = "try_cast(value as bigint)"
        highest = self._cells.number(f"max({number})", f"not {odd}")
        (negatives,) = self._cells.rows(f"{number} < 0 and not {odd}")
        far = f"{number} > {2 * highest}" + ("" if negatives else f" or {number} < 0")
        often = max(2, int(_OFTEN * column.filled))
        return f"{odd} and n >= {often} and ({far} or contains(value, '-') and {number} is null)"

    def _cut_texts(self, column: Column) -> Iterator[Observation]:
        if column.longest not in _ROUND_LENGTHS or kinds_share(column, Kind.TEXT) < _MOSTLY:
            return
        condition = f"length(value) = {column.longest}"
        count = self._cells.number("count(*)", condition)
        if count > 1:
            places = self._cells.places(condition, PLACES)
            detail = f"{column.longest:,} characters"
            yield Observation("cell_limit", Severity.WARN, self._table, column.name, count, detail, places)


def _excel(column: Column) -> Iterator[Rule]:
    """What a spreadsheet does to codes, numbers and dates when it opens and saves a file."""
    if column.kinds.get(Kind.SCIENTIFIC):
        yield Rule("excel_scientific", Severity.BLOCK, r"regexp_full_match(value, '[-+]?\d(?:\.\d+)?[Ee][-+]?\d{1,3}')")
    if kinds_share(column, Kind.DATE_NAMED, Kind.TEXT) > 0:
        month_day = rf"(?i)(?:{_MONTHS})-[0-9]{{1,2}}|[0-9]{{1,2}}-(?:{_MONTHS})"
        yield Rule("excel_month_days", Severity.BLOCK, f"regexp_full_match(value, {text(month_day)})")
        yield Rule("excel_errors", Severity.WARN, f"regexp_full_match(value, {text(_EXCEL_ERRORS)})")
    if is_date_column(column) and column.kinds.get(Kind.INTEGER, 0) + column.kinds.get(Kind.NUMBER, 0):
        yield Rule("excel_serial_dates", Severity.WARN, r"regexp_full_match(value, '[1-5]\d{4}(?:\.\d+)?')")
    if is_zip_name(column.name):
        detail = "ZIP codes of three or four digits"
        yield Rule("excel_leading_zeros", Severity.WARN, "regexp_full_match(shape, '9{3,4}|9{7,8}')", detail)
    if column.people is People.SSN:
        yield Rule("excel_leading_zeros", Severity.WARN, "regexp_full_match(shape, '9{7,8}')", "of nine digits")


def _dates(column: Column, today: str) -> Iterator[Rule]:
    if not is_date_column(column):
        return
    if kinds_share(column, Kind.DATE_SHORT) > 0:
        short = r"regexp_matches(shape, '^99?[-/.]99?[-/.]99( |$)')"
        yield Rule("short_years", Severity.WARN, short)
    never = f"{_DAY} not in ({_listed(_NO_DATES)})"
    yield Rule("impossible_dates", Severity.WARN, f"{_is_date_shape()} and {never} and {_day_of(column)} is null")
    future = f"{_day_of(column)} > date {text(today)} and {never}"
    yield Rule("future_dates", Severity.INFO, future)


def _is_date_shape() -> str:
    return r"regexp_matches(shape, '^(9999[-/.]99?[-/.]99?|99?[-/.]99?[-/.]9999)( |$|[aA]99)')"


def _day_of(column: Column) -> str:
    """The day that a value is, read in the order that is proved, or in any where none is."""
    order = column.day_order.verdict if column.day_order else ""
    written = r"regexp_replace(regexp_extract(value, '^[0-9./-]+'), '[./]', '-', 'g')"
    forms = ["%Y-%m-%d"]
    forms += ["%m-%d-%Y"] if order != "day first" else []
    forms += ["%d-%m-%Y"] if order != "month first" else []
    return f"try_strptime({written}, [{_listed(tuple(forms))}])::date"


def _texts(column: Column) -> Iterator[Rule]:
    if kinds_share(column, Kind.TEXT) == 0:
        return
    yield Rule("mojibake", Severity.WARN, f"regexp_matches(value, {text(_MOJIBAKE)})")
    yield Rule("replacement_characters", Severity.WARN, "contains(value, chr(65533))")
    yield Rule("markup", Severity.INFO, f"regexp_matches(value, {text(_MARKUP)})")


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(map(text, values))
