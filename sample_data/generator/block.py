"""One block of the agency: what its parts share while it is being made.

Ids carry the block's number, so that blocks never touch each other and each settles its own account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from generator.invent import Invention, us
from generator.ledger import SOUND, Key, Ledger, Verdict
from generator.writers import Cell, Tables

FAMILIES = 120
LONERS = 40


@dataclass(slots=True)
class Person:
    """A person as later parts need them. ``sound`` tells that nothing is wrong with the row itself."""

    id: str
    family_name: str
    sex: str
    born: date
    part: str = "child"
    sound: bool = True

    @property
    def key(self) -> Key:
        """The identity that children refer to."""
        return Key("people", self.id)


@dataclass(slots=True)
class Family:
    """The people of a household, and their case and intake numbers."""

    number: int
    members: list[Person]
    case_no: str
    intake_no: str
    opened: date


@dataclass(slots=True)
class Provider:
    """A provider as later parts need it."""

    id: str
    services: list[str] = field(default_factory=list)
    sound: bool = True


@dataclass(slots=True)
class Block:
    """The block's number, its luck, where rows go, and what was made so far."""

    number: int
    invent: Invention
    tables: Tables
    ledger: Ledger
    families: list[Family] = field(default_factory=list)
    loners: list[Person] = field(default_factory=list)
    providers: list[Provider] = field(default_factory=list)

    def number_of(self, index: int) -> int:
        """A number unique over all blocks, for the index-th thing of this block (below 1,000)."""
        return self.number * 1000 + index

    def technical(self) -> dict[str, Cell]:
        """The technical columns of a CSV row."""
        return {
            "ROW_GUID": self.invent.guid(),
            "LAST_UPD_DT": us(self.invent.day(2015, 2023)),
            "LAST_UPD_BY": f"W{self.invent.random.randint(1, 12):02d}",
        }

    def put(
        self,
        mapping: str,
        table: str,
        row: dict[str, Cell],
        key: str | None,
        verdict: Verdict = SOUND,
        *,
        needs: tuple[Key, ...] = (),
        optional: tuple[tuple[str, Key], ...] = (),
        ragged: int = 0,
    ) -> None:
        """Writes a CSV row and takes it into the account of the one mapping that it feeds."""
        self.tables.add(table, {**self.technical(), **row}, ragged=ragged)
        self.ledger.add(mapping, key, verdict, needs=needs, optional=optional)
