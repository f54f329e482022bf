"""`promptvc import FORMAT FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from promptvc.base.errors import Usage
from promptvc.base.losses import told
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui
from promptvc.workflows import importing, switch
from promptvc.workflows.incoming import Switched

MODULE = "promptvc.cli.import_"
TABLE = {
    "auto": Entry(MODULE, "auto", "Find out the format of a file, and import it."),
    "promptfoo": Entry(MODULE, "promptfoo", "Import a configuration or a CSV of promptfoo's."),
    "prompt-yml": Entry(MODULE, "prompt_yml", "Import a .prompt.yml of GitHub's."),
    "prompty": Entry(MODULE, "prompty", "Import a .prompty file, version 1 or 2."),
    "dotprompt": Entry(MODULE, "dotprompt", "Import a .prompt file of Genkit's."),
    "langchain": Entry(MODULE, "langchain", "Import a template of LangChain's, as JSON."),
    "openai": Entry(MODULE, "openai", "Import a chat or Responses request, or a reusable prompt, as JSON."),
    "langfuse": Entry(MODULE, "langfuse", "Import prompts of Langfuse's, as its API gives them."),
    "mlflow": Entry(MODULE, "mlflow", "Import prompt versions of MLflow's, as JSON."),
    "text": Entry(MODULE, "text", "Import a plain text or Markdown."),
}


class _Formats(LazyGroup):
    """The built-in formats, and those that other packages add."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table and cmd_name in importing.added_formats():
            return _command(cmd_name, f"Import {cmd_name}.")
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.table and args[0] in importing.added_formats():
            return args[0], self.get_command(ctx, args[0]), args[1:]
        return super().resolve_command(ctx, args)


@click.group("import", cls=_Formats, table=TABLE, invoke_without_command=True)
@click.pass_context
def import_(context: click.Context) -> None:
    """Import prompts and suites from other tools.

    Everything that is dropped or changed on the way is listed. No file beside the one that is named is read but by
    promptfoo's, no program is run, and endpoints and keys stay where they are.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command("promptfoo")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name", type=NAME, help="What the prompt is called here; by default after the file or its folder."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written and lost, and write nothing.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@edge_options
def promptfoo(edge: Edge, file: Path, name: str | None, dry_run: bool, force: bool) -> None:
    """Import a configuration or a CSV of promptfoo's.

    FILE is a promptfooconfig.yaml, its like in JSON, or a CSV of tests. The files that it names are read, programs are
    not run. Everything that is dropped or changed on the way is listed.
    """
    request = switch.SwitchRequest(edge.directory / file, name, dry_run, force)
    done = switch.import_promptfoo(edge.project(), request)

    _show(edge, done, dry_run=dry_run)


def _command(format_: str, short: str, more: str = "") -> click.Command:
    """The command of one format."""

    @click.command(format_, help=f"{short}\n\n{more or _HELP}")
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option(
        "--name",
        type=NAME,
        help="What the prompt is called here, or the folder around several; else as the file says.",
    )
    @click.option("--dry-run", is_flag=True, help="Say what would be written and lost, and write nothing.")
    @click.option("--force", is_flag=True, help="Write over files that are there.")
    @click.option("--all-versions", is_flag=True, help="Commit each version in the file, the oldest first.")
    @click.option(
        "--role", type=click.Choice(["user", "system"]), help="Of a plain text: whose message it is (user)."
    )
    @edge_options
    def command(edge: Edge, file: Path, **options: Any) -> None:
        place = edge.directory / file
        found = importing.one_format(place) if format_ == "auto" else format_
        if found == importing.PROMPTFOO:
            if options["all_versions"] or options["role"]:
                raise Usage(f"{file} is promptfoo's, which has neither versions nor a role")
            asked = switch.SwitchRequest(place, options["name"], options["dry_run"], options["force"])
            done = switch.import_promptfoo(edge.project(), asked)
        else:
            done = importing.import_prompts(edge.project(), importing.ImportRequest(found, place, **options))
        if format_ == "auto":
            edge.ui.note(f"it is {found}")
        _show(edge, done, dry_run=options["dry_run"])

    return command


def _show(edge: Edge, done: Switched, *, dry_run: bool) -> None:
    def lines(ui: Ui) -> None:
        for path in done.created:
            ui.line(f"would create {path}" if dry_run else f"created {path}")
        if done.cases:
            ui.line(f"{done.cases:,} case{'' if done.cases == 1 else 's'}")
        if done.dropped:
            count = len(done.dropped)
            ui.line(f"{count:,} thing{'' if count == 1 else 's'} dropped or changed:", "title")
            for loss in told(done.dropped):
                ui.line(f"  {loss.path}: {loss.what}")
                ui.line(f"    {loss.why}", "dim")

    for remark in done.remarks:
        edge.ui.note(remark)
    edge.show(done.to_json(), lines)


_HELP = "FILE is one file, or a folder of them. What has no place here, and what was changed, is listed."

auto = _command(
    "auto", "Find out the format of a file, and import it.", "Where several fit, it says which, and stops."
)
prompt_yml = _command("prompt-yml", "Import a .prompt.yml of GitHub's.")
prompty = _command("prompty", "Import a .prompty file, version 1 or 2.")
dotprompt = _command("dotprompt", "Import a .prompt file of Genkit's.")
langchain = _command("langchain", "Import a template of LangChain's, as JSON.")
openai = _command("openai", "Import a chat or Responses request, or a reusable prompt, as JSON.")
langfuse = _command("langfuse", "Import prompts of Langfuse's, as its API gives them.")
mlflow = _command("mlflow", "Import prompt versions of MLflow's, as JSON.")
text = _command("text", "Import a plain text or Markdown.")
