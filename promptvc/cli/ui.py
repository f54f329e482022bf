"""The only printer: tables on a terminal, tab-separated lines when piped, JSON, errors."""

from __future__ import annotations

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

import click

from promptvc.base.errors import PromptvcError
from promptvc.cli.runner_log import RunnerLog, is_log

STYLES: Mapping[str, Mapping[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "warn": {"fg": "yellow"},
    "title": {"bold": True},
    "dim": {"dim": True},
    "key": {"fg": "cyan"},
}
FORCE_TERMINAL = "PROMPTVC_FORCE_TTY"
_BRIEF = 80
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RAW_IN_JSON = re.compile(
    "[\x7f-\x9f\u2028\u2029\ud800-\udfff]"
)  # what JSON allows, and a terminal or a codec does not


class Ui:
    """Prints for one process. ``terminal`` decides the layout, ``colour`` the escapes."""

    def __init__(
        self,
        *,
        out: TextIO | RunnerLog,
        err: TextIO | RunnerLog,
        as_json: bool = False,
        terminal: bool = False,
        colour: bool = False,
        width: int = 100,
    ) -> None:
        self.out = out
        self.err = err
        self.as_json = as_json
        self.terminal = terminal
        self.colour = colour
        self.width = width

    @classmethod
    def for_process(cls, environ: Mapping[str, str], *, as_json: bool) -> Ui:
        """Colours only on terminals, not with ``NO_COLOR``; ``PROMPTVC_FORCE_TTY=80`` forces their layout."""
        forced = environ.get(FORCE_TERMINAL, "")
        real = sys.stdout.isatty()
        colour = real and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        width = shutil.get_terminal_size((100, 24)).columns
        if forced.isdigit() and int(forced) >= 40:
            width = int(forced)
        return cls(
            out=RunnerLog(sys.stdout) if is_log(sys.stdout, environ) else sys.stdout,
            err=RunnerLog(sys.stderr) if is_log(sys.stderr, environ) else sys.stderr,
            as_json=as_json,
            terminal=real or bool(forced),
            colour=colour,
            width=width,
        )

    def style(self, text: str, style: str | None) -> str:
        """``text`` in one of :data:`STYLES`, or as it is where colours are off."""
        return click.style(text, **STYLES[style]) if style and self.colour else text

    def line(self, text: str = "", style: str | None = None) -> None:
        """One line of a result."""
        self.out.write(self.style(_printable(text), style) + "\n")

    def raw(self, text: str) -> None:
        """Text as it is, for contents that somebody may pipe on; a terminal is spared control characters."""
        self.out.write(_printable(text.replace("\r\n", "\n")) if self.terminal else text)

    def command(self, text: str) -> None:
        """A line that a CI runner is to obey: of our own making, with everything foreign in it escaped."""
        stream = self.out.stream if isinstance(self.out, RunnerLog) else self.out
        self.out.flush()
        stream.write(text + "\n")

    def brief(self, text: str) -> str:
        """``text`` as one line; a terminal is spared what is beyond 80 columns of it."""
        flat = " ".join(text.split())
        return _shortened(flat, _BRIEF) if self.terminal else flat

    def note(self, text: str) -> None:
        """A remark that is no part of the result, on stderr."""
        self.err.write(self.style(_printable(text), "dim") + "\n")
        self.err.flush()

    def json(self, value: Any) -> None:
        """One JSON document."""
        ascii_only = (getattr(self.out, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
        text = json.dumps(value, ensure_ascii=ascii_only, indent=2 if self.terminal else None)
        text = text.replace("##[", "#\\u0023[")  # a runner's command; the value stays the same
        self.out.write(_RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        empty: str = "",
        styles: Sequence[str | None] = (),
    ) -> None:
        """Aligned columns with headers on a terminal, else tab-separated cells without a header.

        Args:
            styles: of each row on a terminal; none for all by default.
        """
        cells = [[_cell(cell) for cell in row] for row in rows]
        if not self.terminal:
            for row in cells:
                self.out.write("\t".join(row) + "\n")
            return
        if not cells:
            if empty:
                self.line(empty, "dim")
            return
        widths = [max(len(header), *(_width(row[i]) for row in cells)) for i, header in enumerate(headers)]
        room = max(16, self.width - sum(widths[:-1]) - 2 * (len(widths) - 1))
        self.out.write(self.style(_row(list(headers), widths), "title") + "\n")
        for row, style in zip(cells, styles or [None] * len(cells), strict=True):
            row[-1] = _shortened(row[-1], room)
            self.out.write(self.style(_row(row, widths), style) + "\n")

    def error(self, error: PromptvcError, *, beside: Mapping[str, Any] | None = None) -> None:
        """``error:`` and ``hint:`` on stderr, or the JSON form on stdout, in one document with ``beside``."""
        if self.as_json:
            value = {
                "kind": error.kind,
                "message": error.message,
                "hint": error.hint,
                "file": error.file,
                "line": error.line,
            }
            self.json({**(beside or {}), "error": value})
        else:
            self.out.flush()
            self.err.write(self.style("error:", "bad") + f" {_one_line(str(error))}\n")
            if error.hint:
                self.err.write(self.style("hint:", "warn") + f" {_one_line(error.hint)}\n")
        self.flush()

    def progress(self, label: str) -> Callable[[int, int], None]:
        """A counter on stderr that overwrites itself; silent where stderr is no terminal."""
        if not self.err.isatty() or self.as_json:
            return lambda done, total: None  # noqa: ARG005 - same signature as the live one
        last = [-1]

        def show(done: int, total: int) -> None:
            percent = 100 * done // max(total, 1)
            if percent != last[0]:
                last[0] = percent
                end = "\r\x1b[K" if done >= total else ""
                self.err.write(f"\r\x1b[K{label} {done}/{total} {percent}%{end}")
                self.err.flush()

        return show

    def flush(self) -> None:
        """Hand everything to the operating system, so that a closed pipe is noticed here."""
        self.out.flush()
        self.err.flush()


def _cell(value: Any) -> str:
    return "" if value is None else _one_line(str(value)).replace("\t", " ")


def _one_line(text: str) -> str:
    return _printable(text).replace("\n", " ")


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    ).rstrip()


def _width(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _shortened(text: str, room: int) -> str:
    if _width(text) <= room:
        return text
    kept, used = "", 1
    for character in text:
        used += _columns(character)
        if used > room:
            break
        kept += character
    return kept + "…"


def _printable(text: str) -> str:
    """Feedback is written by strangers: no control character of theirs may reach a terminal.

    Nor may one that reorders the text around it. Joiners and wide spaces are words in many scripts, and stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" or not _is_control(c) else _escaped(c) for c in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _REORDERING


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
