"""Faults on request: which requests go wrong, and how. Seeded, so that the same requests meet the same faults.

Each rule has a random stream and a counter of its own; adding a rule therefore never shifts what the others do. The
first rule that fires for a request wins.
"""

from __future__ import annotations

import random
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import yaml

from etl.core.errors import SettingsError

WRITES = ("POST", "PATCH", "DELETE")
KINDS: Mapping[str, str] = {
    "status": "answers with a status code, before or after the commit",
    "reset_before_commit": "cuts the line, nothing was done",
    "reset_after_commit": "does the work, then cuts the line",
    "late_commit": "cuts the line now and does the work delay_s later",
    "delay": "answers delay_s late",
    "drip": "sends the body in small pieces, delay_s in all",
    "truncated": "does the work and answers with half of the JSON",
    "cut_body": "does the work and cuts the line amid the body",
    "bad_encoding": "does the work and answers with a body that claims to be gzip",
    "foreign_body": "does the work and answers with a page of HTML",
    "no_id": "does the work and leaves the id out of the answer",
    "number_id": "does the work and answers with an id that is a number",
    "wrong_type": "does the work and answers with another type of record",
    "double_names": "does the work and answers with JSON in which a name stands twice",
    "huge_body": "does the work and answers with 11 MB",
    "deep_body": "does the work and answers with JSON nested 500 deep",
    "empty_body": "does the work and answers without a body",
    "foreign_status": "answers with a status code and a page of HTML, as something in front of the API would",
    "ignored_filter": "a list is answered as if it had not been filtered",
    "foreign_next": "a list names `location` as its next page",
    "upload_url": "an answer names `location` as the address for uploads",
    "expire_tokens": "all bearer tokens expire with this request",
    "lag": "what this request creates is visible to GET only delay_s later",
    "blind_get": "a list is answered as if it were empty, a record as if it were not there",
}
_AFTER_COMMIT = frozenset(
    {
        "reset_after_commit",
        "late_commit",
        "truncated",
        "cut_body",
        "bad_encoding",
        "foreign_body",
        "no_id",
        "number_id",
        "wrong_type",
        "double_names",
        "huge_body",
        "deep_body",
        "empty_body",
        "upload_url",
        "lag",
    }
)
_OF_READING = frozenset({"blind_get", "ignored_filter", "foreign_next"})
_HINT = "Write for example `reset_after_commit:0.1,status_429@POST:first=3`; kinds: " + ", ".join(KINDS) + "."


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One rule.

    Methods, path pattern (``*`` matches any text) and entity select requests; ``probability``, ``nth`` (counted
    from 1 among the selected requests), ``first`` and ``every`` say which of those it hits; without any of them,
    all. The ``spared`` first of them are let through, and with ``once`` a request that comes again.
    ``retry_after`` and ``location`` are sent as they stand; ``date:5`` becomes an HTTP date five seconds ahead.
    """

    kind: str
    methods: tuple[str, ...] = ()
    path: str | None = None
    entity: str | None = None
    probability: float | None = None
    nth: tuple[int, ...] = ()
    first: int | None = None
    every: int | None = None
    spared: int = 0
    once: bool = False
    status: int = 503
    after_commit: bool = False
    delay_s: float = 1.0
    retry_after: str = ""
    location: str = ""

    @property
    def name(self) -> str:
        """How the journal names it."""
        if self.kind not in {"status", "foreign_status"}:
            return self.kind
        return f"{self.kind}_{self.status}" + "_after_commit" * self.after_commit

    def selects(self, method: str, path: str, entity: str) -> bool:
        """Whether the rule concerns this kind of request. Tokens and uploads must be named to be concerned."""
        named = self.path is not None or self.entity is not None
        return (
            (named or entity not in {"token", "upload"})
            and (not self.methods or method in self.methods)
            and (self.entity is None or self.entity == entity)
            and (self.path is None or fnmatchcase(path, self.path))
        )

    def hits(self, count: int, stream: random.Random) -> bool:
        """Whether it hits the selected request of this number."""
        return (
            count > self.spared
            and (self.probability is None or stream.random() < self.probability)
            and (not self.nth or count in self.nth)
            and (self.first is None or count <= self.first)
            and (self.every is None or count % self.every == 0)
        )


class FaultPlan:
    """The rules with their counters."""

    def __init__(self, rules: Sequence[FaultRule], seed: int) -> None:
        self._rules = [(rule, random.Random(f"{seed}/{place}/{rule.name}")) for place, rule in enumerate(rules)]  # noqa: S311 - a plan of faults is no secret
        self._counts = [0] * len(self._rules)
        self._hit: list[set[int]] = [set() for _ in self._rules]

    def choose(self, method: str, path: str, entity: str, content: Hashable = ()) -> FaultRule | None:
        """Return the rule that hits this request; every rule that concerns it counts it. ``content`` tells by what
        beside method and path a request is known again.
        """
        fired = [
            rule
            for place, (rule, stream) in enumerate(self._rules)
            if self._fires(place, rule, stream, (method, path, entity), hash((method, path, content)))
        ]
        return fired[0] if fired else None

    def _fires(
        self, place: int, rule: FaultRule, stream: random.Random, request: tuple[str, str, str], known_by: int
    ) -> bool:
        if not rule.selects(*request):
            return False
        self._counts[place] += 1
        if not rule.hits(self._counts[place], stream) or (rule.once and known_by in self._hit[place]):
            return False
        self._hit[place].add(known_by)
        return True


def parse_faults(text_or_path: str) -> tuple[FaultRule, ...]:
    """Rules from a short text (``kind(argument=value;...)@WHERE:amount``, separated by commas) or from a YAML or JSON file.

    WHERE is any of methods, a path pattern and an entity, separated by blanks; amount is a probability, ``nth=2;5``,
    ``first=3`` or ``every=4``. Raises SettingsError.

    >>> parse_faults("status_429(retry_after=2)@POST:0.05")[0].retry_after
    '2'
    """
    path = Path(text_or_path)
    if path.suffix in {".yaml", ".yml", ".json"}:
        return faults_of(_read(path))
    return tuple(_from_text(item) for item in re.split(r",(?![^(]*\))", text_or_path) if item.strip())


def faults_of(document: object) -> tuple[FaultRule, ...]:
    """Rules from a parsed document: a list of mappings, or a mapping with such a list under ``faults``."""
    listed = document.get("faults") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise SettingsError("Faults must be a list of rules.", hint=_HINT)
    return tuple(_from_mapping(place, item) for place, item in enumerate(listed, start=1))


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The file of faults {path} cannot be read: {error.strerror}.", hint="Check the path."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file of faults {path} is neither YAML nor JSON.", hint=_HINT) from error


_ITEM = re.compile(r"(?P<kind>[a-z0-9_]+)(\((?P<arguments>[^()]*)\))?(@(?P<where>[^:]+))?(:(?P<amount>.+))?")
_STATUS = re.compile(r"(?P<kind>status|foreign_status)_(?P<status>\d{3})(?P<when>_(before|after)_commit)?")


def _from_text(item: str) -> FaultRule:
    found = _ITEM.fullmatch(item.strip())
    if found is None:
        raise SettingsError(f"`{item.strip()}` is not a fault.", hint=_HINT)
    arguments = dict(_pair(pair) for pair in (found["arguments"] or "").split(";") if pair.strip())
    return _checked(
        {**_kind(found["kind"]), **_where(found["where"] or ""), **_amount(found["amount"] or ""), **arguments},
        item.strip(),
    )


def _kind(text: str) -> dict[str, object]:
    status = _STATUS.fullmatch(text)
    if status is None:
        return {"kind": text}
    return {"kind": status["kind"], "status": int(status["status"]), "after_commit": status["when"] == "_after_commit"}


def _where(text: str) -> dict[str, object]:
    words = text.split()
    found: dict[str, object] = {"methods": tuple(word for word in words if word.isupper())}
    for word in words:
        if not word.isupper():
            found["path" if word.startswith("/") else "entity"] = word
    return found


def _amount(text: str) -> dict[str, object]:
    if not text:
        return {}
    name, _, value = text.rpartition("=")
    if name == "nth":
        return {"nth": [_number(part) for part in value.split(";")]}
    return {name or "probability": _number(value)}


def _pair(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip() if name.strip() in {"retry_after", "location"} else _number(value.strip())


def _number(text: str) -> object:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _from_mapping(place: int, item: object) -> FaultRule:
    if not isinstance(item, dict) or not isinstance(item.get("kind"), str):
        raise SettingsError(f"Rule {place} of the faults has no kind.", hint=_HINT)
    method = item.pop("method", None)
    listed = [method] if isinstance(method, str) else method or []
    return _checked({"methods": tuple(listed), **item, **_kind(item["kind"])}, f"rule {place}")


_TYPES: Mapping[str, tuple[type, ...]] = {
    "kind": (str,),
    "methods": (tuple, list),
    "path": (str,),
    "entity": (str,),
    "probability": (int, float),
    "nth": (tuple, list),
    "first": (int,),
    "every": (int,),
    "spared": (int,),
    "once": (bool,),
    "status": (int,),
    "after_commit": (bool,),
    "delay_s": (int, float),
    "retry_after": (str, int),
    "location": (str,),
}


def _checked(values: dict[str, object], place: str) -> FaultRule:
    """Return the rule of these values. A fault after the commit concerns writes unless methods were named."""
    known = {field.name for field in fields(FaultRule)}
    for name, value in values.items():
        if name not in known or not isinstance(value, _TYPES[name]):
            raise SettingsError(f"Fault {place}: `{name}` is not known or of the wrong type.", hint=_HINT)
    lists = {name: tuple(cast("list[object]", values.get(name, ()))) for name in ("methods", "nth")}
    rule = FaultRule(**{**values, **lists, "retry_after": str(values.get("retry_after", ""))})  # type: ignore[arg-type] # types were checked by name above
    _refuse_nonsense(rule, place)
    return replace(rule, methods=rule.methods or _usual_methods(rule))


def _usual_methods(rule: FaultRule) -> tuple[str, ...]:
    if rule.kind in _OF_READING:
        return ("GET",)
    return WRITES if rule.kind in _AFTER_COMMIT or rule.after_commit else ()


def _refuse_nonsense(rule: FaultRule, place: str) -> None:
    wrong = {
        "the kind": rule.kind not in KINDS,
        "the probability (0 to 1)": rule.probability is not None and not 0 <= rule.probability <= 1,
        "nth (numbers from 1)": not all(isinstance(number, int) and number > 0 for number in rule.nth),
        "first (from 1)": rule.first is not None and rule.first < 1,
        "spared (0 or more)": rule.spared < 0,
        "every (from 1)": rule.every is not None and rule.every < 1,
        "the status (300 to 599)": not 300 <= rule.status <= 599,  # noqa: PLR2004 - the range of HTTP's redirects and errors
        "delay_s (0 or more)": rule.delay_s < 0,
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise SettingsError(f"Fault {place}: {what} is wrong.", hint=_HINT)
