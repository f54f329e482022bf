"""promptfoo's tests as cases of ours.

A list among a test's variables stands for several tests, one for each element; a file for its text. What Nunjucks would
leave empty because nobody gave it is given here as the empty text. A test that nothing is left of to assert
asserts that there is an answer.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from promptvc.base.jsonl import canonical_json
from promptvc.base.losses import Losses
from promptvc.evaluation.assertions.registry import filled, problem
from promptvc.evaluation.cases.grammar import frozen
from promptvc.evaluation.promptfoo.assertions import Assertions, variables_of
from promptvc.evaluation.promptfoo.nunjucks import PLACE, TAG, our_name
from promptvc.evaluation.promptfoo.source import FILE, Source, Unreadable, is_code, kind_of

AFFIXES = ("prefix", "suffix")
ANSWERED = {"type": "regex", "value": "\\S"}
_KEYS = frozenset({"description", "vars", "assert", "threshold", "metadata", "options"})
_OPTIONS = frozenset({*AFFIXES, "provider", "disableVarExpansion"})
_MOST_COMBINATIONS = 10_000


class Cases:
    """Makes cases of one configuration.

    Attributes:
        default: of the suite: ``vars``, ``assert``, ``threshold``.
        affixes: by case, in their order, what its tests set before and after the prompt; None where nothing.
    """

    def __init__(self, source: Source, losses: Losses, assertions: Assertions) -> None:
        self.default: dict[str, Any] = {}
        self.affixes: list[dict[str, str] | None] = []
        self._source = source
        self._losses = losses
        self._assertions = assertions
        self._lists: dict[str, list[Any]] = {}
        self._options: dict[str, Any] = {}
        self._filled_in: list[
            dict[str, Any]
        ] = []  # of the default: what a case's variables make may be wrong for one
        self._seen: set[bytes] = set()
        self._count = 0

    def set_default(self, test: Mapping[str, Any], path: str) -> None:
        """Take ``defaultTest``."""
        self._unknown(test, path, _KEYS - {"description", "metadata"})
        self._options = self._known_options(test, path)
        try:
            given = self._variables(test, path)
        except Unreadable as error:
            self._losses.add(f"{path}.vars", test.get("vars"), str(error))
            given = {}
        self._lists = {name: value for name, value in given.items() if isinstance(value, list)}
        variables = {name: value for name, value in given.items() if name not in self._lists}
        asserted = self._assertions.all(test.get("assert"), f"{path}.assert", self._options.get("provider"))
        self._filled_in = [each for each in asserted if variables_of(each)]
        shared = [each for each in asserted if not variables_of(each)]
        threshold = self._threshold(test, path)
        found = {"vars": variables or None, "assert": shared or None, "threshold": threshold}
        self.default = {key: value for key, value in found.items() if value is not None}

    def of(self, path: str, test: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The cases that one test stands for: none where it is lost."""
        self._unknown(test, path, _KEYS)
        options = {**self._options, **self._known_options(test, path)}
        try:
            variables = {**self._lists, **self._variables(test, path)}
        except Unreadable as error:
            self._losses.add(path, test.get("vars"), f"{error}: the test is left out")
            return
        own = self._assertions.all(test.get("assert"), f"{path}.assert", options.get("provider"))
        asserted = [*self._filled_in, *own]
        case = {
            "description": str(test["description"]) if test.get("description") else None,
            "threshold": self._threshold(test, path),
            "metadata": self._metadata(test, path),
        }
        rest = {key: value for key, value in case.items() if value is not None}
        affixes = {key: str(options[key]) for key in AFFIXES if options.get(key)}
        for combination in self._expanded(variables, path, keep=bool(options.get("disableVarExpansion"))):
            yield self._case(combination, asserted, rest, path)
            self.affixes.append(affixes or None)

    def _case(
        self, variables: dict[str, Any], asserted: list[dict[str, Any]], rest: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        self._count += 1
        known = {**self.default.get("vars", {}), **variables}
        given = {name: self._filled(name, value, known, path) for name, value in variables.items()}
        for name in sorted(set[str]().union(*map(variables_of, asserted))):
            if name not in known:
                given[name] = ""
                self._losses.add(path, f"{{{{ {name} }}}}", "no variable of that name: it is the empty text")
        asserted = [_literal(each, {**known, **given}) for each in asserted]
        asserted = [each for each in asserted if self._fits(each, {**known, **given}, path)]
        case: dict[str, Any] = {}
        content = canonical_json(given)
        if content in self._seen:
            case["id"] = f"test-{self._count}"
        self._seen.add(content)
        if "description" in rest:
            case["description"] = rest["description"]
        case["vars"] = given
        plain = [each for each in asserted if each.keys() == {"type", "value"} and each["type"] == "equals"]
        if len(plain) == 1 and isinstance(plain[0]["value"], str) and "{{" not in plain[0]["value"]:
            case["expected"] = plain[0]["value"]
            asserted = [each for each in asserted if each is not plain[0]]
        asserting = [*asserted, *self.default.get("assert", ())]
        if "expected" not in case and not any(each.get("weight", 1) > 0 for each in asserting):
            asserted = [*asserted, dict(ANSWERED)]
            self._losses.add(path, "assert", "nothing decides: here it asserts that there is an answer")
        if asserted:
            case["assert"] = asserted
        return case | {key: value for key, value in rest.items() if key != "description"}

    def _fits(self, found: Mapping[str, Any], variables: Mapping[str, Any], path: str) -> bool:
        """Whether an assertion is one once its variables are filled in."""
        try:
            wrong = problem(filled(frozen(found), variables))
        except KeyError as error:
            wrong = f"`{error.args[0]}` is no text"
        if wrong:
            self._losses.add(path, found, f"{wrong}, once its variables are filled in")
        return wrong is None

    def _variables(self, test: Mapping[str, Any], path: str) -> dict[str, Any]:
        """
        Raises:
            Unreadable: a variable comes from a program, or from a file that is not there.
        """
        written = test.get("vars")
        files = [written] if isinstance(written, str) else written if isinstance(written, list) else []
        given: dict[str, Any] = dict(written) if isinstance(written, Mapping) else {}
        for name in files:
            for file in self._source.paths(str(name)):
                data = self._source.data(file)
                if not isinstance(data, Mapping):
                    raise Unreadable(f"{file} has no variables")
                given.update(data)
        found = {}
        for name, value in given.items():
            ours = our_name(str(name))
            if not ours.isidentifier():
                self._losses.add(f"{path}.vars", name, "it cannot name a variable: letters, digits and _")
                continue
            if ours != name:
                self._losses.add(
                    f"{path}.vars", name, f"it has a meaning of its own here: it became `{ours}`"
                )
            found[ours] = self._value(value, f"{path}.vars.{name}")
        return found

    def _value(self, value: Any, path: str) -> Any:
        if value is None:
            self._losses.add(path, "null", "a variable is never null: it is the empty text")
            return ""
        if isinstance(value, list):
            parts = [self._value(part, path) for part in value]
            return [inner for part in parts for inner in (part if isinstance(part, list) else [part])]
        if not isinstance(value, str) or not value.startswith(FILE):
            return value
        if is_code(value):
            raise Unreadable(f"a program makes {value}, and an import runs none")
        texts = [self._content(file) for file in self._source.paths(value)]
        return texts[0] if len(texts) == 1 else texts

    def _content(self, file: str) -> str:
        """YAML becomes JSON, as it does there; anything else is its text."""
        if kind_of(file) in {".yaml", ".yml"}:
            return json.dumps(self._source.data(file), ensure_ascii=False)
        return self._source.text(file)

    def _expanded(self, variables: dict[str, Any], path: str, *, keep: bool) -> Iterator[dict[str, Any]]:
        lists = {name: value for name, value in variables.items() if isinstance(value, list) and not keep}
        size = 1
        for value in lists.values():
            size *= len(value)
        if size > _MOST_COMBINATIONS:
            self._losses.add(
                path, f"{size:,} combinations", f"only the first {_MOST_COMBINATIONS:,} came over"
            )
        for values in itertools.islice(itertools.product(*lists.values()), _MOST_COMBINATIONS):
            yield {**variables, **dict(zip(lists, values, strict=True))}

    def _filled(self, name: str, value: Any, known: Mapping[str, Any], path: str) -> Any:
        """Their variables may name others; ours are texts."""
        if not isinstance(value, str) or "{" not in value or not TAG.search(value):
            return value
        for tag in TAG.findall(value):
            match = PLACE.fullmatch(tag)
            other = known.get(our_name(match[1])) if match else None
            if match and isinstance(other, str | int | float) and our_name(match[1]) != name:
                value = value.replace(tag, str(other))
            else:
                self._losses.add(
                    f"{path}.vars.{name}", tag, "a variable is no template: it stands as it was written"
                )
        return value

    def _threshold(self, test: Mapping[str, Any], path: str) -> float | int | None:
        given = test.get("threshold")
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
            self._losses.add(f"{path}.threshold", given, "a case's threshold is a number from 0 to 1")
            return None
        return given

    def _metadata(self, test: Mapping[str, Any], path: str) -> dict[str, Any] | None:
        given = test.get("metadata")
        if given is not None and not isinstance(given, Mapping):
            self._losses.add(f"{path}.metadata", given, "it is no mapping")
            return None
        return dict(given) if given else None

    def _known_options(self, test: Mapping[str, Any], path: str) -> dict[str, Any]:
        given = test.get("options")
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            self._losses.add(f"{path}.options", given, "it is no mapping")
            return {}
        for key, value in given.items():
            if key not in _OPTIONS:
                why = (
                    "the answer is asserted as the model gave it"
                    if "transform" in key
                    else "there is no such option"
                )
                self._losses.add(f"{path}.options.{key}", value, why)
        return {key: value for key, value in given.items() if key in _OPTIONS}

    def _unknown(self, test: Mapping[str, Any], path: str, known: frozenset[str]) -> None:
        for key, value in test.items():
            if key not in known:
                self._losses.add(f"{path}.{key}", value, "a case has nothing of that kind")


def _literal(found: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """A pattern with its variables written out: there they are part of the pattern, here they would be escaped."""
    if "assert" in found:
        return {**found, "assert": [_literal(member, variables) for member in found["assert"]]}
    if not found["type"].endswith("regex") or not isinstance(found.get("value"), str):
        return found
    return {**found, "value": PLACE.sub(lambda match: str(variables.get(match[1], "")), found["value"])}
