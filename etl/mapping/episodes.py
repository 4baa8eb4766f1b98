"""Resolves ``episodes:``: which rows fold into one interval, and the columns in which the intervals are visible.

Days are read by the operation ``date``, so that a fold reads a cell exactly as a field behind it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.expressions import Expression
from etl.mapping.model import Episodes, Field
from etl.mapping.operations import BoundOperation, OperationMistake, bind
from etl.mapping.page import Page
from etl.mapping.reads import columns_in
from etl.mapping.spec import EpisodesForm, MappingForm

PREFIX = "episode."
START, END, ROWS = "episode.start", "episode.end", "episode.rows"
EPISODE_COLUMNS = (START, END, ROWS)
"""First and last day as ISO text (the last one blank while it runs), and the number of rows."""
_PLACE: Place = ("source", "episodes")


def resolved_episodes(page: Page, form: MappingForm) -> Episodes | None:
    """How rows fold; None where they do not, or where it is said wrongly (noted)."""
    written = form.source.episodes
    if written is None:
        return None
    if form.source.group is not None:
        hint = "Keep `episodes`, which groups too, or `group`."
        page.note(_PLACE, "`group` and `episodes` exclude each other.", hint, code="wrong_form", key=True)
    if "episode" in form.source.join:
        page.note(
            ("source", "join", "episode"),
            f"Columns that start with `{PREFIX}` are those of `episodes`.",
            "Choose another name.",
            code="join_name",
            key=True,
        )
    _check_kind(page, written)
    read = _reader(page, written)
    if read is None:
        return None
    return Episodes(written.by, written.start, written.end, read, written.gap or 0, written.same, written.open_if)


def own_columns(episodes: Episodes | None) -> list[str]:
    """The source columns that a fold reads."""
    if episodes is None:
        return []
    return [*episodes.by, episodes.start, *filter(None, [episodes.end]), *episodes.same]


def of_the_source(names: Iterable[str], episodes: Episodes | None) -> list[str]:
    """Without the columns that folding makes."""
    return [name for name in names if episodes is None or name not in EPISODE_COLUMNS]


def check_episode_columns(page: Page, form: MappingForm, fields: Sequence[Field], where: Expression | None) -> None:
    """Notes columns of episodes that do not exist, or are read before rows are folded."""
    if form.source.episodes is None:
        return
    for field in fields:
        _check_names(page, ("fields", field.name), field.columns)
    _check_names(page, ("key",), form.key)
    if any(name.startswith(PREFIX) for name in columns_in(where)):
        hint = "Ask it in `when` of a field, or by a rule."
        page.note(("source", "where"), "`where` sees rows before they are folded.", hint, code="wrong_expression")


def _check_names(page: Page, place: Place, names: Iterable[str]) -> None:
    for name in names:
        if name.startswith(PREFIX) and name not in EPISODE_COLUMNS:
            hint = did_you_mean(name, EPISODE_COLUMNS)
            page.note(place, f"Episodes have no column `{name}`.", hint, code="unknown_column")


def _check_kind(page: Page, form: EpisodesForm) -> None:
    """By their own ends, or as a log of states: each kind has settings of its own."""
    if form.end is None and not form.same:
        hint = "Add `end: COLUMN`, or `same: COLUMN` for a log in which a state lasts until the next one."
        page.note(_PLACE, "Nothing says where an episode ends.", hint, code="missing_key")
    by_ends = form.end is not None
    useless = [("same", by_ends and bool(form.same), "Add its columns to `by`.")]
    useless += [("gap", not by_ends and form.gap is not None, "A log of states has no gaps.")]
    useless += [("open_if", not by_ends and bool(form.open_if), "A log of states has no last days.")]
    for key, is_useless, hint in useless:
        if is_useless:
            page.note((*_PLACE, key), f"`{key}` says nothing here.", hint, code="useless_key", key=True)


def _reader(page: Page, form: EpisodesForm) -> BoundOperation | None:
    formats: JsonValue = {"in": list(form.formats)} if form.formats else None
    try:
        return bind("date", formats)
    except OperationMistake as mistake:
        page.note((*_PLACE, "in"), mistake.message, mistake.hint, code="wrong_argument")
        return None
