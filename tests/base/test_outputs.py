"""Files that people name: links are followed, devices stay devices, and what cannot take it is said."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from promptvc.base.errors import InputError, NotFound, StorageError
from promptvc.base.outputs import regular_place, write_output


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real/file", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to("real/file")
    write_output(link, (b"new", b"er"))
    assert link.is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"newer", 0o640)
    target.unlink()
    write_output(link, (b"again",))
    assert (link.is_symlink(), target.read_bytes()) == (True, b"again")
    assert [one.name for one in (tmp_path / "real").iterdir()] == ["file"]


def test_a_device_stays_one() -> None:
    write_output(Path("/dev/null"), (b"gone",))
    with pytest.raises(StorageError, match="No space left"):
        write_output(Path("/dev/full"), (b"x",))
    for path in ("/dev/null", "/dev/full"):
        assert stat.S_ISCHR(Path(path).stat().st_mode)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, (b"a", b"b"))
    reader.join(10)
    assert got == [b"ab"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_a_process_has_open_is_added_to(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_bytes(b"before ")
    with file.open("ab") as stream:
        write_output(Path(f"/dev/fd/{stream.fileno()}"), (b"and after",))
        assert os.fstat(stream.fileno()).st_ino == file.stat().st_ino
    assert file.read_bytes() == b"before and after"


@pytest.mark.parametrize("name", ["no/folder/file", "file/below", "dangling"])
def test_a_folder_that_is_not_there_is_named_and_not_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere/file")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotFound, match="there is no folder"):
        write_output(tmp_path / name, (b"x",))
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        regular_place(tmp_path)
