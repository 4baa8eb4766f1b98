"""The records that are created already, so that a load that goes on skips them without making one object for each.

Sixteen bytes a record, sorted and exact: a million take 16 MB and a second, where asking state about each in turn would
take longer than the first request may wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from etl.core.keys import RecordKey

_KEY = np.dtype("S16")
"""Compared byte by byte; what numpy leaves off at the end of such a text are zeros that every key of this length has."""


class CreatedKeys:
    """A fixed set of record keys; ``blocks`` bring them in any order."""

    def __init__(self, blocks: Iterable[Sequence[RecordKey]]) -> None:
        parts = [_packed(block) for block in blocks]
        self._keys = np.sort(np.concatenate(parts)) if parts else np.empty(0, _KEY)

    def __len__(self) -> int:
        return len(self._keys)

    def contains(self, keys: Sequence[RecordKey]) -> npt.NDArray[np.bool_]:
        """Which of these keys are in the set."""
        if not len(self._keys):
            return np.zeros(len(keys), np.bool_)
        wanted = _packed(keys)
        places = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found: npt.NDArray[np.bool_] = self._keys[places] == wanted
        return found


def _packed(keys: Sequence[RecordKey]) -> npt.NDArray[np.bytes_]:
    return np.frombuffer(bytes.fromhex("".join(keys)), _KEY)
