"""A suite: the cases that a prompt has to answer and what is asserted of the answers, from `evaluation/<name>.yaml`.

::

    match: equals                   # how an answer is held against `expected`
    guards: {safety: 0.02}          # metrics that must not get worse by more than this
    default:                        # what every case starts from; a case's own vars win, its assertions are added
      assert: [{type: latency, threshold: 2000, weight: 0, metric: fast}]
    cases:
      - id: double-charge
        vars: {message: I was charged twice}
        expected: billing           # the assertion {type: equals, value: billing}

``expected`` is asserted with ``match``, unless an assertion of the case names ``{{ expected }}``: then that says how.
A case without an ``id`` gets one from its own ``vars`` ("case-" and ten hexadecimal digits of their SHA-256): it stays
when assertions, tags or the order change. Two cases with one id are an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from promptvc.base.documents import Document, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.jsonl import canonical_json
from promptvc.base.memo import Memo
from promptvc.base.schema_messages import nearest_word
from promptvc.base.schemas import validate
from promptvc.evaluation.assertions.assertion import NEGATION, Assertion
from promptvc.evaluation.assertions.registry import ASSERTIONS, filled, placeholders, problem

EXPECTED = "expected"
Split = Literal["train", "holdout"]


@dataclass(frozen=True, slots=True)
class Case:
    """One case, complete: defaults merged, variables filled in. What it holds is not to be changed.

    Attributes:
        line: where it stands in the suite's file.
        digest: SHA-256, as hex, of all that decides how an answer scores: id, vars, assertions, threshold, cluster.
    """

    id: str
    line: int
    vars: Mapping[str, Any]
    assertions: tuple[Assertion, ...]
    expected: Any = None
    threshold: float | None = None
    cluster: str | None = None
    split: Split = "holdout"
    tags: tuple[str, ...] = ()
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases in the order of the file; ``guards`` are margins by metric."""

    file: str
    cases: tuple[Case, ...]
    guards: Mapping[str, float] = field(default_factory=dict)
    description: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256, as hex, of cases and guards; comments, layout and the order of the cases do not matter."""
        content = {"cases": digest_of(self.cases), "guards": dict(self.guards)}
        return hashlib.sha256(canonical_json(content)).hexdigest()

    def split(self, name: Split) -> tuple[Case, ...]:
        """The cases of one split."""
        return tuple(case for case in self.cases if case.split == name)

    def removed_since(self, older: Suite) -> tuple[str, ...]:
        """Ids of the cases that ``older`` has and this one has not, in its order."""
        here = {case.id for case in self.cases}
        return tuple(case.id for case in older.cases if case.id not in here)


def digest_of(cases: Iterable[Case]) -> str:
    """SHA-256, as hex, of a set of cases, whatever their order."""
    return hashlib.sha256("\n".join(sorted(case.digest for case in cases)).encode()).hexdigest()


def load_suite(data: bytes, *, file: str, memo: Memo | None = None) -> Suite:
    """Read a suite.

    Raises:
        InvalidDocument: with file, line and key: not YAML, not by the schema, an assertion that does not exist or is
            given what it does not take, two cases with one id, a case that asserts nothing.
    """
    document = load_yaml(data, file=file)
    validate(document, "suite", memo=memo)
    value: Mapping[str, Any] = document.value
    reader = _Reader(document)
    cases = tuple(reader.case(position) for position in range(len(value["cases"])))
    return Suite(
        file=file,
        cases=cases,
        guards=MappingProxyType(dict(value.get("guards", {}))),
        description=value.get("description"),
    )


def check_variables(suite: Suite, required: Collection[str]) -> None:
    """Make sure, before anything is asked, that every case gives the prompt its ``required`` variables.

    Raises:
        InvalidDocument: at the first case that does not; the hint counts the others.
    """
    lacking = [(case, [name for name in required if name not in case.vars]) for case in suite.cases]
    lacking = [(case, names) for case, names in lacking if names]
    if not lacking:
        return
    case, names = lacking[0]
    rest = len(lacking) - 1
    others = f" ({rest} more case{'s' if rest > 1 else ''} too)" if rest else ""
    raise InvalidDocument(
        f"case `{case.id}` lacks {', '.join(f'`{name}`' for name in names)}, which the prompt requires{others}",
        hint="give it under `vars`, or under `default.vars` for every case",
        file=suite.file,
        line=case.line,
    )


class _Reader:
    """Turns one valid document into cases."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._default: Mapping[str, Any] = document.value.get("default", {})
        self._match: str = document.value.get("match", "equals")
        self._lines: dict[str, int] = {}
        self._shared = self._assertions(self._default.get("assert", ()), "default")

    def case(self, position: int) -> Case:
        value: Mapping[str, Any] = self._document.value["cases"][position]
        line = self._document.line("cases", position)
        own = value.get("vars", {})
        name = str(value["id"]) if "id" in value else self._derived_id(own, line)
        self._claim(name, line, derived="id" not in value)
        variables = {**self._default.get("vars", {}), **own}
        expected = value.get(EXPECTED)
        assertions = self._shared + self._assertions(value.get("assert", ()), "cases", position)
        if expected is not None and not any(EXPECTED in placeholders(each) for each in assertions):
            assertions += self._assertions([{"type": self._match, "value": expected}], "cases", position)
        if not any(each.weight > 0 for each in assertions):
            raise self._error(
                f"case `{name}` asserts nothing",
                line,
                hint="give it `expected`, or `assert` with a weight above 0",
            )
        known = variables if expected is None else {**variables, EXPECTED: expected}
        complete = tuple(self._fill(each, known, name, line) for each in assertions)
        threshold = value.get("threshold", self._default.get("threshold"))
        cluster = str(value["cluster"]) if "cluster" in value else None
        return Case(
            id=name,
            line=line,
            vars=MappingProxyType(variables),
            assertions=complete,
            expected=expected,
            threshold=threshold,
            cluster=cluster,
            split=value.get("split", "holdout"),
            tags=tuple(value.get("tags", ())),
            description=value.get("description"),
            metadata=MappingProxyType(dict(value.get("metadata", {}))),
            digest=self._digest(
                {
                    "id": name,
                    "vars": variables,
                    "assert": [each.to_json() for each in complete],
                    "threshold": threshold,
                    "cluster": cluster,
                },
                line,
            ),
        )

    def _assertions(self, values: Iterable[Mapping[str, Any]], *path: str | int) -> tuple[Assertion, ...]:
        found = []
        for index, value in enumerate(values):
            assertion = Assertion(**value)
            wrong = problem(assertion)
            if wrong:
                near = None
                if assertion.base not in ASSERTIONS:
                    near = nearest_word(assertion.base, ASSERTIONS)
                prefix = NEGATION if assertion.negated else ""
                hint = f"did you mean `{prefix}{near}`?" if near else None
                raise self._error(wrong, self._document.line(*path, "assert", index), hint=hint)
            found.append(assertion)
        return tuple(found)

    def _fill(self, assertion: Assertion, variables: Mapping[str, Any], name: str, line: int) -> Assertion:
        try:
            complete = filled(assertion, variables)
        except KeyError as error:
            raise self._error(
                f"`{assertion.type}` of case `{name}` names {{{{ {error.args[0]} }}}}, no text of its `vars`",
                line,
            ) from None
        wrong = None if complete is assertion else problem(complete)
        if wrong:
            raise self._error(f"case `{name}`: {wrong}, once its variables are filled in", line)
        return complete

    def _derived_id(self, variables: Mapping[str, Any], line: int) -> str:
        return f"case-{self._digest(variables, line)[:10]}"

    def _claim(self, name: str, line: int, *, derived: bool) -> None:
        if not name.isprintable() or name != name.strip():
            raise self._error(f"the id {name!r} has characters that cannot be seen", line)
        if name not in self._lines:
            self._lines[name] = line
            return
        what = "the same `vars`" if derived else f"the id `{name}`"
        raise self._error(
            f"this case has {what} too, like the one at line {self._lines[name]}",
            line,
            hint="give each an `id` of its own" if derived else None,
        )

    def _digest(self, content: Mapping[str, Any], line: int) -> str:
        try:
            return hashlib.sha256(canonical_json(content)).hexdigest()
        except ValueError:
            raise self._error("a value is not a finite number", line) from None

    def _error(self, message: str, line: int, *, hint: str | None = None) -> InvalidDocument:
        return InvalidDocument(message, hint=hint, file=self._document.file, line=line)
