"""`promptvc completion`, and what NAME arguments complete to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.main import COMPLETE
from promptvc.workflows.project import names_nearby

SHELLS = ("bash", "zsh", "fish")
_BASH_WORDS = """\
# NAME@REVISION and prompts:/NAME are one word each, as npm's completion has it for its own names.
COMP_WORDBREAKS=${COMP_WORDBREAKS//[@:]/}
"""


class PromptName(click.ParamType[str]):
    """NAME or NAME@REVISION; completes to the prompts of the repository around."""

    name = "name"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """The prompts' names, and after an `@` what a revision can always be."""
        directory = Path(ctx.find_root().params.get("start") or ".") / (ctx.params.get("start") or ".")
        name, at, revision = incomplete.partition("@")
        known, environments = names_nearby(directory)
        if not at:
            return [CompletionItem(one) for one in known if one.startswith(name)]
        return [
            CompletionItem(f"{name}@{one}") for one in ("latest", *environments) if one.startswith(revision)
        ]


NAME = PromptName()


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@edge_options
def completion(edge: Edge, shell: str) -> None:
    """Print the shell completion script.

    For bash: eval "$(promptvc completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None
    arguments: dict[str, Any] = {}
    script = kind(click.Command("promptvc"), arguments, "promptvc", COMPLETE).source()
    if shell == "bash":
        script = f"{_BASH_WORDS}{script}"
    edge.show({"shell": shell, "script": script}, lambda ui: ui.raw(script + "\n"))
