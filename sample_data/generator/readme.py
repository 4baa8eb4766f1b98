"""README.md of the sample data: written by the generator, so that its figures are those of the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Expected: TypeAlias = Mapping[str, Any]

_OPENING = """\
# Sample data

Synthetic legacy extracts with every kind of dirt that a migration meets. Nobody in here exists: names are put together
by chance from short lists, social security numbers use an area that was never assigned, and phone numbers are
fictitious. Everything is made by `generate.py` (Python alone, no libraries); do not edit files by hand.

| path | what it is | encoding |
|---|---|---|
| `legacy/*.csv` | screens of a county's child-welfare system, exported to CSV | cp1252, CRLF |
| `legacy.db` | its provider files, in SQLite | UTF-8 |
| `files/` | scanned documents that `legacy/SCANS.csv` names | PDF, PNG, text |
| `hmis/*.csv` | a homeless-services export in the form of HUD's HMIS CSV for fiscal year 2022 (23 files) | UTF-8 |
| `hmis_fy2024/*.csv`, `hmis_fy2026/*.csv` | the same export in the forms of fiscal years 2024 and 2026 (24 files each) | UTF-8 |
| `hsds/*.csv` | a directory of community services in the form of an Open Referral (HSDS) export | UTF-8, CRLF |
| `expected.json`, `*/expected.json` | what becomes of every row, counted while the dirt was planted | UTF-8 |

```
python sample_data/generate.py                        # renew the files here
python sample_data/generate.py --check                # are they what the generator makes?
python sample_data/generate.py --out DIR --scale 10   # a larger extract for tests and measurements
python sample_data/generate.py --out DIR --with-large # with a file over Casebook's limit of 10 MB, and its row
```

The same seed gives the same bytes; `legacy.db` is compared by content, because SQLite writes its version into the file.
A larger scale repeats the same dirt once for each block of 120 families (the exports keep their faults at one each).

`expected.json` is worked out beside the product, never by running it: the generator knows which fault it planted in
which row, and the only thing it computes is the cascade from a parent that is held back to its children. For each
mapping of `mappings/demo_agency` (or `mappings/hmis`, `mappings/hsds`) it says how many base rows are read, how many records load, and how
many rows are ignored, merged, quarantined or blocked, by reason. `links_left_out` counts optional references of loaded
records that are left empty, `unmatched_rows` the rows of joined-only tables that no base row uses.
"""
_BUCKETS = ("ignored", "merged", "quarantined", "blocked")


def readme(agency: Expected, hmis: Expected, hsds: Expected) -> str:
    """The whole text of README.md."""
    return "\n".join(
        (
            _OPENING,
            "## The agency: what happens to its rows",
            "",
            *_accounts(agency),
            "",
            "## The agency: planted dirt",
            "",
            *_dirt(agency),
            "",
            "## The HMIS export: what happens to its rows",
            "",
            *_accounts(hmis),
            "",
            "## The HMIS export: planted dirt",
            "",
            *_dirt(hmis),
            "",
            "## The directory: what happens to its rows",
            "",
            *_accounts(hsds),
            "",
            "## The directory: planted dirt",
            "",
            *_dirt(hsds),
            "",
        )
    )


def _accounts(expected: Expected) -> Iterable[str]:
    yield f"| mapping | rows of | read | loaded | {' | '.join(_BUCKETS)} |"
    yield "|---|---|---|---|---|---|---|---|"
    for mapping, account in expected["mappings"].items():
        others = " | ".join(str(sum(account[bucket].values())) for bucket in _BUCKETS)
        yield f"| {mapping} | {account['table']} | {account['read']} | {account['loaded']} | {others} |"


def _dirt(expected: Expected) -> Iterable[str]:
    """The rows that carry a fault themselves; what is blocked below them is in the accounts above."""
    yield "| dirt | where | rows | what becomes of it |"
    yield "|---|---|---|---|"
    for fault in expected["dirt"]:
        end = f"{fault['bucket']}, `{fault['code']}`" if fault["code"] else fault["bucket"]
        yield f"| {fault['dirt']} | {fault['where']} | {fault['rows']} | {end} |"
