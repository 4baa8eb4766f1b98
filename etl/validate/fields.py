"""Checks mapped columns against the catalogue: type, required, list, length, form and range.

Text that reaches a typed attribute is read by the same strict operations that mappings use, so a value is accepted here
exactly if a mapping could have produced it. All problems of all rows come out of one pass; a record with a blocking
problem stays in the batch as quarantined, because references to it must be told from references to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog.model import Attribute, Catalog, Kind, Link
from etl.core.counting import whole_numbers
from etl.core.ports import Files
from etl.core.problems import Severity, problem_rows
from etl.core.records import REASON, ROW, STATUS
from etl.mapping.model import EntityMapping, Field, FileField, OnMissing
from etl.mapping.operations import Context, bind
from etl.validate.files import check_files

_READERS = {
    Kind.DATE: ("date", pa.date32()),
    Kind.DATETIME: ("datetime", pa.timestamp("us", tz="UTC")),
    Kind.INTEGER: ("integer", pa.int64()),
    Kind.NUMBER: ("number", None),
    Kind.BOOLEAN: ("boolean", pa.bool_()),
}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One check's verdict over a column: which rows it concerns, and how much it matters."""

    code: str
    severity: Severity
    mask: pa.Array
    detail: str | None = None


class FieldChecks:
    """The column checks of one mapping. ``files`` is asked about attachments' bytes; ``context`` dates relative bounds."""

    def __init__(self, mapping: EntityMapping, catalog: Catalog, context: Context, files: Files | None = None) -> None:
        self._mapping = mapping
        self._catalog = catalog
        self._context = context
        self._files = files

    def apply(
        self, records: pa.RecordBatch, earlier: pa.RecordBatch | None = None
    ) -> tuple[pa.RecordBatch, list[pa.RecordBatch]]:
        """The same records with typed columns and their status, and the problems found.

        ``earlier`` holds the problems that mapping these records told already: what is empty because of a blocking one
        is not reported as missing again.
        """
        problems: list[pa.RecordBatch] = []
        nobody = pa.repeat(False, records.num_rows)
        for field in self._mapping.fields:
            told = _told(records, field.name, earlier)
            records = self._check_field(records, field, nobody if told is None else told, problems)
        for link in self._unmapped_recommended():
            everywhere = pa.repeat(True, records.num_rows)
            self._report(records, link.name, _Finding("recommended_missing", Severity.WARN, everywhere), problems)
        return records, problems

    def notes(self) -> Iterator[tuple[str, str, str]]:
        """What could not be checked without the tenant: (code, field, detail), once a mapping."""
        mapped = {field.name: field for field in self._mapping.fields}
        entity = self._catalog.entity(self._mapping.target)
        parts: list[Attribute | Link] = [*entity.attributes.values(), *entity.links.values()]
        for name in (part.name for part in parts if part.required is None):
            if name not in mapped:
                yield "requirement_unknown", name, entity.name
        for field in self._mapping.fields:
            lookup = field.lookup
            if lookup and self._labels(lookup) is None:
                yield "option_not_checked", field.name, lookup

    def _check_field(
        self, records: pa.RecordBatch, field: Field, told: pa.Array, problems: list[pa.RecordBatch]
    ) -> pa.RecordBatch:
        if isinstance(field.value, FileField):
            return self._check_files(records, field, problems)
        column = records[field.name]
        part = field.attribute or field.link
        if field.attribute is not None:
            column, unreadable = _typed(column, field.attribute, self._context)
            records = _with_column(records, field.name, column)
            records = self._report(
                records, field.name, _Finding("wrong_type", Severity.BLOCK, unreadable, field.attribute.kind), problems
            )
            told = pc.or_(told, unreadable)
        for finding in self._findings(column, part, field, told):
            records = self._report(records, field.name, finding, problems)
        return records

    def _findings(
        self, column: pa.Array, part: Attribute | Link | None, field: Field, told: pa.Array
    ) -> Iterator[_Finding]:
        blank = _is_blank(column)
        if part is not None and part.required:
            yield _Finding("required_missing", Severity.BLOCK, pc.and_not(blank, told))
        if isinstance(part, Link) and part.warn_if_missing:
            yield _Finding("recommended_missing", Severity.WARN, blank)
        if isinstance(part, Attribute):
            yield from _attribute_findings(column, part)
        lookup = field.lookup
        labels = self._labels(lookup) if lookup else None
        if labels is not None:
            yield _Finding("unknown_option", Severity.BLOCK, _outside(column, labels), lookup)

    def _check_files(self, records: pa.RecordBatch, field: Field, problems: list[pa.RecordBatch]) -> pa.RecordBatch:
        if self._files is None or not isinstance(field.value, FileField):
            return records
        step = self._catalog.entity(self._mapping.target).step("upload")
        records, verdicts = check_files(records, field.name, field.value, self._files, step.max_bytes if step else None)
        severity = Severity.WARN if field.value.on_missing is OnMissing.EMPTY else Severity.BLOCK
        for code, mask in verdicts:
            records = self._report(records, field.name, _Finding(code, severity, mask), problems)
        return records

    def _report(
        self, records: pa.RecordBatch, field: str, finding: _Finding, problems: list[pa.RecordBatch]
    ) -> pa.RecordBatch:
        """Adds a finding's problems, and quarantines the records where it blocks; the first reason stays."""
        mask = pc.fill_null(finding.mask, False)
        if not mask.true_count:
            return records
        valid = pc.equal(records[STATUS], "valid")
        problems.append(
            problem_rows(
                records.filter(mask),
                code=finding.code,
                severity=finding.severity,
                mapping=self._mapping.name,
                entity=self._mapping.target,
                table=self._mapping.base.table,
                field=field,
                detail=finding.detail,
            )
        )
        blocks = finding.severity is Severity.BLOCK
        return quarantine(records, pc.and_(mask, valid), finding.code) if blocks else records

    def _labels(self, lookup: str) -> tuple[str, ...] | None:
        known = self._catalog.lookups.get(lookup) or self._catalog.entities.get(lookup)
        return tuple(option.label for option in known.options) if known and known.options is not None else None

    def _unmapped_recommended(self) -> Iterator[Link]:
        mapped = {field.name for field in self._mapping.fields}
        entity = self._catalog.entity(self._mapping.target)
        return (link for link in entity.links.values() if link.warn_if_missing and link.name not in mapped)


def _told(records: pa.RecordBatch, field: str, earlier: pa.RecordBatch | None) -> pa.Array | None:
    """Which records have a blocking problem in a field already; None where none has."""
    if earlier is None or not earlier.num_rows:
        return None
    here = pc.and_(pc.equal(earlier["field"], field), pc.equal(earlier["severity"], str(Severity.BLOCK)))
    return pc.is_in(records[ROW], value_set=earlier["row"].filter(here)) if pc.any(here).as_py() else None


def _typed(column: pa.Array, attribute: Attribute, context: Context) -> tuple[pa.Array, pa.Array]:
    """The column in the attribute's type, and which rows could not be read."""
    nothing = pa.repeat(False, len(column))
    reader = _READERS.get(attribute.kind)
    is_text = pa.types.is_string(column.type)
    if reader is None:
        return (column if is_text or pa.types.is_list(column.type) else _as_text(column)), nothing
    name, kind = reader
    if is_text:
        # Blank text is no value here as everywhere, so it is not a value of the wrong type either.
        filled = pc.if_else(_is_blank(column), pa.scalar(None, pa.string()), column)
        applied = bind(name, None).apply([filled], context)
        return applied.values, reduce(pc.or_, (mark.rows for mark in applied.errors), nothing)
    return (column if kind is None or column.type == kind else pc.cast(column, kind)), nothing


def _as_text(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string())


def _is_blank(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        return pc.fill_null(pc.equal(column, ""), True)
    if pa.types.is_list(column.type):
        return pc.equal(pc.fill_null(pc.list_value_length(column), 0), 0)
    return pc.is_null(column)


def _attribute_findings(column: pa.Array, attribute: Attribute) -> Iterator[_Finding]:
    if attribute.enum and attribute.lookup is None:
        yield _Finding("not_in_enum", Severity.BLOCK, _outside(column, attribute.enum))
    if attribute.max_length is not None and pa.types.is_string(column.type):
        too_long = pc.greater(pc.utf8_length(column), attribute.max_length)
        yield _Finding("too_long", Severity.BLOCK, too_long, f"at most {attribute.max_length} characters")
    if attribute.pattern is not None and pa.types.is_string(column.type):
        wrong_form = pc.and_(
            pc.invert(_is_blank(column)), pc.invert(pc.match_substring_regex(column, attribute.pattern))
        )
        yield _Finding("bad_format", Severity.BLOCK, wrong_form, attribute.pattern)
    for bound, compare in ((attribute.minimum, pc.less), (attribute.maximum, pc.greater)):
        if bound is not None and not pa.types.is_string(column.type):
            limit = pc.cast(pa.scalar(bound), column.type)
            yield _Finding("out_of_range", Severity.BLOCK, compare(column, limit), f"limit {bound}")


def _outside(column: pa.Array, allowed: tuple[str, ...]) -> pa.Array:
    known = pa.array(allowed, pa.string())
    if pa.types.is_list(column.type):
        flat = pc.is_in(pc.list_flatten(column), value_set=known)
        return _any_false(column, flat)
    return pc.and_(pc.invert(_is_blank(column)), pc.invert(pc.is_in(column, value_set=known)))


def _any_false(column: pa.Array, flat: pa.Array) -> pa.Array:
    """For each list of a column: whether one of its members (``flat``) is false."""
    bad_parents = pc.filter(pc.list_parent_indices(column), pc.invert(flat))
    return pc.is_in(whole_numbers(len(column)), value_set=pc.cast(bad_parents, pa.int64()))


def _with_column(records: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    index = records.schema.get_field_index(name)
    return records.set_column(index, name, column)


def quarantine(records: pa.RecordBatch, mask: pa.Array, reason: str) -> pa.RecordBatch:
    """The records with those under the mask quarantined for a reason."""
    status = pc.if_else(mask, "quarantined", records[STATUS])
    why = pc.if_else(mask, reason, records[REASON])
    return _with_column(_with_column(records, STATUS, status), REASON, why)
