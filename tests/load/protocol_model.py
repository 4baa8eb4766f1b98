"""The loading protocol as a small machine, and every order of events that can happen to one record.

A state is a tuple of everything that matters: what each client does, the durable row and what of it reached the disk,
the requests on which the server has not decided, the records that GET shows or does not show yet, and how many crashes,
sends and restores have been used up. The search is breadth-first over all moves of clients, server and bad luck.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

NOBODY = -1
"""Owner of a request for whose answer nobody waits any more."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A protocol, and the bad luck it is put to. ``unclear`` says what follows a lost answer."""

    name: str
    intent: bool = True
    unclear: str = "ask"
    quiet: bool = True
    power_loss: bool = False
    synced: bool = True
    clients: int = 1
    lock: bool = True
    restore: bool = False
    guard: bool = False
    blind: bool = False


OURS = [
    Variant("D: intent, never asks, holds", unclear="hold"),
    Variant("F: intent, asks after the quiet period"),
    Variant("H: F on a disk that loses what was not synced", power_loss=True),
    Variant("J: F, two runs and a lock", clients=2),
    Variant("L: F, state restored, freshness guard", restore=True, guard=True),
]
WEAKENED = [
    Variant("A: no intent, resends what is unclear", intent=False, unclear="resend"),
    Variant("B: map after write, unclear counts as failed", intent=False, unclear="fail"),
    Variant("C: intent, resends what is unclear", unclear="resend"),
    Variant("E: intent, asks at once", quiet=False),
    Variant("G: F, intent not synced", power_loss=True, synced=False),
    Variant("I: F, two runs without a lock", clients=2, lock=False),
    Variant("K: F, state restored from an old copy", restore=True),
    Variant("N: F, GET shows none of our records", blind=True),
]


class State(NamedTuple):
    """One moment."""

    clients: tuple[str, ...]
    row: str = "planned"
    disk: str = "planned"
    requests: tuple[int, ...] = ()
    shown: int = 0
    hidden: int = 0
    crashes: int = 0
    sends: int = 0
    holder: int = NOBODY
    restored: bool = False

    @property
    def records(self) -> int:
        return self.shown + self.hidden


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search saw: moments, moments with two records, ends that contradict the row or settle nothing (by kind), ends
    in which a person must look, and the rows of the ends in which the row is right.
    """

    states: int
    duplicates: int
    orphans_by_kind: Counter[str]
    held: int
    good_ends: frozenset[str]

    @property
    def orphans(self) -> int:
        return self.orphans_by_kind.total()


def search(variant: Variant, crashes: int, sends: int) -> Findings:
    """Everything that can happen within these bounds."""
    model = Model(variant, crashes, sends)
    first = State(("start",) * variant.clients)
    seen, todo, ends = {first}, deque([first]), []
    while todo:
        state = todo.popleft()
        following = list(model.moves(state))
        if not following:
            ends.append(state)
        for each in following:
            if each not in seen:
                seen.add(each)
                todo.append(each)
    duplicates = sum(state.records > 1 for state in seen)
    orphans = [state for state in ends if model.is_orphan(state)]
    good = {state.row for state in ends if state not in orphans}
    kinds = Counter(kind_of(state) for state in orphans)
    return Findings(len(seen), duplicates, kinds, sum(state.row == "held" for state in ends), frozenset(good))


def kind_of(orphan: State) -> str:
    """How an end is wrong, in the words of a proof's line."""
    if orphan.row == "rejected":
        return "corrupt"
    return "wrong_id" if orphan.row == "created" and orphan.records else "lost"


class Model:
    """The moves that are open in a state."""

    def __init__(self, variant: Variant, crashes: int, sends: int) -> None:
        self._variant = variant
        self._crashes = crashes
        self._sends = sends

    def moves(self, state: State) -> Iterator[State]:
        """Every state that may come next."""
        for number, place in enumerate(state.clients):
            yield from self._client(state, number, place)
        for owner in dict.fromkeys(state.requests):
            yield from self._server(state, owner)
        if state.hidden:
            yield state._replace(hidden=state.hidden - 1, shown=state.shown + 1)
        if state.disk != state.row:
            yield state._replace(disk=state.row)
        if state.crashes < self._crashes:
            yield from self._bad_luck(state)

    def is_orphan(self, end: State) -> bool:
        """Whether an end contradicts its row, or leaves unsettled what nothing but our bound on sends kept open."""
        if end.row in ("planned", "intent"):
            return "send" not in end.clients
        return (end.row == "created" and end.records != 1) or (end.row == "rejected" and end.records > 0)

    # ------------------------------------------------------------ clients

    def _client(self, state: State, number: int, place: str) -> Iterator[State]:
        match place:
            case "start":
                yield from self._start(state, number)
            case "promise":
                yield self._write(_at(state, number, "send"), "intent", durable=self._variant.synced)
            case "send" if state.sends < self._sends:
                requests = tuple(sorted((*state.requests, number)))
                yield _at(state, number, "wait")._replace(requests=requests, sends=state.sends + 1)
            case "wait":
                yield _at(_abandoned(state, number), number, "unclear")
            case "answered":
                yield self._ended(state, number, "created")
            case "refused":
                yield _at(state, number, "send")
                yield self._ended(state, number, "rejected")
            case "unclear":
                yield from self._unclear(state, number)

    def _start(self, state: State, number: int) -> Iterator[State]:
        if self._variant.lock and state.holder not in (NOBODY, number):
            return
        held = state._replace(holder=number) if self._variant.lock else state
        if state.row == "intent" or (state.row == "planned" and state.restored and self._variant.guard):
            yield _at(held, number, "unclear")
        elif state.row == "planned":
            yield _at(held, number, "promise" if self._variant.intent else "send")
        else:
            yield self._left(held, number)

    def _unclear(self, state: State, number: int) -> Iterator[State]:
        match self._variant.unclear:
            case "resend":
                yield _at(state, number, "send")
            case "fail":
                yield self._ended(state, number, "rejected")
            case "hold":
                yield self._ended(state, number, "held")
            case _:
                yield from self._ask(state, number)

    def _ask(self, state: State, number: int) -> Iterator[State]:
        if state.shown and not self._variant.blind:
            yield self._ended(state, number, "created")
        elif not self._variant.quiet or not (state.requests or state.hidden):
            yield _at(state, number, "promise")

    def _ended(self, state: State, number: int, row: str) -> State:
        """An outcome is written with the next commit, for which nobody waits: a power loss may take it back."""
        return self._left(self._write(state, row, durable=not self._variant.power_loss), number)

    def _write(self, state: State, row: str, *, durable: bool) -> State:
        return state._replace(row=row, disk=row if durable else state.disk)

    def _left(self, state: State, number: int) -> State:
        return _at(state, number, "done")._replace(holder=NOBODY)

    # ------------------------------------------------------------ the server, and bad luck

    def _server(self, state: State, owner: int) -> Iterator[State]:
        """It decides on a request: done or not, and the answer arrives or not."""
        decided = _decided(state, owner)
        done = decided._replace(hidden=decided.hidden + 1)
        if owner == NOBODY:
            yield from (decided, done)
            return
        yield _at(done, owner, "answered")
        yield _at(done, owner, "unclear")
        yield _at(decided, owner, "refused")
        yield _at(decided, owner, "unclear")

    def _bad_luck(self, state: State) -> Iterator[State]:
        used = state._replace(crashes=state.crashes + 1)
        for number, place in enumerate(state.clients):
            if place not in ("start", "done"):
                yield self._dead(used, number)
        if self._variant.power_loss:
            yield self._all_dead(used)._replace(row=state.disk)
        if self._variant.restore and state.row != "planned":
            yield self._all_dead(used)._replace(row="planned", disk="planned", restored=True)

    def _all_dead(self, state: State) -> State:
        for number in range(len(state.clients)):
            state = self._dead(state, number)
        return state

    def _dead(self, state: State, number: int) -> State:
        holder = NOBODY if state.holder == number else state.holder
        return _at(_abandoned(state, number), number, "start")._replace(holder=holder)


def _at(state: State, number: int, place: str) -> State:
    clients = (*state.clients[:number], place, *state.clients[number + 1 :])
    return state._replace(clients=clients)


def _abandoned(state: State, number: int) -> State:
    """Nobody waits for this client's request any more; it stays at the server."""
    requests = tuple(sorted(NOBODY if owner == number else owner for owner in state.requests))
    return state._replace(requests=requests)


def _decided(state: State, owner: int) -> State:
    requests = list(state.requests)
    requests.remove(owner)
    return state._replace(requests=tuple(requests))
