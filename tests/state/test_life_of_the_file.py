"""What happens to a state database between runs: copied, restored, damaged, copied while in use, held by a stopped process."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from etl.core.errors import EtlError, StateDamaged, StateError, StateOutdated
from etl.state import open_reader, open_store, places
from etl.state.backups import copy_to
from etl.state.examining import examine
from etl.state.keeper import Guard
from etl.state.rebuilding import rebuilt_store
from etl.state.witness import Witness, witness_folder
from tests.state.conftest import FACTS, KEYS, StillClock, create

HOLD = """
store = opened()
store.commit(Intend(RecordKey("a" * 32), "person", "people", "f", b"h")).result()
print(store.epoch, flush=True)
sys.stdin.readline()
try:
    store.commit(MarkCreated(RecordKey("a" * 32), TargetId("1"))).result()
    print("written", flush=True)
except Exception as error:
    print(type(error).__name__, error.message, flush=True)
"""


def witness(tmp_path: Path) -> dict[str, object]:
    (file,) = (tmp_path / "witnesses").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    content: dict[str, object] = json.loads(file.read_text())
    return content


# ---------------------------------------------------------------- the witness


def test_the_witness_follows_every_transaction_and_names_no_project(guarded, tmp_path):
    with guarded() as store:
        before = witness(tmp_path)
        create(store, *KEYS[:3])
        after = witness(tmp_path)
    assert (before["epoch"], after["epoch"]) == (1, 1)
    assert after["sequence"] > before["sequence"]
    assert after.keys() == {"state", "epoch", "sequence"}


def test_the_newest_state_is_opened_again_and_again(guarded):
    for epoch in range(1, 5):
        with guarded() as store:
            assert store.epoch == epoch
            assert store.notices() == ()


def test_a_restored_copy_is_refused_with_what_happened_and_what_to_do(guarded, path, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
    copy_to(path, tmp_path / "old.db")
    with guarded() as store:
        create(store, KEYS[1])
    shutil.copy(tmp_path / "old.db", path)
    with pytest.raises(StateOutdated, match="restored from a backup, copied") as caught:
        guarded()
    assert "state rebuild" in caught.value.hint
    assert "--ask-first" in caught.value.hint
    with open_reader(path) as reader:
        assert reader.counts() == {("person", "created"): 1}


def test_who_reads_beside_a_writer_takes_no_state_that_goes_on_meanwhile_for_an_old_one(
    guarded, path, tmp_path, monkeypatch
):
    with guarded() as store, open_reader(path) as reader:

        def seen_late(witness, seen=Witness.seen):
            create(store, KEYS[0])
            return seen(witness)

        monkeypatch.setattr(Witness, "seen", seen_late)
        reader.require_newest(path, tmp_path / "witnesses")


def test_a_state_without_its_log_is_refused(guarded, path, tmp_path):
    with guarded() as store:
        create(store, *KEYS)
        shutil.copy(path, tmp_path / "main-file-alone.db")
    shutil.copy(tmp_path / "main-file-alone.db", path)
    with pytest.raises((StateOutdated, StateDamaged)):
        guarded()


def test_a_copy_in_the_same_epoch_is_refused_too(guarded, path, tmp_path):
    with guarded() as store:
        copy_to(path, tmp_path / "old.db")
        create(store, KEYS[0])
    path.unlink()
    shutil.copy(tmp_path / "old.db", path)
    with pytest.raises(StateOutdated):
        guarded()


def test_asking_first_admits_an_old_state_and_then_refuses_the_other_one(guarded, path, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
    copy_to(path, tmp_path / "old.db")
    with guarded() as store:
        create(store, KEYS[1])
    shutil.copy(path, tmp_path / "newer.db")
    shutil.copy(tmp_path / "old.db", path)
    with guarded(ask_first=True) as store:
        assert store.is_doubted()
        assert store.epoch == 3
    with guarded() as store:
        assert store.is_doubted()
    shutil.copy(tmp_path / "newer.db", path)
    with pytest.raises(StateOutdated):
        guarded()


def test_a_state_that_was_moved_here_is_told_of_and_used(guarded, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
    shutil.rmtree(tmp_path / "witnesses")
    with guarded() as store:
        assert "no witness" in store.notices()[0]
    with guarded() as store:
        assert store.notices() == ()


def test_a_witness_that_cannot_be_kept_is_told_of(opened, tmp_path):
    (tmp_path / "occupied").write_text("a file where a folder should be")
    with opened(guard=Guard(tmp_path / "occupied" / "witnesses")) as store:
        create(store, KEYS[0])
        assert any("cannot be written" in notice for notice in store.notices())


def test_an_unreadable_witness_counts_as_none(guarded, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
    (file,) = (tmp_path / "witnesses").iterdir()
    file.write_bytes(b"\0" * 160)
    with guarded() as store:
        assert "no witness" in store.notices()[0]


def test_the_folder_of_witnesses_is_named_by_the_environment_or_by_custom(monkeypatch):
    assert witness_folder({"CASEBOOK_ETL_WITNESS_FOLDER": "/team/w", "XDG_STATE_HOME": "/x"}) == Path("/team/w")
    monkeypatch.setenv("HOME", "/home/ann")
    assert witness_folder({}) == Path("/home/ann/.local/state/casebook-etl/witness")


# ---------------------------------------------------------------- examined and rebuilt


def test_examining_tells_what_a_person_needs(guarded, path, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
        beside = examine(path, tmp_path / "witnesses")
        assert (beside.findings, beside.is_outdated) == ((), False)
    copy_to(path, tmp_path / "old.db")
    with guarded() as store:
        create(store, KEYS[1])
    assert examine(tmp_path / "old.db", tmp_path / "witnesses").is_outdated
    with pytest.raises(StateError, match="no state database"):
        examine(tmp_path / "nothing.db", tmp_path)


@pytest.fixture
def going_on(guarded, path, tmp_path, monkeypatch):
    """A run that goes on whenever its witness is read: between any two looks of a command beside it."""
    with guarded() as store:
        create(store, KEYS[0])
        left = iter(KEYS[1:])
        seen = Witness.seen

        def seen_later(self):
            create(store, next(left))
            return seen(self)

        monkeypatch.setattr(Witness, "seen", seen_later)
        yield path, tmp_path / "witnesses"


def test_a_state_that_a_run_goes_on_with_is_never_called_old(going_on):
    path, witnesses = going_on
    with open_reader(path) as reader:
        for _ in range(5):
            reader.require_newest(path, witnesses)
            assert not examine(path, witnesses).is_outdated


REBUILD = {"project": "intake", "target": "sandbox", "key_check": "0011"}


def test_a_rebuilt_state_takes_the_place_of_the_old_one_which_is_kept(guarded, path, tmp_path):
    with guarded(ask_first=True) as store:
        create(store, KEYS[0])
    guard = Guard(tmp_path / "witnesses")
    with rebuilt_store(path, clock=StillClock(), guard=guard, **REBUILD) as store:
        create(store, *KEYS[:2])
    with guarded() as store:
        assert store.counts() == {("person", "created"): 2}
        assert not store.is_doubted()
        assert store.notices() == ()
    (aside,) = path.parent.glob("*.before-rebuild-*")
    assert aside.stat().st_mode & 0o077 == 0
    with open_reader(aside) as reader:
        assert reader.counts() == {("person", "created"): 1}
    assert not list(path.parent.glob("*rebuilding*"))


def test_a_rebuild_that_fails_leaves_everything_as_it_was(guarded, path, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
    guard = Guard(tmp_path / "witnesses")
    with pytest.raises(ValueError, match="mine"), rebuilt_store(path, clock=StillClock(), guard=guard, **REBUILD):
        raise ValueError("mine")
    with guarded() as store:
        assert store.counts() == {("person", "created"): 1}
    assert not list(path.parent.glob("*rebuil*"))


def test_nobody_rebuilds_a_state_that_is_in_use(opened, path, tmp_path):
    def begin():
        with rebuilt_store(path, clock=StillClock(), guard=None, **REBUILD):
            raise AssertionError("it was begun")

    with opened(), pytest.raises(StateError, match="in use"):
        begin()


# ---------------------------------------------------------------- damage


def test_flipped_bytes_are_found_or_harmless(opened, path, tmp_path, proof_line):
    """Harmless means: every record that was created is still known as created under its own id."""
    with opened() as store:
        create(store, *KEYS)
    good = path.read_bytes()
    seed = 11
    dice = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    ends: Counter[str] = Counter()
    for _ in range(100):
        content = bytearray(good)
        for _ in range(dice.randint(1, 64)):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        ends[outcome(opened)] += 1
    silent = {"dup": ends["doubled"], "lost": ends["unknown"], "wrong_id": ends["wrong"], "held": ends["held"]}
    proof_line("flipped bytes", seed, n=ends.total(), **silent, corrupt=ends["found"])
    assert not any(silent.values())
    assert ends["found"] > 50


def outcome(opened) -> str:
    try:
        with opened() as store:
            known = store.known(KEYS)
            if any(key not in known for key in KEYS):
                return "unknown"
            states = {str(known[key].state) for key in KEYS}
            if states != {"created"}:
                return "held" if states <= {"created", "uncertain", "duplicate"} else "doubled"
            return "harmless" if all(known[key].target_id == f"id-{key}" for key in KEYS) else "wrong"
    except EtlError:
        return "found"


def test_a_row_that_its_index_does_not_find_is_damage(opened, path):
    """The quick check passes over this; the record would count as never sent."""
    with opened() as store:
        create(store, *KEYS)
    content = path.read_bytes()
    key = KEYS[77].encode()
    assert content.count(key) > 1
    path.write_bytes(content.replace(key, b"f" * 32, 1))
    with pytest.raises(StateDamaged):
        opened()


def test_a_state_of_a_record_that_does_not_exist_is_damage(opened, path):
    with opened() as store:
        create(store, KEYS[0])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE records SET state = 'creatfd'")
    connection.commit()
    connection.close()
    with pytest.raises(StateDamaged, match="own check"):
        opened()


# ---------------------------------------------------------------- holders


def test_a_stopped_holder_whose_lease_was_taken_writes_nothing_when_it_wakes(spawn, path, tmp_path):
    """The lock of a stopped process holds; what takes the lease is another machine's copy of the lock file."""
    holder = spawn(HOLD)
    assert holder.stdout.readline().strip() == "1"
    holder.send_signal(signal.SIGSTOP)
    path.with_name(path.name + ".lock").unlink()
    facts = {"project": "intake", "target": "sandbox", "key_check": "0011", "run_command": "run"}
    with open_store(path, clock=StillClock(), **facts) as thief:
        assert thief.epoch == 2
    holder.send_signal(signal.SIGCONT)
    holder.stdin.write("go\n")
    holder.stdin.flush()
    assert "taken over" in holder.stdout.readline()
    with open_reader(path) as reader:
        assert reader.counts() == {("person", "intent"): 1}


# ---------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("path_text", "name"),
    [
        ("/home/ann/OneDrive/runs/a.db", "OneDrive"),
        ("/home/ann/OneDrive - County of Adams/a.db", "OneDrive - County of Adams"),
        ("/home/ann/Dropbox (Agency)/x/a.db", "Dropbox (Agency)"),
        ("/Users/ann/Library/Mobile Documents/x/a.db", "Mobile Documents"),
        ("/home/ann/Google Drive/a.db", "Google Drive"),
        ("/home/ann/dropbox-migration/a.db", None),
        ("/home/ann/runs/onedrive.db", None),
    ],
)
def test_synchronised_folders_are_known_by_name(path_text, name):
    assert places.synced_folder(Path(path_text)) == name


def test_a_folder_with_dropboxs_mark_is_known(tmp_path):
    (tmp_path / "team" / ".dropbox.cache").mkdir(parents=True)
    assert places.synced_folder(tmp_path / "team" / "runs" / "a.db") == "team"


def test_a_synchronised_folder_is_refused_before_anything_is_made(tmp_path):
    path = tmp_path / "OneDrive" / "runs" / "a.state.db"
    with pytest.raises(StateError, match="synchronised") as caught:
        open_store(path, clock=StillClock(), **FACTS)
    assert "runs:" in caught.value.hint
    assert not path.parent.parent.exists()


@pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="only POSIX can set room aside so that it can be refused"
)
def test_no_room_at_the_beginning_is_said_before_anything_is_sent(opened, monkeypatch):
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StateError, match="no room") as caught:
        opened()
    assert "nothing was sent" in caught.value.hint
