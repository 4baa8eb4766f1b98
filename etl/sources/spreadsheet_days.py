"""Which numbers of a spreadsheet are shown as days, which of them its calendar has, and how many digits it keeps."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_NOT_SHOWN = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].')
_BUILT_IN = frozenset((*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)))
_NO_LEAP_DAY = 60
MOST_DIGITS = 10**15
"""From here on a whole number may have lost its last digits."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The cell formats that show a day, and whether the days count from 1904."""

    formats: frozenset[int]
    since_1904: bool

    def has(self, days: float) -> bool:
        """Whether it is told as such a day: 1900-02-29 is one for spreadsheets only, and day 0 is read as a time alone."""
        return 1 <= days < math.inf and (self.since_1904 or int(days) != _NO_LEAP_DAY)


def formats_of_days(codes: Mapping[int, str]) -> frozenset[int]:
    """The numbers of the formats that show a year or a day, times alone are none; ``codes`` are those of the workbook's own.

    >>> 164 in formats_of_days({164: 'd-mmm-yy'}), 164 in formats_of_days({164: '"day" 0'}), 14 in formats_of_days({})
    (True, False, True)
    """
    shown = {number: _NOT_SHOWN.sub("", code).lower() for number, code in codes.items()}
    return frozenset(number for number, code in shown.items() if {"y", "d"} & set(code)) | (_BUILT_IN - shown.keys())
