"""Which programs git calls for prompts: the diff and merge drivers in a clone's configuration, and the attributes.

Configuration names programs, so git never takes it from a commit; attributes only name a driver, and a clone that has
not configured it compares and merges the lines of the text, as always.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptvc.base.errors import Refused
from promptvc.base.files import storage_errors, write_atomic
from promptvc.git.repo import Repository

NAME = "promptvc"
MODULE = "promptvc.cli.drivers"
ATTRIBUTES = (
    "prompts/**/*.yaml diff=promptvc merge=promptvc",
    # A deployment is a copy, byte for byte: two different ones are a conflict, not a text to be mixed.
    "deployments/**/*.yaml merge=binary",
    "deployments/*/environment.yaml merge",
)
"""Lines of `.gitattributes` beside the prompts. `prompts/**/` stands for any folders, also for none."""

_HUNKS = r"^((message|rule|example) .*|(rule|example): .{0,60}).*$"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of git's configuration, and what it shall be."""

    key: str
    value: str


def settings_for(interpreter: str, outline_format: int) -> tuple[Setting, ...]:
    """The configuration that has git call ``interpreter``.

    It is called with ``-P``: git runs drivers at the top of the working tree, and Python would otherwise import what
    a commit put there.
    """
    command = f"{shlex.quote(interpreter)} -P -m {MODULE}"
    return (
        Setting(f"diff.{NAME}.textconv", f"{command} textconv {outline_format}"),
        Setting(f"diff.{NAME}.cachetextconv", "true"),
        Setting(f"diff.{NAME}.xfuncname", _HUNKS),
        Setting(f"merge.{NAME}.name", "prompts by items: rules, examples, messages, keys"),
        Setting(f"merge.{NAME}.driver", f"{command} merge-driver %O %A %B %L %P"),
        # Where two branches have several merge bases, git first merges those. A conflict there must not be settled by
        # keeping a side, or that side's words would count as what both began from.
        Setting(f"merge.{NAME}.recursive", "binary"),
    )


def configured(repository: Repository) -> dict[str, str]:
    """What the clone's own configuration says about our drivers, by key."""
    pattern = rf"^(diff|merge)\.{NAME}\."
    code, out, _ = repository.outcome("config", "--local", "-z", "--get-regexp", pattern)
    if code:
        return {}
    entries = out.decode("utf-8", "surrogateescape").split("\0")
    return {key: value for key, _, value in (entry.partition("\n") for entry in entries if entry)}


def install_settings(repository: Repository, wanted: Sequence[Setting], *, force: bool = False) -> list[str]:
    """Write what is not so yet; the keys that were written.

    Raises:
        Refused: drivers of our name call another program, and ``force`` is not given. Nothing was written.
        GitError, Busy, StorageError: git could not write its configuration.
    """
    present = configured(repository)
    if not force and is_foreign(present):
        raise Refused(
            f"git is set up to call something else for the driver {NAME}: {_program(present)}",
            hint="--force replaces it; `git config --local --edit` shows it",
        )
    missing = [one for one in wanted if present.get(one.key) != one.value]
    for one in missing:
        repository.run("config", "--local", "--replace-all", one.key, one.value)
    return [one.key for one in missing]


def remove_settings(repository: Repository, *, force: bool = False) -> list[str]:
    """Take the drivers out of the clone's configuration; the keys that were there.

    Raises:
        Refused: they call another program, and ``force`` is not given.
    """
    present = configured(repository)
    if not force and is_foreign(present):
        raise Refused(
            f"the driver {NAME} is not ours: it calls {_program(present)}", hint="--force takes it out"
        )
    for section in sorted({key.rsplit(".", 1)[0] for key in present}):
        repository.run("config", "--local", "--remove-section", section)
    return sorted(present)


def is_foreign(present: dict[str, str]) -> bool:
    """Whether the driver's settings call a program that is not ours."""
    programs = [present.get(f"diff.{NAME}.textconv"), present.get(f"merge.{NAME}.driver")]
    return any(one is not None and f" -m {MODULE} " not in one for one in programs)


def add_attributes(folder: Path) -> bool:
    """Add our lines to the ``.gitattributes`` of ``folder``; whether any was missing."""
    path = folder / ".gitattributes"
    text = _read(path)
    missing = [line for line in ATTRIBUTES if line not in text.split("\n")]
    if missing:
        gap = "" if not text or text.endswith("\n") else "\n"
        _write(path, text + gap + "".join(f"{line}\n" for line in missing))
    return bool(missing)


def remove_attributes(folder: Path) -> bool:
    """Take our lines out again; whether any was there. A file that held nothing else is deleted."""
    path = folder / ".gitattributes"
    text = _read(path)
    lines = text.split("\n")
    kept = [line for line in lines if line not in ATTRIBUTES]
    if len(kept) == len(lines):
        return False
    if any(kept):
        _write(path, "\n".join(kept))
    else:
        with storage_errors(path):
            path.unlink()
    return True


def _program(present: dict[str, str]) -> str:
    found = [present.get(key) for key in (f"merge.{NAME}.driver", f"diff.{NAME}.textconv")]
    return next(one for one in found if one is not None)


def _read(path: Path) -> str:
    with storage_errors(path):
        return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    write_atomic(path, text.encode("utf-8", "surrogateescape"))
