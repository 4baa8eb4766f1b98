"""STAGE legacy columns to target columns, ledger rows and problems, whole batches at a time."""

from __future__ import annotations

from etl.mapping.operations import Context
from etl.transform.columns import ENTITY_SUFFIX
from etl.transform.corrections import Corrections, OverrideAuthor, OverrideCounts
from etl.transform.transformer import Mapped, Transformer

__all__ = ["ENTITY_SUFFIX", "Context", "Corrections", "Mapped", "OverrideAuthor", "OverrideCounts", "Transformer"]
