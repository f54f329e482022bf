"""What every command gets: where it runs, how it prints, and the options that all of them share."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from promptvc.base.clock import utc_now
from promptvc.base.log import JsonLines, Log, Silent
from promptvc.cli.ui import Ui
from promptvc.workflows.project import Project, open_project


@dataclass(frozen=True)
class Edge:
    """One command's surroundings. The environment and the clock are read here and nowhere below."""

    directory: Path
    ui: Ui
    log: Log

    def project(self) -> Project:
        """Open the repository that the command runs in; it is closed when the command has ended."""
        project = self.opened()
        click.get_current_context().call_on_close(project.close)
        return project

    def opened(self) -> Project:
        """The same, for a caller that closes it: a service opens it anew for every round."""
        return open_project(self.directory, environ=os.environ, clock=utc_now, log=self.log)

    def show(self, value: Any, text: Callable[[Ui], None]) -> None:
        """Print ``value`` as JSON when asked for, else let ``text`` print it for people."""
        if self.ui.as_json:
            self.ui.json(value)
        else:
            text(self.ui)


def edge_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-C``, ``--json`` and ``--log``, and hand the command an :class:`Edge` as its first argument."""

    @click.option("-C", "start", metavar="DIR", default=None, help="Run as if started in DIR.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.option("--log", "as_log", is_flag=True, help="Write structured logs to stderr.")
    @functools.wraps(function)
    def command(
        *args: Any,
        start: str | None,
        as_json: bool,
        as_log: bool,
        **kwargs: Any,
    ) -> Any:
        context = click.get_current_context()
        above = context.find_root().obj or {}
        where = Path(above.get("start") or ".") / (start or ".")
        ui = Ui.for_process(os.environ, as_json=as_json or bool(above.get("json")))
        log: Log = JsonLines(sys.stderr, utc_now) if as_log or above.get("log") else Silent()
        return function(Edge(where, ui, log), *args, **kwargs)

    return command
