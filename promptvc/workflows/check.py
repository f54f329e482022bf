"""`check`: anything wrong in the repository, each finding with a rule, a place and what to do."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from promptvc.base.config import CheckSettings
from promptvc.base.documents import load_yaml
from promptvc.base.errors import InputError, InvalidDocument, NotFound, Usage
from promptvc.base.files import write_atomic
from promptvc.base.findings import Problem
from promptvc.base.ignores import MARK, Ignore, ignores_of, without_ignored
from promptvc.base.rules import RULES, nearest_rule
from promptvc.prompts.lint.mending import mended
from promptvc.prompts.names import name_of
from promptvc.workflows.looking import Looking
from promptvc.workflows.project import Project

_COMMENTED = ("prompts/", "evaluation/", "promptvc.yaml")
"""Where comments count. A deployment is a copy: what silences a finding silences it in the prompt."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check.

    Attributes:
        names: only these prompts and what is about them; empty: everything.
        rules: only findings of these rules; empty: all.
        fix: mend what can be mended in prompts, then check.
    """

    names: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    fix: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, errors first, and in how many files.

    Attributes:
        fixed: findings that are gone because `--fix` mended them.
        disabled: rules that no comment may silence, with the milder severity, or ``off``, that the settings give them.
        prefix: the prompt root from the repository's top, with a final slash; empty at the top.
    """

    problems: tuple[Problem, ...]
    looked_at: int
    fixed: tuple[Problem, ...] = ()
    prefix: str = ""
    disabled: tuple[tuple[str, str], ...] = ()


def check(project: Project, names: Sequence[str] = (), request: CheckRequest | None = None) -> Report:
    """Look at the working tree (HEAD in a bare repository), and at main's history for versions and deployments.

    Args:
        names: only these prompts and what is about them.
        request: more to say; its names count beside ``names``.

    Raises:
        NotFound: a name that no file has, or a rule that there is not.
        Usage: ``fix`` in a bare repository.
    """
    request = request or CheckRequest()
    wanted = frozenset((*names, *request.names))
    for rule in request.rules:
        if rule not in RULES:
            near = nearest_rule(rule)
            hint = f"did you mean {near}?" if near else "promptvc check --list-rules names them"
            raise NotFound(f"there is no rule {rule}", hint=hint)
    report, looking = _look(project, wanted, request)
    if not request.fix:
        return report
    if project.root is None:
        raise Usage("a bare repository has no files to fix", hint="run --fix in a clone")
    fixed = _fix(project, looking, report.problems)
    if fixed:
        report, _ = _look(project, wanted, request)
    return replace(report, fixed=fixed)


def _look(project: Project, names: frozenset[str], request: CheckRequest) -> tuple[Report, Looking]:
    looking = Looking(project, names)
    settings = looking.settings.check
    watched = frozenset(rule for rule in request.rules or RULES if settings.rules.get(rule) != "off")
    # What says that a rule is misspelt is no matter of taste.
    found = [one for one in looking.problems() if not _is_passed_over(one.file, settings)]
    found = _silenced(looking, found, watched, settings)
    graded = [_graded(one, settings) for one in found if one.rule in watched]
    graded.sort(key=lambda one: (not one.is_error, one.file, one.line or 0, one.rule))
    count = sum(map(looking.wanted_file, looking.ours.paths))
    disabled = _disabled(settings, request.rules or tuple(RULES))
    return Report(tuple(graded), count, (), project.prefix, disabled), looking


def _disabled(settings: CheckSettings, rules: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What guards history, deployments and secrets may be weakened by the settings, but never in silence."""
    found = [(rule, settings.rules.get(rule)) for rule in dict.fromkeys(rules) if not RULES[rule].ignorable]
    weaker = {"off", "warning"}
    return tuple((rule, given) for rule, given in found if given in weaker and given != RULES[rule].severity)


def _is_passed_over(file: str, settings: CheckSettings) -> bool:
    return any(fnmatch.fnmatchcase(file, pattern) for pattern in settings.ignore)


def _graded(problem: Problem, settings: CheckSettings) -> Problem:
    """At the severity that the settings give its rule."""
    severity = settings.rules.get(problem.rule)
    if severity in {"error", "warning"}:
        return replace(problem, severity="error" if severity == "error" else "warning")
    return problem


def _silenced(
    looking: Looking, found: Iterable[Problem], watched: frozenset[str], settings: CheckSettings
) -> list[Problem]:
    """Without what comments silence; with what is wrong with the comments."""
    by_file: dict[str, list[Problem]] = {}
    for problem in found:
        by_file.setdefault(problem.file, []).append(problem)
    for path in looking.ours.paths:
        if not path.endswith(".yaml") or not path.startswith(_COMMENTED) or not looking.wanted_file(path):
            continue
        if path.startswith("evaluation/evidence/") or MARK not in looking.ours.read(path):
            continue
        if not _is_passed_over(path, settings):
            comments = _comments(looking, path)
            by_file[path] = list(without_ignored(by_file.get(path, []), comments, path, watched))
    return [problem for problems in by_file.values() for problem in problems]


def _comments(looking: Looking, path: str) -> tuple[Ignore, ...]:
    with suppress(InvalidDocument):
        return ignores_of(load_yaml(looking.ours.read(path), file=path))
    return ()


def _fix(project: Project, looking: Looking, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Mend the prompts that have something to mend."""
    assert project.root is not None
    fixed: list[Problem] = []
    for path in dict.fromkeys(one.file for one in problems if one.fixable):
        if name_of(path) is None or path not in looking.ours:
            continue
        before = looking.ours.read(path)
        with suppress(InvalidDocument):
            better = mended(before, [one for one in problems if one.file == path], file=path)
            if better.fixed and better.data != before:
                _write(project, path, before, better.data)
                fixed += better.fixed
    return tuple(fixed)


def _write(project: Project, path: str, before: bytes, data: bytes) -> None:
    assert project.root is not None
    if project.read(path) != before:
        raise InputError(f"{path} was changed meanwhile", hint="run the command again", file=path)
    write_atomic(project.root / path, data)
