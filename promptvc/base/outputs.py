"""Files that people name to have something written to: they may be links, devices or pipes.

What promptvc keeps itself is written by :mod:`promptvc.base.files`, which replaces whatever has the name: a link in a
repository must not lead a write elsewhere. A path that somebody typed means what lies behind it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from promptvc.base.errors import InputError, NotFound
from promptvc.base.files import storage_errors, write_parts

# Names of what a process has open: replacing the file behind one would leave the shell with the old file.
_OPEN = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")


def regular_place(path: Path, *, make: bool = False) -> Path | None:
    """The file that a write to ``path`` makes or replaces, behind any links; None for a device or a pipe.

    Args:
        make: a folder that is not there is made when the file is written.

    Raises:
        NotFound: there is no folder for it.
        InputError: it is a folder, a disk or a socket.
        StorageError: it cannot be looked at.
    """
    with storage_errors(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            mode = None
        except NotADirectoryError:
            raise NotFound(f"there is no folder {path.parent}", hint="make it first") from None
        if mode is not None and stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder", hint="name a file in it")
        if mode is not None and (stat.S_ISBLK(mode) or stat.S_ISSOCK(mode)):
            raise InputError(f"{path} is no file", hint="name a file")
        if mode is not None and (not stat.S_ISREG(mode) or str(path.absolute()).startswith(_OPEN)):
            return None
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        if not make and not target.parent.is_dir():
            raise NotFound(f"there is no folder {target.parent}", hint="make it first")
        return target


def write_output(path: Path, parts: Iterable[bytes], *, make: bool = False) -> None:
    """Write to a path that somebody named. A file is whole or as it was; a device or pipe takes it as it comes.

    Args:
        make: make the folder where there is none.

    Raises:
        NotFound, InputError: as :func:`regular_place`.
        StorageError: disk full, read-only, no permission, or nobody reads the pipe.
    """
    target = regular_place(path, make=make)
    if target is not None:
        write_parts(target, parts)
        return
    # Not cut off: `>> file` is behind /dev/stdout, too. Devices and pipes have no end to append to.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    with storage_errors(path), os.fdopen(os.open(path, flags), "wb") as stream:
        stream.writelines(parts)
