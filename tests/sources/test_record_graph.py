"""The record graph: who shares a key, who refers to nobody, who is held back to the last descendant, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.ports import GraphMapping, GraphReference
from etl.sources.record_graph import DuckRecordGraph

Row = tuple[str | None, dict[str, object]]


def key(name: str | None) -> str | None:
    """A record key that shows its name: 32 hexadecimal digits, as all record keys are."""
    return None if name is None else name.encode().hex().ljust(32, "0")


def keys(names: object) -> object:
    """The same for a value of a column, which may be a list."""
    return [key(name) for name in names] if isinstance(names, list) else key(names)


def name(made: object) -> str | None:
    """The name that a record key shows."""
    return None if made is None else bytes.fromhex(str(made)).rstrip(b"\0").decode()


class Workshop:
    """A graph over mappings written as rows of (key, references)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.graph = DuckRecordGraph(folder / "temp")
        self.mappings: list[GraphMapping] = []

    def add(
        self, name: str, *rows: Row, entity: str = "", status: dict[int, str] | None = None, **policies: str
    ) -> None:
        """A mapping; a policy's name is a reference, and a star in front of its policy makes it hold many."""
        status = status or {}
        count = len(rows)
        columns = {
            "_rk": pa.array([key(name) for name, _ in rows], pa.string()),
            "_row": pa.array(range(1, count + 1), pa.int64()),
            "_line": pa.array(range(2, count + 2), pa.int64()),
            "_status": pa.array([status.get(number, "valid") for number in range(1, count + 1)]),
            "_reason": pa.array(
                ["too_long" if number in status else None for number in range(1, count + 1)], pa.string()
            ),
        }
        references = []
        for field, policy in policies.items():
            many = policy.startswith("*")
            kind = pa.list_(pa.string()) if many else pa.string()
            columns[field] = pa.array([keys(values.get(field)) for _, values in rows], kind)
            references.append(GraphReference(field, policy.lstrip("*"), many))
        path = self.folder / f"{name}.parquet"
        pq.write_table(pa.table(columns), path)
        self.mappings.append(GraphMapping(name, entity or name, str(path), tuple(references)))

    def open(self, *known: str) -> DuckRecordGraph:
        self.graph.open(
            self.mappings, iter([pa.record_batch({"_rk": pa.array([key(name) for name in known], pa.string())})])
        )
        return self.graph

    def checked(self, *known: str) -> DuckRecordGraph:
        graph = self.open(*known)
        for call in (graph.duplicates, graph.missing, graph.held_back):
            told(call())
        return graph


@pytest.fixture(params=[65_536, 1], ids=["few", "many"])
def shop(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Findings and fates that are few are asked for at once, many in parts: the same comes of both."""
    monkeypatch.setattr("etl.sources.record_graph.PART_RECORDS", request.param)
    made = Workshop(tmp_path)
    yield made
    made.graph.close()


def told(batches: Iterator[pa.RecordBatch]) -> list[tuple[object, ...]]:
    rows = [row for batch in batches for row in batch.to_pylist()]
    return [(row["mapping"], row["field"], row["_row"], name(row["parent"]), row["reason"]) for row in rows]


def left_out(links: list[list[str]]) -> list[list[str]]:
    """Links left out, with names for keys."""
    return [[f"{field}:{name(made)}" for field, made in (link.split(":") for link in each)] for each in links]


def verdicts(graph: DuckRecordGraph) -> dict[tuple[str, int], tuple[str, str | None]]:
    rows = [row for batch in graph.verdicts() for row in batch.to_pylist()]
    return {(row["mapping"], row["_row"]): (row["status"], row["reason"]) for row in rows}


def test_records_that_share_a_key_are_all_quarantined_across_mappings(shop: Workshop) -> None:
    shop.add("a", ("k", {}), ("l", {}), entity="person")
    shop.add("b", ("k", {}), entity="person")
    graph = shop.open()
    assert told(graph.duplicates()) == [
        ("a", None, 1, None, "duplicate_key"),
        ("b", None, 1, None, "duplicate_key"),
    ]
    assert verdicts(graph)["a", 2] == ("valid", None)
    assert verdicts(graph)["b", 1] == ("quarantined", "duplicate_key")


def test_records_without_a_key_are_no_part_of_the_graph(shop: Workshop) -> None:
    shop.add("a", (None, {}), (None, {}), ("k", {}))
    graph = shop.open()
    assert told(graph.duplicates()) == []
    assert list(verdicts(graph)) == [("a", 3)]


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        ("block", ("blocked", "parent_missing")),
        ("quarantine", ("quarantined", "parent_missing")),
        ("empty", ("valid", None)),
    ],
)
def test_a_reference_to_nobody_has_the_consequence_of_its_policy(
    shop: Workshop, policy: str, status: tuple[str, str | None]
) -> None:
    shop.add("a", ("k", {"boss": "nobody"}), boss=policy)
    graph = shop.open()
    told(graph.duplicates())
    assert told(graph.missing()) == [("a", "boss", 1, "nobody", "parent_missing")]
    assert verdicts(graph)["a", 1] == status


def test_a_record_of_an_earlier_run_is_a_legal_parent(shop: Workshop) -> None:
    shop.add("a", ("k", {"boss": "old"}), boss="block")
    graph = shop.checked("old")
    assert verdicts(graph)["a", 1] == ("valid", None)


def test_a_parent_that_is_loaded_already_holds_nobody_back_though_its_row_is_bad_now(shop: Workshop) -> None:
    shop.add("a", ("p", {}), ("k", {"boss": "p"}), status={1: "quarantined"}, boss="block")
    graph = shop.checked("p")
    assert verdicts(graph)["a", 2] == ("valid", None)


def test_a_record_that_refers_to_itself_is_told_apart(shop: Workshop) -> None:
    shop.add("a", ("k", {"boss": "k"}), ("l", {"boss": "l"}), boss="empty")
    graph = shop.open()
    told(graph.duplicates())
    assert {row[-1] for row in told(graph.missing())} == {"self_reference"}
    (batch,) = graph.ordered("a")
    assert left_out(batch["_dropped"].to_pylist()) == [["boss:k"], ["boss:l"]]


def test_one_bad_record_holds_back_its_last_descendant(shop: Workshop) -> None:
    depth = 2_000
    chain: list[Row] = [(f"k{at}", {"boss": f"k{at - 1}" if at else None}) for at in range(depth)]
    shop.add("a", *chain, status={1: "quarantined"}, boss="block")
    graph = shop.open()
    told(graph.duplicates())
    told(graph.missing())
    found = told(graph.held_back())
    assert len(found) == depth - 1
    assert {row[-1] for row in found} == {"parent_not_loadable"}
    assert set(verdicts(graph).values()) == {("quarantined", "too_long"), ("blocked", "parent_not_loadable")}


def test_an_optional_link_ends_what_is_held_back(shop: Workshop) -> None:
    shop.add("a", ("p", {}), status={1: "quarantined"})
    shop.add("b", ("q", {"up": "p"}), up="empty")
    shop.add("c", ("r", {"up": "q"}), up="block")
    graph = shop.checked()
    assert verdicts(graph)["b", 1] == verdicts(graph)["c", 1] == ("valid", None)
    (batch,) = graph.ordered("b")
    assert left_out(batch["_dropped"].to_pylist()) == [["up:p"]]


def test_a_child_of_a_held_back_parent_waits_whatever_quarantine_says(shop: Workshop) -> None:
    shop.add("a", ("p", {}), status={1: "quarantined"})
    shop.add("b", ("q", {"up": "p"}), up="quarantine")
    assert verdicts(shop.checked())["b", 1] == ("blocked", "parent_not_loadable")


def test_each_of_many_parents_is_looked_at(shop: Workshop) -> None:
    shop.add("a", ("p", {}), ("q", {}))
    shop.add("b", ("k", {"team": ["p", "nobody", "q"]}), ("l", {"team": []}), ("m", {}), team="*empty")
    graph = shop.open()
    told(graph.duplicates())
    assert told(graph.missing()) == [("b", "team", 1, "nobody", "parent_missing")]
    assert graph.reference_counts() == {("b", "team"): 2}


def test_references_of_every_record_are_told_but_only_live_ones_count(shop: Workshop) -> None:
    shop.add("a", ("k", {"boss": "nobody"}), ("l", {"boss": "m"}), ("m", {}), status={1: "quarantined"}, boss="block")
    graph = shop.open()
    told(graph.duplicates())
    assert told(graph.missing()) == [("a", "boss", 1, "nobody", "parent_missing")]
    assert verdicts(graph)["a", 1] == ("quarantined", "too_long")
    assert graph.reference_counts() == {("a", "boss"): 1}


def test_edges_join_records_of_one_entity_and_leave_out_what_is_asked(shop: Workshop) -> None:
    shop.add("a", ("k", {"boss": "l", "peer": "l"}), ("l", {}), entity="person", boss="block", peer="empty")
    shop.add("b", ("m", {"boss": "k"}), entity="person", boss="block")
    shop.add("c", ("n", {"boss": "k"}), entity="case", boss="block")
    graph = shop.checked()
    edges = [row for batch in graph.edges("person", [("a", "peer")]) for row in batch.to_pylist()]
    assert [(row["child"], row["parent"], row["mapping"], row["field"]) for row in edges] == [
        (3, 1, "b", "boss"),
        (1, 2, "a", "boss"),
    ]


def test_records_come_by_depth_then_row_with_what_is_left_out_and_set_later(shop: Workshop) -> None:
    shop.add("a", ("k", {"boss": "l"}), ("l", {}), ("m", {"boss": "k"}), ("n", {"boss": "nobody"}), boss="empty")
    graph = shop.checked()
    graph.set_depths(iter([pa.record_batch({"record": [1, 3], "depth": [1, 2]})]))
    graph.defer(pa.table({"record": pa.array([3], pa.int64()), "field": ["boss"]}))
    rows = [row for batch in graph.ordered("a") for row in batch.to_pylist()]
    dropped = left_out([row["_dropped"] for row in rows])
    assert [(name(row["_rk"]), row["_depth"], row["_deferred"]) for row in rows] == [
        ("l", 0, []),
        ("n", 0, []),
        ("k", 1, []),
        ("m", 2, ["boss"]),
    ]
    assert dropped == [[], ["boss:nobody"], [], []]


def test_what_is_held_back_is_not_among_the_ordered(shop: Workshop) -> None:
    shop.add("a", ("k", {}), ("l", {}), status={1: "quarantined"})
    graph = shop.checked()
    told(graph.block(pa.table({"record": pa.array([2], pa.int64())}), "required_loop"))
    assert [row for batch in graph.ordered("a") for row in batch.to_pylist()] == []
    assert verdicts(graph)["a", 2] == ("blocked", "required_loop")


def test_a_duplicate_that_is_a_parent_holds_its_children_back_whichever_of_the_two_is_meant(shop: Workshop) -> None:
    shop.add("a", ("p", {}), ("q", {}), ("p", {}))
    shop.add("b", ("k", {"up": "p"}), ("l", {"up": "q"}), up="block")
    graph = shop.checked()
    assert verdicts(graph)["b", 1] == ("blocked", "parent_not_loadable")
    assert verdicts(graph)["b", 2] == ("valid", None)


def test_a_parent_known_twice_makes_one_link(shop: Workshop) -> None:
    shop.add("a", ("p", {}), ("k", {"up": "p"}), up="block")
    graph = shop.checked("p", "p")
    assert graph.reference_counts() == {("a", "up"): 1}


def test_records_may_come_in_any_order_of_rows(shop: Workshop) -> None:
    shop.add("a", ("k", {}), ("l", {}), ("m", {}), status={2: "quarantined"})
    path = shop.folder / "a.parquet"
    pq.write_table(pq.read_table(path).take([2, 1, 0]), path)
    graph = shop.checked()
    assert [row["_row"] for batch in graph.verdicts() for row in batch.to_pylist()] == [3, 2, 1]
    assert verdicts(graph)["a", 2] == ("quarantined", "too_long")
    assert verdicts(graph)["a", 1] == verdicts(graph)["a", 3] == ("valid", None)


def test_many_records_are_judged_in_little_memory_and_nothing_is_left_behind(tmp_path: Path) -> None:
    count = 300_000
    made = [f"{number:032x}" for number in range(count)]
    columns = {
        "_rk": pa.array(made, pa.string()),
        "_row": pa.array(range(1, count + 1), pa.int64()),
        "_line": pa.nulls(count, pa.int64()),
        "_status": pa.array(["quarantined", *["valid"] * (count - 1)]),
        "_reason": pa.array(["too_long", *[None] * (count - 1)], pa.string()),
        "boss": pa.array([None, *(made[number // 2] for number in range(1, count))], pa.string()),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    graph = DuckRecordGraph(tmp_path / "temp", memory_limit_mb=48)
    reference = GraphReference("boss", "block")
    graph.open([GraphMapping("a", "a", str(tmp_path / "a.parquet"), (reference,))], iter(()))
    held = [sum(batch.num_rows for batch in call()) for call in (graph.duplicates, graph.missing, graph.held_back)]
    assert held == [0, 0, count - 1]
    assert sum(batch["status"].to_pylist().count("blocked") for batch in graph.verdicts()) == count - 1
    graph.close()
    assert list((tmp_path / "temp").iterdir()) == []


def test_answers_come_in_the_order_of_records_though_several_threads_read_them_in(tmp_path: Path) -> None:
    count = 300_000
    made = [f"{number:032x}" for number in range(count)]
    nobody = "f" * 32
    columns = {
        "_rk": pa.array(made, pa.string()),
        "_row": pa.array(range(1, count + 1), pa.int64()),
        "_line": pa.array(range(2, count + 2), pa.int64()),
        "_status": pa.array(["valid"] * count),
        "_reason": pa.nulls(count, pa.string()),
        "boss": pa.array([made[0] if number % 2 else nobody for number in range(count)], pa.string()),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=50_000)
    graph = DuckRecordGraph(tmp_path / "temp", threads=4)
    graph.open([GraphMapping("a", "a", str(tmp_path / "a.parquet"), (GraphReference("boss", "empty"),))], iter(()))
    missing = pa.Table.from_batches(graph.missing())
    edges = pa.Table.from_batches(graph.edges("a", []))
    graph.close()
    assert missing["_row"].to_pylist() == list(range(1, count + 1, 2))
    assert missing["_line"].to_pylist() == list(range(2, count + 2, 2))
    assert edges["child"].to_pylist() == list(range(2, count + 1, 2))


def test_a_column_may_be_called_anything(shop: Workshop) -> None:
    field = 'bo"ss; drop table keys'
    shop.add("a", ("k", {field: "nobody"}), **{field: "block"})
    assert verdicts(shop.checked())["a", 1] == ("blocked", "parent_missing")
