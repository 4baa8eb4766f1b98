"""Walks a collection page by page to its end, in an explicit order.

A missed page would make a record look absent, hence be created again; so the end is believed only where the server says
that nothing follows, or where a page holds fewer records than the smallest page any tenant gives. Records that slide
onto the next page while others write are given out once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from etl.casebook import wire
from etl.casebook.addresses import below
from etl.casebook.session import Session
from etl.catalog.model import Catalog
from etl.core.errors import TargetRefused
from etl.core.records import JsonValue

DEFAULT_PAGE_SIZE = 10
"""Casebook's documented default; also a size that is always accepted."""
_BAD_REQUEST = 400
_RECENT_PAGES = 3
_MAX_BARREN_PAGES = 3

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Page:
    """``following`` is as the server gave it; ``is_last`` where the server says that nothing follows."""

    resources: list[JsonValue]
    following: str | None
    is_last: bool


class Lists:
    """Lists collections with the profile's page size, or ten a page where a collection refuses that."""

    def __init__(self, session: Session, catalog: Catalog, page_size: int) -> None:
        self._session = session
        self._catalog = catalog
        self._page_size = page_size
        self._small: set[str] = set()

    async def resources(self, name: str, parameters: Parameters) -> AsyncIterator[JsonValue]:
        """The resource objects of an entity's or lookup's collection; their form is not yet checked."""
        walk = _Walk(name, self._session.url(wire.path_of(self._catalog, name)))
        page, number = await self._first(name, parameters), 1
        while True:
            for resource in walk.fresh(page):
                yield resource
            if self._is_end(name, page):
                return
            number += 1
            address = walk.checked(page.following) or self._address(name, parameters, number)
            page = await self._page(name, address)

    async def _first(self, name: str, parameters: Parameters) -> _Page:
        try:
            return await self._page(name, self._address(name, parameters, 1))
        except TargetRefused as error:
            if error.status != _BAD_REQUEST or self._size(name) <= DEFAULT_PAGE_SIZE:
                raise
        page = await self._page(name, self._address(name, parameters, 1, DEFAULT_PAGE_SIZE))
        self._small.add(name)
        return page

    async def _page(self, name: str, address: str) -> _Page:
        document = await self._session.read(address, entity=name)
        if document is None:
            raise TargetRefused(
                f"There is no list of {name} at its path.", status=404, hint="Correct the path in the tenant overlay."
            )
        return _page(document, name)

    def _size(self, name: str) -> int:
        return DEFAULT_PAGE_SIZE if name in self._small else self._page_size

    def _address(self, name: str, parameters: Parameters, number: int, size: int | None = None) -> str:
        paging = [("page[number]", str(number)), ("page[size]", str(size or self._size(name)))]
        return self._session.url(wire.path_of(self._catalog, name), query=[*parameters, *paging])

    def _is_end(self, name: str, page: _Page) -> bool:
        smallest = min(self._size(name), DEFAULT_PAGE_SIZE)
        return page.is_last or (page.following is None and len(page.resources) < smallest)


class _Walk:
    """Remembers where a walk has been: the records of recent pages and the addresses it was sent to."""

    def __init__(self, name: str, collection: str) -> None:
        self._name = name
        self._collection = collection
        self._recent: deque[set[str]] = deque(maxlen=_RECENT_PAGES)
        self._visited: set[str] = set()
        self._barren = 0

    def fresh(self, page: _Page) -> Iterator[JsonValue]:
        """The page's resources that recent pages did not hold. Raises TargetRefused where paging gets nowhere."""
        named = [(_identity(each), each) for each in page.resources]
        new = [each for identity, each in named if not any(identity in seen for seen in self._recent)]
        self._recent.append({identity for identity, _ in named})
        self._barren = 0 if new else self._barren + 1
        if self._barren > _MAX_BARREN_PAGES:
            raise self._refused("gives the same pages again and again")
        yield from new

    def checked(self, address: str | None) -> str | None:
        """The server's next address, resolved. Raises TargetRefused where it leaves the collection or comes again."""
        if address is None:
            return None
        found = below(self._collection, address)
        if found is None or found[1].rstrip("/"):
            raise self._refused("names a next page outside its own collection")
        resolved = found[0]
        if resolved in self._visited:
            raise self._refused("names the same next page again")
        self._visited.add(resolved)
        return resolved

    def _refused(self, what: str) -> TargetRefused:
        return TargetRefused(f"The list of {self._name} {what}.", hint="Report this to Casebook's support.")


def _page(document: dict[str, JsonValue], name: str) -> _Page:
    resources = document.get("data")
    if not isinstance(resources, list):
        raise TargetRefused(f"The list of {name} is no list.", hint="Correct the path in the tenant overlay.")
    shown = document.get("links")
    links = shown if isinstance(shown, dict) else {}
    following = _address(links.get("next"))
    return _Page(resources, following, following is None and bool(links.keys() & {"first", "prev", "next", "last"}))


def _address(link: JsonValue) -> str | None:
    address = link.get("href") if isinstance(link, dict) else link
    return address if isinstance(address, str) and address else None


def _identity(resource: JsonValue) -> str:
    return str(resource.get("id")) if isinstance(resource, dict) else ""
