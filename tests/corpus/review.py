"""Writes what the program gives now into the pages of the corpus, for a person to read before it is committed.

``python tests/corpus/review.py --review [GROUP or GROUP/CASE ...]``; no test ever does this.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.corpus.corpus import Case, cases, ended, in_a_child, lay_out, leaks, outcome
from tests.e2e.harness import KEY


def main() -> int:
    """Reviews the cases named; says which pages changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--review", action="store_true", required=True, help="write the pages")
    parser.add_argument("--new", action="store_true", help="only cases that expect nothing yet")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    chosen = [case for case in cases() if not options.names or {case.name, case.group} & set(options.names)]
    for case in chosen:
        if not options.new or case.expected is None:
            _review(case)
    return 0


def _review(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CASEBOOK_ETL_PROJECT_KEY": KEY, "CASEBOOK_ETL_WITNESS_FOLDER": f"{folder}/witnesses"}
        place = lay_out(case, Path(folder))
        end = in_a_child(place)[0] if "most_memory" in case.given else ended(case, place)
        found = outcome(place, end) if end.out else {"exit_code": end.code, "text": end.err}
        for leak in leaks(place, end):
            sys.stdout.write(f"{case.name}: people's data in {leak}\n")
    if found != case.expected:
        sys.stdout.write(f"{case.name}: changed\n")
        write(case, found)


def write(case: Case, expected: object) -> None:
    """Writes the page of a case."""
    content = {"why": case.why, "given": case.given, "expected": expected}
    case.page.write_text(_dumped(content) + "\n", "utf-8")


def _dumped(value: object, indent: int = 0) -> str:
    """JSON with short values in one line, so that a row reads as a row."""
    flat = json.dumps(value, ensure_ascii=True)
    if indent + len(flat) <= 110 or not isinstance(value, dict | list) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_dumped(each, indent + 2)}" for key, each in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    parts = [inner + _dumped(each, indent + 2) for each in value]
    return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"


if __name__ == "__main__":
    sys.exit(main())
