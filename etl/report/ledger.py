"""Closes the books: counts both accounts of the ledger from a run's files and says what does not balance.

Nothing is believed. The rows read are the snapshot's own count, every row number must occur exactly once (one byte of
memory a base row), and what the ledger calls loaded must be what the outcomes call loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.core.outcomes import LOADED, Bucket
from etl.report.facts import MappingFact, RunFacts, RunFiles
from etl.report.model import Ledger, MappingAccount, TableAccount
from etl.report.words import counted

_BUCKETS = pa.array([str(bucket) for bucket in Bucket])


class _Tally:
    """One mapping's rows as they pass: which were seen, in which bucket, how often too often."""

    def __init__(self, read: int) -> None:
        self._seen = np.zeros(read + 1, dtype=np.bool_)
        self.buckets: Counter[str] = Counter()
        self.doubled = 0
        self.stray = 0

    @property
    def lost(self) -> int:
        """Rows that were read and never came by."""
        return int(len(self._seen) - 1 - self._seen.sum())

    def add(self, rows: pa.Array, buckets: pa.Array) -> None:
        """Takes entries of the ledger; one without a bucket that exists is stray, and its row counts as lost."""
        known = pc.fill_null(pc.is_in(buckets, _BUCKETS), fill_value=False)
        numbers = pc.fill_null(rows, 0).to_numpy(zero_copy_only=False)
        sound = known.to_numpy(zero_copy_only=False) & (numbers >= 1) & (numbers < len(self._seen))
        self.stray += int((~sound).sum())
        counted = numbers[sound]
        fresh = _once(counted[~self._seen[counted]])
        self.doubled += len(counted) - len(fresh)
        self._seen[fresh] = True
        found = pc.value_counts(buckets.filter(pa.array(sound)))
        self.buckets.update({each["values"]: each["counts"] for each in found.to_pylist()})


def _once(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers without repetition; mostly they grow, and then nothing has to be sorted."""
    return numbers if bool((numbers[1:] > numbers[:-1]).all()) else np.unique(numbers)


def close_books(files: RunFiles, facts: RunFacts) -> Ledger:
    """Both accounts and every fault in them, in the order of the manifest."""
    mappings, strangers = _mapping_accounts(files, facts)
    tables = _table_accounts(files)
    faults = (
        *strangers,
        *(fault for account in mappings for fault in _mapping_faults(account)),
        *_outcome_faults(files, mappings),
        *_table_faults(facts, tables),
        *(f"{name} was not written." for name in ("ledger.parquet", "tables.parquet") if not files.has(name)),
    )
    return Ledger(mappings=mappings, tables=tables, faults=faults, balanced=not faults)


def _mapping_accounts(files: RunFiles, facts: RunFacts) -> tuple[tuple[MappingAccount, ...], list[str]]:
    rows = {table.table: table.rows for table in facts.snapshot}
    tallies = {mapping.name: _Tally(rows.get(mapping.table, 0)) for mapping in facts.mappings}
    strangers: Counter[str] = Counter()
    for batch in files.batches("ledger.parquet", ["mapping", "row", "bucket"]):
        names = pc.fill_null(batch["mapping"], "")
        for name in pc.unique(names).to_pylist():
            part = batch.filter(pc.equal(names, name))
            if name in tallies:
                tallies[name].add(part["row"], part["bucket"])
            else:
                strangers[name] += part.num_rows
    accounts = tuple(_account(each, rows.get(each.table, 0), tallies[each.name]) for each in facts.mappings)
    return accounts, [
        f"The ledger has {counted(count, 'row')} of {name or 'nothing'}, which is no mapping."
        for name, count in strangers.items()
    ]


def _account(mapping: MappingFact, read: int, tally: _Tally) -> MappingAccount:
    return MappingAccount(
        mapping=mapping.name,
        entity=mapping.entity,
        table=mapping.table,
        read=read,
        lost=tally.lost,
        doubled=tally.doubled,
        stray=tally.stray,
        **tally.buckets,
    )


def _mapping_faults(account: MappingAccount) -> Iterator[str]:
    if account.lost:
        yield f"{account.mapping}: {counted(account.lost, 'row')} of {account.table} read, but in no bucket."
    if account.doubled:
        yield f"{account.mapping}: {counted(account.doubled, 'entry', 'entries')} too many for rows of {account.table}."
    if account.stray:
        yield f"{account.mapping}: {counted(account.stray, 'entry', 'entries')} for no row that was read, or for no bucket."


def _outcome_faults(files: RunFiles, mappings: tuple[MappingAccount, ...]) -> Iterator[str]:
    """What the load reports and the ledger does not, or the other way round."""
    if not files.has("outcomes.parquet"):
        return
    reported: Counter[tuple[str, str]] = Counter()
    for batch in files.batches("outcomes.parquet", ["mapping", "bucket"]):
        found = pa.Table.from_batches([batch]).group_by(["mapping", "bucket"]).aggregate([([], "count_all")])
        reported.update({(each["mapping"], each["bucket"]): each["count_all"] for each in found.to_pylist()})
    for account in mappings:
        for bucket in sorted(LOADED):
            here, there = account.of(bucket), reported[account.mapping, bucket]
            if here != there:
                yield f"{account.mapping}: the ledger has {counted(here, 'row')} {bucket}, the load reports {there:,}."


def _table_accounts(files: RunFiles) -> tuple[TableAccount, ...]:
    return tuple(
        TableAccount.model_validate(each) for batch in files.batches("tables.parquet") for each in batch.to_pylist()
    )


def _table_faults(facts: RunFacts, tables: tuple[TableAccount, ...]) -> Iterator[str]:
    times = Counter(account.table for account in tables)
    rows = {table.table: table.rows for table in facts.snapshot}
    for table in sorted({*rows, *times}):
        if times[table] != 1 or table not in rows:
            yield f"{table} has {counted(times[table], 'account')}, and {'one extract' if table in rows else 'no extract'}."
    for account in tables:
        if not account.balanced or account.rows != rows.get(account.table, account.rows):
            yield f"{account.table}: its rows are not the sum of used, unmatched, ignored and damaged."
