"""What the intake says of files: every kind of damage is planted in sight and found at its line and byte."""

from __future__ import annotations

import datetime as dt

import pytest

from etl.core.intake import Kind, People
from etl.sources.intake.intake import Intake
from etl.sources.intake.verdict import Declared


class Silent:
    def start(self, stage, total=None):
        pass

    def advance(self, count=1):
        pass

    def note(self, text):
        pass


@pytest.fixture
def take_in(tmp_path):
    """Looks at files given as name and bytes; gives the certificate."""

    def run(declared=None, **files):
        (tmp_path / "work").mkdir(mode=0o700, exist_ok=True)
        with Intake(tmp_path / "work", Silent(), dt.datetime(2026, 1, 31, tzinfo=dt.UTC)) as intake:
            for name, content in files.items():
                path = tmp_path / f"{name}.csv"
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
                intake.add_file(path, name, declared or Declared())
            return intake.certificate()

    return run


def found(certificate, code):
    return [each for each in certificate.observations if each.code == code]


def only(certificate, code):
    (observation,) = found(certificate, code)
    return observation


def column_of(values, name="C"):
    return f"ID,{name}\n" + "".join(f"r{number},{value}\n" for number, value in enumerate(values))


def test_a_clean_file_has_nothing_to_be_said_of(take_in):
    certificate = take_in(PEOPLE="PERSON_ID,CITY\n1,Athens\n2,Dayton\n")
    assert certificate.is_clean
    assert certificate.observations == ()
    assert certificate.tables[0].keys == (("PERSON_ID",),)


def test_mixed_encodings_are_counted_by_line_with_the_first_places(take_in):
    lines = [b"ID,N", b"1,Ana", "2,José".encode(), "3,Zoë".encode(), "4,Núria".encode("cp1252"), "5,Ñ".encode()]
    content = b"\n".join(lines) + b"\n"
    certificate = take_in(T=content)
    mixed = only(certificate, "encoding_mixed")
    assert (mixed.severity, mixed.count) == ("block", 1)
    assert [(place.line, place.offset_bytes) for place in mixed.places] == [(5, content.index(b"4,N"))]
    file = certificate.tables[0].file
    assert (file.encoding, file.lines, file.utf8_lines, file.other_lines) == ("utf-8", 6, 3, 1)


@pytest.mark.parametrize(
    ("encoding", "names"), [("cp1252", "José,Zoë,D\u2019Amico \u2013 Peña"), ("mac_roman", "José,Zoë,Peña")]
)
def test_an_undeclared_encoding_is_named_by_what_its_letters_make_sense_in(take_in, encoding, names):
    rows = "".join(f"{number},{name}\n" for number, name in enumerate(names.split(",")))
    undeclared = only(take_in(T=("ID,N\n" + rows).encode(encoding)), "encoding_undeclared")
    assert undeclared.detail.partition(": ")[2].split(", ")[0] == encoding


def test_a_declared_encoding_is_not_doubted(take_in):
    certificate = take_in(T="ID,CITY\n1,Cañon\n".encode("cp1252"), declared=Declared("cp1252"))
    assert certificate.is_clean


def test_utf_16_is_read_by_its_mark_and_without_one(take_in):
    text = "ID,CITY\n1,Cañon City\n2,Athens\n"
    marked, bare = take_in(A=text.encode("utf-16"), B=text.encode("utf-16-le")).tables
    assert (marked.file.encoding, bare.file.encoding) == ("utf-16", "utf-16-le")
    assert [table.column("CITY").distinct for table in (marked, bare)] == [2, 2]


def test_ragged_rows_nul_bytes_and_a_cut_end_are_told_with_line_and_byte(take_in):
    content = b"ID,A,B\r\n1,x,y\r\n2,x\r\n3,\0\0,y\r\n4,x,y\r\n5,x"
    certificate = take_in(T=content)
    ragged, nul, cut = (only(certificate, code) for code in ("ragged_row", "nul_bytes", "truncated"))
    assert [(place.row, place.line, place.offset_bytes) for place in ragged.places] == [
        (2, 3, 15),
        (5, 6, content.rindex(b"5,x")),
    ]
    assert [(place.line, place.offset_bytes) for place in nul.places] == [(4, 20)]
    assert [place.line for place in cut.places] == [6]
    assert certificate.tables[0].damaged == 3


def test_places_stay_right_beyond_the_first_block(take_in):
    head = b"ID,N\n" + b"".join(b"%07d,%s\n" % (number, b"x" * 100) for number in range(20_000))
    content = head + b"0020000,caf\xe9\n0020001\n"
    certificate = take_in(T=content)
    assert only(certificate, "encoding_undeclared").places[0].offset_bytes == len(head)
    assert only(certificate, "encoding_undeclared").places[0].line == 20_002
    assert only(certificate, "ragged_row").places[0].offset_bytes == content.index(b"0020001\n")


def test_a_delimiter_in_doubt_is_told_and_the_table_is_named_as_not_read(take_in):
    certificate = take_in(T="A,B;C\n1,2;3\n4,5;6\n")
    assert "may be" in only(certificate, "unreadable").detail
    assert certificate.unreadable == ("T",)


def test_a_file_without_a_header_does_not_stop_the_others(take_in):
    certificate = take_in(EMPTY=b"", GOOD="ID,A\n1,x\n")
    assert certificate.unreadable == ("EMPTY",)
    assert [table.name for table in certificate.tables] == ["GOOD"]


@pytest.mark.parametrize(
    ("code", "name", "values"),
    [
        ("excel_leading_zeros", "ZIP", ["02139", "2139", "43215", "43210"]),
        ("excel_scientific", "CASE_NO", ["1.23E+11", "45", "46", "47"]),
        ("excel_serial_dates", "OPEN_DT", ["44197", "2021-01-02", "2021-01-03", "2021-01-04"]),
        ("excel_month_days", "UNIT_CD", ["2-Jan", "1-3", "1-4", "1-5"]),
        ("excel_errors", "UNIT_CD", ["#N/A", "a", "b", "c"]),
    ],
)
def test_what_a_spreadsheet_spoils_is_found_once(take_in, code, name, values):
    observation = only(take_in(T=column_of(values, name)), code)
    assert (observation.column, observation.count) == (name, 1)
    assert observation.places[0].line in (2, 3)


@pytest.mark.parametrize(
    ("days", "verdict"),
    [
        (["03/04/2020", "12/25/2020"], "month first"),
        (["03/04/2020", "25.12.2020"], "day first"),
        (["13/04/2020", "04/13/2020"], "mixed"),
        (["03/04/2020", "05/06/2020"], "ambiguous"),
    ],
)
def test_the_order_of_day_and_month_is_proved_or_called_unproved(take_in, days, verdict):
    certificate = take_in(T=column_of(days, "OPEN_DT"))
    assert certificate.tables[0].column("OPEN_DT").day_order.verdict == verdict
    assert bool(found(certificate, "day_order_ambiguous")) == (verdict == "ambiguous")
    assert bool(found(certificate, "day_order_mixed")) == (verdict == "mixed")


def test_dates_that_do_not_exist_are_found_in_the_proved_order(take_in):
    certificate = take_in(T=column_of(["12/25/2020", "02/30/2020", "2021-02-29", "31/01/2020"], "OPEN_DT"))
    assert only(certificate, "impossible_dates").count == 2


def test_sentinels_are_named_with_their_counts_and_common_numbers_are_not(take_in):
    ages = ["7", "12", "9", "11", "999", "999", "999", "8", "UNK"]
    observation = only(take_in(T=column_of(ages, "AGE")), "sentinels")
    assert observation.detail == "999 (3), UNK (1)"
    assert not found(take_in(T=column_of([str(number) for number in range(60, 130)], "WEIGHT")), "sentinels")


def test_social_security_numbers_of_nobody_are_sentinels(take_in):
    numbers = [f"21{number}-4{number % 10}-{number:04}" for number in range(1, 10)]
    placeholders = ["123-45-6789", "123456789", "999-99-9999", "111 11 1111"]
    observation = only(take_in(T=column_of([*numbers, *placeholders], "SSN")), "sentinels")
    assert observation.count == 4
    assert all(each in observation.detail for each in placeholders)
    assert not found(take_in(T=column_of(numbers, "SSN")), "sentinels")


def test_dates_that_stand_for_nothing_are_sentinels(take_in):
    days = ["01/01/1900", "12/31/9999", "12/25/2020", "01/01/1900"]
    certificate = take_in(T=column_of(days, "END_DT"))
    assert only(certificate, "sentinels").detail == "01/01/1900 (2), 12/31/9999 (1)"
    assert not found(certificate, "future_dates")


def test_zeros_and_letters_of_keys_are_never_trimmed_away(take_in):
    certificate = take_in(T="PERSON_ID,X\n010,a\n0100,b\n10,c\nau1,d\n1,e\n\u00a010 ,f\n")
    assert certificate.tables[0].column("PERSON_ID").distinct == 5


def test_a_key_with_duplicates_and_blanks_is_told_with_its_places(take_in):
    rows = "".join(f"{number},x{number}\n" for number in range(20))
    certificate = take_in(PERSONS=f"PERSON_ID,A\n{rows}7,again\n,none\n")
    duplicate, missing = only(certificate, "duplicate_keys"), only(certificate, "missing_keys")
    assert [place.line for place in duplicate.places] == [9, 22]
    assert [place.line for place in missing.places] == [23]


def test_rows_that_stand_twice_and_pairs_that_tell_rows_apart(take_in):
    certificate = take_in(LINKS="CASE_NO,ROLE\n1,a\n1,b\n2,a\n", TWICE="A,B\nx,y\nx,y\nx,y\nz,y\n")
    assert certificate.tables[0].keys == (("CASE_NO", "ROLE"),)
    assert only(certificate, "repeated_rows").count == 2


def test_a_reference_is_found_by_name_and_values_and_its_orphans_are_told(take_in):
    persons = "PERSON_ID,X\n" + "".join(f"P{number:03},x\n" for number in range(30))
    notes = "NOTE_ID,PERS_ID\n" + "".join(f"N{number:03},P{number % 29 + 2:03}\n" for number in range(60))
    certificate = take_in(PERSONS=persons, NOTES=notes)
    (reference,) = certificate.references
    assert (reference.table, reference.column, reference.parent, reference.parent_column) == (
        "NOTES",
        "PERS_ID",
        "PERSONS",
        "PERSON_ID",
    )
    assert (reference.values, reference.missing_values, reference.missing_rows) == (29, 1, 2)
    assert only(certificate, "missing_parents").count == 2


def test_small_codes_are_not_taken_for_references(take_in):
    persons = "PERSON_ID,X\n" + "".join(f"{number},x\n" for number in range(30))
    cases = "CASE_NO,STATUS_NO\n" + "".join(f"C{number},{number % 4}\n" for number in range(40))
    assert take_in(PERSONS=persons, CASES=cases).references == ()


def test_columns_that_tell_of_people_are_known_by_name_or_by_values(take_in):
    header = "K,LAST_NM,DateOfBirth,SSN,HOME_PHONE,X1,X2,ADDR_ID,PHONE_FL\n"
    rows = "".join(
        f"{n},Rivera,2011-0{n}-01,219-09-000{n},614-466-200{n},a{n}@b.org,{'She said that ' * 12},1234567{n},Y\n"
        for n in range(1, 6)
    )
    table = take_in(T=header + rows).tables[0]
    assert {column.name: column.people for column in table.columns} == {
        "K": None,
        "LAST_NM": People.NAME,
        "DateOfBirth": People.BIRTH,
        "SSN": People.SSN,
        "HOME_PHONE": People.PHONE,
        "X1": People.EMAIL,
        "X2": People.NOTES,
        "ADDR_ID": None,
        "PHONE_FL": None,
    }


def test_codes_are_kept_for_codes_only(take_in):
    header = "K,SEX_CD,LAST_NM\n"
    table = take_in(T=header + "".join(f"{n},{'MF'[n % 2]},Rivera\n" for n in range(10))).tables[0]
    assert [code.text for code in table.column("SEX_CD").codes] == ["F", "M"]
    assert table.column("LAST_NM").codes == ()
    assert table.column("K").codes == ()


def test_counts_of_a_column_add_up(take_in):
    table = take_in(T="K,V\n1, a \n2,\n3,  \n4,12\n").tables[0]
    value = table.column("V")
    assert (value.filled, value.blank, value.null, value.padded, value.distinct) == (2, 2, 0, 1, 2)
    assert value.kinds == {Kind.INTEGER: 1, Kind.TEXT: 1}


def test_a_column_named_like_sql_is_only_a_column(take_in):
    table = take_in(T='"a"";drop table x;--",b\n1,2\n').tables[0]
    assert table.column('a";drop table x;--').filled == 1


def test_texts_broken_by_earlier_conversions_are_told(take_in):
    certificate = take_in(T=column_of(["JosÃ©", "a\ufffdb", "<p>x</p>", "plain"], "TITLE"))
    assert [only(certificate, code).count for code in ("mojibake", "replacement_characters", "markup")] == [1, 1, 1]
