"""STAGE facts to people: what a run's folder holds becomes a summary, a report to read and sign, a worklist."""

from __future__ import annotations

from etl.report.html import make_ready
from etl.report.model import Summary
from etl.report.summary import summarize
from etl.report.terminal import terminal_lines
from etl.report.write import write_report

__all__ = ["Summary", "make_ready", "summarize", "terminal_lines", "write_report"]
