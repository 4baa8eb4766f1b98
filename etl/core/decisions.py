"""The sheet of open decisions: which columns it has, so that who writes it and who reads it agree."""

from __future__ import annotations

COLUMNS = ("crosswalk", "code", "target", "rows", "frees", "field", "decided_by", "note")
"""``code`` joins the codes of several columns by :data:`CODE_SEPARATOR`; ``rows`` carry it, ``frees`` are those that wait
for nothing else."""
CODE_SEPARATOR = " | "
SHAPE_END = "…"
"""Ends a text that stands for a code and is not the code itself."""
