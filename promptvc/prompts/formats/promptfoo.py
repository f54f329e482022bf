"""promptfoo's configuration, written: the prompt as a chat, its model, and the suite as tests.

Assertions carry their names there and here. Where a text of ours could be taken for a file there (``file://``), it is
left out, and what Nunjucks would fill in again is quoted. Reading one is another matter:
:mod:`promptvc.evaluation.promptfoo`. Source: https://www.promptfoo.dev/docs/configuration/reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.fields import shown
from promptvc.prompts.formats.format import Written
from promptvc.prompts.formats.models import split_model
from promptvc.prompts.formats.outgoing import laid_out, unsaid
from promptvc.prompts.formats.pieces import Code, jinja_text
from promptvc.prompts.model import Prompt
from promptvc.prompts.templates import PLACE

FILE = "promptfooconfig.yaml"
_PROVIDERS = {
    "openai": "openai:chat:", "anthropic": "anthropic:messages:", "ollama": "ollama:chat:",
    "azure_openai": "azure:chat:", "google_genai": "google:", "google_vertexai": "vertex:", "mistralai": "mistral:",
    "bedrock": "bedrock:", "groq": "groq:", "cohere": "cohere:", "deepseek": "deepseek:", "xai": "xai:",
    "together": "togetherai:", "fireworks": "fireworks:", "huggingface": "huggingface:", "perplexity": "perplexity:",
    "openrouter": "openrouter:",
}  # fmt: skip
_TAGS = re.compile(r"\{\{|\{%|\{#")
_JINJA_ONLY = re.compile(r"\|\s*tojson|\bloop\.index0\b|\bnamespace\(")
_CASE = frozenset({"id", "description", "vars", "expected", "assert", "threshold", "metadata"})
_PASSED = ("threshold", "weight", "metric")


@dataclass(frozen=True, slots=True)
class Promptfoo:
    """A promptfooconfig.yaml in a folder of the prompt's name."""

    name: str = "promptfoo"
    short: str = "a configuration of promptfoo's"

    def write(self, prompt: Prompt, suite: Mapping[str, Any] | None = None) -> Written:
        """The configuration."""
        losses = Losses()
        turns = laid_out(prompt, losses)
        for index, turn in enumerate(turns):
            for piece in turn.pieces:
                if isinstance(piece, Code) and _JINJA_ONLY.search(piece.source):
                    losses.add(
                        f"messages[{index}]",
                        piece.source,
                        "Nunjucks may read this Jinja otherwise: look at it",
                    )
        chat = [{"role": turn.role, "content": jinja_text(turn.pieces)} for turn in turns]
        said = {"model", "parameters", "variables.default", "description"}
        value: dict[str, Any] = {"description": prompt.description or prompt.name}
        value["prompts"] = [{"label": prompt.name, "raw": json.dumps(chat, ensure_ascii=False, indent=2)}]
        provider = _provider(prompt, losses)
        if provider is not None:
            value["providers"] = [provider]
        tests = _Tests(suite or {}, losses)
        defaults = {each.name: each.default for each in prompt.variables if each.default is not None}
        value |= tests.written(defaults)
        unsaid(prompt, said, losses)
        return Written({f"{prompt.name}/{FILE}": dump_yaml(value).encode()}, losses.all())


def is_configuration(data: bytes, filename: str) -> bool:
    """Whether a file looks like a configuration of promptfoo's."""
    if not filename.lower().endswith((".yaml", ".yml", ".json")):
        return False
    try:
        value = load_yaml(data, file=filename).value
    except InvalidDocument:
        return False
    return (
        isinstance(value, Mapping)
        and "prompts" in value
        and bool({"tests", "providers", "targets"} & value.keys())
    )


def _provider(prompt: Prompt, losses: Losses) -> dict[str, Any] | None:
    name = None if prompt.model is None else _model(prompt.model)
    config = dict(prompt.parameters)
    if prompt.output.format == "json":
        schema = prompt.output.schema
        config["response_format"] = (
            {"type": "json_object"}
            if schema is None
            else {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}
        )
    if name is None:
        if prompt.model is not None:
            losses.add("model", prompt.model, "there is no such provider there: name one under `providers`")
        for key, value in config.items():
            losses.add(f"parameters.{key}", shown(value), "without a model there is no place for it")
        return None
    return {"id": name, **({"config": config} if config else {})}


def _model(model: str) -> str | None:
    provider, name = split_model(model)
    return f"{_PROVIDERS[provider]}{name}" if provider in _PROVIDERS and name else None


class _Tests:
    """A suite as tests."""

    def __init__(self, suite: Mapping[str, Any], losses: Losses) -> None:
        self._suite = suite
        self._losses = losses
        self._default: Mapping[str, Any] = suite.get("default", {})
        self._match = str(suite.get("match", "equals"))

    def written(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """``defaultTest``, ``tests`` and the options."""
        suite, losses = self._suite, self._losses
        for key in suite:
            if key not in {"cases", "default", "match", "repeat"}:
                losses.add(f"suite.{key}", shown(suite[key]), "there is no such thing in a configuration")
        found: dict[str, Any] = {}
        if "repeat" in suite:
            found["evaluateOptions"] = {"repeat": suite["repeat"]}
        variables = {**defaults, **self._default.get("vars", {})}
        shared = self._assertions(self._default.get("assert", ()), "suite.default.assert", None)
        default: dict[str, Any] = {}
        if variables:
            default["vars"] = self._variables(variables, "suite.default.vars")
        if shared:
            default["assert"] = shared
        if "threshold" in self._default:
            default["threshold"] = self._default["threshold"]
        if any(isinstance(value, list) for value in variables.values()):
            default["options"] = {"disableVarExpansion": True}
        if default:
            found["defaultTest"] = default
        tests = [self._test(case, f"suite.cases[{at}]") for at, case in enumerate(suite.get("cases", ()))]
        kept = [test for test in tests if test is not None]
        return {**found, **({"tests": kept} if kept else {})}

    def _test(self, case: Mapping[str, Any], path: str) -> dict[str, Any] | None:
        given = case.get("vars", {})
        if any(_names_a_file(value) for value in (*given.values(), case.get("expected"))):
            self._losses.add(
                path, case.get("id", ""), "its text would be read as the name of a file: it is left out"
            )
            return None
        found: dict[str, Any] = {}
        described = case.get("description", case.get("id"))
        if described is not None:
            found["description"] = str(described)
        found["vars"] = self._variables(given, f"{path}.vars")
        expected = case.get("expected")
        asserted = self._assertions(case.get("assert", ()), f"{path}.assert", expected)
        if expected is not None and not _names_expected(case.get("assert", ())):
            plain = _quoted(expected) if isinstance(expected, str) else expected
            asserted.append({"type": self._match, "value": plain})
        if asserted:
            found["assert"] = asserted
        if "threshold" in case:
            found["threshold"] = case["threshold"]
        metadata = dict(case.get("metadata", {}))
        for key in case:
            if key not in _CASE:
                self._losses.add(f"{path}.{key}", shown(case[key]), "it became metadata of the test")
                metadata[key] = case[key]
        if "description" in case and "id" in case:
            metadata.setdefault("id", case["id"])
            self._losses.add(f"{path}.id", str(case["id"]), "it became metadata of the test")
        elif "id" in case:
            self._losses.add(f"{path}.id", str(case["id"]), "it became the description of the test")
        if metadata:
            found["metadata"] = metadata
        if any(isinstance(value, list) for value in given.values()):
            found["options"] = {"disableVarExpansion": True}
        return found

    def _variables(self, given: Mapping[str, Any], path: str) -> dict[str, Any]:
        found = {}
        for name, value in given.items():
            if _names_a_file(value):
                self._losses.add(
                    f"{path}.{name}", value, "it would be read as the name of a file: it is left out"
                )
            else:
                found[name] = _quoted(value) if isinstance(value, str) else value
        return found

    def _assertions(self, values: Any, path: str, expected: Any) -> list[dict[str, Any]]:
        found = (self._one(each, f"{path}[{at}]", expected) for at, each in enumerate(values))
        return [each for each in found if each is not None]

    def _one(self, value: Mapping[str, Any], path: str, expected: Any) -> dict[str, Any] | None:
        kind = str(value["type"])
        found: dict[str, Any] = {"type": kind}
        if "assert" in value:
            found["assert"] = self._assertions(value["assert"], f"{path}.assert", expected)
        given = value.get("value")
        if _names_a_file(given) and kind.removeprefix("not-") != "python":
            self._losses.add(path, given, "it would be read as the name of a file: it is left out")
            return None
        if given is not None:
            found["value"] = _filled(given, expected)
            if kind.endswith("regex") and isinstance(given, str) and PLACE.search(given):
                self._losses.add(
                    path, given, "there a variable is part of the pattern, here its text is escaped"
                )
        for key in _PASSED:
            if key in value:
                found[key] = value[key]
        provider = value.get("provider")
        if provider is not None:
            theirs = _model(str(provider))
            if theirs is None:
                self._losses.add(f"{path}.provider", provider, "there is no such provider there")
            else:
                found["provider"] = theirs
        return found


def _names_a_file(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_names_a_file, value))
    if isinstance(value, Mapping):
        return any(map(_names_a_file, value.values()))
    return isinstance(value, str) and value.lstrip().lower().startswith(
        ("file:", "package:", "exec:", "http:", "https:")
    )


def _names_expected(values: Any) -> bool:
    return any(
        "expected" in PLACE.findall(json.dumps(each, ensure_ascii=False, default=str)) for each in values
    )


def _quoted(text: str) -> str:
    """A text that Nunjucks gives back as it is."""
    return jinja_text((text,)) if _TAGS.search(text) else text


def _filled(value: Any, expected: Any) -> Any:
    """An assertion's value with what the case expects in its place: promptfoo has no variable for it."""
    if isinstance(value, str):
        if expected is None:
            return value
        plain = expected if isinstance(expected, str) else json.dumps(expected, ensure_ascii=False)
        return PLACE.sub(lambda match: _quoted(plain) if match[1] == "expected" else match[0], value)
    if isinstance(value, list):
        return [_filled(part, expected) for part in value]
    if isinstance(value, Mapping):
        return {key: _filled(part, expected) for key, part in value.items()}
    return value
