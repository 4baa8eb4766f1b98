"""What the codes of an intake's observations mean; codes of damaged rows are explained among the problems."""

from __future__ import annotations

from etl.core.problems import ProblemCode, problem_code

_REGISTRY: dict[str, ProblemCode] = {}


def observation_code(code: str) -> ProblemCode:
    """The registered meaning of a code, of an observation or of a problem; a KeyError is a defect of ours."""
    return _REGISTRY[code] if code in _REGISTRY else problem_code(code)


def observation_codes() -> tuple[ProblemCode, ...]:
    """Every code of observations, in alphabetical order."""
    return tuple(_REGISTRY[code] for code in sorted(_REGISTRY))


def _code(code: str, title: str, why: str, remedy: str) -> None:
    _REGISTRY[code] = ProblemCode(code, title, why, remedy)


# fmt: off
_code("unreadable", "Table that cannot be read", "Nothing of it is in this certificate.", "Do what the detail says, then inspect again.")
_code("not_read", "File that nothing reads", "It lies beside the others and may hold rows that nobody would miss.", "Declare it as a source in project.yaml, or put it elsewhere.")
_code("header_missing", "First line that holds values", "Where the names of columns should stand are numbers, dates or addresses, so nothing of the table is shown.", "Put a line with the names of the columns on top.")
_code("encoding_undeclared", "Encoding that must be declared", "The bytes are not UTF-8, and several encodings would read them as different letters.", "Ask where the file comes from, look at some of the lines given, then declare `encoding:` in project.yaml.")
_code("encoding_mixed", "Lines of different encodings", "Some lines are UTF-8 and others are not: whatever is declared, names on the other lines come out wrong.", "Ask for a new export, or rewrite the lines given in one encoding.")
_code("byte_order_mark_broken", "Lines that contradict the byte order mark", "The file says it is UTF-8, and some lines are not.", "Ask for a new export, or rewrite the lines given.")
_code("nul_bytes", "Lines with NUL bytes", "They are what a broken disk or an interrupted copy leaves; cells were lost there.", "Compare with the original, at the byte offset given.")
_code("control_bytes", "Lines with control characters", "They are damage or separators of another program, and Casebook refuses them.", "Repair the lines given, or ask for another export.")
_code("line_ends_mixed", "Lines that end in different ways", "Files glued together from several exports look like this.", "Check that no header line stands in the middle.")
_code("truncated", "File that breaks off", "Its last line has no end and too few cells: the copy was cut short.", "Ask for the file again and compare sizes.")
_code("end_of_file_mark", "Old end-of-file mark", "A Ctrl-Z ends the file, as old programs write it.", "Take the last byte off.")
_code("excel_row_limit", "As many rows as a spreadsheet can hold", "What came after the limit was cut off without a word.", "Ask for an export that did not pass through a spreadsheet.")
_code("excel_leading_zeros", "Leading zeros lost", "Codes with fewer digits than the others are what a spreadsheet leaves of 02139.", "Use `zip: {pad: true}` or `pad:`, or ask for an export that did not pass through a spreadsheet.")
_code("excel_scientific", "Numbers turned into scientific form", "1.23E+11 has lost its last digits for good.", "Ask for an export that did not pass through a spreadsheet.")
_code("excel_serial_dates", "Dates turned into day numbers", "44197 is how a spreadsheet stores 2021-01-01.", "Use `excel_date`, after checking that these are no other numbers.")
_code("excel_month_days", "Codes turned into dates", "Jan-2 was once 1-2 or 01/02: a spreadsheet took it for a date.", "Ask for an export that did not pass through a spreadsheet.")
_code("excel_errors", "Error values of a spreadsheet", "#N/A, #REF! and ##### stand where a value should be.", "Ask for the values, or empty them by `null_if:`.")
_code("cell_limit", "Texts cut at a round length", "Several texts have exactly the greatest length, which is a limit of older programs.", "Ask for the full texts.")
_code("day_order_ambiguous", "Order of day and month not proved", "Every date can be read both ways.", "Ask the agency, then write the order into `date:`.")
_code("day_order_mixed", "Day and month in both orders", "Some dates allow only the one order, some only the other; all between them are in doubt.", "Find out which program wrote which rows.")
_code("impossible_dates", "Dates that do not exist", "No calendar has them, in either order of day and month.", "Correct them in the source, or let `on_error:` decide.")
_code("future_dates", "Dates in the future", "They may be planned, or typed wrong.", "Look at the rows; `date: {max: today}` finds them.")
_code("short_years", "Years of two digits", "Somebody has to decide which century is meant.", "Give `date:` a `pivot`.")
_code("sentinels", "Values that stand for nothing", '99, UNK or 01/01/1900 mean "not known" and would load as facts.', "Empty them by `null_if:`, `placeholder_name` or `placeholder_date`.")
_code("duplicate_keys", "Key with repeated values", "Two rows with one key are one person twice, or two people as one.", "Remove or merge the duplicates in the source, or map with `group`.")
_code("missing_keys", "Key with blanks", "A row without its key can be neither resumed nor found again.", "Fill the key in the source, or leave the rows out by `where`.")
_code("repeated_rows", "Rows that stand twice", "They are the same in every column, as when an export is appended to another.", "Find out why before one of them is ignored.")
_code("missing_parents", "References to rows that are not there", "The column points into another table, and some of its values are not there.", "Complete the export, or decide `on_missing:`.")
_code("declared_parents_missing", "Declared references to rows that are not there", "The source declares a foreign key, and some of its values are not there: rows were left out of the export, or the database did not keep its own rule.", "Complete the export, or decide `on_missing:`.")
_code("mojibake", "Letters broken by an earlier conversion", "UTF-8 was once read as Windows-1252: an é became two letters.", "Use `fix_mojibake`.")
_code("replacement_characters", "Letters lost by an earlier conversion", "The question mark in a diamond stands where a letter was; the letter is gone.", "Ask for an export from the original.")
_code("markup", "HTML in texts", "Tags and entities would show in Casebook as they are.", "Use `strip_html`.")
_code("empty_column", "Column without any value", "Nothing can be mapped from it.", "Ignore it in project.yaml with a reason, or ask whether the export lost it.")
_code("people", "Column that tells of people", "Its values are hidden here and must be classified when mapped.", "Set `pii:` on the fields that it feeds.")
_code("new_table", "Table that is new", "It was not there at the earlier intake.", "Map or ignore it.")
_code("lost_table", "Table that is gone", "It was there at the earlier intake.", "Ask for the complete export.")
_code("new_column", "Column that is new", "It was not there at the earlier intake.", "Map or ignore it.")
_code("lost_column", "Column that is gone", "It was there at the earlier intake.", "Ask for it, or change the mapping.")
_code("new_codes", "Codes that are new", "The column has few values, and these were not among them.", "Add them to the crosswalk.")
_code("shrunken", "Table that has shrunk", "It has clearly fewer rows than at the earlier intake.", "Check that the export is complete.")
_code("grown", "Table that has grown", "It has far more rows than at the earlier intake.", "Check that nothing was exported twice.")
# fmt: on
