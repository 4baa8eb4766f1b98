"""Physical lines with their numbers, for files of one record a line; overlong lines are told, never held."""

from __future__ import annotations

from collections.abc import Iterator

from etl.sources.csv_blocks import whole_lines
from etl.sources.dialect import LONGEST_ROW, physical_lines

_LINE_ENDS = ("\n", "\r")


def numbered_lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, str | None]]:
    r"""Line number from 1 and text without its end; None instead of a text longer than the longest row.

    >>> list(numbered_lines(iter([b"a\r\nb", b"c\n\nd"])))
    [(1, 'a'), (2, 'bc'), (3, ''), (4, 'd')]
    """
    number = 1
    is_overlong = False
    for chunk, is_fragment in whole_lines(blocks):
        if is_fragment:
            is_overlong = True
            continue
        for line in physical_lines(chunk.decode("utf-8", "surrogatepass")):
            text = line.removesuffix("\n").removesuffix("\r")
            yield number, None if is_overlong or len(text) > LONGEST_ROW else text
            is_overlong = False
            number += line.endswith(_LINE_ENDS)
    if is_overlong:
        yield number, None
