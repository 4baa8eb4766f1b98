"""Problems: what is wrong in the data, as typed rows.

Problems are made a column at a time, written to Parquet as they arise and rendered late: a row holds a code and a
place, never a person's value. Titles, reasons and remedies live in the registry of codes, one entry a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Severity(StrEnum):
    """How far a problem reaches: ``block`` keeps the record out, ``warn`` lets it through, ``info`` tells."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


PROBLEM_SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("mapping", pa.string()),
        ("entity", pa.string()),
        ("field", pa.string()),
        ("table", pa.string()),
        ("row", pa.int64()),
        ("line", pa.int64()),
        ("record_key", pa.string()),
        ("detail", pa.string()),
    ]
)
"""One row a problem. ``table`` is ``source.table``; ``row`` counts records from 1, ``line`` physical lines from 1 (the
header is line 1; null for SQL); ``detail`` is technical and free of people's values (an operation's name, a shape such
as ``99/99/9999``, a crosswalk's name, a column)."""


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """What a code means, why it matters and what to do."""

    code: str
    title: str
    why: str
    remedy: str


_REGISTRY: dict[str, ProblemCode] = {}


def _code(code: str, title: str, why: str, remedy: str) -> None:
    _REGISTRY[code] = ProblemCode(code, title, why, remedy)


def problem_code(code: str) -> ProblemCode:
    """The registered meaning of a code; a KeyError is a defect of ours."""
    return _REGISTRY[code]


def problem_codes() -> tuple[ProblemCode, ...]:
    """Every registered code, in alphabetical order."""
    return tuple(_REGISTRY[code] for code in sorted(_REGISTRY))


# fmt: off
_code("ragged_row", "Row with too many or too few cells", "Its cells cannot be assigned to columns without guessing.", "Repair the row in the source file, at the line given.")
_code("undecodable_row", "Row with bytes outside the declared encoding", "Text would be lost or changed without a word.", "Declare the file's true encoding, or repair the row.")
_code("utf8_in_code_page", "File that is UTF-8 and is read in another encoding", "All of its bytes fit UTF-8, which text in a one-byte encoding hardly ever does by chance: each letter with an accent would load as two wrong ones.", "Declare `encoding: utf-8` for the source; where the values were spoilt before, mend them with `fix_mojibake`.")
_code("unclosed_quote", "Quote that is never closed", "The rest of the file would be swallowed into one cell.", "Close the quote at the line given.")
_code("stray_quote", "Quote in the middle of a quoted cell", "Nobody can tell where the cell ends, so each line in doubt is kept out.", "Double the inner quote, or close the cell, at the line given.")
_code("oversized_row", "Row longer than ten million characters", "It was probably written without line ends, and memory is bounded.", "Repair the row in the source file, at the line given.")
_code("control_character", "Row with NUL or control characters", "Such bytes are damage and are refused by Casebook.", "Repair the row in the source.")
_code("broken_record", "Record that is cut off or not of its file's form", "Where it ends, or what its cells are, cannot be known without guessing.", "Repair the record in the source file, at the line given, or export it again.")
_code("missing_key", "Row without a legacy key", "Without its identity a record can be neither resumed nor found again.", "Fill the key column in the source, or exclude the row by `where`.")
_code("duplicate_key", "Two rows with the same legacy key", "Only one of them can become the record; loading both would double it.", "Remove or merge the duplicate in the source, or map with `group`.")
_code("unexpected_second_match", "Joined table has more than one matching row", "Which one is meant is not known.", "Add `pick: {order: [...], take: first}` to the join, or clean the source.")
_code("missing_match", "Joined table has no matching row", "The mapping expects exactly one.", "Complete the source, or expect `at_most_one`.")
_code("episode_unclear", "Row of an episode without clear dates", "Its first day is missing or unreadable, or its last day is unreadable or before the first.", "Correct the dates in the source, or by an override.")
_code("episode_waits", "Row whose neighbour in an episode has no clear dates", "Where the episodes of this key begin and end is not known before that row is repaired.", "Repair the neighbour; this row follows by itself.")
_code("invalid_value", "Value that an operation cannot read", "The value is not of the form the pipeline expects.", "Widen the pipeline or correct the value in the source.")
_code("unmapped_value", "Code that the crosswalk does not know", "Nobody has decided what it means in Casebook.", "Add a row to the crosswalk.")
_code("open_decision", "Code whose crosswalk row is still open", "The crosswalk lists the code without a target.", "Fill the target column of the crosswalk.")
_code("withheld", "Value withheld by its `when` rule", "The rule says that the value is not to be trusted.", "Nothing, if the rule is right.")
_code("required_missing", "Required field is empty", "Casebook refuses the record without it.", "Fill the value in the source or add a `default`.")
_code("wrong_type", "Value of the wrong type", "Casebook answers a value of the wrong type with a server error.", "Add an operation such as `date:` or `integer:` to the field.")
_code("not_in_enum", "Value outside the allowed list", "Casebook accepts only the listed values.", "Map the value with a crosswalk.")
_code("too_long", "Text longer than the field", "Casebook refuses it; cutting it silently would lose data.", "Shorten it in the source, or use `truncate:`.")
_code("bad_format", "Value of the wrong form", "The attribute has a fixed form.", "Clean the value with an operation or in the source.")
_code("out_of_range", "Value outside the allowed range", "It is impossible or refused by Casebook.", "Correct the value in the source.")
_code("unknown_option", "Label that the tenant does not offer", "The tenant's list has no such option.", "Create the option in Casebook's Admin, or change the crosswalk.")
_code("option_not_checked", "Option list not known", "The tenant overlay lists no options, so labels are checked only against the live tenant.", "Run `plan`, or list the options in the overlay.")
_code("requirement_unknown", "Whether the tenant requires this field is not known", "Each tenant decides which fields are required.", "Say `required: true` or `false` in the tenant overlay.")
_code("parent_missing", "Reference to a record that does not exist", "The key points to no row of the mapped tables.", "Complete the source, or set `on_missing: empty`.")
_code("parent_not_loadable", "Reference to a record that is held back", "The parent is quarantined or blocked, so the child waits.", "Repair the parent; the child follows by itself.")
_code("parent_gone", "Reference to a record that was deleted in Casebook", "The parent was loaded and somebody deleted it; it is not created again unasked, and the child waits.", "Ask who deleted it: bring the parent back in Casebook, undo the run that created it and load again, or say that it was meant (`resolve --deleted KEY`) and leave the child out.")
_code("parent_deleted_on_purpose", "Reference to a record that was deleted on purpose", "Somebody acknowledged that the parent was deleted in Casebook; the child is not there and waits.", "Leave the child's row out by `where` in its mapping, or let it refer to another parent.")
_code("link_left_out", "Optional reference left out", "The parent does not exist or cannot be loaded; the policy says to go on without it.", "Nothing, or repair the parent and run again.")
_code("reference_loop", "Rows that refer to each other in a loop", "No order exists in which each parent comes first; the loop is closed by a later PATCH.", "Nothing, if the loop is meant.")
_code("required_loop", "Rows whose required references form a loop", "None of them can be created first.", "Break the loop in the source.")
_code("self_reference", "Row that refers to itself", "A record cannot be its own parent.", "Correct the reference in the source.")
_code("recommended_missing", "Recommended link is missing", "Casebook accepts the record, but its page does not render.", "Supply the link in the source.")
_code("file_missing", "Attachment file is missing", "There are no bytes to upload.", "Supply the file, or exclude the row.")
_code("file_too_large", "Attachment larger than 10 MB", "Casebook refuses larger files over its API.", "Shrink or split the file.")
_code("file_refused", "Attachment path that is not accepted", "It leaves the declared folder or is no regular file.", "Correct the path in the source.")
_code("file_empty", "Attachment file of zero bytes", "It was probably lost before the migration.", "Supply the file, or exclude the row.")
_code("same_file", "Attachment with the bytes of another one", "The same file is attached twice; both copies are loaded.", "Nothing, if both are wanted; exclude the row otherwise.")
_code("unmatched_row", "Row of a joined table that no base row uses", "Its data reaches no record.", "Check the keys, or ignore the table with a reason.")
_code("new_column", "Column or table that nobody decided about", "The source comes in several editions, and this one holds more than the mappings know: its values reach no record.", "Map it, or name it under `ignore` with the reason.")
_code("codes_since_inspect", "Codes that are new since the sources were last inspected", "The column held few values then, and these were not among them: a crosswalk or a condition may not know them.", "Look at them with `inspect`, add them to crosswalks and conditions; inspecting the project again takes them as known.")
_code("column_since_inspect", "Column that is new since the sources were last inspected", "It came with a later delivery; where nothing maps it, its values reach no record.", "Map it, or name it under `ignore` with the reason; inspecting the project again takes it as known.")
_code("table_shrunken", "Table that has clearly fewer rows than when it was last inspected", "An export that was cut short or filtered looks like this.", "Check that the export is complete; inspecting the project again takes the number as right.")
_code("stale_override", "Override whose old value is not there any more", "The source has changed since somebody decided, so the correction was not applied.", "Look at the row again: renew the override, or remove it.")
_code("unused_override", "Override that no row has the key of", "It corrects nothing: the key is misspelt, or the row has left the source.", "Correct the key, or remove the override.")
_code("expired_override", "Override whose last day has passed", "It was meant for a time only, so it is not applied.", "Correct the source, set a later `until`, or remove it.")
_code("rule_broken", "Rule of the project is broken", "The project declares it.", "Correct the source.")
_code("value_left", "Value that the source has no more and Casebook keeps", "The field was sent before and is empty now; `send_null: omit` leaves what Casebook holds, so both sides differ.", "Nothing, if it may stay. Else empty it in Casebook; or say `send_null: clear` for the field, and the next run does.")
_code("rejected_by_target", "Record refused by Casebook", "The request was understood and refused.", "Read the pointer, correct source or mapping, run again.")
_code("server_error", "Record that the server fails on each time", "A value may be the cause: this server answers some bad values with a server error.", "Check the record's values; ask Casebook's support.")
_code("uncertain", "Request whose effect is not known", "The answer was lost and the target cannot be asked reliably.", "Run again, which asks anew; what stays is settled by `casebook-etl resolve` after a look into Casebook.")
_code("duplicate_in_target", "Record that exists more than once in Casebook", "Two records carry the same marker; or one carries the marker of a record of ours that was held to be absent, because its request took effect too late, and the next create would double it.", "Look in Casebook first. Where only one is there, remove nothing: say with `casebook-etl resolve` that it is that record (--found). Where two are there, say which one is kept (--keep), or remove the surplus one and run again.")
_code("lost_in_target", "Record that is not in Casebook any more", "It was created and is gone, or hidden from this application; no run creates it again.", "Give the application the view role for all records, or ask who deleted it. If that was meant, acknowledge it with `casebook-etl resolve --deleted`. If not, restore it in Casebook, or take its run back with `casebook-etl undo` and load again.")
_code("altered_in_target", "Field that differs in Casebook", "It was changed there, or was not stored as sent; a run sends it again only when the source changes.", "Compare both sides. If somebody corrected it in Casebook, correct the source likewise, for its next change overwrites it; else set it right in Casebook. If it is only shown otherwise, declare `tolerate`.")
_code("truncated_in_target", "Text that was cut in Casebook", "Only its beginning was stored, or kept.", "Shorten it in the source or give the catalogue the true length, and load again.")
_code("file_differs_in_target", "File that is missing or other than the one sent", "Its size or checksum in Casebook is not that of the file.", "Attach the file again in Casebook, or undo the run that loaded it and load again.")
_code("match_undecided", "Record that may be in Casebook already", "More than one record fits, or only nearly; choosing the wrong one would mix two people.", "Decide with `casebook-etl resolve`, then run again.")
_code("mislinked_in_target", "Link that points elsewhere in Casebook", "The record hangs on another parent; a run sets a link again only when the source changes.", "Compare both sides. Set the link right in Casebook; if somebody moved it there for good, correct the source likewise.")
# fmt: on


def problem_rows(
    rows: pa.RecordBatch,
    *,
    code: str,
    severity: Severity,
    mapping: str,
    entity: str,
    table: str,
    field: str | None = None,
    detail: str | pa.Array | None = None,
) -> pa.RecordBatch:
    """Problems for every row of a batch that has ``_row``, ``_line`` and, where known, ``_rk``.

    >>> rows = pa.record_batch({"_row": [7], "_line": [8]})
    >>> problem_rows(rows, code="missing_key", severity=Severity.BLOCK, mapping="m", entity="person",
    ...              table="legacy.PERSONS").num_rows
    1
    """
    problem_code(code)
    count = rows.num_rows
    key = rows["_rk"] if "_rk" in rows.schema.names else pa.nulls(count, pa.string())
    constants = {"code": code, "severity": str(severity), "mapping": mapping, "entity": entity, "field": field}
    columns = {name: pa.repeat(pa.scalar(value, pa.string()), count) for name, value in constants.items()}
    columns |= {"table": pa.repeat(table, count), "row": rows["_row"], "line": rows["_line"], "record_key": key}
    is_text = isinstance(detail, str) or detail is None
    columns["detail"] = pa.repeat(pa.scalar(detail, pa.string()), count) if is_text else detail
    return pa.RecordBatch.from_pydict(columns, schema=PROBLEM_SCHEMA)
