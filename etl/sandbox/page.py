"""A small page that shows a person what the sandbox holds: records by entity, newest first.

One self-contained document without script; every value is escaped, since records are what somebody's data made them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from etl.sandbox.database import Database, Row, Selection

_SHOWN = 50
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1a1a1a;background:#fff}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem}caption{text-align:left;font-weight:600}"
    "th,td{border:1px solid #ccc;padding:.25rem .6rem;text-align:left;vertical-align:top}th{background:#f2f2f2}"
)


def render(database: Database, entity: str = "") -> str:
    """Return the page: numbers of records by entity, and below the newest records of one entity or of all."""
    counts = database.counts()
    shown = [entity] if entity in counts else list(counts)
    tables = "".join(_records(name, _newest(database, name)) for name in shown)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Casebook sandbox</title><style>{_STYLE}</style></head>'
        f"<body><h1>Casebook sandbox</h1>{_overview(counts)}{tables}</body></html>"
    )


def _newest(database: Database, entity: str) -> list[Row]:
    return database.select(Selection((entity,), order="created_at DESC, id", limit=_SHOWN))


def _overview(counts: Mapping[str, int]) -> str:
    if not counts:
        return "<p>No records yet.</p>"
    rows = "".join(
        f'<tr><td><a href="?entity={escape(name)}">{escape(name)}</a></td><td>{count}</td></tr>'
        for name, count in counts.items()
    )
    return f"<table><caption>Records</caption><tr><th>entity</th><th>records</th></tr>{rows}</table>"


def _records(entity: str, rows: Sequence[Row]) -> str:
    names = sorted({name for row in rows for name in (*row.attributes, *row.links)})
    head = "".join(f"<th>{escape(name)}</th>" for name in ("id", "created_at", *names))
    body = "".join(f"<tr>{_cells(row, names)}</tr>" for row in rows)
    return f"<table><caption>{escape(entity)}, the newest {len(rows)}</caption><tr>{head}</tr>{body}</table>"


def _cells(row: Row, names: Sequence[str]) -> str:
    values = [row.id, row.created_at, *(_text(row, name) for name in names)]
    return "".join(f"<td>{escape(value)}</td>" for value in values)


def _text(row: Row, name: str) -> str:
    return ", ".join(row.links[name]) if name in row.links else str(row.attributes.get(name, ""))
