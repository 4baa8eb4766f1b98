"""Reads how a sandbox shall behave where the real service may: the habits that a probe has to find out.

``name`` switches a habit on, ``name=value`` sets it; several are parted by commas, several values by semicolons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from etl.core.errors import SettingsError

HabitValue = bool | int | float | tuple[str, ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(";")))


_SWITCHES = ("accept_client_ids", "custom_fields_replace", "cascade_deletes", "ignore_sort")
_VALUES: Mapping[str, Callable[[str], HabitValue]] = {
    "page_max": int,
    "visibility_lag_s": float,
    "unfilterable": _names,
    "ignored_filters": _names,
}
HABITS = (*_SWITCHES, *_VALUES)


def parse_habits(text: str) -> dict[str, HabitValue]:
    """The settings in a text, by their names in :class:`SandboxSettings`. Raises SettingsError.

    >>> parse_habits("ignore_sort,page_max=20,unfilterable=notes;body")
    {'ignore_sort': True, 'page_max': 20, 'unfilterable': ('notes', 'body')}
    """
    return dict(_habit(part.strip()) for part in text.split(",") if part.strip())


def _habit(part: str) -> tuple[str, HabitValue]:
    name, equals, value = part.partition("=")
    if name in _SWITCHES and not equals:
        return name, True
    if name not in _VALUES or not value:
        raise _wrong(name)
    try:
        return name, _VALUES[name](value)
    except ValueError:
        raise _wrong(name) from None


def _wrong(name: str) -> SettingsError:
    known = ", ".join([*_SWITCHES, *(f"{each}=..." for each in _VALUES)])
    return SettingsError(f"{name} is no habit of a sandbox, or its value is wrong.", hint=f"Habits are: {known}.")
