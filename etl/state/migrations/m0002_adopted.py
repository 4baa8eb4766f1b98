"""Version 2: records that were in Casebook before us are told apart, because undoing a run never deletes them."""

from __future__ import annotations

STATEMENTS = ("ALTER TABLE records ADD COLUMN adopted {integer} NOT NULL DEFAULT 0",)
