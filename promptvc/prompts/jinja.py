"""Jinja templates, for prompts that say ``template: jinja2``. The home of Jinja2, imported only for them.

Always sandboxed: no attribute that begins with an underscore, no includes and no imports. A prompt comes from
a pull request, so what could eat memory or time is bounded as well: the size of the output, the steps of all
loops together, and the operations that grow a text or a number out of nothing.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from promptvc.base.errors import InputError

MAX_OUTPUT = 16 * 1024 * 1024  # characters
MAX_STEPS = 100_000  # of all loops of one rendering
MAX_TEXT = 1_000_000  # characters of a text that an operation may make
MAX_BITS = 4096  # of a number that an operation may make

_GLOBALS = frozenset({"range", "dict"})
_FILTERS = frozenset({
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items", "join",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round",
    "select", "selectattr", "sort", "string", "sum", "title", "tojson", "trim", "truncate", "unique", "upper",
    "urlencode", "wordcount",
})  # fmt: skip
_METHODS = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "replace", "join",
                      "translate"})  # fmt: skip

_steps: contextvars.ContextVar[int] = contextvars.ContextVar("steps", default=0)


class JinjaMissing(InputError):
    """Jinja2 is not installed."""


class JinjaTemplate:
    """One compiled text.

    Raises:
        JinjaMissing: Jinja2 is not installed.
        InputError: not Jinja.
    """

    def __init__(self, text: str) -> None:
        environment = _environment()
        from jinja2 import Template, TemplateError, meta

        try:
            tree = environment.parse(text)
            self.names = frozenset(meta.find_undeclared_variables(tree) - _GLOBALS)
            code = environment.compile(_bounded(tree))
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            where = f" in line {line} of the message" if line else ""
            raise InputError(f"not a Jinja template: {error.message}{where}") from error
        except RecursionError as error:
            raise InputError("not a Jinja template: nested too deeply") from error
        self._template = Template.from_code(environment, code, environment.make_globals(None))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with ``values``.

        Raises:
            InputError: the template failed, or asked for more than the limits.
        """
        from jinja2 import TemplateError

        token = _steps.set(0)
        parts: list[str] = []
        size = 0
        try:
            for part in self._template.generate(dict(values)):
                parts.append(part)
                size += len(part)
                if size > MAX_OUTPUT:
                    _refuse(f"its output exceeds {MAX_OUTPUT // 2**20} Mi characters")
        except InputError:
            raise
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError,
                RecursionError, MemoryError) as error:  # fmt: skip
            raise InputError(f"the Jinja template failed: {str(error) or type(error).__name__}") from error
        finally:
            _steps.reset(token)
        return "".join(parts)


def _refuse(reason: str) -> NoReturn:
    raise InputError(f"the Jinja template was stopped: {reason}")


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        steps = _steps.get() + 1
        if steps > MAX_STEPS:
            _refuse(f"its loops take more than {MAX_STEPS:,} steps")
        _steps.set(steps)
        yield item


@functools.cache
def _environment() -> Any:
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment
    except ImportError as error:
        raise JinjaMissing(
            "this prompt says `template: jinja2`, and Jinja2 is not installed",
            hint="pip install 'promptvc[jinja2]'",
        ) from error

    class Bounded(SandboxedEnvironment):
        """The sandbox of Jinja2, without the operations that grow something out of nothing."""

        intercepted_binops = frozenset({"+", "*", "**", "%"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _check_growth(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, str) and attribute in _METHODS:
                _refuse(f"the text method {attribute}()")
            return super().getattr(obj, attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if isinstance(obj, str) and argument in _METHODS:
                _refuse(f"the text method {argument}()")
            return super().getitem(obj, argument)

    environment = Bounded(undefined=StrictUndefined, keep_trailing_newline=True, finalize=_measured)
    environment.globals = {name: environment.globals[name] for name in _GLOBALS}
    filters = {name: environment.filters[name] for name in _FILTERS} | {
        "_joined": _joined, "join": _joined, "replace": _replaced
    }  # fmt: skip
    environment.filters = {name: _guarded(each) for name, each in filters.items()} | {"_counted": _counted}
    return environment


def _bounded(tree: Any) -> Any:
    """Count the steps of loops and the length of what ``~`` makes; refuse what could repeat itself unseen."""
    from jinja2 import nodes

    refused = (nodes.Macro, nodes.CallBlock, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    found = tree.find(refused)
    if found is not None:
        raise InputError(
            f"a Jinja prompt has no {type(found).__name__.lower()}: its whole text stands in its messages"
        )
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            raise InputError("a Jinja prompt has no recursive loops")
        loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None)
    for concat in list(tree.find_all(nodes.Concat)):
        concat.nodes = [nodes.Filter(nodes.List(concat.nodes), "_joined", [], [], None, None)]
    return tree


def _check_growth(operator: str, left: Any, right: Any) -> None:
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    if numbers:
        bits = [int(abs(value)).bit_length() if isinstance(value, int) else 0 for value in (left, right)]
        power = operator == "**" and isinstance(right, int) and bits[0] * abs(right) > MAX_BITS
        if power or (operator == "*" and sum(bits) > MAX_BITS):
            _refuse("a very large number")
    elif operator == "%" and isinstance(left, str):
        _refuse("it formats with %")
    elif operator == "*":
        length = max(len(value) for value in (left, right) if hasattr(value, "__len__"))
        times = next((value for value in (left, right) if isinstance(value, int)), 1)
        _check_length(length * times)
    elif operator == "+" and hasattr(left, "__len__") and hasattr(right, "__len__"):
        _check_length(len(left) + len(right))


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        for argument in arguments:
            _measured(argument)
        return function(*arguments, **options)

    return call


def _measured(value: Any) -> Any:
    """``value`` itself, unless writing it out would be long: a list may hold another one many times over."""
    if not isinstance(value, (list, tuple, dict)):
        return value
    stack: list[Any] = [value]
    length = 0
    while stack:
        part = stack.pop()
        length += len(part) if isinstance(part, (str, list, tuple, dict)) else 1
        _check_length(length)
        if isinstance(part, dict):
            stack.extend((*part.keys(), *part.values()))
        elif isinstance(part, (list, tuple)):
            stack.extend(part)
    return value


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        _refuse(f"a text or list of more than {MAX_TEXT:,}")


def _joined(items: Iterable[Any], separator: str = "") -> str:
    texts = [str(item) for item in _counted(items)]
    _check_length(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _replaced(text: Any, old: str, new: str, count: int = -1) -> str:
    whole = str(text)
    _check_length(len(whole) + whole.count(old) * len(new))
    return whole.replace(old, new, count)
