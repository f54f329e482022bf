"""Files are whole or absent, locks exclude processes, errors say what to do."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from promptvc.base.errors import Busy, StorageError
from promptvc.base.files import FileLock, storage_errors, write_atomic

HOLDER = """
import sys
from pathlib import Path
from promptvc.base.files import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomic(path, b"one")
    write_atomic(path, b"two", durable=False)
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    (path / "inside").write_text("x")
    with pytest.raises(StorageError) as caught:
        write_atomic(path, b"data")
    assert caught.value.file == str(path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_says_so() -> None:
    with (
        pytest.raises(StorageError) as caught,
        Path("/dev/full").open("wb", buffering=0) as stream,
        storage_errors("/dev/full"),
    ):
        stream.write(b"x")
    assert "No space left" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("the disk is full")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO])
def test_other_faults_are_named(number: int) -> None:
    with pytest.raises(StorageError, match=r"^place: cannot be used: "), storage_errors("place"):
        raise OSError(number, os.strerror(number))


def test_a_lock_excludes_another_process_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy) as caught, FileLock(path, timeout_s=0):
            pass
        assert str(path) in caught.value.message
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with FileLock(path, timeout_s=5):
            pass


def test_a_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock", timeout_s=0)
    for _ in range(2):
        with lock:
            pass
