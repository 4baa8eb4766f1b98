"""Calls a project's own functions: texts that are there go in as a pandas Series, as many texts or blanks come out.

Each result belongs to the value whose label it bears: what comes back in another order is put back into its place, and
what bears other labels is refused, so that nobody can get the value of somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.core.errors import UserFixable
from etl.mapping.failures import place_of, silenced
from etl.mapping.operations import Applied, Context
from etl.mapping.operations.model import checked

SeriesFunction: TypeAlias = Callable[["pd.Series[str]"], "pd.Series[str]"]

# The program keeps Arrow from loading pandas; functions may hand one's data to the other, so here they are made known.
pa.array([]).to_pandas()


def runner(name: str, function: SeriesFunction) -> Callable[[Sequence[pa.Array], Context], Applied]:
    """The run of an operation: each value alone decides its result, so that distinct values are enough."""
    told: set[str] = set()

    def run(inputs: Sequence[pa.Array], _: Context) -> Applied:
        texts = inputs[0]
        filled = pc.is_valid(texts)
        given = pd.Series(texts.filter(filled).to_pylist(), dtype="str")
        found = _answer(name, function, given, told) if len(given) else pa.array([], pa.string())
        return checked(texts, pc.replace_with_mask(pa.nulls(len(texts), pa.string()), filled, found))

    return run


def _answer(name: str, function: SeriesFunction, given: pd.Series[str], told: set[str]) -> pa.Array:
    """What the function gives for values that are all there, as text. Raises UserFixable, without any value."""
    try:
        with silenced(name, told):
            answer = function(given.copy())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - their own code may raise anything, and quote data
        message = f"The project's function `{name}` failed: {place_of(error, None)}."
        raise UserFixable(message, hint="Let it give a blank for a value that it cannot read.") from None
    if not isinstance(answer, pd.Series) or len(answer) != len(given):
        message = f"The project's function `{name}` does not give one value for each that it gets."
        raise UserFixable(message, hint="Give back a Series as long as the one it got.")
    answer = _in_place(name, answer, given)
    blank = answer.isna()
    if not all(isinstance(each, str) for each in answer[~blank]):
        raise UserFixable(f"The project's function `{name}` gives what is no text.", hint="Turn results into text.")
    return pa.array([None if empty else each for each, empty in zip(answer, blank, strict=True)], pa.string())


def _in_place(name: str, answer: pd.Series[str], given: pd.Series[str]) -> pd.Series[str]:
    """The results in the order of what was given. Raises UserFixable where labels are lost or doubled."""
    if answer.index.equals(given.index):
        return answer
    if not answer.index.is_unique or not answer.index.isin(given.index).all():
        message = f"The project's function `{name}` gives results that bear other labels than what it got."
        raise UserFixable(message, hint="Keep the index of the Series: each result belongs to the value of its label.")
    return answer.reindex(given.index)
