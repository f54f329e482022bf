"""What stands in for `promptvc` and `python` of a CI machine."""

from __future__ import annotations

import sys
from pathlib import Path


def shims(folder: Path) -> Path:
    """`promptvc` and `python` of this checkout; `pip install` is written down and not done.

    Where there is anything here that could pass for pip, the one that python takes is asked for its version.
    """
    folder.mkdir()
    promptvc, python = folder / "promptvc", folder / "python"
    promptvc.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m promptvc "$@"\n')
    python.write_text(
        f"""#!/bin/sh
case " $* " in
  *" -m pip install "*)
    echo "$@" >> "{folder.parent}/installed"
    [ -e pip.py ] || [ -e pip ] || exit 0
    safe=
    if [ "$1" = -P ]; then safe=-P; fi
    exec "{sys.executable}" $safe -m pip --version ;;
esac
exec "{sys.executable}" "$@"
"""
    )
    for shim in (promptvc, python):
        shim.chmod(0o755)
    return folder
