"""Which operations the application may do, told from how requests are refused that can have no effect anyway.

A door that asks for a role asks before it reads a body or looks for a record. So an empty document, and a change of a
record that does not exist, are answered with 403 where the role is missing and with another refusal where it is there.
"""

from __future__ import annotations

from etl.casebook.failures import FORBIDDEN
from etl.casebook.probe.line import NOBODY, NOTHING, SERVER_FAILS, ProbeLine, Seen
from etl.core.capabilities import UNKNOWN, Fact, probed
from etl.core.errors import EtlError

GRANTED, MISSING, NOT_OFFERED = "granted", "missing", "not offered"
READS = frozenset({"list", "get"})
_NOT_FOUND, _NOT_ALLOWED = 404, 405
_ONE = ("page[size]", "1")


async def role(line: ProbeLine, entity: str, operation: str) -> Fact:
    """Whether an operation is granted, missing or not offered by the tenant; unknown where the answer does not tell."""
    try:
        seen = await _try(line, entity, operation)
    except EtlError:
        return UNKNOWN
    if seen.status == FORBIDDEN:
        return probed(MISSING)
    if seen.status == _NOT_ALLOWED or (operation in {"list", "create"} and seen.status == _NOT_FOUND):
        return probed(NOT_OFFERED)
    return UNKNOWN if seen.status >= SERVER_FAILS else probed(GRANTED)


async def _try(line: ProbeLine, entity: str, operation: str) -> Seen:
    match operation:
        case "list":
            return await line.read(entity, _ONE)
        case "get":
            return await line.read(entity, target_id=NOBODY)
        case "create":
            return await line.send("POST", entity, body=NOTHING)
        case "update":
            return await line.send("PATCH", entity, target_id=NOBODY, body=NOTHING)
        case _:
            return await line.send("DELETE", entity, target_id=NOBODY)
