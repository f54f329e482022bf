"""Draw docs/terminal.svg: what a terminal shows when the loop's main commands run on the sample.

The commands run for real, in a pseudo-terminal, in a new copy of the sample; nothing is typed in by hand.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from promptvc.workflows.demo import commit_sample, prepare
from promptvc.workflows.start import init

HERE = Path(__file__).resolve().parent
COLUMNS = 132
COMMANDS = (
    "promptvc feedback summary support/triage",
    "promptvc train support/triage",
    "promptvc diff support/triage@v1 @v2 | head -n 9",
    "git merge --quiet --no-edit --no-ff promptvc/support/triage/v2",
    "promptvc deploy support/triage",
    "promptvc log support/triage",
)
COLOURS = {"31": "#e06c75", "32": "#98c379", "33": "#e5c07b", "36": "#56b6c2"}
_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")
_OTHER = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]")


def run(command: str, folder: Path, environ: Mapping[str, str]) -> str:
    """What ``command`` writes to a terminal of :data:`COLUMNS` columns."""
    main, terminal = pty.openpty()
    with subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env=environ,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
    ):
        os.close(terminal)
        chunks = []
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # the other side has closed: that is how a pseudo-terminal ends
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(main)
    return _OTHER.sub("", b"".join(chunks).decode()).replace("\r\n", "\n")


def session(environ: Mapping[str, str]) -> str:
    """The commands with their output, as one text with colour codes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "support"
        prepare(folder, environ=environ)
        init(folder, environ=environ)
        commit_sample(folder, environ=environ)
        tools = Path(name) / "bin"
        tools.mkdir()
        (tools / "promptvc").write_text(f'#!/bin/sh\nexec {sys.executable} -m promptvc "$@"\n')
        (tools / "promptvc").chmod(0o755)
        values = {
            **environ,
            "PATH": f"{tools}:{environ['PATH']}",
            "PYTHONPATH": str(HERE.parent),
            "TERM": "xterm",
            "COLUMNS": str(COLUMNS),
            "PROMPTVC_FORCE_TTY": str(COLUMNS),
        }
        parts = [f"\x1b[1m$ {command}\x1b[0m\n{run(command, folder, values)}" for command in COMMANDS]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def spans(line: str) -> Iterator[tuple[str, str]]:
    """The stretches of one line with their SVG attributes."""
    style: dict[str, str] = {}
    position = 0
    for match in [*_ESCAPE.finditer(line), None]:
        text = line[position : match.start() if match else len(line)]
        if text:
            yield text, " ".join(f'{key}="{value}"' for key, value in style.items())
        if match is None:
            return
        position = match.end()
        for code in match[1].split(";"):
            if code in {"", "0"}:
                style = {}
            elif code == "1":
                style["font-weight"] = "bold"
            elif code == "2":
                style["opacity"] = "0.6"
            elif code in COLOURS:
                style["fill"] = COLOURS[code]


def draw(text: str) -> str:
    """``text`` as an SVG of a terminal."""
    lines = text.rstrip("\n").split("\n")
    width, height = COLUMNS * 8 + 40, len(lines) * 19 + 62
    rows = []
    for number, line in enumerate(lines):
        cells = "".join(f"<tspan {style}>{escape(part)}</tspan>" for part, style in spans(line))
        rows.append(f'<text x="20" y="{54 + number * 19}" xml:space="preserve">{cells}</text>')
    dots = "".join(
        f'<circle cx="{24 + 20 * at}" cy="20" r="6" fill="{colour}"/>'
        for at, colour in enumerate(("#e06c75", "#e5c07b", "#98c379"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13" '
        'fill="#d7dae0">\n<title>promptvc learns from feedback, commits a candidate, merges and deploys it</title>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#1f2329"/>\n{dots}\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    (HERE / "terminal.svg").write_text(draw(session(dict(os.environ))), "utf-8")
