"""What the parts of one load share: who is on the way, who waits for whom, what became durable, how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from etl.load.commits import Commits
from etl.load.documents import Documents
from etl.load.endings import Endings
from etl.load.notes import LoadNotes
from etl.load.parents import Parents
from etl.load.ports import LoadPorts
from etl.load.render import Options
from etl.load.roots import Roots
from etl.load.schedule import Schedule
from etl.load.twins import Twins
from etl.load.waiting import Waiting

TRUSTED_SHARE = 4
"""A request leaves at most this part of the quiet period after the state was last known to be ours: whoever takes over waits
the whole of it before concluding anything.
"""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load: requests in flight, the quiet period in seconds, and whether of all records below one root (a case, a
    person, a provider) only one is on its way at a time.
    """

    concurrency: int
    quiet_s: float
    one_root_at_a_time: bool = True


@dataclass(frozen=True, slots=True)
class Course:
    """The bookkeeping of one load."""

    notes: LoadNotes
    commits: Commits
    parents: Parents
    documents: Documents
    schedule: Schedule
    waiting: Waiting
    roots: Roots
    twins: Twins
    endings: Endings

    @classmethod
    def begin(cls, ports: LoadPorts, options: Options, settings: LoadSettings) -> Self:
        """A course on which nothing is yet."""
        notes = LoadNotes()
        parents = Parents(ports.catalog, ports.target, ports.state, ports.clock, settings.quiet_s)
        # Many more than can be sent: where all of one root stand together, the next roots must be in sight.
        schedule = Schedule(max(16 * settings.concurrency, 1024))
        waiting = Waiting(parents, schedule, ports.state)
        roots, twins = Roots(apart=settings.one_root_at_a_time), Twins()
        return cls(
            notes=notes,
            commits=Commits(ports.state, ports.clock, settings.quiet_s / TRUSTED_SHARE),
            parents=parents,
            documents=Documents(ports, options, parents, notes),
            schedule=schedule,
            waiting=waiting,
            roots=roots,
            twins=twins,
            endings=Endings(schedule, waiting, roots, twins, notes, ports.progress),
        )
