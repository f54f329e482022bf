"""A whole configuration of promptfoo's, or a CSV alone, as prompts and a suite.

Source of their format: https://www.promptfoo.dev/docs/configuration/reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument
from promptvc.base.losses import Loss, Losses
from promptvc.evaluation.promptfoo.assertions import Assertions
from promptvc.evaluation.promptfoo.cases import AFFIXES, Cases
from promptvc.evaluation.promptfoo.nunjucks import templated
from promptvc.evaluation.promptfoo.prompts import Draft, drafts
from promptvc.evaluation.promptfoo.providers import Chosen, chosen
from promptvc.evaluation.promptfoo.sheet import rows_of_csv
from promptvc.evaluation.promptfoo.source import FILE, Source, Unreadable
from promptvc.evaluation.promptfoo.tests import each_test, scenarios_of
from promptvc.prompts.model import Message, OutputFormat, Prompt, Variable
from promptvc.prompts.render import placeholders

_KEYS = frozenset({
    "$schema", "description", "prompts", "providers", "targets", "tests", "defaultTest", "scenarios",
    "assertionTemplates", "evaluateOptions",
})  # fmt: skip
_SECRETS = frozenset({"env", "sharing"})
_SLUG = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it.

    Attributes:
        prompts: by label, with the name ``import`` and version 1: who writes them gives them their own.
        suite: without its cases; for every prompt.
        cases: as a suite writes them.
        variables: that the cases give.
        code: texts of files with code, by path from the suite's own folder.
        losses: all that was dropped or changed.
    """

    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    suite: Mapping[str, Any] = field(default_factory=dict)
    cases: Sequence[Mapping[str, Any]] = ()
    variables: frozenset[str] = frozenset()
    code: Mapping[str, str] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


def from_configuration(value: Any, file: str, source: Source, beside: str) -> Imported:
    """What a configuration holds.

    Args:
        file: its name, for errors.
        beside: where code goes, as :class:`Assertions` takes it; ``../`` is put before it where there are several
            prompts, whose suites stand one folder deeper.

    Raises:
        InvalidDocument: it is no configuration, or has no prompt that could come over.
    """
    if not isinstance(value, Mapping) or not {"prompts", "providers", "targets", "tests"} & set(value):
        raise InvalidDocument(
            "this is no configuration of promptfoo",
            hint="it needs `prompts` and `tests`; a CSV of tests alone ends in .csv",
            file=file,
        )
    losses = Losses()
    for key in value:
        if key not in _KEYS:
            losses.add(key, key if key in _SECRETS else value[key], "there is no such thing here")
    written = drafts(value.get("prompts"), source, losses)
    if not written and value.get("prompts") is not None:
        first = next((loss for loss in losses.all() if loss.path.startswith("prompts")), None)
        reason = f" ({first.path}: {first.why})" if first else ""
        raise InvalidDocument(f"none of its prompts can be imported{reason}", file=file)
    model = chosen(value.get("providers", value.get("targets")), source, losses)
    templates = value.get("assertionTemplates")
    folder = beside if len(written) < 2 else f"../{beside}"
    assertions = Assertions(source, losses, folder, templates if isinstance(templates, Mapping) else {})
    cases = Cases(source, losses, assertions)
    _default(value.get("defaultTest"), cases, source, losses)
    made = [
        case
        for tests in (
            each_test(value.get("tests"), "tests", source, losses, 0),
            scenarios_of(value.get("scenarios"), source, losses),
        )
        for path, test in tests
        for case in cases.of(path, test)
    ]
    affixes = _affixes(cases, made, losses)
    try:
        prompts = _prompts(written, model, affixes, losses)
    except InputError as error:
        raise InvalidDocument(error.message, hint=error.hint, file=file) from None
    suite = {**_heading(value, losses), **({"default": cases.default} if cases.default else {})}
    variables = frozenset[str]().union(cases.default.get("vars", {}), *(case["vars"] for case in made))
    found = {
        label: _declared(
            prompt, made, cases.default.get("vars", {}), variables, value.get("description"), losses
        )
        for label, prompt in prompts.items()
    }
    return Imported(found, suite, made, variables, assertions.code, losses.all())


def from_csv(text: str, file: str, source: Source, beside: str) -> Imported:
    """The tests of a CSV file: a suite without prompts."""
    losses = Losses()
    assertions = Assertions(source, losses, beside, {})
    cases = Cases(source, losses, assertions)
    made = [case for path, test in rows_of_csv(text, file, losses) for case in cases.of(path, test)]
    if any(cases.affixes):
        losses.add(file, "__prefix, __suffix", "they belong to the prompt, which this file has not")
    variables = frozenset[str]().union(*(case["vars"] for case in made))
    return Imported({}, {}, made, variables, assertions.code, losses.all())


def slug(text: str) -> str:
    """A text as a segment of a name; empty where nothing of it can stand there."""
    return _SLUG.sub("-", text.lower()).strip("-_")[:60].strip("-_")


def _default(value: Any, cases: Cases, source: Source, losses: Losses) -> None:
    if isinstance(value, str) and value.startswith(FILE):
        try:
            value = source.data(source.paths(value)[0])
        except Unreadable as error:
            losses.add("defaultTest", value, str(error))
            return
    if isinstance(value, Mapping):
        cases.set_default(value, "defaultTest")
    elif value is not None:
        losses.add("defaultTest", value, "it is no test")


def _heading(value: Mapping[str, Any], losses: Losses) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(value.get("description"), str):
        found["description"] = value["description"]
    options = value.get("evaluateOptions")
    for key, option in (options if isinstance(options, Mapping) else {}).items():
        if key == "repeat" and isinstance(option, int) and 1 <= option <= 1000:
            found["repeat"] = int(option)
        else:
            losses.add(
                f"evaluateOptions.{key}", option, "it is an option of `promptvc evaluate`, or a setting"
            )
    return found


def _affixes(cases: Cases, made: Sequence[dict[str, Any]], losses: Losses) -> dict[str, str]:
    """{prefix: name of the variable} where tests set one: a prompt's text is the same for all of its cases."""
    found = {}
    for key in AFFIXES:
        if not any(each and key in each for each in cases.affixes):
            continue
        name = key
        while any(name in case["vars"] for case in made):
            name += "_"
        for case, each in zip(made, cases.affixes, strict=True):
            if each and key in each:
                case["vars"][name] = each[key]
        losses.add("tests", key, f"it became the variable `{name}` of the prompt's last message of the user")
        found[key] = name
    return found


def _prompts(
    written: Sequence[Draft], model: Chosen, affixes: Mapping[str, str], losses: Losses
) -> dict[str, Prompt]:
    found: dict[str, Prompt] = {}
    for number, draft in enumerate(written, 1):
        turns = list(draft.turns)
        last = max((at for at, turn in enumerate(turns) if turn[0] == "user"), default=len(turns) - 1)
        before, after = (f"{{{{ {affixes[key]} }}}}" if key in affixes else "" for key in AFFIXES)
        turns[last] = (turns[last][0], f"{before}{turns[last][1]}{after}")
        texts = templated([text for _, text in turns])
        for what, why in texts.changes:
            losses.add(draft.path, what, why)
        messages: Any = tuple(Message(role, text) for (role, _), text in zip(turns, texts.texts, strict=True))  # type: ignore[arg-type]
        label = slug(draft.label or draft.stem or "") or f"prompt-{number}"
        while label in found:
            label += f"-{number}"
        if draft.label is not None and len(written) == 1:
            losses.add(draft.path, draft.label, "a prompt alone is called after the file, or by --name")
        elif label != (draft.label or draft.stem or label):
            losses.add(draft.path, draft.label or draft.stem, f"it is called {label} here")
        output = model.output or {}
        found[label] = Prompt(
            name="import",
            version=1,
            model=model.model,
            template="jinja2" if texts.jinja else "simple",
            parameters=model.parameters,
            messages=messages,
            output=OutputFormat(output.get("format", "text"), output.get("schema")),
        )
    return found


def _declared(
    prompt: Prompt,
    made: Sequence[Mapping[str, Any]],
    default: Mapping[str, Any],
    variables: frozenset[str],
    description: Any,
    losses: Losses,
) -> Prompt:
    """With its variables: required where every case gives it, else empty, as promptfoo fills in what is missing."""
    used = placeholders(prompt)
    found = []
    for name in sorted(used | variables):
        lacking = not all(name in case["vars"] or name in default for case in made)
        if name not in used:
            found.append(
                Variable(name, "given by the cases, for their assertions", required=False, default="")
            )
            losses.add("tests", name, "no prompt uses this variable: it is declared, for the assertions")
        elif lacking or name.startswith("env_"):
            found.append(Variable(name, required=False, default=""))
            if not name.startswith("env_"):
                losses.add("tests", name, "not every test gives this variable: it is empty where none does")
        else:
            found.append(Variable(name))
    said = description if isinstance(description, str) else None
    return replace(prompt, variables=tuple(found), description=said)
