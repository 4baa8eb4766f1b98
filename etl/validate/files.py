"""Looks at the bytes of attachments before anything is sent: there, inside the declared folder, not empty, not too large.

Size and hash go into the record, so that the plan knows the volume and a changed file is sent again.
"""

from __future__ import annotations

import pyarrow as pa

from etl.core.ports import FileFacts, Files
from etl.mapping.model import FileField, OnMissing

SIZE_SUFFIX = "._size"
SHA256_SUFFIX = "._sha256"


def check_files(
    records: pa.RecordBatch, name: str, value: FileField, files: Files, max_bytes: int | None
) -> tuple[pa.RecordBatch, list[tuple[str, pa.Array]]]:
    """The records with ``<name>._size`` and ``<name>._sha256`` beside the path, and a mask for each problem code.

    One look a row: the work is the file system's, not Python's. With ``on_missing: empty`` the path of a file that
    cannot be used is emptied.
    """
    looked = [_look(files, value.source, path, max_bytes) for path in records[name].to_pylist()]
    facts = [each if isinstance(each, FileFacts) else None for each in looked]
    sizes = pa.array([fact.size_bytes if fact else None for fact in facts], pa.int64())
    hashes = pa.array([fact.sha256 if fact else None for fact in facts], pa.string())
    if value.on_missing is OnMissing.EMPTY:
        paths = [path if fact else None for path, fact in zip(records[name].to_pylist(), facts, strict=True)]
        records = records.set_column(records.schema.get_field_index(name), name, pa.array(paths, pa.string()))
    records = records.append_column(name + SIZE_SUFFIX, sizes).append_column(name + SHA256_SUFFIX, hashes)
    codes = sorted({each for each in looked if isinstance(each, str)})
    return records, [(code, pa.array([each == code for each in looked])) for code in codes]


def _look(files: Files, source: str, path: str | None, max_bytes: int | None) -> FileFacts | str:
    if not path:
        return "file_missing"
    found = files.inspect(source, path)
    if isinstance(found, str):
        return found
    if not found.size_bytes:
        return "file_empty"
    if max_bytes is not None and found.size_bytes > max_bytes:
        return "file_too_large"
    return found
