"""What one tenant can do, as it was found out by trying: the vocabulary between the probe and those who obey it.

Every fact says where it comes from, because most of Casebook's behaviour is not documented: what was not tried is unknown
and never taken for a yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Evidence(StrEnum):
    """Where a fact comes from."""

    PROBED = "probed"
    CATALOGUE = "catalogue"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """How a check ended. ``unknown``: it could not be made, and nothing is concluded."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Rung(StrEnum):
    """How a record whose answer was lost can be asked about; ``hold``: not at all, so a person has to look."""

    FILTER = "filter"
    SWEEP = "sweep"
    SCOPED = "scoped"
    CREATED = "created"
    HOLD = "hold"


FactValue: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Fact:
    """A value and where it comes from; without evidence the value is None."""

    value: FactValue = None
    evidence: Evidence = Evidence.UNKNOWN

    def is_known(self, value: FactValue) -> bool:
        """Whether it is this, and was tried."""
        return self.evidence is Evidence.PROBED and self.value == value


UNKNOWN = Fact()
"""Nothing was found out."""


def probed(value: FactValue) -> Fact:
    """A fact that was tried."""
    return Fact(value, Evidence.PROBED)


@dataclass(frozen=True, slots=True, order=True)
class Check:
    """One thing that was looked at. ``about`` names an entity, a lookup or a role, or is "" for the tenant as a whole.

    ``found`` is a sentence without values of records; ``remedy`` says what to do where the standing is not ``ok``.
    """

    name: str
    about: str
    standing: Standing
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class EntityCapabilities:
    """What is known of one entity. ``roles`` holds ``granted`` or ``missing`` by operation; ``sight`` is ``all``,
    ``own`` (records that this application made) or ``limited``; ``rung`` a :class:`Rung`; ``client_ids`` a yes or no.
    """

    roles: Mapping[str, Fact] = field(default_factory=dict)
    sight: Fact = UNKNOWN
    rung: Fact = UNKNOWN
    client_ids: Fact = UNKNOWN


@dataclass(frozen=True, slots=True)
class TenantCapabilities:
    """What is known of the service as a whole. Sizes count records, times are seconds, ``custom_fields`` is ``merge`` or
    ``replace``, ``quiet_s`` the quiet period that the measured times ask for.
    """

    token_life_s: Fact = UNKNOWN
    clock_skew_s: Fact = UNKNOWN
    page_size: Fact = UNKNOWN
    page_size_max: Fact = UNKNOWN
    page_size_default: Fact = UNKNOWN
    paging: Fact = UNKNOWN
    sort: Fact = UNKNOWN
    error_bodies: Fact = UNKNOWN
    custom_fields: Fact = UNKNOWN
    visibility_lag_s: Fact = UNKNOWN
    slowest_answer_s: Fact = UNKNOWN
    quiet_s: Fact = UNKNOWN


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capability profile of one tenant, as seen by one application. ``made_at`` is UTC as ISO text."""

    made_at: str
    project: str
    profile: str
    tenant: str
    write_probes: bool
    service: TenantCapabilities
    entities: Mapping[str, EntityCapabilities]
    version: int = 1
