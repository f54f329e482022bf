"""From a case as it is written to a :class:`Case`: defaults merged, variables filled in, named and digested.

``expected`` is asserted with the suite's ``match``, unless an assertion of the case names ``{{ expected }}``: then that
says how. A case without an ``id`` gets one from its own ``vars``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.jsonl import canonical_json
from promptvc.evaluation.assertions.assertion import Assertion
from promptvc.evaluation.assertions.code import NAME as CODE
from promptvc.evaluation.assertions.code import CodeFiles
from promptvc.evaluation.assertions.registry import at_once, filled, placeholders, problem
from promptvc.evaluation.cases.case import EXPECTED, Case
from promptvc.evaluation.cases.grammar import Place, frozen, read_assertions

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class CaseMaker:
    """Makes the cases of one suite.

    Args:
        default: the suite's ``default``, whose assertions are already ``shared``.
        match: the type that asserts ``expected``.
        at_once: whether every case made so far is graded from its answer alone.
        code: fills in the files of ``python`` assertions; they stay as they are written where it is None.
    """

    def __init__(
        self,
        default: Mapping[str, Any],
        match: str,
        shared: tuple[Assertion, ...],
        code: CodeFiles | None = None,
    ) -> None:
        self.match = match
        self.at_once = True
        self._code = code
        self._vars: Mapping[str, Any] = default.get("vars", {})
        self._threshold: float | None = default.get("threshold")
        self._shared = shared
        self._shared_names = frozenset[str]().union(*map(placeholders, shared))

    def name(self, value: Mapping[str, Any], place: Place) -> str:
        """The case's id, its own or "case-" and ten hexadecimal digits of the SHA-256 of its own ``vars``.

        Raises:
            InvalidDocument: it has characters that cannot be seen, or a value is not finite.
        """
        given = value.get("id")
        if given is None:
            return f"case-{_digest(value.get('vars', {}), place)[:10]}"
        name = str(given)
        if not name.isprintable() or name != name.strip():
            raise place.error(f"the id {name!r} has characters that cannot be seen")
        return name

    def case(self, value: Mapping[str, Any], name: str, place: Place) -> Case:
        """The case that ``value``, valid by the schema, stands for.

        Raises:
            InvalidDocument: an assertion that is none or is given what it does not take, a variable that is not
                there, nothing asserted, a number that is not finite.
        """
        own = read_assertions(value["assert"], place, "assert") if "assert" in value else ()
        made = self._made(value, name, place, own, None)
        if self.at_once:
            self.at_once = all(at_once(each) for each in made.assertions)
        return made

    def again(self, value: Mapping[str, Any], name: str, digest: str, place: Place) -> Case:
        """The case that was made of ``value`` before, whose digest is known and which was found in order."""
        return self._made(value, name, place, tuple(map(frozen, value.get("assert", ()))), digest)

    def _made(
        self,
        value: Mapping[str, Any],
        name: str,
        place: Place,
        own: tuple[Assertion, ...],
        digest: str | None,
    ) -> Case:
        given = value.get("vars", _NOTHING)
        variables = {**self._vars, **given}
        expected = value.get(EXPECTED)
        assertions = self._complete(own, variables, expected, name, place, checked=digest is not None)
        threshold = value.get("threshold", self._threshold)
        cluster = str(value["cluster"]) if "cluster" in value else None
        if digest is None:
            content = {
                "id": name,
                "vars": variables,
                "assert": [each.to_json() for each in assertions],
                "threshold": threshold,
                "cluster": cluster,
            }
            digest = _digest(content, place)
        return Case(
            id=name,
            line=place.line(),
            vars=MappingProxyType(variables),
            assertions=assertions,
            expected=expected,
            threshold=threshold,
            cluster=cluster,
            split=value.get("split", "holdout"),
            tags=tuple(value["tags"]) if "tags" in value else (),
            description=value.get("description"),
            metadata=MappingProxyType(value["metadata"]) if "metadata" in value else _NOTHING,
            digest=digest,
            file=place.dataset,
        )

    def _complete(
        self,
        own: tuple[Assertion, ...],
        variables: Mapping[str, Any],
        expected: Any,
        name: str,
        place: Place,
        *,
        checked: bool,
    ) -> tuple[Assertion, ...]:
        """All assertions of a case, filled in; what was ``checked`` when the suite was loaded is not again."""
        assertions = self._shared + (own if self._code is None else coded(own, self._code, place, "assert"))
        names: set[str] | frozenset[str] = self._shared_names
        naming = [each for each in own if _may_name(each)]
        if naming:
            names = names.union(*map(placeholders, naming))
        if expected is not None and EXPECTED not in names:
            last = Assertion(self.match, expected)
            wrong = None if checked else problem(last)
            if wrong:
                raise place.error(wrong, EXPECTED)
            if _may_name(last):
                names = names.union(placeholders(last))
            assertions += (last,)
        if not checked and not any(each.weight > 0 for each in assertions):
            hint = "give it `expected`, or `assert` with a weight above 0"
            raise place.error(f"case `{name}` asserts nothing", hint=hint)
        if not names:
            return assertions
        known = variables if expected is None else {**variables, EXPECTED: expected}
        return tuple(_fill(each, known, name, place) for each in assertions)


def coded(
    assertions: tuple[Assertion, ...], code: CodeFiles, place: Place, *path: str | int
) -> tuple[Assertion, ...]:
    """The same, those at ``path`` that are ``python`` with the code of their files.

    Raises:
        InvalidDocument: there is no such file, it leads out of the prompt root, or cannot be parsed.
    """
    if not any(each.members or each.base == CODE for each in assertions):
        return assertions
    found = []
    for index, each in enumerate(assertions):
        try:
            found.append(code.filled(each))
        except InputError as error:
            raise place.error(error.message, *path, index, hint=error.hint) from None
    return tuple(found)


def _may_name(assertion: Assertion) -> bool:
    """Whether a variable may stand in its value: quick, and never a wrong no."""
    value = assertion.value
    if isinstance(value, str):
        return "{{" in value
    return bool(assertion.members) or not (value is None or isinstance(value, int | float))


def _fill(assertion: Assertion, variables: Mapping[str, Any], name: str, place: Place) -> Assertion:
    if not _may_name(assertion):
        return assertion
    try:
        complete = filled(assertion, variables)
    except KeyError as error:
        named = f"{{{{ {error.args[0]} }}}}"
        message = f"`{assertion.type}` of case `{name}` names {named}, no text of its `vars`"
        raise place.error(message) from None
    wrong = None if complete is assertion else problem(complete)
    if wrong:
        raise place.error(f"case `{name}`: {wrong}, once its variables are filled in")
    return complete


def _digest(content: Mapping[str, Any], place: Place) -> str:
    try:
        return hashlib.sha256(canonical_json(content)).hexdigest()
    except ValueError:
        raise place.error("a value is not a finite number") from None
