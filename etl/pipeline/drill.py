"""The drill: the user's own project at a sandbox that cuts every call, and in processes that are killed.

One load without trouble says what the right records are; then the same plan is loaded again for each boundary at which a
call can be cut, and once more by processes that are killed. Each end is held against the first load: what is there
twice, what is missing, what state believes wrongly. A record that cannot be asked about is held by the protocol; the
drill then does what a person does, looks, and says so.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import EtlError, Interrupted, SettingsError
from etl.core.keys import marker
from etl.core.outcomes import RecordState
from etl.core.ports import Progress
from etl.core.state_port import KnownRecord
from etl.pipeline import runs, settling
from etl.pipeline.drill_cuts import Cut, cuts, mixed
from etl.pipeline.drill_ground import LATE_S, Field, Ground, copied_runs, drill_environ, drill_folder, field
from etl.pipeline.drill_kills import killed
from etl.pipeline.pictures import Good, Picture, Proof, good, prove, prove_unfinished
from etl.pipeline.projects import open_project
from etl.pipeline.silence import Silence
from etl.sandbox.faults import FaultRule

_MOST_RUNS = 8
KILLED = "processes killed at a faulty server"
KILLS_A_LOAD = 12
"""More kills than this are spread over several loads."""


@dataclass(frozen=True, slots=True)
class DrillChoices:
    """What a person chose. ``cut`` False leaves out the loads whose calls are cut; ``faults`` replaces the mixture that
    goes with kills; ``seed`` None takes a new one.
    """

    kills: int = 10
    cut: bool = True
    seed: int | None = None
    faults: str = ""


@dataclass(frozen=True, slots=True)
class Pass:
    """One load with trouble. ``held`` records were settled by looking, as a person would; ``runs`` it took; ``open`` counts
    what a load that did not come to its end left to do: no duplicate and no loss, and yet no proof.
    """

    name: str
    faults: int
    kills: int
    held: int
    runs: int
    proof: Proof
    open: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether all is as it should be."""
        return self.proof.is_clean and not self.open


@dataclass(frozen=True, slots=True)
class Drilled:
    """How a drill ended. ``path`` holds its one JSON line, after those of earlier drills."""

    project: str
    seed: int
    passes: tuple[Pass, ...]
    seconds: float
    path: Path

    @property
    def faults(self) -> int:
        """Requests that were cut and processes that were killed."""
        return sum(each.faults + each.kills for each in self.passes)

    @property
    def is_clean(self) -> bool:
        """Whether something went wrong on purpose, and nothing was lost, doubled, mixed up or left open."""
        return self.faults > 0 and all(each.is_clean for each in self.passes)

    def total(self, figure: str) -> int:
        """The sum of one figure of all proofs."""
        return sum(each.proof.figures()[figure] for each in self.passes)

    def facts(self) -> dict[str, object]:
        """The figures for scripts; counts and names of faults only."""
        figures = {name: self.total(name) for name in ("dup", "lost", "wrong_id", "corrupt")}
        return {
            "test": "drill",
            "project": self.project,
            "seed": self.seed,
            "n": max((each.proof.n for each in self.passes), default=0),
            "faults": self.faults,
            **figures,
            "held": sum(each.held for each in self.passes) + self.total("held"),
            "open": sum(each.open for each in self.passes),
            "s": round(self.seconds, 1),
            "clean": self.is_clean,
            "passes": [_pass_facts(each) for each in self.passes],
        }


def drill(
    project: Path, profile: str | None, choices: DrillChoices, environ: Mapping[str, str], progress: Progress
) -> Drilled:
    """Drills a project. Reads its sources once, writes nothing but one line of ``runs/<project>-drills.jsonl``.

    Raises what a run raises before anything is sent, SettingsError for wrong faults, Interrupted.
    """
    if not choices.cut and not choices.kills:
        raise SettingsError(
            "Nothing would go wrong in this drill, so it would prove nothing.",
            hint="Leave out --no-cuts, or let processes be killed with --kills.",
        )
    seed = secrets.randbelow(1_000_000) if choices.seed is None else choices.seed
    try:
        return _drilled(project, profile, choices, seed, drill_environ(environ), progress)
    except (Interrupted, KeyboardInterrupt):
        # What a load says of itself, that it goes on where it stopped, is not true of a drill.
        hint = f"The same command begins anew; with `--seed {seed}` it repeats the faults and kills of this drill."
        raise Interrupted("The drill was interrupted, and nothing is proved.", hint=hint) from None


def _drilled(
    project: Path, profile: str | None, choices: DrillChoices, seed: int, own: Mapping[str, str], progress: Progress
) -> Drilled:
    began = time.monotonic()
    opened = open_project(project, profile, own)
    runs_folder = opened.project.runs_folder
    with drill_folder(runs_folder) as folder:
        ground = Ground(str(project), opened.profile.name, str(folder / "planned"))
        passes = _Drill(ground, own, folder, progress, seed).run(choices)
    path = runs_folder / f"{opened.project.name}-drills.jsonl"
    ended = Drilled(opened.project.name, seed, tuple(passes), time.monotonic() - began, path)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(ended.facts()) + "\n")
    return ended


class _Drill:
    """The passes of one drill; ``folder`` is removed after it."""

    def __init__(self, ground: Ground, environ: Mapping[str, str], folder: Path, progress: Progress, seed: int) -> None:
        self._ground = ground
        self._environ = environ
        self._folder = folder
        self._progress = progress
        self._seed = seed
        self._wanted: Good

    def run(self, choices: DrillChoices) -> list[Pass]:
        """All passes in order."""
        rules = mixed(choices.faults)
        self._progress.start("drill")
        self._wanted = self._load_in_peace()
        planned = self._cuts() if choices.cut else []
        self._progress.start("drill", len(planned) + math.ceil(choices.kills / KILLS_A_LOAD) + choices.kills)
        self._progress.note(
            f"{self._wanted.records.total()} records without trouble; now with trouble, seed {self._seed}."
        )
        passes = [self._pass(each.name, each.rules, 0) for each in planned]
        return [*passes, *self._kill(rules, choices.kills)]

    def _cuts(self) -> list[Cut]:
        setting = self._ground.setting(self._environ)
        entities = (mapping.target for mapping in setting.project.mappings)
        return cuts(entities, self._wanted.records.total(), setting.profile.concurrency)

    def _kill(self, rules: tuple[FaultRule, ...], kills: int) -> Iterator[Pass]:
        """Loads whose processes are killed, until all kills are done; a load may end before its share of them."""
        left = kills
        for _ in range(2 * kills):
            if left <= 0:
                return
            ended = self._pass(KILLED, rules, min(left, KILLS_A_LOAD))
            left -= ended.kills
            self._seed += 1
            yield ended

    def _load_in_peace(self) -> Good:
        """Plans once, loads a copy of that plan without trouble, and keeps what that made."""
        with field(self._ground, self._environ, self._folder / "first") as first:
            runs.prepare(first.setting, Silence())
        here = copied_runs(self._ground, self._folder / "peace" / "runs")
        with field(here, self._environ, self._folder / "peace") as place:
            stopped = _run(place)
            made = good(place.rows(), place.picture())
        if stopped is not None:
            raise stopped
        if not made.records:
            raise SettingsError(
                "Not one record of this project can be loaded, so there is nothing to drill.",
                hint="See `casebook-etl validate` for what holds them back.",
            )
        return made

    def _pass(self, name: str, rules: tuple[FaultRule, ...], kills: int) -> Pass:
        """One load with trouble, run until nothing is left to do, and its proof."""
        folder = self._folder / f"pass-{secrets.token_hex(4)}"
        here = copied_runs(self._ground, folder / "runs")
        with field(here, self._environ, folder, rules, self._seed) as place:
            records = self._wanted.records.total()
            dead = killed(place, kills, records, self._seed, lambda _: self._progress.advance())
            held, count, is_finished = self._finish(place)
            rows, picture, intact = place.rows(), place.picture(), place.is_intact()
            if is_finished:
                proof, left = prove(rows, picture, self._wanted, intact=intact), 0
            else:
                proof, left = prove_unfinished(rows, picture, self._wanted, intact=intact)
            ended = Pass(name, place.faults(), dead, held, dead + count, proof, left)
        self._progress.advance()
        self._progress.note(pass_line(ended))
        return ended

    def _finish(self, place: Field) -> tuple[int, int, bool]:
        """The same command until all is loaded; returns how many records were held and settled, how many runs it took, and
        whether all is loaded.
        """
        held = 0
        for number in range(1, _MOST_RUNS + 1):
            stopped = _run(place)
            # What was to take effect late has done so before anybody looks.
            time.sleep(2 * LATE_S)
            if place.is_complete(self._wanted.contents):
                return held, number, True
            held += 0 if stopped else _settle_by_looking(place, place.rows(), self._wanted)
        return held, _MOST_RUNS, False


def pass_line(ended: Pass) -> str:
    """One pass as people read it."""
    proof = ended.proof
    line = f"{ended.name}: {ended.faults + ended.kills} faults, {proof.dup} duplicates, {proof.lost} losses"
    more = {
        "wrong ids": proof.wrong_id,
        "damaged states": proof.corrupt,
        "still open": ended.open + proof.held,
        "held": ended.held,
    }
    return ", ".join([line, *(f"{count} {what}" for what, count in more.items() if count)])


def _pass_facts(ended: Pass) -> dict[str, object]:
    facts = {"name": ended.name, "faults": ended.faults, "kills": ended.kills, "held": ended.held, "runs": ended.runs}
    facts["open"] = ended.open
    return facts | {name: figure for name, figure in ended.proof.figures().items() if name != "held"}


def _run(place: Field) -> EtlError | None:
    """The command once; returns what stopped it. Raises Interrupted where a person did."""
    stopped = runs.run(place.setting, Silence(), runs.RunChoices(retry_rejected=True)).stopped
    if isinstance(stopped, Interrupted):
        raise stopped
    return stopped


def _settle_by_looking(place: Field, rows: Sequence[KnownRecord], wanted: Good) -> int:
    """Does what a person does about held records; returns how many there were.

    A record counts as found by its marker or its own attributes, and as absent only where nothing of its entity is there that
    state does not know.
    """
    picture = place.picture()
    held = [row for row in rows if row.state is RecordState.UNCERTAIN]
    claimed = {str(row.target_id) for row in rows if row.target_id is not None}
    free = {entity: set(picture.ids(entity)) - claimed for entity in {row.entity for row in held}}
    left = set()
    for row in held:
        found = next((each for each in sorted(free[row.entity]) if _is_it(picture, each, row, wanted)), None)
        if found is None:
            left.add(row.entity)
        else:
            settling.settle_found(place.setting, row.key, found)
            free[row.entity].discard(found)
    for entity in sorted(left):
        if not free[entity]:
            settling.settle_absent(place.setting, entity)
    return len(held)


def _is_it(picture: Picture, target_id: str, row: KnownRecord, wanted: Good) -> bool:
    own = picture.markers.get(target_id)
    return own == marker(row.key) if own else picture.outline(target_id) == wanted.outlines.get(row.key)
