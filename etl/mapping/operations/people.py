"""Operations for names, numbers and addresses of people in the United States: simple, documented forms without a library."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.model import Applied, BoundOperation, checked, on_text, plain
from etl.mapping.operations.states import STATES
from etl.mapping.operations.texts import NO_TEXT, squeezed

_NUMERAL = re.compile(r"(?i)(?:(?<=\s)|^)(?:II|III|IV|VII|VIII)(?=$|,)|(?<=[^\s,]\s)VI$")
_SCOTTISH = re.compile(r"\bMc[a-z]")
_PHONE = (
    r"^\s*(?:\+?1[\s.-]*)?\(?(?P<area>[2-9][0-9]{2})\)?[\s./-]*(?P<exchange>[2-9][0-9]{2})[\s.-]*(?P<line>[0-9]{4})"
    r"\s*(?:(?i:ext\.?|x)\s*(?P<extension>[0-9]{1,6}))?\s*$"
)
PLACEHOLDER_PHONE = r"^(?:2{10}|3{10}|4{10}|5{10}|6{10}|7{10}|8{10}|9{10})$|(?:5{7}|9{7})$|^(?:9876543210|2345678901)$"
"""Ten digits that people type where they know none. Numbers of one digit seven times do exist, but not with 5, hardly with 9."""
_EMAIL = (
    r"^\s*(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@"
    r"(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63})\s*$"
)
_SSN = r"^\s*(?P<area>[0-9]{3})[ -]?(?P<group>[0-9]{2})[ -]?(?P<serial>[0-9]{4})\s*$"
_NO_SSN = (
    r"^(?:000|666|9)|^...00|0000$|^(?:0{9}|1{9}|2{9}|3{9}|4{9}|5{9}|7{9}|8{9})$|^(?:123456789|078051120|219099999)$"
)
_ZIP = r"^\s*(?P<five>[0-9]{5})(?:[ -]?(?P<four>[0-9]{4}))?\s*$"


def title_name(argument: JsonValue) -> BoundOperation:
    """Writes a name that is all in capitals or all small with capital initials; a name in mixed letters stays as it is.

    White space is squeezed. O' and Mc are known, and the numerals II, III, IV, VII and VIII: alone, as the last word, or
    as the last before a comma. VI is one only as the last word behind another one; alone or behind a comma it is the name Vi.

    >>> title_name(None).on("ANA  MARIA", "o'brien-mcdonald iii", "van der Berg")
    ['Ana Maria', "O'Brien-McDonald III", 'van der Berg']
    >>> title_name(None).on("III", "RIVERA IV, JUAN", "JUAN RIVERA VI", "VI")
    ['III', 'Rivera IV, Juan', 'Juan Rivera VI', 'Vi']
    """
    arguments.no_argument("title_name", argument)
    return plain("title_name", argument, titled)


def titled(texts: pa.Array) -> pa.Array:
    """Names with capital initials where they are all in capitals or all small, squeezed."""
    names = squeezed(texts)
    mixed = pc.and_(pc.not_equal(names, pc.utf8_upper(names)), pc.not_equal(names, pc.utf8_lower(names)))
    return pc.if_else(mixed, names, _with_name_forms(pc.utf8_title(names)))


def _with_name_forms(names: pa.Array) -> pa.Array:
    """Row by row, but only for names that hold a form which column functions cannot write."""
    special = pc.fill_null(
        pc.match_substring_regex(names, r"\bMc[a-z]|(?:\s|^)(?:Ii|Iii|Iv|Vi|Vii|Viii)(?:$|,)"), False
    )
    if not pc.any(special).as_py():
        return names
    written = [_name_form(name) for name in names.filter(special).to_pylist()]
    return pc.replace_with_mask(names, special, pa.array(written, pa.string()))


def _name_form(name: str) -> str:
    return _NUMERAL.sub(
        lambda found: found[0].upper(), _SCOTTISH.sub(lambda found: found[0][:2] + found[0][2].upper(), name)
    )


def phone(argument: JsonValue) -> BoundOperation:
    """Reads a telephone number of the North American plan, with or without country code 1 and an extension.

    `form` is `e164` (+16145550123) or `national` ((614) 555-0123). An extension follows as ` x12`. Numbers that stand for
    "not known" (555-555-5555, 614-999-9999, 987-654-3210) are errors.

    >>> phone(None).on("(614) 555-0123", "1-614-555-0123 ext. 12", "555-0123", "555-555-5555")
    ['+16145550123', '+16145550123 x12', '!invalid_value', '!invalid_value']
    >>> phone({"form": "national"}).on("6145550123")
    ['(614) 555-0123']
    """
    given = arguments.settings("phone", argument, ("form",))
    national = arguments.one_of("phone", given.get("form"), "form", ("e164", "national")) == "national"

    def kernel(texts: pa.Array) -> Applied:
        found = pc.extract_regex(texts, _PHONE)
        area, exchange, line, extension = (pc.struct_field(found, index) for index in range(4))
        number = _joined("(", area, ") ", exchange, "-", line) if national else _joined("+1", area, exchange, line)
        ending = pc.if_else(pc.equal(extension, ""), "", _joined(" x", extension))
        unknown = pc.match_substring_regex(_joined(area, exchange, line), PLACEHOLDER_PHONE)
        return checked(texts, pc.if_else(unknown, NO_TEXT, _joined(number, ending)))

    return on_text("phone", argument, lambda texts, _: kernel(texts))


def _joined(*pieces: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, "")


def email(argument: JsonValue) -> BoundOperation:
    """Checks the form of an e-mail address and writes its domain in small letters. Nobody is asked whether it exists.

    >>> email(None).on(" Ana@Example.ORG ", "ana at example")
    ['Ana@example.org', '!invalid_value']
    """
    arguments.no_argument("email", argument)

    def kernel(texts: pa.Array) -> Applied:
        found = pc.extract_regex(texts, _EMAIL)
        local = pc.struct_field(found, "local")
        wrong = pc.match_substring_regex(local, r"^\.|\.$|\.\.")
        address = _joined(local, "@", pc.utf8_lower(pc.struct_field(found, "domain")))
        return checked(texts, pc.if_else(wrong, NO_TEXT, address))

    return on_text("email", argument, lambda texts, _: kernel(texts))


def ssn(argument: JsonValue) -> BoundOperation:
    """Reads a Social Security number, with or without dashes. Numbers that are never issued are errors.

    `form` is `digits` or `dashed`.

    >>> ssn(None).on("219-09-1234", "000-12-3456", "111111111")
    ['219091234', '!invalid_value', '!invalid_value']
    >>> ssn({"form": "dashed"}).on("219091234")
    ['219-09-1234']
    """
    given = arguments.settings("ssn", argument, ("form",))
    between = "-" if arguments.one_of("ssn", given.get("form"), "form", ("digits", "dashed")) == "dashed" else ""

    def kernel(texts: pa.Array) -> Applied:
        found = pc.extract_regex(texts, _SSN)
        parts = [pc.struct_field(found, index) for index in range(3)]
        never = pc.match_substring_regex(_joined(*parts), _NO_SSN)
        return checked(texts, pc.if_else(never, NO_TEXT, pc.binary_join_element_wise(*parts, between)))

    return on_text("ssn", argument, lambda texts, _: kernel(texts))


def state(argument: JsonValue) -> BoundOperation:
    """Reads a state or territory of the United States, by name or by its two letters, and gives the two letters.

    >>> state(None).on("ohio", "OH", "Ontario")
    ['OH', 'OH', '!invalid_value']
    """
    arguments.no_argument("state", argument)
    return on_text("state", argument, lambda texts, _: checked(texts, letters_of(texts)))


def letters_of(texts: pa.Array) -> pa.Array:
    """The two letters of states that are given by letters or name; null where a text is none."""
    spelled = pa.array([name.upper() for name in STATES] + list(STATES.values()))
    codes = pa.array(list(STATES.values()) * 2)
    return pc.take(codes, pc.index_in(pc.utf8_upper(squeezed(texts)), spelled))


def zip_code(argument: JsonValue) -> BoundOperation:
    """Reads a ZIP code of five or nine digits. `pad: true` restores leading zeros that a spreadsheet has dropped.

    >>> zip_code(None).on("43215", "432151000", "2139")
    ['43215', '43215-1000', '!invalid_value']
    >>> zip_code({"pad": True}).on("2139")
    ['02139']
    """
    given = arguments.settings("zip", argument, ("pad",))
    padded = arguments.question("zip", given.get("pad"), "pad")

    def kernel(texts: pa.Array) -> Applied:
        found = pc.extract_regex(_restored(texts) if padded else texts, _ZIP)
        five, four = (pc.struct_field(found, each) for each in ("five", "four"))
        return checked(texts, _joined(five, pc.if_else(pc.equal(four, ""), "", _joined("-", four))))

    return on_text("zip", argument, lambda texts, _: kernel(texts))


def _restored(texts: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts)
    short = pc.match_substring_regex(trimmed, "^[0-9]{3,4}$")
    long = pc.match_substring_regex(trimmed, "^[0-9]{7,8}$")
    return pc.case_when(
        pc.make_struct(short, long), pc.utf8_lpad(trimmed, 5, "0"), pc.utf8_lpad(trimmed, 9, "0"), trimmed
    )


OPERATIONS = (title_name, phone, email, ssn, state, zip_code)
