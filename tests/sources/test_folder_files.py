"""Attachment paths come out of legacy data and never leave the declared folder."""

import hashlib
import os
from pathlib import Path

import pytest

from etl.core.errors import SourceUnavailable
from etl.core.ports import FileFacts
from etl.sources.files import FolderFiles


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    (tmp_path / "secret.txt").write_text("secret")
    docs = tmp_path / "docs"
    (docs / "scans").mkdir(parents=True)
    (docs / "a.pdf").write_bytes(b"abc")
    (docs / "scans" / "é 1.pdf").write_bytes(b"scan")
    (docs / "empty.pdf").write_bytes(b"")
    (docs / "link.pdf").symlink_to(docs / "a.pdf")
    (docs / "out").symlink_to(tmp_path)
    (docs / "out.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(docs / "pipe")
    return FolderFiles({"docs": docs})


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.pdf", b"abc"),
        ("./a.pdf", b"abc"),
        ("scans/é 1.pdf", b"scan"),
        ("scans/./é 1.pdf", b"scan"),
        ("empty.pdf", b""),
    ],
)
def test_a_regular_file_inside_is_inspected_and_opened(files, path, data):
    assert files.inspect("docs", path) == FileFacts(len(data), hashlib.sha256(data).hexdigest())
    with files.open("docs", path) as stream:
        assert stream.read() == data


@pytest.mark.parametrize("path", ["b.pdf", "scans/a.pdf", "nowhere/a.pdf", "A.pdf", "SCANS/é 1.pdf"])
def test_a_file_that_is_not_there_is_missing(files, path):
    assert files.inspect("docs", path) == "file_missing"


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "/", "..", "../secret.txt", "scans/../../secret.txt", "scans/../a.pdf", "/etc/passwd", "//etc/passwd",
        "..\\secret.txt", "scans\\a.pdf", "\\\\server\\share", "C:a.pdf", "C:/a.pdf", "a.pdf:stream", "a.pdf\0", "a.pdf\n",
        "scans//é 1.pdf", "a.pdf/", "scans", "scans/", "link.pdf", "out/secret.txt", "out.txt", "pipe", "a.pdf/b",
        "x" * 256, "é" * 200, "\u202egpj.exe", "\udcff",
    ],
)  # fmt: skip
def test_anything_else_is_refused(files, path):
    assert files.inspect("docs", path) == "file_refused"
    with pytest.raises(SourceUnavailable):
        files.open("docs", path)


def test_a_device_is_refused():
    assert FolderFiles({"dev": Path("/dev")}).inspect("dev", "zero") == "file_refused"


def test_an_error_does_not_tell_the_path(files):
    with pytest.raises(SourceUnavailable) as caught:
        files.open("docs", "Garcia_birth.pdf")
    assert "Garcia" not in str(caught.value)


def test_a_folder_that_does_not_exist_is_an_error_that_names_its_source(tmp_path):
    with pytest.raises(SourceUnavailable, match="file source docs"):
        FolderFiles({"docs": tmp_path / "nowhere"}).inspect("docs", "a.pdf")


def test_names_are_compared_exactly_even_where_the_file_system_does_not(files, monkeypatch):
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda name, flags, **more: real(str(name).replace("A.PDF", "a.pdf"), flags, **more)
    )
    assert files.inspect("docs", "A.PDF") == "file_missing"


def test_a_file_added_later_is_found(files, tmp_path):
    assert files.inspect("docs", "new.pdf") == "file_missing"
    (tmp_path / "docs" / "new.pdf").write_bytes(b"new")
    assert files.inspect("docs", "new.pdf") == FileFacts(3, hashlib.sha256(b"new").hexdigest())


def test_no_handle_is_left_open(files):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("a.pdf", "b.pdf", "pipe", "out/secret.txt", "scans", "a.pdf/b"):
        files.inspect("docs", path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
