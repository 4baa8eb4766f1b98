from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys


def make_in_a_process(sample, folder, hash_seed):
    command = [sys.executable, str(sample / "generate.py"), "--out", str(folder)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": hash_seed}, timeout=60)  # noqa: S603 - our own script


def test_two_runs_make_the_same_bytes_whatever_the_order_of_hashes(sample, tmp_path):
    for hash_seed in ("1", "2"):
        make_in_a_process(sample, tmp_path / hash_seed, hash_seed)
    paths = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert len(paths) > 40
    assert [
        path for path in paths if (tmp_path / "1" / path).read_bytes() != (tmp_path / "2" / path).read_bytes()
    ] == []


def test_the_committed_files_are_what_the_generator_makes(generate, sample, tmp_path):
    generate.make(tmp_path)
    assert generate.differences(tmp_path, sample) == []


def test_nothing_else_lies_among_the_data_files(generate, sample, tmp_path):
    generate.make(tmp_path)
    for folder in ("legacy", "files", "hmis", "hsds"):
        made = {path.relative_to(tmp_path) for path in (tmp_path / folder).rglob("*")}
        assert {path.relative_to(sample) for path in (sample / folder).rglob("*")} == made


def test_an_edited_file_and_an_edited_database_are_noticed(generate, sample, tmp_path):
    generate.make(tmp_path / "made")
    shutil.copytree(tmp_path / "made", tmp_path / "edited")
    with (tmp_path / "edited" / "legacy" / "CASES.csv").open("ab") as file:
        file.write(b"x")
    (tmp_path / "edited" / "files" / "case" / "memo_1.txt").unlink()
    edit_database(tmp_path / "edited" / "legacy.db")
    differing = generate.differences(tmp_path / "made", tmp_path / "edited")
    assert differing == ["files/case/memo_1.txt", "legacy.db", "legacy/CASES.csv"]


def edit_database(path):
    import sqlite3  # noqa: PLC0415 - only here

    database = sqlite3.connect(path)
    database.execute("UPDATE STAFF SET FULL_NM = 'X' WHERE STAFF_ID = (SELECT min(STAFF_ID) FROM STAFF)")
    database.commit()
    database.close()


def test_another_seed_makes_other_people_with_the_same_faults(generate, sample, tmp_path):
    generate.make(tmp_path, seed=7)
    committed, other = (json.loads((each / "expected.json").read_text()) for each in (sample, tmp_path))
    assert other["dirt"] == committed["dirt"]
    assert (tmp_path / "legacy" / "PERSONS.csv").read_bytes() != (sample / "legacy" / "PERSONS.csv").read_bytes()


def test_three_times_the_scale_is_three_times_every_figure_of_the_agency(generate, sample, tmp_path):
    generate.make(tmp_path, scale=3)
    once, thrice = (json.loads((each / "expected.json").read_text()) for each in (sample, tmp_path))
    assert thrice["rows"] == {table: 3 * count for table, count in once["rows"].items()}
    for mapping, account in once["mappings"].items():
        assert thrice["mappings"][mapping]["loaded"] == 3 * account["loaded"], mapping
        assert thrice["mappings"][mapping]["blocked"] == {code: 3 * n for code, n in account["blocked"].items()}


def test_the_file_over_the_limit_is_made_only_on_request(generate, sample, tmp_path):
    assert not (sample / "files" / "large").exists()
    generate.make(tmp_path, with_large=True)
    assert (tmp_path / "files" / "large" / "over_the_limit.bin").stat().st_size == 10 * 1024 * 1024 + 1
    scans = json.loads((tmp_path / "expected.json").read_text())["mappings"]["scans"]
    assert scans["quarantined"]["file_too_large"] == 1


def test_the_committed_sample_stays_small(sample):
    data = [path for path in sample.rglob("*") if path.is_file() and not {"__pycache__", ".mypy_cache"} & {*path.parts}]
    assert sum(path.stat().st_size for path in data) < 1_500_000
