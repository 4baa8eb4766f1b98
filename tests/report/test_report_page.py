"""report.html: complete in itself, harmless whatever names hold, and free of people's values."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

from etl.core.records import PLAN_SCHEMA
from etl.report import write_report

from .conftest import ORDER, MakeRun, account, entries, mapping, planned, problem, snapshot_table, write

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a page holds, and whether its tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, name: str) -> list[str]:
        return [value or "" for _, each, value in self.attributes if each == name]


def text_of(folder: Path) -> str:
    write_report(folder)
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture
def full_run(make_run: MakeRun) -> Path:
    """A load in which everything that the page can show has happened."""
    finding = {"code": "lost_in_target", "entity": "person", "key": "ab", "target_id": "77", "field": None}
    return make_run(
        entries("created", "quarantined", "blocked", "uncertain", "rejected", "ignored", "merged"),
        command="run",
        tenant_invented=True,
        order=ORDER | {"deferred": [{"mapping": "note", "field": "case", "why": "it closes a cycle"}]},
        problems=[
            problem("unmapped_value", 2, field="county", detail="crosswalk county: ZZ"),
            problem("duplicate_key", 3),
            problem("duplicate_key", 7),
            problem("withheld", 4, severity="info"),
        ],
        plan=[planned("create")],
        outcomes=[{"mapping": "people", "bucket": "created"}],
        requests={"POST 201": 1, "POST 0": 2},
        load_s=2.5,
        concurrency=16,
        pace={"most": 16, "lowest": 4, "last": 9, "cuts": {"asked": 2}},
        stopped={"case": "Casebook answered 403"},
        pending_links={"person": 2},
        error={"code": "target_refused", "message": "Casebook refused.", "hint": "Ask for the role."},
        verify={"checked": {"person": 0}, "expected": {"person": 1}, "findings": [finding]},
        peak_memory_bytes=123 * 1024 * 1024,
    )


def test_the_page_nests_and_every_part_is_there(full_run: Path) -> None:
    page = Page(text_of(full_run))
    assert page.open == []
    sections = {"entities", "decisions", "problems", "plan", "results", "verify", "ledger", "evidence"}
    assert sections <= set(page.values("id"))
    for words in (
        "Two rows with the same legacy key",
        "Casebook answered 403",
        "Casebook refused. Ask for the role.",
        "it closes a cycle",
        "no answer",
        "Record that is not in Casebook any more",
        "123 MiB",
        "16 at a time (as few as 4: Casebook asked to slow down 2 times, took longer 0 times)",
        "PERSONS.csv lines 4, 8 (rows 3, 7)",
    ):
        assert words in page.words


def test_links_of_the_page_lead_to_its_parts(full_run: Path) -> None:
    page = Page(text_of(full_run))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {each.removeprefix("#") for each in page.values("href")} <= set(ids)


def test_the_page_needs_no_script_and_no_network(full_run: Path) -> None:
    text = text_of(full_run)
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in {"src", "style", "action"}]
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)


def test_the_page_allows_itself_nothing_but_its_own_style_sheet(full_run: Path) -> None:
    text = text_of(full_run)
    style = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [each for each in Page(text).values("content") if "default-src" in each]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_tables_and_pictures_can_be_read_aloud(full_run: Path) -> None:
    page = Page(text_of(full_run))
    assert {scope for tag, name, scope in page.attributes if (tag, name) == ("th", "scope")} == {"col", "row"}
    assert page.tags.count("th") == page.values("scope").count("col") + page.values("scope").count("row")
    labels = page.values("aria-label")
    assert any(each.startswith("person: 1 created, 1 merged into") for each in labels)


def test_the_verdict_comes_first(full_run: Path) -> None:
    words = " ".join(Page(text_of(full_run)).words.split())
    assert words.index("Not complete:") < words.index("Rows read") < words.index("Problems by cause")


def test_an_invented_tenant_is_told(make_run: MakeRun) -> None:
    assert "Invented tenant." in text_of(make_run(tenant_invented=True))
    assert "Invented tenant." not in text_of(make_run(tenant_invented=False))


def test_a_dry_run_speaks_of_what_can_be_loaded_and_not_of_a_load(make_run: MakeRun) -> None:
    page = Page(text_of(make_run(entries("pending", "quarantined"))))
    assert "results" not in page.values("id")
    assert any("1 can be loaded" in each for each in page.values("aria-label"))


def test_a_fault_of_the_ledger_is_shown(make_run: MakeRun) -> None:
    page = Page(text_of(make_run(entries("pending"), read=2)))
    assert "The accounts do not balance." in page.words
    assert "1 lost, 0 doubled, 0 stray" in page.words


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "'&<b>"]
)
def test_hostile_names_are_shown_as_text(make_run: MakeRun, name: str) -> None:
    folder = make_run(
        [],
        read=0,
        project=name,
        profile=name,
        tenant=name,
        fingerprints={name: name},
        snapshot=[snapshot_table(name, 0, origin=name, encoding=name, sha256=name)],
        tables=[account(name, rows=0, reason=name)],
        mappings=[mapping(name, name, name)],
        order={"waves": [[name]], "edges": [], "deferred": [{"mapping": name, "field": name, "why": name}]},
        problems=[problem(name, 1, mapping=name, field=name, table=name, detail=name)],
        command="run",
        stopped={name: name},
        requests={f"{name} 201": 1},
        error={"code": name, "message": name, "hint": name},
        verify={"expected": {name: 1}, "findings": [{"code": name, "entity": name, "target_id": name, "field": name}]},
    )
    page = Page(text_of(folder))
    assert page.open == []
    assert not {"script", "img", "b"} & set(page.tags)
    assert name in page.words


def test_values_of_people_are_in_no_report(make_run: MakeRun) -> None:
    folder = make_run(mappings=[mapping(fields=[{"name": "scan", "kind": "file"}])], problems=[problem("too_long")])
    secret = "CANARY-7719"
    cells = pa.schema(
        [(name, pa.string()) for name in ("ID", "last_name", "_key", "scan", "scan._sha256")]
        + [("scan._size", pa.int64())]
    )
    for place in ("snapshot/legacy.PERSONS", "records/mapped/people", "records/planned/000-people"):
        write(folder / f"{place}.parquet", [{**dict.fromkeys(cells.names, secret), "scan._size": 1}], cells)
    write_report(folder)
    for name in ("report.html", "problems.csv", "summary.json"):
        assert secret.encode() not in (folder / name).read_bytes()


def test_the_size_of_batches_changes_no_report(full_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = [
        planned("create", deferred=["mother"]),
        planned("create", deferred=["mother", "father"]),
        planned("nothing"),
    ]
    write(full_run / "plan.parquet", plan, PLAN_SCHEMA)
    names = ("summary.json", "problems.csv", "report.html")
    text_of(full_run)
    whole = {name: (full_run / name).read_bytes() for name in names}
    monkeypatch.setattr("etl.report.facts.BATCH_ROWS", 1)
    text_of(full_run)
    assert {name: (full_run / name).read_bytes() for name in names} == whole


def test_the_evidence_shows_overrides_with_their_authors_and_functions_of_the_project(make_run: MakeRun) -> None:
    counts = {"listed": 5, "applied": 2, "stale": 1, "unused": 1, "expired": 1, "rows": 3}
    author = {"who": "A. <b>Clerk</b>", "count": 5, "next_end": "2026-12-31"}
    run = make_run(
        entries("pending"),
        overrides=[{"mapping": "people", **counts, "authors": [author]}],
        functions=["cleaning.number (0a1b2c3d4e5f)"],
    )
    words = " ".join(Page(text_of(run)).words.split())
    assert "A. <b>Clerk</b> (5; the next ends on 2026-12-31)" in words
    assert "cleaning.number (0a1b2c3d4e5f)" in words
