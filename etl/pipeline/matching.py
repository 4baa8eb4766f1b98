"""Before the plan: which records are in Casebook already. Before the load: those that are certain become ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from etl.core.changes import Adopt
from etl.core.errors import SettingsError
from etl.core.keys import RecordKey
from etl.core.ports import RecordGraph, StateReader, StateStore
from etl.core.records import KEY, LINE, ROW, TargetId
from etl.load.match import Finding, Matcher, Wanted
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.render import Options
from etl.mapping.model import EntityMapping
from etl.pipeline.loading import run_on_loop
from etl.pipeline.match_queue import NEW, Question, ask, queue_path, read_queue, write_queue
from etl.pipeline.session import Session
from etl.pipeline.wiring import Setting


@dataclass(frozen=True, slots=True)
class Matches:
    """What planning has to know: ids of records that are there, and records of which a person has to say it."""

    adopted: Mapping[RecordKey, TargetId] = field(default_factory=dict)
    undecided: frozenset[RecordKey] = frozenset()


def match_records(
    setting: Setting, session: Session, graph: RecordGraph, state: StateReader, options: Options
) -> Matches:
    """Looks for the records of every mapping that declares `match:`; open questions go into the queue of the profile.

    Raises SettingsError for a queue that cannot be read.
    """
    mappings = [each for each in setting.project.mappings if each.match]
    if not mappings:
        return Matches()
    session.progress.start("match")
    queue = read_queue(setting)
    findings = _find(setting, session, graph, mappings, state, options)
    wanted = {each.wanted.key for each in findings}
    adopted = {each.wanted.key: each.certain for each in findings if each.certain is not None}
    adopted |= {key: TargetId(each.decision) for key, each in queue.items() if key in wanted and _is_id(each)}
    new = {key for key, each in queue.items() if each.decision == NEW}
    adopted = {key: target_id for key, target_id in adopted.items() if key not in new}
    _refuse_shared(setting, adopted, state)
    undecided = wanted - adopted.keys() - new
    open_now = ask(queue, [each for each in findings if each.wanted.key in undecided])
    if open_now or queue:
        write_queue(setting, open_now.values())
    if undecided:
        session.progress.note(f"{len(undecided)} records may be in Casebook already: see {queue_path(setting).name}.")
    return Matches(adopted, frozenset(undecided))


def adopt_planned(planned: PlannedRecords, store: StateStore) -> None:
    """Makes ours what the plan found in Casebook; nothing is sent. Done once, however often a run goes on."""
    for batch in planned.adoptions():
        found = [record for record in batch if record.adopts is not None]
        known = store.known([record.key for record in found])
        for record in found:
            there = known.get(record.key)
            if there is None or there.target_id is None:
                store.commit(_adoption(record, TargetId(str(record.adopts)))).result()


def _adoption(record: PlannedRecord, target_id: TargetId) -> Adopt:
    return Adopt(record.key, record.entity, record.mapping.name, target_id, record.fingerprint, record.field_hashes)


def _find(
    setting: Setting,
    session: Session,
    graph: RecordGraph,
    mappings: list[EntityMapping],
    state: StateReader,
    options: Options,
) -> list[Finding]:
    async def work() -> list[Finding]:
        target = setting.target(session.log.request)
        matcher = Matcher(setting.project.catalog, target, state, options)
        try:
            for mapping in mappings:
                for batch in graph.ordered(mapping.name):
                    matcher.add(list(_wanted(mapping, batch)))
            return list(await matcher.findings())
        finally:
            await target.close()

    return run_on_loop(work())


def _wanted(mapping: EntityMapping, batch: pa.RecordBatch) -> Iterator[Wanted]:
    names = dict.fromkeys(name for way in mapping.match for name in (*way.by, *way.like))
    columns = {name: batch[name].to_pylist() for name in (KEY, ROW, LINE, *names)}
    for number, key in enumerate(columns[KEY]):
        values = {name: columns[name][number] for name in names}
        yield Wanted(RecordKey(key), mapping, columns[ROW][number], columns[LINE][number], values)


def _is_id(question: Question) -> bool:
    return question.decision not in {"", NEW}


def _refuse_shared(setting: Setting, adopted: Mapping[RecordKey, TargetId], state: StateReader) -> None:
    """Raises SettingsError where a decided id belongs to another record of ours, by now or by this plan."""
    entities = {key: each.entity for key, each in read_queue(setting).items()}
    for key, entity in entities.items():
        if key not in adopted:
            continue
        owner = state.by_target_id(entity, [adopted[key]]).get(adopted[key])
        rivals = [other for other, target_id in adopted.items() if target_id == adopted[key] and other != key]
        if (owner is not None and owner != key) or rivals:
            raise SettingsError(
                f"{queue_path(setting).name}: {adopted[key]} is decided for {key}, but belongs to {owner or rivals[0]}.",
                hint="Merge the two in the source (`group:`), or decide `new` for one of them.",
            )
