"""The crash table of the loading protocol as data: at each row the places at which a process ends, and what then lies there.

Each place is met by the second load of a project, the first create of which is the first that counts: whether a record is
there can be proved, because of every entity one was created before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.e2e.test_planted_damage import PROJECT

LATE_S, QUIET_S = 0.8, 1.2
"""How late the server takes what it was sent at row C5, and how long the quiet period is there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process ends: a point of :data:`tests.e2e.fail_points.POINTS`, and the place there.

    ``fault`` is what the server does to the first create meanwhile. ``first`` ends an earlier process, where the row is about
    what comes after.
    """

    point: str
    where: str
    there: int | None = None
    """Records at the server that state does not know to be there, after a SIGKILL; None where chance decides."""
    promised: bool | None = None
    """Whether state then promises a record of which the outcome is open."""
    fault: Mapping[str, object] | None = None
    first: tuple[str, str] | None = None
    is_old: bool = False
    """Whether the state database is of the version before."""
    of: str = ""
    """The entity of which ``there`` speaks, where the id of the request before may just be on its way to the disk."""


def _sent(
    point: str, where: str, there: int | None = 0, fault: Mapping[str, object] | None = None, of: str = ""
) -> Place:
    return Place(point, where, there, promised=True, fault=fault, of=of)


_ANSWERED = ("answer", "after")
DELAYED = {"kind": "delay", "method": "POST", "first": 1, "delay_s": LATE_S}
_LOST = {"kind": "reset_after_commit", "method": "POST", "first": 1}

LOADING: Mapping[str, list[Place]] = {
    "C0: before anything is sent": [
        Place("snapshot", "after", 0, promised=False),
        Place("mapping", "after", 0, promised=False),
        Place("planning", "after", 0, promised=False),
    ],
    "C1: before the intent is durable": [
        Place("intent", "is about to be queued", 0, promised=False),
    ],
    "C2: amid the intent's commit": [
        Place("intent", "is being committed", 0, promised=False),
    ],
    "C3: intent durable, nothing sent": [
        Place("intent", "is durable", 0, promised=True),
        _sent("first byte", "before"),
    ],
    "C4: the request is written in part": [
        _sent("request", "is written in part"),
        _sent("child's request", "is written in part", of="case_person"),
    ],
    "C5: sent, and takes effect later": [
        _sent("request", "was written", fault=DELAYED),
    ],
    "C6: took effect, the answer is lost": [
        Place("lost answer", "before", 1, promised=True, fault=_LOST),
        Place("lost answer", "after", 1, promised=True, fault=_LOST),
    ],
    "C7: the answer is here, not queued": [
        Place("answer", "after", 1, promised=True),
        # The next request may be on its way already: how many took effect is chance.
        Place("outcome", "is about to be queued", promised=True),
    ],
    "C8: queued, not durable": [
        Place("outcome", "was queued", promised=None),
        Place("outcome", "is being committed", promised=True),
    ],
    "C9: durable, children not begun": [
        Place("outcome", "is durable"),
    ],
    "C10: a child's intent after its parent's id": [
        Place("child's intent", "is durable", promised=True),
    ],
    "C11: a deferred link": [
        Place("link", "before", 0, promised=False),
        Place("link", "after", 0, promised=False),
        Place("link's outcome", "is being committed", 0, promised=False),
    ],
    "C12: an attachment's record": [
        Place("attachment's intent", "is about to be queued"),
        Place("attachment's intent", "is being committed"),
        Place("attachment's intent", "is durable", promised=True),
        _sent("attachment's request", "is written in part", of="attachment"),
        Place("attachment's answer", "after", promised=True),
    ],
    "C13: an attachment's bytes": [
        Place("bytes", "before"),
        Place("bytes on the wire", "is written in part"),
        Place("bytes", "after"),
        Place("bytes' outcome", "is being committed"),
    ],
    "C14: amid reconciling": [
        Place("question", "before", 1, promised=True, first=_ANSWERED),
        Place("question", "after", 1, promised=True, first=_ANSWERED),
        Place("outcome", "is being committed", 1, promised=True, first=_ANSWERED),
    ],
    "C15: writing a report, copy or audit": [
        Place("naming a report", "before", 0, promised=False),
        Place("naming a summary", "before", 0, promised=False),
        Place("naming a manifest", "after"),
    ],
    "C16: upgrading the state": [
        Place("copying before an upgrade", "before", 0, promised=False, is_old=True),
        Place("copying before an upgrade", "after", 0, promised=False, is_old=True),
        Place("ending an upgrade", "before", 0, promised=False, is_old=True),
        Place("ending an upgrade", "after", 0, promised=False, is_old=True),
    ],
    "C18: taking over a lease": [
        Place("the lock", "after", 1, promised=True, first=_ANSWERED),
        Place("the lease", "before", 1, promised=True, first=_ANSWERED),
        Place("the lease", "after", 1, promised=True, first=_ANSWERED),
    ],
    "C19: fetching a token": [
        Place("a token", "before", 0, promised=False),
        Place("a token", "after", 0, promised=False),
    ],
}
UNDOING: Mapping[str, list[Place]] = {
    "C15: writing a report, copy or audit": [
        Place("a line of the audit", "before"),
        Place("a line of the audit", "after"),
    ],
    "C17: undoing": [
        Place("deleting", "before"),
        Place("deleting", "after"),
        Place("a deletion's outcome", "is being committed"),
        Place("a deletion's outcome", "is durable"),
    ],
}

# ---------------------------------------------------------------- what is loaded

_FIRST = {
    "PERSONS": ["ID,FIRST,LAST,BORN,MOTHER", "1,Ada,Vale,1961-02-03,2", "2,Bea,Vale,1989-05-06,1"],
    "CASES": ["CASE_NO,TITLE,GOAL", "C1,Vale family,"],
    "MEMBERS": ["CASE_NO,ID", "C1,1", "C1,2"],
    "NOTES": ["NOTE,CASE_NO,TOPIC,TEXT", "N1,C1,First,A visit"],
    "SCANS": ["SCAN,CASE_NO,PATH", "S1,C1,one.pdf"],
}
_MORE = {
    "PERSONS": ["3,Cy,Moss,2011-07-08,4", "4,Dot,Moss,2012-09-10,3"],
    "CASES": ["C2,Moss family,Stay together"],
    "MEMBERS": ["C2,3", "C2,4"],
    "NOTES": ["N2,C2,Second,Another visit"],
    "SCANS": ["S2,C2,two.pdf"],
}
FILES: Mapping[str, str | bytes] = {
    **PROJECT,
    **{f"data/{name}.csv": "\n".join(rows) + "\n" for name, rows in _FIRST.items()},
    "data/files/one.pdf": b"%PDF one",
    "data/files/two.pdf": b"%PDF two",
}
"""Every kind of question: by marker, by content under a parent; deferred links in a ring, an attachment."""
ALL: Mapping[str, str] = {f"data/{name}.csv": "\n".join(rows + _MORE[name]) + "\n" for name, rows in _FIRST.items()}
