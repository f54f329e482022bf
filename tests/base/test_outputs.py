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


def device(folder: Path, name: str) -> Path:
    """``null`` or ``full``: for root, who could replace the machine's own, one like it."""
    own = Path("/dev") / name
    if os.geteuid() != 0:
        return own
    made = folder / name
    try:
        os.mknod(made, stat.S_IFCHR | 0o666, own.stat().st_rdev)
        made.open("wb").close()
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")
    return made


def test_a_device_stays_one(tmp_path: Path) -> None:
    null, full = device(tmp_path, "null"), device(tmp_path, "full")
    write_output(null, (b"gone",))
    with pytest.raises(StorageError, match="No space left"):
        write_output(full, (b"x",))
    assert null.is_char_device()
    assert full.is_char_device()


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
