"""Tasks that belong together: what ends one of them ends all, and comes out as the one error of ours that it is.

Left in a group it would be told as a defect of the program, without the remedy that it carries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from etl.core.errors import EtlError


@asynccontextmanager
async def quiet_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose first error of ours comes out as itself."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except* EtlError as group:
        raise first_error(group) from None


def first_error(group: BaseExceptionGroup[EtlError]) -> EtlError:
    """The first error of ours in a group, however deep."""
    for each in group.exceptions:
        return first_error(each) if isinstance(each, BaseExceptionGroup) else each
    raise group
