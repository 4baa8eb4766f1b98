"""Legacy codes to labels: a crosswalk applied to distinct codes, with what its policy says of the unknown ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.decisions import CODE_SEPARATOR
from etl.mapping.model import Crosswalk, CrosswalkRow, CrosswalkUse, OnUnmapped
from etl.transform.distinct import combinations

ANYTHING = "*"
_UNKNOWN = "unmapped_value"
_OPEN = "open_decision"


@dataclass(frozen=True, slots=True)
class Decoded:
    """Labels one a row, and for rows whose code has none the problem code (else null) and the code as text."""

    labels: pa.Array
    problems: pa.Array
    codes: pa.Array


class Decoder:
    """A crosswalk ready for use. Outer blanks of codes do not count; capital and small letters differ."""

    def __init__(self, crosswalk: Crosswalk) -> None:
        rows = [(tuple(code.strip() for code in row.codes), row) for row in crosswalk.rows]
        self._exact = {codes: row for codes, row in reversed(rows) if ANYTHING not in codes}
        open_rows = [each for each in rows if ANYTHING in each[0]]
        self._patterns = sorted(open_rows, key=lambda each: (each[0].count(ANYTHING), each[1].line))

    def row(self, codes: tuple[str, ...]) -> CrosswalkRow | None:
        """The row that decides these codes, None if none does."""
        exact = self._exact.get(codes)
        if exact is not None or not any(codes):
            return exact
        return next((row for pattern, row in self._patterns if _fits(pattern, codes)), None)


def _fits(pattern: tuple[str, ...], codes: tuple[str, ...]) -> bool:
    return all(wanted in (ANYTHING, code) for wanted, code in zip(pattern, codes, strict=True))


def decode(decoder: Decoder, use: CrosswalkUse, columns: Sequence[pa.Array], default: str | None) -> Decoded:
    """The labels of some code columns.

    Codes that are all blank have no label and no problem, unless a row lists the blank. With `keep` an unknown code is
    its own label, with `default` the default is.
    """
    distinct, indices = combinations(columns)
    codes = list(zip(*(_trimmed(column) for column in distinct), strict=True))
    verdicts = [_verdict(decoder, each) for each in codes]
    texts = [CODE_SEPARATOR.join(each) for each in codes]
    labels = [_label(use.on_unmapped, *each, default=default) for each in zip(verdicts, texts, strict=True)]
    problems = [problem for _, problem in verdicts]
    return Decoded(*(pc.take(pa.array(each, pa.string()), indices) for each in (labels, problems, texts)))


def _trimmed(column: pa.Array) -> list[str]:
    return [(code or "").strip() for code in column.cast(pa.string()).to_pylist()]


def _verdict(decoder: Decoder, codes: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Label and problem; both None for blank codes."""
    row = decoder.row(codes)
    if row is None:
        return None, _UNKNOWN if any(codes) else None
    return row.target or None, None if row.target else _OPEN


def _label(policy: OnUnmapped, verdict: tuple[str | None, str | None], text: str, *, default: str | None) -> str | None:
    label, problem = verdict
    if problem is None:
        return label
    kept = {OnUnmapped.KEEP: text, OnUnmapped.DEFAULT: default}
    return kept.get(policy)
