"""Applies overrides to base rows before they are mapped, whole columns at a time.

A correction is applied only where the source still holds the old value, so a row that changed since somebody decided
is told and left as it is. Every override is compared with the rows as they came, not with each other's results.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.keys import RecordKeys
from etl.core.problems import Severity, problem_rows
from etl.core.records import KEY, LINE, ROW
from etl.mapping.model import EntityMapping, Override
from etl.mapping.overrides import KEY_SEPARATOR, OVERRIDES


@dataclass(frozen=True, slots=True)
class OverrideAuthor:
    """Who signed how many of a mapping's overrides; ``next_end`` is the first of their last days that is still ahead, as
    ISO text, "" where none ends.
    """

    who: str
    count: int
    next_end: str


@dataclass(frozen=True, slots=True)
class OverrideCounts:
    """How the overrides of one mapping ended; ``rows`` are the rows corrected."""

    mapping: str
    listed: int
    applied: int
    stale: int
    unused: int
    expired: int
    rows: int
    authors: tuple[OverrideAuthor, ...] = ()


@dataclass(slots=True)
class _Fate:
    """What one override met: the first row with its key, and how many rows it corrected."""

    override: Override
    place: tuple[int, int | None] | None = None
    rows: int = 0

    @property
    def is_stale(self) -> bool:
        """Whether its key was there but nowhere its old value."""
        return self.place is not None and not self.rows


@dataclass(slots=True)
class Corrections:
    """The overrides of one mapping over all its batches; ``today`` decides which have expired."""

    mapping: EntityMapping
    keys: RecordKeys
    today: dt.date
    _fates: dict[str, list[_Fate]] = field(init=False)
    _expired: list[Override] = field(init=False)

    def __post_init__(self) -> None:
        self._expired = [each for each in self.mapping.overrides if each.until and each.until < self.today]
        self._fates = {}
        for each in self.mapping.overrides:
            if each not in self._expired:
                self._fates.setdefault(each.column, []).append(_Fate(each))

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its cells corrected."""
        if not self._fates or not batch.num_rows:
            return batch
        keys = _key_texts([batch[name] for name in self.mapping.key])
        corrected = {column: self._column(batch, column, keys, fates) for column, fates in self._fates.items()}
        for column, values in corrected.items():
            batch = batch.set_column(batch.schema.get_field_index(column), column, values)
        return batch

    def _column(self, batch: pa.RecordBatch, column: str, keys: pa.Array, fates: Sequence[_Fate]) -> pa.Array:
        wanted = pa.array([KEY_SEPARATOR.join(each.override.key) for each in fates], pa.string())
        which = pc.index_in(keys, wanted)
        known = pc.is_valid(which)
        if not known.true_count:
            return batch[column]
        old = pc.take(pa.array([each.override.old for each in fates], pa.string()), which)
        new = pc.take(pa.array([each.override.new or None for each in fates], pa.string()), which)
        same = pc.equal(pc.utf8_trim_whitespace(pc.fill_null(batch[column], "")), old)
        hit = pc.and_(known, pc.fill_null(same, False))
        _count(batch.filter(known), which.filter(known), hit.filter(known), fates)
        return pc.if_else(hit, new, batch[column])

    def counts(self) -> OverrideCounts:
        """How they ended; to be asked after the last batch."""
        fates = [each for column in self._fates.values() for each in column]
        return OverrideCounts(
            mapping=self.mapping.name,
            listed=len(self.mapping.overrides),
            applied=sum(bool(each.rows) for each in fates),
            stale=sum(each.is_stale for each in fates),
            unused=sum(each.place is None for each in fates),
            expired=len(self._expired),
            rows=sum(each.rows for each in fates),
            authors=tuple(self._authors()),
        )

    def _authors(self) -> Iterator[OverrideAuthor]:
        for who in sorted({each.who for each in self.mapping.overrides}):
            signed = [each for each in self.mapping.overrides if each.who == who]
            ahead = [each.until for each in signed if each.until is not None and each.until >= self.today]
            yield OverrideAuthor(who, len(signed), min(ahead).isoformat() if ahead else "")

    def problems(self) -> Iterator[pa.RecordBatch]:
        """A problem for each override that corrected nothing; to be asked after the last batch."""
        for override in self._expired:
            yield self._told("expired_override", Severity.INFO, override, None)
        for fate in (each for column in self._fates.values() for each in column if not each.rows):
            code = "stale_override" if fate.is_stale else "unused_override"
            yield self._told(code, Severity.WARN, fate.override, fate.place)

    def _told(
        self, code: str, severity: Severity, override: Override, place: tuple[int, int | None] | None
    ) -> pa.RecordBatch:
        row, line = place or (None, None)
        key = self.keys.record_key(self.mapping.target, self.mapping.space, override.key) if place else None
        columns = {ROW: pa.array([row], pa.int64()), LINE: pa.array([line], pa.int64())}
        return problem_rows(
            pa.record_batch(columns | {KEY: pa.array([key], pa.string())}),
            code=code,
            severity=severity,
            mapping=self.mapping.name,
            entity=self.mapping.target,
            table=self.mapping.base.table,
            detail=f"{OVERRIDES}/{self.mapping.name}.csv:{override.line}, column {override.column}",
        )


def _key_texts(parts: Sequence[pa.Array]) -> pa.Array:
    """The legacy key of each row as overrides write it; null where a part is null."""
    plain = [pc.utf8_trim_whitespace(pc.utf8_normalize(part, form="NFC")) for part in parts]
    return plain[0] if len(plain) == 1 else pc.binary_join_element_wise(*plain, KEY_SEPARATOR)


def _count(rows: pa.RecordBatch, which: pa.Array, hit: pa.Array, fates: Sequence[_Fate]) -> None:
    """Notes what each override met; only rows that some override names are looked at."""
    places = zip(which.to_pylist(), hit.to_pylist(), rows[ROW].to_pylist(), rows[LINE].to_pylist(), strict=True)
    for number, corrected, row, line in places:
        fates[number].place = fates[number].place or (row, line)
        fates[number].rows += corrected
