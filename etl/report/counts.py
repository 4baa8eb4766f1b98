"""Counts what a run's files hold, a batch at a time: problems, plan actions, records, deferred links, attachments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.outcomes import Bucket
from etl.report.facts import MappingFact, RunFacts, RunFiles
from etl.report.model import EntityCounts, MappingAccount, PlanActions

Key: TypeAlias = tuple[str, ...]
_VERDICTS = "records/verdicts.parquet"
_FILE_HASH = "._sha256"


def grouped(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> Counter[Key]:
    """Number of rows for every combination of some text columns; a null counts as "".

    >>> counts = grouped([pa.record_batch({"code": ["a", None, "a"]})], ["code"])
    >>> counts[("a",)], counts[("",)]
    (2, 1)
    """
    counts: Counter[Key] = Counter()
    for batch in batches:
        found = pa.Table.from_batches([batch.select(names)]).group_by(names).aggregate([([], "count_all")])
        columns = [pc.fill_null(found[name], "").to_pylist() for name in names]
        counts.update(dict(zip(zip(*columns, strict=True), found["count_all"].to_pylist(), strict=True)))
    return counts


def problem_counts(files: RunFiles) -> dict[str, dict[str, int]]:
    """Problems by code and severity, codes in alphabetical order."""
    found = grouped(files.problems(["code", "severity"]), ["code", "severity"])
    counts: dict[str, dict[str, int]] = {}
    for (code, severity), count in sorted(found.items()):
        counts.setdefault(code, {})[severity] = count
    return counts


def plan_actions(files: RunFiles) -> dict[str, PlanActions]:
    """The plan's actions by entity."""
    found = grouped(files.batches("plan.parquet", ["entity", "action"]), ["entity", "action"])
    actions: dict[str, dict[str, int]] = {}
    for (entity, action), count in sorted(found.items()):
        actions.setdefault(entity, {})[action] = count
    return {entity: PlanActions.model_validate(each) for entity, each in actions.items()}


def entity_counts(files: RunFiles, facts: RunFacts, accounts: Sequence[MappingAccount]) -> dict[str, EntityCounts]:
    """Every entity's rows, records, links and files, in load order where it is known."""
    records = _records(files)
    links = _deferred_links(files)
    counts = {}
    for entity in _entities(facts):
        ours = [each for each in accounts if each.entity == entity]
        mappings = [each for each in facts.mappings if each.entity == entity]
        buckets = {str(bucket): sum(each.of(bucket) for each in ours) for bucket in Bucket}
        counts[entity] = EntityCounts(
            rows=sum(each.read for each in ours),
            records=sum(records[mapping.name] for mapping in mappings),
            deferred_links=links[entity],
            attachments=sum(_attachments(files, mapping) for mapping in mappings),
            **buckets,
        )
    return counts


def _entities(facts: RunFacts) -> list[str]:
    ordered = [entity for wave in facts.order.waves for entity in wave]
    return list(dict.fromkeys([*ordered, *(mapping.entity for mapping in facts.mappings)]))


def _records(files: RunFiles) -> Counter[str]:
    """Records by mapping; where the run's records were deleted after their time, as the ledger tells them."""
    if files.has(_VERDICTS):
        return Counter(
            {name: count for (name,), count in grouped(files.batches(_VERDICTS, ["mapping"]), ["mapping"]).items()}
        )
    return Counter({name: count for (name,), count in grouped(_record_rows(files), ["mapping"]).items()})


def _record_rows(files: RunFiles) -> Iterator[pa.RecordBatch]:
    for batch in files.batches("ledger.parquet", ["mapping", "bucket", "record_key"]):
        is_record = pc.and_(pc.is_valid(batch["record_key"]), pc.not_equal(batch["bucket"], str(Bucket.MERGED)))
        yield batch.filter(is_record)


def _deferred_links(files: RunFiles) -> Counter[str]:
    links: Counter[str] = Counter()
    for batch in files.batches("plan.parquet", ["entity", "deferred"]):
        counted = pa.table({"entity": batch["entity"], "links": pc.list_value_length(batch["deferred"])})
        for each in counted.group_by("entity").aggregate([("links", "sum")]).to_pylist():
            links[each["entity"]] += each["links_sum"] or 0
    return links


def deferred_fields(files: RunFiles) -> Counter[Key]:
    """How many links of records are set later, by mapping and field."""
    found: Counter[Key] = Counter()
    for batch in files.batches("plan.parquet", ["mapping", "deferred"]):
        names = pc.take(batch["mapping"], pc.list_parent_indices(batch["deferred"]))
        pairs = pa.record_batch({"mapping": names, "field": pc.list_flatten(batch["deferred"])})
        found.update(grouped([pairs], ["mapping", "field"]))
    return found


def attachment_bytes(files: RunFiles, facts: RunFacts) -> int:
    """How much the files to be uploaded hold, all together."""
    return sum(
        pc.sum(batch[f"{field.name}._size"]).as_py() or 0
        for mapping in facts.mappings
        for field in mapping.fields
        if field.kind == "file"
        for batch in files.batches(f"records/mapped/{mapping.name}.parquet", [f"{field.name}._size"])
    )


def _attachments(files: RunFiles, mapping: MappingFact) -> int:
    """Files whose bytes were found and hashed."""
    name = f"records/mapped/{mapping.name}.parquet"
    columns = [field.name + _FILE_HASH for field in mapping.fields if field.kind == "file"]
    return sum(
        len(batch[column]) - batch[column].null_count for column in columns for batch in files.batches(name, [column])
    )
