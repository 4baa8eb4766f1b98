"""Before-images on disk: sealed with AES-256-GCM, appended group by group, durable before the change that follows.

A file of frames, each a small Parquet file under Parquet's modular encryption with a key of its own, bound to the run and
to its place in the file. Keys are derived from the project key and from a secret beside the file: without either of them
nothing can be read, so that removing the secret destroys all images at once, wherever copies of the file went.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet.encryption import create_decryption_properties, create_encryption_properties

from etl.core.errors import StateDamaged, StateError
from etl.core.images import BeforeImage, image_of
from etl.core.keys import RecordKeys
from etl.core.records import RunId
from etl.state import places

_PURPOSE = "before-images"
_SALT_BYTES = 16
_LENGTH_BYTES = 8
_HEAD_BYTES = _LENGTH_BYTES + _SALT_BYTES
_SECRET_BYTES = 32
_SCHEMA = pa.schema([("image", pa.string())])
_DAMAGED_HINT = "Restore the folder of the run from a backup; without it the run's updates cannot be undone."


@dataclass(slots=True)
class _Batch:
    images: list[BeforeImage] = field(default_factory=list)
    failure: StateError | None = None


class SealedImages:
    """The images of one run in its folder ``before``; implements :class:`etl.core.ports.BeforeImages`.

    One process writes at a time (who holds the state database). What waits while a group is written becomes the next one.
    """

    def __init__(self, folder: Path, run_id: RunId, keys: RecordKeys) -> None:
        self._file = folder / "images"
        self._secret_file = folder / "secret"
        self._run_id = run_id
        self._keys = keys
        self._batch = _Batch()
        self._writing = asyncio.Lock()
        self._frames: int | None = None

    async def keep(self, image: BeforeImage) -> None:
        """Adds an image, durable on return. Raises StateError, StateDamaged."""
        batch = self._batch
        batch.images.append(image)
        async with self._writing:
            if batch is self._batch:
                self._batch = _Batch()
                await self._write(batch)
        if batch.failure is not None:
            raise batch.failure

    def read(self) -> Iterator[BeforeImage]:
        """All images in the order in which they were kept; none where there are none. Raises StateDamaged."""
        if not self._file.exists():
            return
        secret = self._secret()
        for number, frame in enumerate(self._frames_there()):
            yield from self._opened(number, frame, secret)

    def backwards(self) -> Iterator[BeforeImage]:
        """All images, the latest first; one frame at a time is in memory. Raises StateDamaged."""
        if not self._file.exists():
            return
        secret, frames = self._secret(), list(self._frames_there())
        for number in reversed(range(len(frames))):
            yield from reversed(list(self._opened(number, frames[number], secret)))

    def exists(self) -> bool:
        """Whether the run kept any image that can still be read."""
        return self._file.exists() and self._secret_file.exists()

    def destroy(self) -> bool:
        """Makes all images unreadable, then removes them; False where there were none."""
        found = self._file.exists() or self._secret_file.exists()
        for path in (self._secret_file, self._file):
            path.unlink(missing_ok=True)
            if path.parent.exists():
                places.sync_folder(path.parent)
        return found

    async def _write(self, batch: _Batch) -> None:
        try:
            await asyncio.to_thread(self._append, batch.images)
        except StateError as error:
            batch.failure = error
        except OSError as error:
            batch.failure = StateError(
                f"What records held before cannot be kept ({error.strerror}).",
                hint="Nothing was changed without it. Make room in the runs folder, then run again.",
            )

    def _append(self, images: Sequence[BeforeImage]) -> None:
        if self._frames is None:
            self._frames = self._begin()
        salt = secrets.token_bytes(_SALT_BYTES)
        sealed = self._sealed_frame(images, salt, self._frames)
        with self._file.open("ab") as stream:
            stream.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + salt + sealed)
            stream.flush()
            os.fsync(stream.fileno())
        self._frames += 1

    def _begin(self) -> int:
        """Makes or opens the file for writing; returns its number of whole frames. A torn last one is cut off."""
        places.make_private_folder(self._file.parent)
        if not self._file.exists() or not self._file.stat().st_size:
            # Nothing was sealed with it yet: a secret that was cut short is made anew.
            for path in (self._secret_file, self._file):
                path.unlink(missing_ok=True)
                places.create_private_file(path)
            _write_durably(self._secret_file, secrets.token_bytes(_SECRET_BYTES))
        places.sync_folder(self._file.parent)
        whole = list(self._frames_there())
        os.truncate(self._file, sum(whole[-1]) if whole else 0)
        return len(whole)

    def _frames_there(self) -> Iterator[tuple[int, int]]:
        """Where every whole frame begins and how long it is; one that is cut short is the trace of a process that died
        writing it.
        """
        size, start = self._file.stat().st_size, 0
        with self._file.open("rb") as stream:
            while start + _HEAD_BYTES <= size:
                stream.seek(start)
                length = _HEAD_BYTES + int.from_bytes(stream.read(_LENGTH_BYTES), "big")
                if start + length > size:
                    return
                yield start, length
                start += length

    def _sealed_frame(self, images: Sequence[BeforeImage], salt: bytes, number: int) -> bytes:
        rows = [json.dumps(image.as_json()) for image in images]
        properties = create_encryption_properties(
            self._frame_key(salt, self._secret()), aad_prefix=self._place(number), store_aad_prefix=False
        )
        stream = pa.BufferOutputStream()
        with pq.ParquetWriter(stream, _SCHEMA, encryption_properties=properties, write_statistics=False) as writer:
            writer.write_table(pa.table({"image": rows}, _SCHEMA))
        content: bytes = stream.getvalue().to_pybytes()
        return content

    def _opened(self, number: int, frame: tuple[int, int], secret: bytes) -> Iterator[BeforeImage]:
        start, length = frame
        with self._file.open("rb") as stream:
            stream.seek(start + _LENGTH_BYTES)
            salt, sealed = stream.read(_SALT_BYTES), stream.read(length - _HEAD_BYTES)
        properties = create_decryption_properties(self._frame_key(salt, secret), aad_prefix=self._place(number))
        try:
            table = pq.read_table(pa.BufferReader(sealed), decryption_properties=properties)
        except (OSError, pa.ArrowException):
            # Its message is the library's own and may tell of the content.
            raise StateDamaged(f"The before-images of run {self._run_id} cannot be read.", hint=_DAMAGED_HINT) from None
        yield from (image_of(json.loads(row)) for row in table["image"].to_pylist())

    def _frame_key(self, salt: bytes, secret: bytes) -> bytes:
        return self._keys.derived(_PURPOSE, secret + salt)

    def _place(self, number: int) -> bytes:
        return f"{self._run_id}/{number}".encode()

    def _secret(self) -> bytes:
        secret = self._secret_file.read_bytes() if self._secret_file.exists() else b""
        if len(secret) != _SECRET_BYTES:
            raise StateDamaged(f"The before-images of run {self._run_id} have lost their secret.", hint=_DAMAGED_HINT)
        return secret


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
