"""The words by which legacy systems call what Casebook has names for, and how well a name fits one of them.

The words are data (``terms.yaml``): general English, usual abbreviations, the terms of the field. Code knows none of
them, so that a measure may take some away and see what they were worth.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

from etl.core.column_names import singular, words_of
from etl.core.records import JsonValue
from etl.core.strict_yaml import read_document

Words = frozenset[str]
_LEAST_BEGINNING = 4
LEAST_FIT = 0.6
"""A name of which less than this is explained by a term is not taken for it."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a name fits: from 0 to 1, and the term that it fits best."""

    score: float
    term: str = ""

    def __bool__(self) -> bool:
        """Whether it fits well enough to be proposed."""
        return self.score >= LEAST_FIT


NO_FIT = Fit(0.0)


@dataclass(frozen=True, slots=True)
class Term:
    """A term as the file writes it, and its words."""

    text: str
    words: Words


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything of ``terms.yaml``. ``entities`` and ``fields`` hold the terms of each name."""

    abbreviations: Mapping[str, tuple[str, ...]]
    storage: Words
    optional: Words
    technical: Words
    deleted: Words
    own_keys: tuple[str, ...]
    readings: Mapping[str, str]
    entities: Mapping[str, tuple[Term, ...]]
    fields: Mapping[str, tuple[Term, ...]]
    vocabulary: Words = frozenset()
    _read: dict[str, Words] = field(default_factory=dict, init=False, repr=False, compare=False)

    def words(self, name: str) -> Words:
        """The words of a name in full and in the singular.

        >>> sorted(shipped_terms().words("LAST_NM")), sorted(shipped_terms().words("CaseNotes"))
        (['last', 'name'], ['case', 'note'])
        """
        if name not in self._read:
            self._read[name] = frozenset(map(self._completed, _words(name, self.abbreviations)))
        return self._read[name]

    def _completed(self, word: str) -> str:
        """The shortest word of any term that a long enough beginning stands for: accred for accredited."""
        if len(word) < _LEAST_BEGINNING or word in self.vocabulary:
            return word
        return min(
            (each for each in self.vocabulary if each.startswith(word)),
            key=lambda each: (len(each), each),
            default=word,
        )

    def entity_fit(self, table: Words, entity: str) -> Fit:
        """How well the words of a table's name fit an entity: by its own name or by a term for it."""
        own = Term(entity, self.words(entity))
        return _best(_fit(table, term, self.storage) for term in (own, *self.entities.get(entity, ())))

    def field_fit(self, column: Words, entity: str, name: str, around: Words) -> Fit:
        """How well the words of a column fit a field. Words ``around`` it (of the table) need no explanation."""
        own = name.removeprefix("custom_fields.")
        entity_words = self.words(entity)
        known = [*self.fields.get(f"{entity}.{name}", ()), *self.fields.get(name, ())]
        fits = [_fit(column, term, around | self.storage) for term in known]
        fits.append(self._own_fit(column, own, entity_words | self.optional, around))
        return _best(fits)

    def _own_fit(self, column: Words, name: str, needless: Words, around: Words) -> Fit:
        """By the field's own words; those that Casebook only repeats (the entity's) may be missing."""
        whole = self.words(name)
        least = whole - needless or whole
        return _best(_fit(column, Term(name, each), around | self.storage) for each in (whole, least))

    def short_names(self, entities: Iterable[str]) -> Words:
        """The terms of one word for some entities."""
        return frozenset(each.text for name in entities for each in self.entities.get(name, ()) if " " not in each.text)

    def without(self, terms: Collection[tuple[str, str]], abbreviations: Collection[str] = ()) -> Terms:
        """The same but for some terms, each given as (name, term), and some abbreviations: to measure their worth."""
        short = {each: full for each, full in self.abbreviations.items() if each not in abbreviations}
        entities, fields = _left(self.entities, terms), _left(self.fields, terms)
        return replace(self, abbreviations=short, entities=entities, fields=fields)


def _left(known: Mapping[str, tuple[Term, ...]], gone: Collection[tuple[str, str]]) -> dict[str, tuple[Term, ...]]:
    return {name: tuple(each for each in terms if (name, each.text) not in gone) for name, terms in known.items()}


def _words(name: str, abbreviations: Mapping[str, tuple[str, ...]]) -> Words:
    full = (abbreviations.get(word) or abbreviations.get(singular(word)) or (word,) for word in words_of(name))
    return frozenset(singular(each) for words in full for each in words)


def _fit(name: Words, term: Term, around: Words) -> Fit:
    """The share of a name's words that a term explains; 0 where the term has a word that the name lacks."""
    if not term.words or not term.words <= name:
        return NO_FIT
    return Fit(len(term.words) / (len(term.words) + len(name - term.words - around)), term.text)


def _best(fits: Iterable[Fit]) -> Fit:
    return max(fits, key=lambda fit: fit.score, default=NO_FIT)


@cache
def shipped_terms() -> Terms:
    """The terms that come with the program."""
    raw = read_document((files("etl.mapping.draft") / "terms.yaml").read_text("utf-8"), "terms.yaml").value
    content = raw if isinstance(raw, dict) else {}
    texts = {key: _texts(content.get(key)) for key in ("storage", "optional", "technical", "deleted")}
    words = {key: frozenset(each) for key, each in texts.items()}
    short = {key: tuple(str(each).split()) for key, each in _mapping(content.get("abbreviations")).items()}
    entities, fields = (_terms(content.get(key), short) for key in ("entities", "fields"))
    readings = {name: str(each) for name, each in _mapping(content.get("readings")).items()}
    listed = (*entities.values(), *fields.values())
    vocabulary = frozenset(word for terms in listed for each in terms for word in each.words)
    return Terms(
        abbreviations=short,
        **words,
        own_keys=_texts(content.get("own_keys")),
        readings=readings,
        entities=entities,
        fields=fields,
        vocabulary=vocabulary,
    )


def _mapping(raw: JsonValue) -> dict[str, JsonValue]:
    return raw if isinstance(raw, dict) else {}


def _texts(raw: JsonValue) -> tuple[str, ...]:
    return tuple(map(str, raw)) if isinstance(raw, list) else ()


def _terms(raw: JsonValue, short: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Term, ...]]:
    listed = {name: _texts(each) for name, each in _mapping(raw).items()}
    return {name: tuple(Term(each, _words(each, short)) for each in texts) for name, texts in listed.items()}
