"""`promptvc check`: look for anything wrong, as a linter does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from promptvc import __version__
from promptvc.base.errors import Usage
from promptvc.base.finding_lines import github_line, plain_line
from promptvc.base.outputs import write_output
from promptvc.base.rules import RULES, Rule
from promptvc.base.sarif import sarif
from promptvc.cli.completion import NAME
from promptvc.cli.edge import Edge, edge_options
from promptvc.cli.ui import Ui
from promptvc.workflows import check as checking
from promptvc.workflows.check import CheckRequest, Report

FORMATS = ("text", "plain", "github", "sarif", "json")
_BY_SUFFIX = {".sarif": "sarif", ".json": "json"}


@click.command("check")
@click.argument("names", metavar="[NAME ...]", type=NAME, nargs=-1)
@click.option("--fix", is_flag=True, help="Mend what can be mended without changing what a prompt says.")
@click.option("--rule", "rules", metavar="RULE", multiple=True, help="Only this rule. Again for more.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How findings are written.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the findings to a file as well.")
@click.option("--list-rules", is_flag=True, help="List the rules there are.")
@edge_options
def check(edge: Edge, names: tuple[str, ...], **options: Any) -> int:
    """Look for anything wrong in the repository.

    Prompts: variables, rules and examples that contradict or repeat each other, text of strangers among
    instructions, secrets, what no reader sees. The repository: schemas, names, version reuse, deployments that are
    not their version, dangling holds, events with one id and two contents, and what a crash may have left. With
    names: only these prompts. Exit 1 if anything is an error.

    --format plain writes a line a finding for editors, github annotations for a workflow, sarif SARIF 2.1.0. With
    -o the format of the file is that of its suffix, .sarif or .json, and the findings are told too, as text or as
    --format says.

    A comment in a prompt silences a rule: `# promptvc: ignore[RULE] reason`, behind a line or above it.
    """
    if options["list_rules"]:
        _list(edge)
        return 0
    output: Path | None = options["output"]
    form = _format(options["form"], output, as_json=edge.ui.as_json)
    request = CheckRequest(rules=options["rules"], fix=options["fix"])
    report = checking.check(edge.project(), names, request)
    if output is not None:
        kind = _BY_SUFFIX.get(output.suffix, form)
        write_output(output, (_document(report, kind, request=request).encode(),), make=True)
        form = "text" if kind == form else form
    if report.disabled:
        edge.ui.note(_weakened(report))
    if edge.ui.as_json:
        edge.ui.json(_json(report, request=request))
    elif form == "text":
        _text(edge.ui, report, fix=request.fix)
    elif form == "github":
        for one in report.problems:
            edge.ui.command(github_line(one, prefix=report.prefix))
    else:
        edge.ui.raw(_document(report, form, request=request))
    return 1 if any(one.is_error for one in report.problems) else 0


def _format(given: str | None, output: Path | None, *, as_json: bool) -> str:
    if given is not None and as_json and output is None and given != "json":
        raise Usage(
            f"--json and --format {given} do not go together", hint="choose one, or write one with -o"
        )
    if given is not None:
        return given
    return _BY_SUFFIX.get(output.suffix, "plain") if output is not None else "text"


def _json(report: Report, *, request: CheckRequest) -> dict[str, Any]:
    found: dict[str, Any] = {
        "problems": [one.to_json() for one in report.problems],
        "disabled": [{"rule": rule, "severity": severity} for rule, severity in report.disabled],
    }
    return found | ({"fixed": [one.to_json() for one in report.fixed]} if request.fix else {})


def _document(report: Report, form: str, *, request: CheckRequest) -> str:
    """Everything in one of the formats for programs."""
    whole: dict[str, Callable[[], Any]] = {
        "sarif": lambda: sarif(
            report.problems, version=__version__, prefix=report.prefix, rules=request.rules
        ),
        "json": lambda: _json(report, request=request),
    }
    if form in whole:
        return json.dumps(whole[form](), indent=2) + "\n"
    if form == "github":
        return "".join(f"{github_line(one, prefix=report.prefix)}\n" for one in report.problems)
    return "".join(f"{plain_line(one)}\n" for one in report.problems)


def _weakened(report: Report) -> str:
    """One remark each time: what no comment may hide is not hidden by settings unsaid either."""
    told = ", ".join(f"{rule} is {severity}" for rule, severity in report.disabled)
    return f"promptvc.yaml weakens what guards secrets and history: {told}"


def _text(ui: Ui, report: Report, *, fix: bool) -> None:
    for one in report.fixed:
        where = f"{one.file}:{one.line}" if one.line else one.file
        ui.line(f"fixed: {where}: {one.message} [{one.rule}]", "good")
    for one in report.problems:
        where = f"{one.file}:{one.line}" if one.line else one.file
        ui.line(f"{one.severity}: {where}: {one.message} [{one.rule}]", "bad" if one.is_error else "warn")
        if one.hint:
            ui.line(f"  {one.hint}", "dim")
    if fix:
        files = len({one.file for one in report.fixed})
        ui.line(f"{_count(len(report.fixed), 'finding')} fixed in {_count(files, 'file')}")
        if files:
            told = "the numbers in them are those of before: promptvc commit NAME gives each its own"
            ui.line(f"{told}, and a plain git commit does not", "warn")
    errors = sum(one.is_error for one in report.problems)
    if report.problems:
        warnings = len(report.problems) - errors
        counted = ", ".join([_count(errors, "error"), _count(warnings, "warning")])
        ui.line(f"{counted} in {_count(report.looked_at, 'file')}")
    else:
        ui.line(f"nothing wrong in {_count(report.looked_at, 'file')}", "good")


def _list(edge: Edge) -> None:
    rules = RULES.values()

    def text(ui: Ui) -> None:
        rows = [[rule.id, rule.severity, _can(rule), f"{rule.summary} {rule.reason}"] for rule in rules]
        ui.table(["rule", "severity", "", "finds"], rows)

    edge.show({"rules": [_rule_json(rule) for rule in rules]}, text)


def _can(rule: Rule) -> str:
    return "fix" if rule.fixable else "" if rule.ignorable else "always"


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__slots__}


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
