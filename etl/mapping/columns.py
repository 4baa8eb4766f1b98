"""The closed world: once the sources' columns are known, every column is either read by a mapping or ignored with a reason.

These checks need the data's headers, so they run apart from loading; their mistakes still stand at the documents' places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from etl.core.errors import Mistake, Slip
from etl.core.ports import Join
from etl.core.suggest import did_you_mean, slip
from etl.mapping.episodes import of_the_source, own_columns
from etl.mapping.ignore import ignored_columns, ignored_reason, is_pattern, patterns_of
from etl.mapping.model import EntityMapping, Position, Project, VaryingTable
from etl.mapping.named_columns import joined
from etl.mapping.queries import columns_read
from etl.mapping.reads import columns_in

Columns = Mapping[str, Sequence[str]]


def check_columns(project: Project, columns: Columns) -> tuple[Mistake, ...]:
    """Every mistake about tables and columns, in file order. ``columns`` maps ``source.TABLE`` to its header."""
    uses = [use for mapping in project.mappings if not mapping.query for use in _uses(mapping)]
    headless = [table for table in columns if _is_headless(table, columns[table], uses)]
    found = [_headless(use) for use in uses if use.table in headless]
    found += _unknown_tables(project, columns)
    uses = [use for use in uses if use.table not in headless]
    columns = {table: names for table, names in columns.items() if table not in headless}
    found += [*_unknown_columns(uses, columns), *_repeated_aliases(project, columns)]
    found += [*_refused(project, _unused(project, columns, uses)), *_idle_ignores(project, columns, uses)]
    found += _misplaced_variations(project, columns)
    return tuple(sorted(set(found)))


def unknown_columns(project: Project, columns: Columns) -> tuple[Mistake, ...]:
    """The columns that are read and not there, in file order: what can be told of a project that has other mistakes too."""
    uses = [use for mapping in project.mappings if not mapping.query for use in _uses(mapping)]
    told = (use for use in uses if not _is_headless(use.table, columns.get(use.table, ()), uses))
    return tuple(sorted(set(_unknown_columns(told, columns))))


def new_columns(project: Project, columns: Columns) -> tuple[Unused, ...]:
    """The tables and columns that nobody decided about in sources that vary: named, because a newer edition brought them,
    and no mistake. In file order.
    """
    uses = [use for mapping in project.mappings if not mapping.query for use in _uses(mapping)]
    return tuple(each for each in _unused(project, columns, uses) if _is_new(project, each))


def left_behind(project: Project, columns: Columns) -> dict[str, tuple[str, ...]]:
    """By table, the columns that its patterns leave behind and no mapping reads."""
    read = _read(project, columns, (use for mapping in project.mappings if not mapping.query for use in _uses(mapping)))
    return {
        table: tuple(name for name in ignored_columns(project, table, names) if name not in read.get(table, ()))
        for table, names in columns.items()
    }


@dataclass(frozen=True, slots=True)
class Unused:
    """A table, or with ``column`` one of its columns, that is neither read nor ignored."""

    table: str
    column: str
    position: Position

    @property
    def message(self) -> str:
        """What was found."""
        return f"No mapping reads `{self.column}` of `{self.table}`." if self.column else self._of_table

    @property
    def hint(self) -> str:
        """What to do."""
        reason = f"{{{self.column}: reason}}" if self.column else "reason"
        return f"Map it, or write `{self.table}: {reason}` under `ignore`."

    @property
    def _of_table(self) -> str:
        return f"No mapping reads the table `{self.table}`."


# ---------------------------------------------------------------- what mappings read


@dataclass(frozen=True, slots=True)
class _Use:
    """A visible name that a mapping reads, and the table and column it means there."""

    name: str
    table: str
    column: str
    position: Position
    visible: tuple[tuple[str, str], ...]


def _uses(mapping: EntityMapping) -> Iterator[_Use]:
    """Every column that a mapping reads; ``visible`` pairs each prefix with its table."""
    visible = (("", mapping.base.table), *((f"{join.alias}.", join.table) for join in mapping.base.joins))
    for name, part in _names(mapping):
        prefix, table = _owner(visible, name)
        position = mapping.words.get((part, name), part)
        yield _Use(name, table, name.removeprefix(prefix), position, visible)
    for join in mapping.base.joins:
        for column in _own_columns(join):
            part = _at(mapping, f"join {join.alias}")
            position = mapping.words.get((part, joined(column)), part)
            yield _Use(column, join.table, column, position, (("", join.table),))


def _names(mapping: EntityMapping) -> Iterator[tuple[str, Position]]:
    for field in mapping.fields:
        yield from ((name, field.position) for name in of_the_source(field.columns, mapping.episodes))
    for rule in mapping.rules:
        yield from ((name, rule.position) for name in rule.columns)
    yield from ((name, _at(mapping, "key")) for name in of_the_source(mapping.key, mapping.episodes))
    yield from ((name, _at(mapping, "episodes")) for name in own_columns(mapping.episodes))
    yield from ((name, _at(mapping, "where")) for name in columns_in(mapping.where))
    order = (name.removeprefix("-") for name in mapping.base.group_order)
    yield from ((name, _at(mapping, "group")) for name in (*mapping.base.group_by, *order))
    for join in mapping.base.joins:
        yield from ((left, _at(mapping, f"join {join.alias}")) for left, _ in join.match)


def _own_columns(join: Join) -> list[str]:
    return [*(right for _, right in join.match), *(name.removeprefix("-") for name in join.pick_order)]


def _owner(visible: tuple[tuple[str, str], ...], name: str) -> tuple[str, str]:
    return next((each for each in visible if each[0] and name.startswith(each[0])), visible[0])


def _at(mapping: EntityMapping, part: str) -> Position:
    return mapping.positions.get(part, mapping.position)


# ---------------------------------------------------------------- names that are not there


def _is_headless(table: str, names: Sequence[str], uses: Iterable[_Use]) -> bool:
    """Whether a table's first row seems to be data: no column that is read is there, and a name is a number or a date.

    Its names may then be somebody's, so that none of them may be shown.
    """
    wanted = {use.column for use in uses if use.table == table}
    return bool(wanted) and wanted.isdisjoint(names) and any(not any(map(str.isalpha, name)) for name in names)


def _headless(use: _Use) -> Mistake:
    message = f"`{use.table}` has no column `{use.column}`, and its first row looks like data."
    return _mistake(use.position, message, "See that the first row names the columns.", "no_header")


def _unknown_tables(project: Project, columns: Columns) -> Iterator[Mistake]:
    for mapping in project.mappings:
        tables = [("table", mapping.base.table), *((f"join {each.alias}", each.table) for each in mapping.base.joins)]
        for part, table in tables:
            if table not in columns:
                yield _unknown_table(project, _at(mapping, part), table, columns)
    for table in project.ignore:
        if table not in columns and _editions(project, table.partition(".")[0]) is None:
            yield _unknown_table(project, project.positions[table], table, columns)


def _unknown_table(project: Project, position: Position, table: str, columns: Columns) -> Mistake:
    """Names where the table was looked for: most often a file is missing. A URL is not shown, it may hold a password."""
    source = project.sources.get(table.partition(".")[0])
    searched = (
        f" Source {source.name} reads {source.location}: is its file there?"
        if source and "://" not in source.location
        else ""
    )
    message, hint = f"There is no table `{table}`.", did_you_mean(table, columns) + searched
    return _mistake(position, message, hint, "unknown_table", slip(table, columns))


def _unknown_columns(uses: Iterable[_Use], columns: Columns) -> Iterator[Mistake]:
    for use in uses:
        if use.table in columns and use.column not in columns[use.table]:
            known = [f"{prefix}{column}" for prefix, table in use.visible for column in columns.get(table, ())]
            message = f"`{use.table}` has no column `{use.column}`."
            hint, meant = did_you_mean(use.name, known), slip(use.name, known)
            yield _mistake(use.position, message, hint, "unknown_column", meant)


def _repeated_aliases(project: Project, columns: Columns) -> Iterator[Mistake]:
    """A base column that starts like a join's column could never be read."""
    for mapping in project.mappings:
        for join in mapping.base.joins:
            if any(column.startswith(f"{join.alias}.") for column in columns.get(mapping.base.table, ())):
                message = f"Columns of `{mapping.base.table}` already start with `{join.alias}.`."
                yield _mistake(_at(mapping, f"join {join.alias}"), message, "Choose another name.", "join_name")


# ---------------------------------------------------------------- nothing is forgotten


def _unused(project: Project, columns: Columns, uses: Iterable[_Use]) -> Iterator[Unused]:
    """Tables and columns that are neither read nor ignored."""
    read = _read(project, columns, uses)
    for table, names in columns.items():
        position = project.positions.get(table, project.positions["ignore"])
        if ignored_reason(project, table) is not None:
            continue
        if table not in read:
            yield Unused(table, "", position)
            continue
        ignored = ignored_columns(project, table, names)
        yield from (Unused(table, name, position) for name in names if name not in read[table] | set(ignored))


def _read(project: Project, columns: Columns, uses: Iterable[_Use]) -> dict[str, set[str]]:
    """By table that a mapping uses, the columns that are read."""
    read: dict[str, set[str]] = {table: set() for table in _tables_used(project)}
    for use in uses:
        read.setdefault(use.table, set()).add(use.column)
    for mapping in project.mappings:
        for table, column in columns_read(mapping.query, columns):
            read.setdefault(table, set()).add(column)
    return read


def _tables_used(project: Project) -> Iterator[str]:
    for mapping in project.mappings:
        yield mapping.base.table
        yield from (join.table for join in mapping.base.joins)


def _refused(project: Project, unused: Iterable[Unused]) -> Iterator[Mistake]:
    for each in unused:
        if not _is_new(project, each):
            code = "forgotten_column" if each.column else "forgotten_table"
            yield _mistake(each.position, each.message, each.hint, code)


def _is_new(project: Project, unused: Unused) -> bool:
    """Whether an edition may have brought it: it is of a source that varies, and no document names it."""
    source, _, table = unused.table.partition(".")
    varies = _editions(project, source)
    return varies is not None and not (table in varies and unused.column in varies[table].columns)


def _editions(project: Project, source: str) -> Mapping[str, VaryingTable] | None:
    return project.sources[source].varies if source in project.sources else None


def _misplaced_variations(project: Project, columns: Columns) -> Iterator[Mistake]:
    """Entries of ``varies`` that speak of a table which is not there."""
    for source in project.sources.values():
        for table, varying in (source.varies or {}).items():
            if f"{source.name}.{table}" not in columns:
                yield _unknown_table(project, varying.position, f"{source.name}.{table}", columns)


def _idle_ignores(project: Project, columns: Columns, uses: Sequence[_Use]) -> Iterator[Mistake]:
    """Entries of ``ignore`` that match nothing, or contradict a mapping."""
    used_tables = set(_tables_used(project))
    used = {(use.table, use.column) for use in uses}
    for table in columns:
        if ignored_reason(project, table) is not None and table in used_tables:
            message = f"`{table}` is ignored as a whole, but a mapping reads it."
            yield _mistake(project.positions[table], message, "Ignore only its unused columns.", "ignored_and_read")
        for pattern in patterns_of(project, table):
            yield from _idle_pattern(project, table, pattern, columns[table], used)


def _idle_pattern(
    project: Project, table: str, pattern: str, names: Sequence[str], used: set[tuple[str, str]]
) -> Iterator[Mistake]:
    position = project.positions[(table, pattern)]
    if not any(fnmatchcase(name, pattern) for name in names):
        if _editions(project, table.partition(".")[0]) is not None:
            return
        message = f"`{pattern}` matches no column of `{table}`."
        yield _mistake(position, message, did_you_mean(pattern, names), "idle_ignore")
    elif not is_pattern(pattern) and (table, pattern) in used:
        message = f"`{pattern}` is ignored, but a mapping reads it."
        yield _mistake(position, message, "Remove one of the two.", "ignored_and_read")


def _mistake(position: Position, message: str, hint: str, code: str, meant: Slip | None = None) -> Mistake:
    return Mistake(position.file, position.line, position.column, message, hint, code, meant)
