"""Operations for telephone numbers, e-mail addresses and tax numbers, checked by libraries that know the rules in force.

Nobody is asked over a network whether a number or an address exists.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.domain_values import Unreadable, on_distinct, people_libraries
from etl.mapping.operations.model import BoundOperation, OperationMistake
from etl.mapping.operations.people import PLACEHOLDER_PHONE

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_PHONE_FORMS = ("e164", "national", "international")
_ONE_NUMBER = re.compile(r"[^a-zA-Z;,#]*(?:(?:(?:extension|ext|x)\.?|#)\s*[0-9]{1,6})?\s*", re.IGNORECASE)
"""A number and its extension: the library would take a second number behind a semicolon or a comma for an extension."""
_PLACEHOLDER = re.compile(PLACEHOLDER_PHONE)
_TAX_KINDS = ("ein", "itin", "atin", "ptin")


def phone_number(argument: JsonValue) -> BoundOperation:
    """Reads a telephone number of any country and lets through only numbers that its numbering plan really uses.

    `country` (two letters, `US` unless given) is meant where a number has no `+`. `form` is `e164`, `national` or
    `international`. An extension is left out: `phone_extension` gives it, and `phone` keeps it in one text. Numbers that
    stand for "not known" (555-555-5555) are errors.

    >>> phone_number(None).on("(614) 466-2000 ext. 12", "+44 20 7946 0958", "614-055-0123", "call mother")
    ['+16144662000', '+442079460958', '!invalid_value', '!invalid_value']
    >>> phone_number({"country": "GB", "form": "national"}).on("020 7946 0958")
    ['020 7946 0958']
    """
    given = arguments.settings("phone_number", argument, ("country", "form"))
    country = _country("phone_number", given.get("country"))
    form = arguments.one_of("phone_number", given.get("form"), "form", _PHONE_FORMS)
    with people_libraries("phone_number"):
        from phonenumbers import PhoneNumberFormat, format_number  # noqa: PLC0415 - an extra

    style = {
        "e164": PhoneNumberFormat.E164,
        "national": PhoneNumberFormat.NATIONAL,
        "international": PhoneNumberFormat.INTERNATIONAL,
    }[form]

    def read(text: str) -> str:
        number = _number(text, country)
        number.extension = None
        return format_number(number, style)

    return on_distinct("phone_number", argument, read)


def phone_extension(argument: JsonValue) -> BoundOperation:
    """Gives the extension of a telephone number, blank where it has none. A number that cannot be is an error.

    >>> phone_extension(None).on("614-466-2000 x12", "614-466-2000", "x12")
    ['12', None, '!invalid_value']
    """
    given = arguments.settings("phone_extension", argument, ("country",))
    country = _country("phone_extension", given.get("country"))
    return on_distinct("phone_extension", argument, lambda text: _number(text, country).extension)


def _country(name: str, value: JsonValue) -> str:
    with people_libraries(name):
        from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - an extra
    country = "US" if value is None else arguments.text(name, value, "`country`")
    if country not in SUPPORTED_REGIONS:
        raise OperationMistake(f"`{name}` knows no country {country!r}.", "Give two capital letters, such as US.")
    return country


def _number(text: str, country: str) -> PhoneNumber:
    from phonenumbers import NumberParseException, is_valid_number, parse  # noqa: PLC0415 - an extra

    if not _ONE_NUMBER.fullmatch(text):
        raise Unreadable  # the library would drop words, or spell them out as digits
    try:
        number = parse(text, country)
    except NumberParseException:
        raise Unreadable from None
    if not is_valid_number(number) or _PLACEHOLDER.search(str(number.national_number)):
        raise Unreadable
    return number


def email_address(argument: JsonValue) -> BoundOperation:
    """Reads an e-mail address by the rules in force, other scripts included, and writes it in its normal form.

    Domains that can never receive mail (`localhost`, `x.test`) are errors. `email` is the simple form of this
    operation, without a library.

    >>> email_address(None).on("Ana@Example.ORG", "ana@b\u00fccher.de", "ana@localhost", "ana..b@x.org")
    ['Ana@example.org', 'ana@b\u00fccher.de', '!invalid_value', '!invalid_value']
    """
    arguments.no_argument("email_address", argument)
    with people_libraries("email_address"):
        from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - an extra

    def read(text: str) -> str:
        try:
            return validate_email(text, check_deliverability=False).normalized
        except EmailNotValidError:
            raise Unreadable from None

    return on_distinct("email_address", argument, read)


def tax_number(argument: JsonValue) -> BoundOperation:
    """Reads a tax number that is no Social Security number: `ein` (employers), `itin`, `atin` or `ptin`.

    `form` is `dashed` or `compact`. Numbers outside the blocks that are issued are errors. `ssn` reads Social Security
    numbers.

    >>> tax_number({"kind": "ein"}).on("911144442", "00-1144442")
    ['91-1144442', '!invalid_value']
    >>> tax_number({"kind": "itin", "form": "compact"}).on("912-90-3456")
    ['912903456']
    """
    given = arguments.settings("tax_number", argument, ("kind", "form"), main="kind", required=("kind",))
    kind = arguments.one_of("tax_number", given["kind"], "kind", _TAX_KINDS)
    is_compact = arguments.one_of("tax_number", given.get("form"), "form", ("dashed", "compact")) == "compact"
    with people_libraries("tax_number"):
        from stdnum.exceptions import ValidationError  # noqa: PLC0415 - an extra
        from stdnum.us import atin, ein, itin, ptin  # noqa: PLC0415 - an extra

    validate = {"ein": ein.validate, "itin": itin.validate, "atin": atin.validate, "ptin": ptin.validate}[kind]
    dashed = {"ein": ein.format, "itin": itin.format, "atin": atin.format}.get(kind, str)

    def read(text: str) -> str:
        try:
            number = validate(text)
        except ValidationError:
            raise Unreadable from None
        return number if is_compact else dashed(number)

    return on_distinct("tax_number", argument, read)


OPERATIONS = (phone_number, phone_extension, email_address, tax_number)
