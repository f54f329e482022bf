"""The command ``promptvc``: a static table of commands, each loaded only when it is called."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from promptvc import __version__
from promptvc.base.errors import Interrupted, PromptvcError, StorageError, Usage
from promptvc.cli.lazy import Entry, LazyGroup
from promptvc.cli.ui import Ui

COMMANDS = {
    "init": Entry("promptvc.cli.start", "init", "Make the folders and settings in a git repository."),
    "new": Entry("promptvc.cli.start", "new", "Write a new prompt, from a file or from a task in words."),
    "import": Entry("promptvc.cli.import_", "import_", "Import prompts and suites from other tools."),
    "demo": Entry("promptvc.cli.demo", "demo", "Run the whole loop on a sample in a new folder."),
    "list": Entry("promptvc.cli.catalogue", "list_", "List the prompts and what runs where."),
    "show": Entry("promptvc.cli.show", "show", "Show a prompt at a revision, rendered on request."),
    "log": Entry("promptvc.cli.log", "log", "List the versions of a prompt, newest first."),
    "why": Entry("promptvc.cli.why", "why", "Tell who or what brought a rule, an example or a line."),
    "blame": Entry("promptvc.cli.blame", "blame", "Show who or what brought each item of a prompt."),
    "changelog": Entry("promptvc.cli.changelog", "changelog", "Tell what changed in each version."),
    "diff": Entry("promptvc.cli.diff", "diff", "Show what differs between two revisions of a prompt."),
    "commit": Entry("promptvc.cli.author", "commit", "Commit an edited prompt as its next version."),
    "merge": Entry("promptvc.cli.bring", "merge", "Merge BRANCH into the current branch, prompts by items."),
    "git": Entry("promptvc.cli.git", "git", "Let git compare and merge prompts by items."),
    "check": Entry("promptvc.cli.check", "check", "Look for anything wrong in the repository."),
    "feedback": Entry("promptvc.cli.feedback", "feedback", "Record, import, list and commit feedback."),
    "stats": Entry("promptvc.cli.stats", "stats", "Tell what each prompt did, and how it stands."),
    "recommend": Entry("promptvc.cli.recommend", "recommend", "Recommend prompts for a task, with reasons."),
    "route": Entry("promptvc.cli.route", "route", "Choose prompt, framework and model for a task."),
    "rank": Entry("promptvc.cli.rank", "rank", "Learn in which order prompts are recommended."),
    "analyze": Entry("promptvc.cli.analyze", "analyze", "Tell what separates good answers from bad ones."),
    "issues": Entry("promptvc.cli.issues", "issues", "Rank the issues that ratings report."),
    "annotate": Entry(
        "promptvc.cli.annotate", "annotate", "Review answers, and tell how far reviewers agree."
    ),
    "judge": Entry("promptvc.cli.judge", "judge", "Score logged answers, and hold judges against people."),
    "suggest": Entry("promptvc.cli.suggest", "suggest", "List edits worth making, each with its evidence."),
    "train": Entry("promptvc.cli.train", "train", "Learn from feedback; commit a candidate that is better."),
    "reproduce": Entry("promptvc.cli.reproduce", "reproduce", "Print the command that made a version."),
    "verify": Entry("promptvc.cli.verify", "verify", "Train a version again from its evidence and compare."),
    "dataset": Entry("promptvc.cli.dataset", "dataset", "Make data for fine-tuning from feedback."),
    "report": Entry("promptvc.cli.report", "report", "Report on a week or a month of feedback."),
    "evaluate": Entry("promptvc.cli.evaluate", "evaluate", "Run a suite, alone or against a baseline."),
    "baseline": Entry("promptvc.cli.baseline", "baseline", "Approve what versions are held against."),
    "bisect": Entry("promptvc.cli.bisect", "bisect", "Find the version that broke a case."),
    "review": Entry("promptvc.cli.review", "review", "Tell a reviewer of a candidate: verdict and changes."),
    "alerts": Entry("promptvc.cli.alerts", "alerts", "List what somebody should act on."),
    "pr": Entry("promptvc.cli.pull", "pr", "Open or update the pull request of a candidate."),
    "publish": Entry("promptvc.cli.pull", "publish", "Commit and push what trainings in another job made."),
    "forge": Entry("promptvc.cli.forge", "forge", "Keep a comment or an issue on the forge."),
    "deploy": Entry("promptvc.cli.deploy", "deploy", "Put a version into an environment."),
    "rollback": Entry("promptvc.cli.deploy", "rollback", "Go back to an earlier version; hold the bad one."),
    "status": Entry("promptvc.cli.fleet", "status", "Show which version each environment runs."),
    "drift": Entry("promptvc.cli.drift", "drift", "Tell whether what runs is what main says."),
    "export": Entry("promptvc.cli.export", "export", "Copy prompts, or an environment's, to a folder."),
    "convert": Entry("promptvc.cli.convert", "convert", "Print a prompt in another tool's format."),
    "completion": Entry("promptvc.cli.completion", "completion", "Print the shell completion script."),
}

COMPLETE = "_PROMPTVC_COMPLETE"
"""The variable by which a shell asks for completions."""

EPILOG = "Exit codes: 0 done, 1 the answer is no, 2 bad input, 3 could not finish, 130 interrupted."


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.option("-C", "start", metavar="DIR", default=None, help="Run as if started in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--log", "as_log", is_flag=True, help="Write structured logs to stderr.")
@click.version_option(__version__, prog_name="promptvc", message="%(prog)s %(version)s")
@click.pass_context
def promptvc(context: click.Context, start: str | None, as_json: bool, as_log: bool) -> None:
    """Version control for LLM prompts, in git: feedback, training, evaluation and deployment as commits."""
    context.obj = {"start": start, "json": as_json, "log": as_log}
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: Sequence[str] | None = None) -> None:
    """The entry point: run one command, print its error if it has one, exit with its code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal's encoding may lack what a user wrote
    ui = Ui.for_process(os.environ, as_json="--json" in words)
    sys.exit(_call(list(arguments), ui))


def _call(arguments: list[str], ui: Ui) -> int:
    try:
        return _answer(arguments, ui)
    except BrokenPipeError:
        _discard_output()  # the reader has gone: `| head`
        return 0
    except OSError as error:
        fault = StorageError(error.strerror or str(error), file=str(error.filename or "standard output"))
        try:
            ui.error(fault)
        except OSError:
            _discard_output()
            ui.err.write(f"error: {fault}\n")
        return fault.exit_code


def _answer(arguments: list[str], ui: Ui) -> int:
    try:
        result = _invoke(arguments)
        ui.flush()
    except PromptvcError as error:
        ui.error(error)
        return error.exit_code
    except click.ClickException as error:
        ui.error(_usage(error))
        return Usage.exit_code
    except (KeyboardInterrupt, click.Abort):
        interrupted = Interrupted("interrupted", hint="run the same command again: what was done is kept")
        ui.error(interrupted)
        return interrupted.exit_code
    return result if isinstance(result, int) else 0


def _invoke(arguments: list[str]) -> Any:
    """What click's own ``main`` does, but a closed pipe is left to us: it would end with 1, which here means no."""
    wanted = os.environ.get(COMPLETE)
    if wanted:
        from click.shell_completion import shell_complete

        return shell_complete(promptvc, {}, "promptvc", COMPLETE, wanted)
    try:
        with promptvc.make_context("promptvc", arguments) as context:
            return promptvc.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


def _discard_output() -> None:
    """Keep the interpreter from flushing once more, and failing once more, at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: click.ClickException) -> Usage:
    hint = None
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"see `{error.ctx.command_path} --help`"
    message = error.format_message().rstrip(".")
    return Usage(message[:1].lower() + message[1:], hint=hint)
