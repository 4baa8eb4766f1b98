"""What a migration of an Open Referral directory must load, counted from the files by the csv module alone.

It knows the decisions of `mappings/hsds` and shares no code with the product: a provider and a service need a name, a
service needs its provider, a location needs nothing but its key.
"""

from __future__ import annotations

import csv
from pathlib import Path


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    """The rows of a file; columns without a name are left out."""
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def expected_counts(folder: Path) -> dict[str, int]:
    """Records to be loaded, by mapping."""
    providers = {
        row["organization_uuid"] for row in rows_of(folder, "organizations") if row["organization_name"].strip()
    }
    services = [row for row in rows_of(folder, "services") if row["service_name"].strip()]
    return {
        "providers": len(providers),
        "locations": len({row["location_uuid"] for row in rows_of(folder, "locations")}),
        "provider_services": sum(row["organization_uuid"] in providers for row in services),
    }
