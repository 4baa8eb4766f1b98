"""Makes columns of lists out of members and the rows they belong to."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers


def listed(owners: pa.Array, elements: pa.Array, count: int) -> pa.ListArray:
    """For each of ``count`` rows the list of its elements; null where it has none.

    ``owners`` names each element's row, in ascending order; null elements are left out.
    """
    there = pc.is_valid(elements)
    owners, elements = owners.filter(there).cast(pa.int64()), elements.filter(there)
    tallied = pa.table({"owner": owners}).group_by("owner", use_threads=False).aggregate([([], "count_all")])
    place = pc.index_in(whole_numbers(count), tallied["owner"].combine_chunks())
    sizes = pc.fill_null(pc.take(tallied["count_all"].combine_chunks(), place), 0)
    ends = pc.cumulative_sum(sizes).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, elements, mask=pc.equal(sizes, 0))


def listed_once(owners: pa.Array, elements: pa.Array, count: int) -> pa.ListArray:
    """The same with each element once a row, where it comes first; ``owners`` may stand in any order."""
    table = pa.table({"owner": owners, "element": elements, "place": whole_numbers(len(elements))})
    once = table.group_by(["owner", "element"], use_threads=False).aggregate([("place", "min")])
    ordered = once.sort_by([("owner", "ascending"), ("place_min", "ascending")]).combine_chunks()
    return listed(ordered["owner"].combine_chunks(), ordered["element"].combine_chunks(), count)
