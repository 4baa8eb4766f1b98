"""Folds rows with dates into episodes: after `where`, so that a deleted row bridges no gap; before keys and fields.

Rows become groups, one an episode, in the order of their days; everything behind treats them like any group. Dates that
are unclear hold back all rows of their key, because an episode that begins or ends on another day is another record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import GROUP, ROW
from etl.mapping.episodes import END, ROWS, START
from etl.mapping.model import Episodes
from etl.mapping.operations import Context
from etl.transform.rows import Rows

_Days = npt.NDArray[np.int64]
_OPEN = 4_000_000
"""A day, counted from 1970, behind every date that can be written: the end of what is still running."""
_FAR = 10_000_000
"""Days between two keys on one time line, so that no episode of one reaches into the next."""


@dataclass(frozen=True, slots=True)
class Days:
    """The first and last day of each row, as dates. ``codes`` holds a problem code for rows that cannot be folded (else
    null), ``details`` what is wrong with them.
    """

    starts: pa.Array
    ends: pa.Array
    codes: pa.Array
    details: pa.Array

    @property
    def kept_out(self) -> pa.BooleanArray:
        """The rows that cannot be folded."""
        return pc.is_valid(self.codes)

    def kept(self) -> Days:
        """The days of the rows that can be folded."""
        kept = pc.invert(self.kept_out)
        return Days(*(each.filter(kept) for each in (self.starts, self.ends, self.codes, self.details)))


def days_of(rows: Rows, episodes: Episodes, context: Context) -> Days:
    """The days that the rows' cells hold, and which rows cannot be folded for want of clear ones."""
    starts, start_failed = _read(rows, episodes.start, episodes, context)
    unclear = pc.if_else(pc.or_(start_failed, pc.is_null(starts)), f"first day: {episodes.start}", None)
    ends = pa.nulls(len(starts), pa.date32())
    if episodes.end is not None:
        ends, end_failed = _read(rows, episodes.end, episodes, context)
        unclear = pc.if_else(pc.or_(end_failed, _before(ends, starts)), f"last day: {episodes.end}", unclear)
    unclear = unclear.cast(pa.string())
    group = rows.batch[GROUP]
    waits = pc.is_in(group, value_set=group.filter(pc.is_valid(unclear)))
    code = pc.if_else(pc.is_valid(unclear), "episode_unclear", pc.if_else(waits, "episode_waits", None))
    return Days(starts, ends, code.cast(pa.string()), unclear)


def folded(batch: pa.RecordBatch, episodes: Episodes, days: Days) -> tuple[pa.RecordBatch, pa.Array]:
    """The rows in the order of their days, one group an episode, with its columns; and which row each of them was."""
    keys, starts = batch[GROUP].to_numpy(), _numbers(days.starts, 0)
    order = np.lexsort((batch[ROW].to_numpy(), starts, keys))
    rows = batch.take(pa.array(order))
    keys, starts = keys[order], starts[order]
    ends = _numbers(days.ends, _OPEN)[order]
    new_key = _changes(keys)
    new = (
        _new_spells(starts, ends, new_key, episodes.gap_days) if episodes.end else new_key | _new_states(rows, episodes)
    )
    firsts = np.flatnonzero(new)
    last = np.maximum.reduceat(ends, firsts) if episodes.end else _until_next(starts, new_key, firsts)
    counts = np.diff(np.append(firsts, len(starts)))
    made = {START: _text(starts[firsts]), END: _text(last), ROWS: pa.array(counts).cast(pa.string())}
    number = pa.array(np.cumsum(new) - 1)
    rows = rows.set_column(rows.schema.get_field_index(GROUP), GROUP, number)
    for name, column in made.items():
        rows = rows.append_column(name, pc.take(column, number))
    return rows, pa.array(order)


def with_episodes(rows: Rows, episodes: Episodes | None, context: Context) -> Rows:
    """The rows folded where the mapping asks for it, without those that cannot be."""
    if episodes is None:
        return rows
    days = days_of(rows, episodes, context)
    batch, _ = folded(rows.batch.filter(pc.invert(days.kept_out)), episodes, days.kept())
    return Rows.of(batch, rows.today)


# ---------------------------------------------------------------- days


def _read(rows: Rows, column: str, episodes: Episodes, context: Context) -> tuple[pa.Array, pa.BooleanArray]:
    """The days of a column, and which cells could not be read."""
    cells = rows.column(column, every_row=True)
    if column == episodes.end and episodes.open_if:
        still_open = pc.is_in(pc.utf8_trim_whitespace(cells), value_set=pa.array(episodes.open_if, pa.string()))
        cells = pc.if_else(still_open, pa.scalar(None, pa.string()), cells)
    applied = episodes.read.apply([cells], context)
    failed = pa.repeat(pa.scalar(False), len(cells))
    for mark in applied.errors:
        failed = pc.or_(failed, mark.rows)
    return applied.values, failed


def _before(ends: pa.Array, starts: pa.Array) -> pa.BooleanArray:
    return pc.fill_null(pc.less(ends, starts), False)


def _numbers(days: pa.Array, blank: int) -> _Days:
    """Days counted from 1970."""
    counted = pc.fill_null(days.cast(pa.int32()), blank).cast(pa.int64())
    return np.asarray(counted.to_numpy(zero_copy_only=False), np.int64)


def _text(days: _Days) -> pa.Array:
    """Days as ISO text; what is still running is blank."""
    dates = pa.array(np.where(days == _OPEN, 0, days), pa.int32()).cast(pa.date32())
    return pc.if_else(pa.array(days == _OPEN), pa.scalar(None, pa.string()), dates.cast(pa.string()))


# ---------------------------------------------------------------- where episodes begin


def _changes(values: _Days) -> npt.NDArray[np.bool_]:
    """Where a value differs from the one before it; the first does."""
    return np.append(np.ones(min(len(values), 1), np.bool_), values[1:] != values[:-1])


def _new_spells(starts: _Days, ends: _Days, new_key: npt.NDArray[np.bool_], gap_days: int) -> npt.NDArray[np.bool_]:
    """Rows that begin later than everything before them of the same key has ended, and the gap."""
    shift = np.cumsum(new_key) * _FAR
    reach = np.maximum.accumulate(ends + shift)
    beyond = np.append(np.zeros(min(len(starts), 1), np.bool_), (starts + shift)[1:] > reach[:-1] + gap_days)
    return new_key | beyond


def _new_states(rows: pa.RecordBatch, episodes: Episodes) -> npt.NDArray[np.bool_]:
    """Rows whose state is not that of the row before."""
    differ = np.zeros(rows.num_rows, np.bool_)
    for name in episodes.same:
        cells = pc.utf8_trim_whitespace(pc.fill_null(rows[name], "")).dictionary_encode()
        differ |= _changes(np.asarray(cells.indices.to_numpy(zero_copy_only=False), np.int64))
    return differ


def _until_next(starts: _Days, new_key: npt.NDArray[np.bool_], firsts: _Days) -> _Days:
    """A state lasts until the next one of its key begins; the last one of a key is still running."""
    following = np.append(firsts[1:], -1)
    ends_key = np.append(new_key[firsts[1:]], True)
    return np.where(ends_key, _OPEN, starts[following]) if len(firsts) else firsts
