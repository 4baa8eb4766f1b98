"""Records without a marker that look alike, where the state is not the newest and each is asked about before it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import TargetRefused
from etl.core.records import RemoteRecord
from etl.state import SqlStore
from tests.load.world import PEOPLE, FaultyTarget, World, key_of, mapping_of, person

ADDRESSES = mapping_of("person_address", "person", "city", "zip_code")


@dataclass
class Blinking(FaultyTarget):
    """Does not show addresses to whom asks about one for the first time."""

    asked: int = 0

    async def list(
        self, entity: str, *, filters: Mapping[str, str] | None = None, newest_first: bool = False
    ) -> AsyncIterator[RemoteRecord]:
        if entity == "person_address" and not newest_first:
            self.asked += 1
            if self.asked == 1:
                raise TargetRefused("Not allowed.", status=403)
        async for record in super().list(entity, filters=filters, newest_first=newest_first):
            yield record


def test_what_could_not_be_asked_about_is_not_given_to_a_record_that_holds_less(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "old").mkdir()
    world = World(tmp_path / "old")
    world.plan((PEOPLE, [person("a")]))
    world.load()
    newest = world.copy(tmp_path / "newest")
    home = {"person": key_of(PEOPLE, "a"), "city": "Dayton"}
    whole, less = {"id": "whole", "zip_code": "45402", **home}, {"id": "less", **home}
    newest.plan((PEOPLE, [person("a")]), (ADDRESSES, [whole]))
    newest.load()
    (there,) = newest.target.of("person_address")

    world.target = Blinking(world.catalog, clock=world.clock)
    world.target.records |= newest.target.records
    monkeypatch.setattr(SqlStore, "is_doubted", lambda _store: True)
    world.plan((PEOPLE, [person("a")]), (ADDRESSES, [whole, less]))
    world.load()
    assert world.state_of(ADDRESSES, "whole") == "uncertain"
    with world.open() as store:
        assert store.known([key_of(ADDRESSES, "less")])[key_of(ADDRESSES, "less")].target_id != there.id
