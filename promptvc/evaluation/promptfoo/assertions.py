"""One assertion of promptfoo's as a suite of ours writes it; or a loss, with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses
from promptvc.evaluation.assertions.assertion import NEGATION, Assertion
from promptvc.evaluation.assertions.registry import ASSERT_SET, ASSERTIONS, NAMES, needs, problem
from promptvc.evaluation.cases.expected import ALIASES
from promptvc.evaluation.cases.grammar import frozen
from promptvc.evaluation.promptfoo.nunjucks import PLACE, TAG, our_name
from promptvc.evaluation.promptfoo.providers import embeddings_of, model_of
from promptvc.evaluation.promptfoo.source import FILE, Source, Unreadable, is_code, kind_of

_KEYS = frozenset({"type", "value", "threshold", "weight", "metric", "provider", "assert"})
_SCHEMAS = frozenset({"is-json", "contains-json"})
_JAVASCRIPT = "JavaScript is not run: write it as `python`"
_REF = re.compile(r"#/assertionTemplates/(.+)")
_CHANGES_MEANING = frozenset({"transform", "contextTransform"})

_BY_MEANING = frozenset({"similar", "answer-relevance"})
_LEXICAL = (
    "here and wherever no embedding model came over the embeddings of the run compare, which are `lexical` (words, not "
    "meanings) until `evaluation.embeddings` names a model: a threshold set for another model's vectors may not fit"
)
_TYPED = frozenset({"text", "embedding", "classification", "moderation"})


class Assertions:
    """Converts the assertions of one configuration.

    Args:
        beside: the folder for code, from the suite's own folder, with a final slash.
        templates: ``assertionTemplates`` of the configuration.

    Attributes:
        code: the texts of the files with code, by their path from the suite's own folder.
    """

    def __init__(self, source: Source, losses: Losses, beside: str, templates: Mapping[str, Any]) -> None:
        self.code: dict[str, str] = {}
        self._source = source
        self._losses = losses
        self._beside = beside
        self._templates = templates
        self._copied: dict[str, str] = {}
        self._told_lexical = False

    def all(self, value: Any, path: str, grader: Any = None) -> list[dict[str, Any]]:
        """Those of a list; ``grader`` is the model that grades where one does not name its own."""
        if value is None:
            return []
        if not isinstance(value, list):
            self._losses.add(path, value, "it is no list of assertions")
            return []
        found = (self.one(each, f"{path}[{index}]", grader) for index, each in enumerate(value))
        return [each for each in found if each is not None]

    def one(self, value: Any, path: str, grader: Any = None) -> dict[str, Any] | None:
        """One as our suites write it; None where it is lost, which is noted."""
        value = self._dereferenced(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
            self._losses.add(path, value, "it is no assertion")
            return None
        type_ = value["type"]
        negation = NEGATION if type_.startswith(NEGATION) else ""
        base = ALIASES.get(type_.removeprefix(NEGATION), type_.removeprefix(NEGATION))
        reason = _no_equal(base, value)
        if reason is not None:
            self._losses.add(path, type_, reason)
            return None
        for key in value:
            if key not in _KEYS:
                self._losses.add(f"{path}.{key}", value[key], f"`{type_}` has no `{key}` here")
        found: dict[str, Any] = {"type": negation + base}
        if found["type"] != type_:
            self._losses.add(path, type_, f"it is called `{found['type']}` here")
        try:
            if base == ASSERT_SET:
                found["assert"] = self.all(value.get("assert"), f"{path}.assert", grader)
            elif value.get("value") is not None:
                found["value"] = self._value(base, value["value"])
        except Unreadable as error:
            self._losses.add(path, {"type": type_, "value": value.get("value")}, str(error))
            return None
        self._numbers(found, value, path)
        return self._valid(found, value.get("provider"), grader, path)

    def _dereferenced(self, value: Any) -> Any:
        for _ in range(8):
            name = value.get("$ref") if isinstance(value, Mapping) else None
            match = _REF.fullmatch(name) if isinstance(name, str) else None
            if match is None or match[1] not in self._templates:
                break
            value = {key: part for key, part in value.items() if key != "$ref"} | dict(
                self._templates[match[1]]
            )
        return value

    def _numbers(self, found: dict[str, Any], value: Mapping[str, Any], path: str) -> None:
        for key in ("threshold", "weight"):
            given = value.get(key)
            if given is None:
                continue
            if isinstance(given, bool) or not isinstance(given, int | float) or given < 0:
                self._losses.add(f"{path}.{key}", given, "it must be a number from 0 on")
            else:
                found[key] = given
        metric = value.get("metric")
        if isinstance(metric, str) and 0 < len(metric) <= 100 and not TAG.search(metric):
            found["metric"] = metric
        elif metric is not None:
            self._losses.add(f"{path}.metric", metric, "a metric is a plain name of at most 100 characters")

    def _valid(self, found: dict[str, Any], own: Any, grader: Any, path: str) -> dict[str, Any] | None:
        """With the model that grades it where one does, and without a threshold that its type does not take."""
        wrong = problem(frozen(found))
        if wrong and "threshold" in found:
            bare = {key: part for key, part in found.items() if key != "threshold"}
            if problem(frozen(bare)) is None:
                self._losses.add(f"{path}.threshold", found["threshold"], wrong)
                found, wrong = bare, None
        if wrong:
            self._losses.add(path, found, wrong)
            return None
        return found if found["type"] == ASSERT_SET else self._graded(found, own, grader, path)

    def _graded(self, found: dict[str, Any], own: Any, grader: Any, path: str) -> dict[str, Any]:
        """With the model that grades it: its ``own``, or ``grader``, which tests give to all of theirs."""
        needed = needs(frozen(found))
        embeds = "embeddings" in needed
        graded = found
        if embeds or "judge" in needed:
            given = grader if own is None else own
            kind = "embedding" if embeds else "text"
            name, config = _named(given, kind)
            if config:
                why = "of the model that grades only the name is kept"
                self._losses.add(f"{path}.provider", config, why)
            if name is not None:
                graded = self._with(found, name, path, embeds=embeds, told=own is not None or not embeds)
        base = found["type"].removeprefix(NEGATION)
        if not self._told_lexical and base in _BY_MEANING and (not embeds or "provider" not in graded):
            self._told_lexical = True
            self._losses.add(path, found["type"], _LEXICAL)
        return graded

    def _with(
        self, found: dict[str, Any], name: str, path: str, *, embeds: bool, told: bool
    ) -> dict[str, Any]:
        """With the model of that name, where there is one; ``told``: it is a loss where there is none."""
        try:
            graded = {**found, "provider": embeddings_of(name) if embeds else model_of(name)}
        except ValueError as error:
            if told:
                instead = (
                    "the embeddings of the run measure it" if embeds else "the judge of the run grades it"
                )
                self._losses.add(f"{path}.provider", name, f"{error}: {instead}")
            return found
        return graded if problem(frozen(graded)) is None else found

    def _value(self, base: str, value: Any) -> Any:
        if base == "python":
            return self._python(value)
        if isinstance(value, str) and value.startswith(FILE):
            value = self._read(value)
        if base in _SCHEMAS and isinstance(value, str):
            try:
                value = load_yaml(value.encode(), file="schema").value
            except InvalidDocument as error:
                raise Unreadable(f"its schema is not JSON: {error.message}") from None
        return _ours(value, places=ASSERTIONS[base].templates != "none")

    def _read(self, value: str) -> Any:
        if is_code(value):
            raise Unreadable("a program makes its value, and an import runs none")
        paths = self._source.paths(value)
        kind = kind_of(paths[0])
        if len(paths) > 1:
            raise Unreadable("it names several files")
        return (
            self._source.data(paths[0]) if kind in {".json", ".yaml", ".yml"} else self._source.text(paths[0])
        )

    def _python(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Unreadable("code is a text")
        if not value.startswith(FILE):
            if TAG.search(value) and PLACE.search(value):
                raise Unreadable("nothing is filled into code here: it reads `context['vars']`")
            return value
        name, colon, function = value.removeprefix(FILE).rpartition(":")
        if not colon:
            name, function = value.removeprefix(FILE), ""
        path = self._source.paths(name)[0]
        if path not in self._copied:
            text = self._source.text(path)
            stem, number = PurePosixPath(path).stem, 1
            place = f"{self._beside}{stem}.py"
            while place in self.code:
                number += 1
                place = f"{self._beside}{stem}-{number}.py"
            self._copied[path], self.code[place] = place, text
            self._losses.add(path, value, "it was copied; what it imports from beside itself was not")
        return f"{FILE}{self._copied[path]}{colon}{function}"


def variables_of(found: Mapping[str, Any]) -> set[str]:
    """The variables in the values of an assertion of ours."""
    if "assert" in found:
        return set[str]().union(*(variables_of(member) for member in found["assert"]))
    if ASSERTIONS[Assertion(found["type"]).base].templates == "none":
        return set()
    names: set[str] = set()
    _ours(found.get("value"), places=True, names=names)
    return names


def _named(grader: Any, kind: str) -> tuple[str | None, list[str]]:
    """The id of a provider, however it is written, and what else is said of it; ``kind``: of models by what they do."""
    if isinstance(grader, Mapping) and "id" not in grader and _TYPED & set(grader):
        rest = sorted(str(key) for key in grader if key not in {"text", "embedding"})
        name, config = _named(grader.get(kind), kind)
        return name, rest + config
    if isinstance(grader, Mapping):
        config = sorted(str(key) for key in grader if key != "id")
        return str(grader.get("id")), config
    return (None if grader is None else str(grader)), []


def _no_equal(base: str, value: Mapping[str, Any]) -> str | None:
    """Why there is no such assertion here."""
    text = value.get("value")
    if base == "javascript" or (
        isinstance(text, str) and text.startswith(FILE) and re.search(r"\.[cm]?[jt]s\b", text)
    ):
        return _JAVASCRIPT
    if base not in NAMES:
        return "promptvc has no such assertion"
    changed = next((key for key in _CHANGES_MEANING if key in value), None)
    if changed is not None:
        return f"`{changed}` changes what is asserted, and there is no such thing here"
    return None


def _ours(value: Any, *, places: bool, names: set[str] | None = None) -> Any:
    """The same with variables as ours are written.

    Raises:
        Unreadable: a template that is more than variables, or stands where nothing is filled in.
    """
    if isinstance(value, list):
        return [_ours(part, places=places, names=names) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _ours(part, places=places, names=names) for key, part in value.items()}
    if not isinstance(value, str):
        return value
    for tag in TAG.findall(value):
        match = PLACE.fullmatch(tag)
        if match is None or not places:
            raise Unreadable(f"{tag} is not filled in here")
        if names is not None:
            names.add(match[1])
    return PLACE.sub(lambda match: f"{{{{ {our_name(match[1])} }}}}", value)
