"""Write docs/reference.md: the help of every command, as the program prints it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from promptvc.cli.main import promptvc

HERE = Path(__file__).resolve().parent
HEAD = """\
# Command reference

What `--help` prints, for every command. Written by `make docs`; a test keeps it true.
"""


def pages(command: click.Command, path: str, parent: click.Context | None = None) -> Iterator[str]:
    """The help of ``command`` and, below it, of its own commands."""
    settings = {**command.context_settings, "terminal_width": 80}
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent, **settings)
    yield f"## {path}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from pages(below, f"{path} {name}", context)


def reference() -> str:
    """The whole page."""
    return "\n".join([HEAD, *pages(promptvc, "promptvc")])


if __name__ == "__main__":
    (HERE / "reference.md").write_text(reference(), "utf-8")
