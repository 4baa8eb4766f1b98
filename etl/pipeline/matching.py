"""Before the plan: which records are in Casebook already. Before the load: those that are certain become ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from etl.core.changes import Adopt
from etl.core.errors import SettingsError
from etl.core.keys import RecordKey
from etl.core.outcomes import ABSENT
from etl.core.ports import RecordGraph
from etl.core.records import KEY, LINE, ROW, TargetId
from etl.core.state_port import StateReader, StateStore
from etl.load.match import Finding, Matcher, Wanted
from etl.load.planned import PlannedRecord, PlannedRecords
from etl.load.render import Options
from etl.mapping.model import EntityMapping
from etl.pipeline.loading import run_on_loop
from etl.pipeline.match_queue import (
    GONE,
    NEW,
    Question,
    ask,
    queue_path,
    read_queue,
    reopen,
    without_answer,
    write_queue,
)
from etl.pipeline.session import Session, latest_loaded
from etl.pipeline.wiring import Setting
from etl.report.words import counted


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
    found = _find(setting, session, graph, mappings, state, options, queue)
    for key in found.lost:
        queue[key] = without_answer(queue[key])
    wanted = {each.wanted.key for each in found.findings}
    reopened = {key for key, each in queue.items() if each.why == GONE and not each.decision and key in found.present}
    adopted = {each.wanted.key: each.certain for each in found.findings if each.certain is not None}
    adopted |= {key: TargetId(each.decision) for key, each in queue.items() if key in found.present and _is_id(each)}
    new = {key for key, each in queue.items() if each.decision == NEW}
    adopted = {key: target_id for key, target_id in adopted.items() if key not in new | reopened}
    _refuse_shared(setting, adopted, state)
    undecided = (wanted | reopened) - adopted.keys() - new
    open_now = ask(queue, [each for each in found.findings if each.wanted.key in undecided], reopened)
    if open_now or queue:
        write_queue(setting, open_now.values())
    if undecided:
        session.progress.note(
            f"Perhaps in Casebook already: {counted(len(undecided), 'record')}; see {queue_path(setting).name}."
        )
    return Matches(adopted, frozenset(undecided))


def adopt_planned(setting: Setting, session: Session, planned: PlannedRecords, store: StateStore) -> None:
    """Makes ours what the plan found in Casebook; nothing is sent. Done once, however often a run goes on.

    What a person decided may be days old: where that record is not in Casebook any more, the question is open again. Of what
    was sent once, and nobody knows whether it is there, the load finds out first.
    """
    decided = {key for key, each in read_queue(setting).items() if _is_id(each)}
    for batch in planned.adoptions():
        known = store.known([record.key for record in batch])
        due = [
            record
            for record in batch
            if record.adopts is not None and (record.key not in known or known[record.key].state in ABSENT)
        ]
        gone = _gone(setting, session, [record for record in due if record.key in decided])
        for record in due:
            if record.key not in gone:
                store.commit(_adoption(record, TargetId(str(record.adopts)))).result()
        if gone:
            reopen(setting, gone)
            session.progress.note(f"{len(gone)} decided matches are not in Casebook any more: `casebook-etl resolve`.")


def agrees(setting: Setting, question: Question, target_id: TargetId) -> bool:
    """Whether an id that is no candidate agrees with the record in all fields that one of the rules demands."""

    async def work() -> bool:
        target = setting.target()
        try:
            with setting.reader() as state:
                folder = latest_loaded(setting, state)
                options = json.loads(folder.options.read_text("utf-8"))
                found = PlannedRecords(folder.planned, setting.project.mappings).find([RecordKey(question.record_key)])
                matcher = Matcher(setting.project.catalog, target, state, options)
                wanted = [Wanted(each.key, each.mapping, each.row, each.line, each.values) for each in found.values()]
                return bool(wanted) and await matcher.agrees(wanted[0], target_id)
        finally:
            await target.close()

    return run_on_loop(work())


def _gone(setting: Setting, session: Session, records: list[PlannedRecord]) -> set[RecordKey]:
    """Those of which Casebook shows no record any more."""
    if not records:
        return set()

    async def work() -> set[RecordKey]:
        target = setting.target(session.log.request)
        try:
            return {each.key for each in records if await target.get(each.entity, TargetId(str(each.adopts))) is None}
        finally:
            await target.close()

    return run_on_loop(work())


def _adoption(record: PlannedRecord, target_id: TargetId) -> Adopt:
    return Adopt(record.key, record.entity, record.mapping.name, target_id, record.fingerprint, record.field_hashes)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found, which records of the queue are still to be created, and of which of them the answer is not in
    Casebook any more.
    """

    findings: list[Finding]
    present: set[RecordKey]
    lost: set[RecordKey]


def _find(
    setting: Setting,
    session: Session,
    graph: RecordGraph,
    mappings: list[EntityMapping],
    state: StateReader,
    options: Options,
    queue: Mapping[RecordKey, Question],
) -> _Found:
    async def work() -> _Found:
        target = setting.target(session.log.request)
        matcher = Matcher(setting.project.catalog, target, state, options)
        present: set[RecordKey] = set()
        try:
            for mapping in mappings:
                for batch in graph.ordered(mapping.name):
                    records = list(_wanted(mapping, batch))
                    present |= {each.key for each in records if each.key in queue}
                    matcher.add(records)
            findings = list(await matcher.findings())
            there = state.known(sorted(present))
            present = {key for key in present if key not in there or there[key].target_id is None}
            seen = {each.wanted.key: {one.target_id for one in each.found} for each in findings}
            lost = set()
            for key in present:
                decided = queue[key].decision
                if _is_id(queue[key]) and decided not in seen.get(key, set()):
                    lost |= {key} if await target.get(queue[key].entity, TargetId(decided)) is None else set()
            return _Found(findings, present, lost)
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
