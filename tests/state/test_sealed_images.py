"""Before-images are durable, sealed, bound to their place, private, and gone for good once their secret is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from etl.core.errors import StateDamaged
from etl.core.images import BeforeImage
from etl.core.keys import RecordKey, RecordKeys
from etl.core.records import Document, Ref, RunId, TargetId
from etl.state.images import SealedImages

KEYS = RecordKeys(b"k" * 32)
RUN = RunId("r1")


def image(number: int, name: str = "Garcia") -> BeforeImage:
    links = {"mother": Ref("person", TargetId("p1")), "races": (Ref("race", TargetId("x")),), "father": None}
    return BeforeImage(
        key=RecordKey(f"{number:032x}"),
        mapping="people",
        target_id=TargetId(f"id-{number}"),
        sent=Document("person", {"last_name": name, "custom_fields": {"a": 1}}, links),
        before=Document("person", {"last_name": None, "custom_fields": {"a": None}}, {"mother": None, "races": ()}),
        fingerprint="f",
        field_hashes=b"\x00\xff",
        run_id=RunId("r0"),
        link="mother" if number % 2 else "",
    )


def keep(folder: Path, *images: BeforeImage, keys: RecordKeys = KEYS, run_id: RunId = RUN) -> SealedImages:
    store = SealedImages(folder, run_id, keys)

    async def work() -> None:
        await asyncio.gather(*(store.keep(each) for each in images))

    asyncio.run(work())
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "before"


def test_what_was_kept_comes_back_in_order_after_a_restart(folder):
    keep(folder, image(1), image(2))
    keep(folder, image(3))
    assert list(SealedImages(folder, RUN, KEYS).read()) == [image(1), image(2), image(3)]
    assert list(SealedImages(folder, RUN, KEYS).backwards()) == [image(3), image(2), image(1)]


def test_nothing_kept_is_nothing_to_read(folder):
    store = SealedImages(folder, RUN, KEYS)
    assert list(store.read()) == []
    assert not store.exists()
    assert not folder.exists()


def test_no_value_lies_in_the_clear_and_nobody_else_may_read(folder):
    keep(folder, image(1))
    content = (folder / "images").read_bytes()
    assert not [text for text in (b"Garcia", b"last_name", b"people") if text in content]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_images_of_one_moment_are_written_together(folder):
    keep(folder, *(image(number) for number in range(50)))
    assert (folder / "images").stat().st_size < 40_000
    assert len(list(SealedImages(folder, RUN, KEYS).read())) == 50


def test_a_frame_that_a_dying_process_left_behind_is_passed_over_and_cut_off(folder):
    keep(folder, image(1))
    whole = (folder / "images").read_bytes()
    for length in (1, 20, 200):
        (folder / "images").write_bytes(whole + whole[:length])
        assert list(SealedImages(folder, RUN, KEYS).read()) == [image(1)]
    keep(folder, image(2))
    assert list(SealedImages(folder, RUN, KEYS).read()) == [image(1), image(2)]


@pytest.mark.parametrize("place", [40, 300, -5])
def test_a_changed_byte_is_found_and_quotes_nothing(folder, place):
    keep(folder, image(1))
    content = bytearray((folder / "images").read_bytes())
    content[place] ^= 1
    (folder / "images").write_bytes(content)
    with pytest.raises(StateDamaged) as caught:
        list(SealedImages(folder, RUN, KEYS).read())
    assert "Garcia" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_frames_cannot_change_places_nor_move_to_another_run(folder, tmp_path):
    keep(folder, image(1))
    first = (folder / "images").stat().st_size
    keep(folder, image(2))
    content = (folder / "images").read_bytes()
    (folder / "images").write_bytes(content[first:] + content[:first])
    with pytest.raises(StateDamaged):
        list(SealedImages(folder, RUN, KEYS).read())
    (folder / "images").write_bytes(content)
    with pytest.raises(StateDamaged):
        list(SealedImages(folder, RunId("r2"), KEYS).read())


def test_neither_the_project_key_nor_the_secret_alone_opens_them(folder):
    keep(folder, image(1))
    with pytest.raises(StateDamaged):
        list(SealedImages(folder, RUN, RecordKeys(b"x" * 32)).read())
    (folder / "secret").write_bytes(b"y" * 32)
    with pytest.raises(StateDamaged):
        list(SealedImages(folder, RUN, KEYS).read())
    (folder / "secret").unlink()
    with pytest.raises(StateDamaged, match="secret"):
        list(SealedImages(folder, RUN, KEYS).read())


def test_a_secret_that_was_cut_short_before_anything_was_sealed_is_made_anew(folder):
    folder.mkdir(parents=True)
    (folder / "secret").write_bytes(b"half")
    keep(folder, image(1))
    assert list(SealedImages(folder, RUN, KEYS).read()) == [image(1)]


def test_destroying_leaves_nothing(folder):
    store = keep(folder, image(1))
    assert store.exists()
    assert store.destroy()
    assert not store.destroy()
    assert list(folder.iterdir()) == []
