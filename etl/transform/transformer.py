"""Legacy rows of one mapping to target records, a batch at a time: the stage's one entry.

Every base row goes one way through the same order: damage, `where`, key, joins, fields. A record with a blocking problem
stays in the output as quarantined, because references to it must be told from references to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog.model import Catalog
from etl.core.counting import whole_numbers
from etl.core.keys import RecordKeys
from etl.core.outcomes import Bucket
from etl.core.ports import Join
from etl.core.problems import PROBLEM_SCHEMA, Severity, problem_rows
from etl.core.records import DAMAGE, KEY, LEFT_OUT, LINE, REASON, ROW, SOURCE_KEY, STATUS
from etl.mapping.model import EntityMapping
from etl.mapping.operations import Context
from etl.transform.columns import FieldColumn
from etl.transform.episodes import days_of, folded
from etl.transform.faults import first_in_record
from etl.transform.identity import record_keys, shown_keys
from etl.transform.ledger import Account
from etl.transform.policies import Finding
from etl.transform.rows import Rows

MATCHES_SUFFIX = "._matches"
_HEAD = [
    pa.field(KEY, pa.string()),
    pa.field(SOURCE_KEY, pa.string()),
    pa.field(ROW, pa.int64()),
    pa.field(LINE, pa.int64()),
    pa.field(STATUS, pa.string()),
    pa.field(REASON, pa.string()),
]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a batch became: records (schema of the transformer), and rows of the ledger's and the problems' schema."""

    records: pa.RecordBatch
    ledger: pa.RecordBatch
    problems: pa.RecordBatch


@dataclass(slots=True)
class _Work:
    """One batch on its way; ``positions`` are the places of the remaining rows in the batch as it came."""

    account: Account
    positions: pa.Array
    rows: Rows
    problems: list[pa.RecordBatch] = field(default_factory=list)


class Transformer:
    """A mapping made ready once for all batches of its base rows.

    ``context`` supplies the snapshot's date and the project's time zone: the stage has no clock.
    """

    def __init__(self, mapping: EntityMapping, catalog: Catalog, keys: RecordKeys, context: Context) -> None:
        catalog.entity(mapping.target)
        self._mapping = mapping
        self._keys = keys
        self._context = context
        self._columns = [FieldColumn(each, mapping.base.table, keys, context) for each in mapping.fields]

    @property
    def schema(self) -> pa.Schema:
        """The columns of records: key, source key, row, line, status and reason, then one a field.

        Dates are date32, moments timestamp[us, UTC], whole numbers int64, other numbers float64; options of lists are
        labels, references record keys (beside ``<field>._entity`` where several entities may be meant), files paths.
        """
        return pa.schema([*_HEAD, *(each for column in self._columns for each in column.arrow_fields)])

    def apply(self, batch: pa.RecordBatch) -> Mapped:
        """The records, ledger rows and problems of a batch; no group may be cut by it.

        The batch has the columns that ``Tables.base`` gives. Raises TooManyProblems where a policy is `fail`.
        """
        everywhere = whole_numbers(batch.num_rows)
        account = Account(batch, self._mapping.name, self._mapping.base.table)
        work = _Work(account, everywhere, Rows.of(batch, self._context.today))
        self._set_damaged_aside(work)
        self._set_unwanted_aside(work)
        self._fold(work)
        keys = self._set_keyless_aside(work)
        records = self._records(work, keys)
        problems = pa.Table.from_batches(work.problems, PROBLEM_SCHEMA).combine_chunks()
        return Mapped(records, account.closed(), _only_batch(problems))

    # ------------------------------------------------------------ rows that become no record

    def _set_damaged_aside(self, work: _Work) -> None:
        damage = work.rows.batch[DAMAGE]
        damaged = pc.is_valid(damage)
        if not pc.any(damaged).as_py():
            return
        work.account.enter(work.positions.filter(damaged), Bucket.QUARANTINED, damage.filter(damaged))
        for code in pc.unique(damage.filter(damaged)).to_pylist():
            here = pc.indices_nonzero(pc.fill_null(pc.equal(damage, code), False))
            self._tell(work, code, Severity.BLOCK, work.rows.places(here))
        self._keep(work, pc.invert(damaged))

    def _set_unwanted_aside(self, work: _Work) -> None:
        if LEFT_OUT in work.rows.batch.schema.names:
            left_out = work.rows.batch[LEFT_OUT]
            work.account.enter(work.positions.filter(left_out), Bucket.IGNORED, "query")
            self._keep(work, pc.invert(left_out))
        where = self._mapping.where
        if where is None or not work.rows.batch.num_rows:
            return
        wanted = where.evaluate(work.rows.columns, groups=work.rows.groups, today=self._context.today)
        work.account.enter(work.positions.filter(pc.invert(wanted)), Bucket.IGNORED, "where")
        self._keep(work, wanted)

    def _fold(self, work: _Work) -> None:
        """Makes the rows of each episode a group; rows whose dates are unclear are set aside with their neighbours."""
        episodes = self._mapping.episodes
        if episodes is None:
            return
        days = days_of(work.rows, episodes, self._context)
        if pc.any(days.kept_out).as_py():
            for code in ("episode_unclear", "episode_waits"):
                here = pc.fill_null(pc.equal(days.codes, code), False)
                work.account.enter(work.positions.filter(here), Bucket.QUARANTINED, code)
                places = work.rows.places(pc.indices_nonzero(here).cast(pa.int64()))
                self._tell(work, code, Severity.BLOCK, places, None, days.details.filter(here))
            self._keep(work, pc.invert(days.kept_out))
            days = days.kept()
        batch, order = folded(work.rows.batch, episodes, days)
        work.positions = pc.take(work.positions, order)
        work.rows = Rows.of(batch, self._context.today)

    def _set_keyless_aside(self, work: _Work) -> pa.Array:
        """Leaves only rows of records that have a key, and returns the record keys."""
        parts = [work.rows.column(name) for name in self._mapping.key]
        keys = record_keys(self._keys, self._mapping.target, self._mapping.space, parts)
        keyless = pc.is_null(keys)
        if not pc.any(keyless).as_py():
            return keys
        everyone = whole_numbers(work.rows.batch.num_rows)
        rows = pc.take(keyless, work.rows.records_of(everyone))
        work.account.enter(work.positions.filter(rows), Bucket.QUARANTINED, "missing_key")
        self._tell(work, "missing_key", Severity.BLOCK, work.rows.places(everyone.filter(rows)))
        self._keep(work, pc.invert(rows))
        return keys.filter(pc.invert(keyless))

    def _keep(self, work: _Work, mask: pa.BooleanArray) -> None:
        work.positions = work.positions.filter(mask)
        work.rows = Rows.of(work.rows.batch.filter(mask), self._context.today)

    # ------------------------------------------------------------ rows that become records

    def _records(self, work: _Work, keys: pa.Array) -> pa.RecordBatch:
        rows, columns, findings = work.rows, dict[str, pa.Array](), list[tuple[str | None, Finding]]()
        findings += [(None, each) for join in self._mapping.base.joins for each in _join_findings(join, rows)]
        for column in self._columns:
            mapped = column.apply(rows)
            columns |= mapped.columns
            findings += [(column.field.name, each) for each in mapped.findings]
        reasons = _reasons([each for _, each in findings], rows)
        for name, finding in findings:
            self._tell_finding(work, name, finding, keys)
        self._enter_records(work, keys, reasons)
        return self._assembled(rows, keys, reasons, columns)

    def _assembled(self, rows: Rows, keys: pa.Array, reasons: pa.Array, columns: dict[str, pa.Array]) -> pa.RecordBatch:
        places = rows.places(rows.positions(whole_numbers(rows.count)))
        shown = shown_keys([rows.column(name) for name in self._mapping.key])
        status = pc.if_else(pc.is_null(reasons), "valid", "quarantined")
        head = {KEY: keys, SOURCE_KEY: shown, ROW: places[ROW], LINE: places[LINE], STATUS: status, REASON: reasons}
        found = head | columns
        return pa.RecordBatch.from_arrays([found[name] for name in self.schema.names], schema=self.schema)

    def _enter_records(self, work: _Work, keys: pa.Array, reasons: pa.Array) -> None:
        rows = work.rows
        blocked = pc.is_valid(reasons)
        bucket = pc.if_else(blocked, str(Bucket.QUARANTINED), "record")
        leads = rows.positions(whole_numbers(rows.count))
        work.account.enter(pc.take(work.positions, leads), bucket, reasons, keys)
        if rows.groups is None:
            return
        everyone = whole_numbers(rows.batch.num_rows)
        others = everyone.filter(pc.invert(pc.is_in(everyone, value_set=leads)))
        merged_keys = pc.take(keys, rows.records_of(others))
        work.account.enter(pc.take(work.positions, others), Bucket.MERGED, None, merged_keys)

    def _tell_finding(self, work: _Work, name: str | None, finding: Finding, keys: pa.Array) -> None:
        places = work.rows.places(finding.positions)
        places = places.append_column(KEY, pc.take(keys, work.rows.records_of(finding.positions)))
        self._tell(work, finding.code, finding.severity, places, name, finding.details)

    def _tell(
        self,
        work: _Work,
        code: str,
        severity: Severity,
        places: pa.RecordBatch,
        name: str | None = None,
        detail: pa.Array | None = None,
    ) -> None:
        table, entity = self._mapping.base.table, self._mapping.target
        told = problem_rows(
            places,
            code=code,
            severity=severity,
            mapping=self._mapping.name,
            entity=entity,
            table=table,
            field=name,
            detail=detail,
        )
        work.problems.append(told)


def _join_findings(join: Join, rows: Rows) -> list[Finding]:
    """What breaks a join's promise; rows of a group that are not the first count too, since `take` may use them."""
    matches = rows.batch[join.alias + MATCHES_SUFFIX]
    found = []
    if join.expect == "one":
        found.append(_join_finding("missing_match", join, pc.equal(matches, 0), rows))
    if join.expect in {"one", "at_most_one"} and not join.pick_order:
        found.append(_join_finding("unexpected_second_match", join, pc.greater(matches, 1), rows))
    return [each for each in found if len(each.positions)]


def _join_finding(code: str, join: Join, broken: pa.BooleanArray, rows: Rows) -> Finding:
    positions = pc.indices_nonzero(pc.fill_null(broken, False)).cast(pa.int64())
    positions = positions.filter(first_in_record(positions, rows))
    details = pa.repeat(pa.scalar(f"join {join.alias}"), len(positions))
    return Finding(code, Severity.BLOCK, positions, details)


def _reasons(findings: list[Finding], rows: Rows) -> pa.Array:
    """For each record the code of the first finding that blocks it, else null."""
    reasons = pa.nulls(rows.count, pa.string())
    numbers = whole_numbers(rows.count)
    for finding in findings:
        if finding.severity is Severity.BLOCK:
            here = pc.is_in(numbers, value_set=rows.records_of(finding.positions))
            reasons = pc.if_else(pc.and_(here, pc.is_null(reasons)), finding.code, reasons)
    return reasons


def _only_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
