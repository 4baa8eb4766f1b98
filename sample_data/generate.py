#!/usr/bin/env python3
"""Makes the sample data of this folder, byte for byte the same each time: `python sample_data/generate.py --check`.

The files in version control are what it makes with its defaults; other scales and seeds go to other folders.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generator.agency import make_agency  # noqa: E402 - found beside this file
from generator.hmis import make_hmis  # noqa: E402
from generator.hsds import make_hsds  # noqa: E402
from generator.readme import readme  # noqa: E402
from generator.writers import dump  # noqa: E402

DEFAULT_SEED = 20220314


def make(folder: Path, *, scale: int = 1, seed: int = DEFAULT_SEED, with_large: bool = False) -> None:
    """Writes all extracts, the expected ledger and the description of the dirt below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    agency = make_agency(folder, scale=scale, seed=seed, with_large=with_large)
    hmis = make_hmis(folder / "hmis", scale=scale, seed=seed)
    for edition in ("FY2024", "FY2026"):
        make_hmis(folder / f"hmis_{edition.lower()}", scale=scale, seed=seed, edition=edition)
    hsds = make_hsds(folder / "hsds", scale=scale, seed=seed)
    (folder / "README.md").write_text(readme(agency, hmis, hsds), encoding="utf-8")


def differences(made: Path, committed: Path) -> list[str]:
    """Paths below two folders that are not the same; databases are compared by what they hold."""
    paths = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    return sorted(str(path) for path in paths if not _same(made / path, committed / path))


def _same(left: Path, right: Path) -> bool:
    if not right.is_file():
        return False
    return dump(left) == dump(right) if left.suffix == ".db" else filecmp.cmp(left, right, shallow=False)


def _check() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch))
        stale = differences(Path(scratch), HERE)
    for path in stale:
        sys.stdout.write(f"differs: {path}\n")
    sys.stdout.write(
        "Run `python sample_data/generate.py` to renew the files.\n" if stale else "The files are current.\n"
    )
    return 1 if stale else 0


def main() -> int:
    """Reads the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the synthetic sample data.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: this one)")
    parser.add_argument("--scale", type=int, default=1, help="how many times the size (default: 1)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--with-large", action="store_true", help="add a file over the 10 MB limit, and its row")
    parser.add_argument("--check", action="store_true", help="say whether the files here are what it makes")
    arguments = parser.parse_args()
    if arguments.check:
        return _check()
    make(arguments.out, scale=arguments.scale, seed=arguments.seed, with_large=arguments.with_large)
    return 0


if __name__ == "__main__":
    sys.exit(main())
