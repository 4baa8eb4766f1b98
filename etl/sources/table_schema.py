"""What a legacy source declares of a table beside its data: columns with their types, its key, its references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """A column's type: ``name`` is in lower case and without its arguments, which are numbers only."""

    name: str
    arguments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """A column that holds data (one that is computed by the database is none)."""

    name: str
    type: DeclaredType
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: ``target_columns`` is empty where the target's key is meant."""

    columns: tuple[str, ...]
    table: str
    target_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table as declared; ``key`` is empty where none is declared."""

    table: str
    columns: tuple[DeclaredColumn, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()


@runtime_checkable
class DeclaringSource(Protocol):
    """A source that declares more of its tables than their columns' names."""

    def schema_of(self, table: str) -> TableSchema | None:
        """What it declares of a table; None where it declares nothing. Raises SourceError."""
        ...
