"""The attachment files: tiny but true PDF, PNG and text files, made byte by byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

OVER_THE_LIMIT_BYTES = 10 * 1024 * 1024 + 1


def _pdf(line: str) -> bytes:
    stream = f"BT /F1 18 Tf 72 720 Td ({line}) Tj ET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


def _png(shade: int) -> bytes:
    """A grey square of 16 by 16 points. Stored, not deflated: compressed bytes differ between versions of zlib."""
    pixels = (b"\x00" + bytes([shade]) * 16) * 16
    header = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(pixels, 0)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _documents() -> Iterator[tuple[str, bytes]]:
    for number in range(1, 6):
        yield f"case/home_study_{number}.pdf", _pdf(f"Home study no. {number}")
        yield f"person/photo_{number}.png", _png(40 * number)
        yield f"case/memo_{number}.txt", f"Memo no. {number}\nNothing here concerns a real person.\n".encode()


DOCUMENTS = dict(_documents())
"""Path below the folder of files -> bytes."""


def write_documents(folder: Path) -> None:
    """Writes all files below a folder."""
    for path, content in DOCUMENTS.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def write_large(target: Path) -> None:
    """Writes a file one byte over the limit, sparse where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.truncate(OVER_THE_LIMIT_BYTES)
