"""Named column operations: the closed, typed list of steps that a pipeline may be made of.

A mapping names an operation and :func:`bind` checks its argument once; data meets only bound operations. Each operation
is a function whose docstring is its documentation (``docs/operations.md`` is made from them).
"""

from __future__ import annotations

from etl.mapping.operations.chains import fits
from etl.mapping.operations.model import Applied, BoundOperation, Context, Mark, OperationMistake, ValueType
from etl.mapping.operations.registry import bind, names

__all__ = [
    "Applied",
    "BoundOperation",
    "Context",
    "Mark",
    "OperationMistake",
    "ValueType",
    "bind",
    "fits",
    "names",
]
