"""What an input of a prompt is, whether an event, a case of a suite or an example gives it: texts by variable.

One form for all of them, or the hold-out would leak into training where two say the same in different words: only
the prompt's variables, in the order of their names, numbers and truth values as text, and nothing for an optional
variable whose value is its default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptvc.base.errors import InputError
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import input_text, placeholders
from promptvc.prompts.templates import value_text
from promptvc.training.data.texts import Forest, Nearby, gather, near_pairs, normalised


@dataclass(frozen=True, slots=True)
class Form:
    """What inputs are compared by, normalised.

    Attributes:
        key: the whole input; two inputs with one key are the same.
        core: the required variables alone, which every input gives; ``key`` where the prompt requires none.
    """

    key: str
    core: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """The variables of one prompt.

    Attributes:
        required: names that an input has to give, sorted.
        optional: the others, with the text of their defaults.
    """

    required: tuple[str, ...]
    optional: Mapping[str, str | None] = field(default_factory=dict)
    _names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", tuple(sorted({*self.required, *self.optional})))

    @classmethod
    def of(cls, prompt: Prompt) -> Inputs:
        """Required is what the messages name or the prompt declares, and has no default."""
        optional = {
            variable.name: None if variable.default is None else _text(variable.name, variable.default)
            for variable in prompt.variables
            if not variable.required
        }
        named = placeholders(prompt) | {variable.name for variable in prompt.variables}
        return cls(tuple(sorted(named - optional.keys())), optional)

    def given(self, values: str | Mapping[str, Any] | None) -> Mapping[str, str] | None:
        """An event's input; None when it lacks a required variable or one has no text.

        A text alone gives the only required variable, and is no input where there are several.
        """
        if isinstance(values, str):
            values = {self.required[0]: values} if len(self.required) == 1 else None
        if values is None:
            return None
        if self._names == self.required and len(self._names) == 1:  # most prompts, and many events
            text = values.get(self._names[0])
            if isinstance(text, str):
                return {self._names[0]: text} if text and not text.isspace() else None
        found: dict[str, str] = {}
        for name in self._names:
            value = values.get(name)
            if isinstance(value, str | int | float):
                found[name] = _text(name, value)
            elif name in self.required or value is not None:
                return None
        return self._without_defaults(found) if any(text.strip() for text in found.values()) else None

    def canonical(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """The values of a case or an example; a list or an object as JSON."""
        given = {name: values.get(name) for name in self._names}
        return self._without_defaults(
            {name: _text(name, value) for name, value in given.items() if value is not None}
        )

    def text(self, values: Mapping[str, Any]) -> str:
        """The input of a case or an example as one text."""
        return input_text(self.canonical(values))

    def form(self, values: Mapping[str, Any]) -> Form:
        """What it is compared by."""
        if self._names == self.required and len(self._names) == 1:
            only = values.get(self._names[0])
            if isinstance(only, str):
                key = normalised(only)
                return Form(key, key)
        whole = self.canonical(values)
        core = {name: text for name, text in whole.items() if name in self.required}
        key = normalised(input_text(whole))
        return Form(key, normalised(input_text(core)) if core else key)

    def _without_defaults(self, values: Mapping[str, str]) -> Mapping[str, str]:
        kept = {
            name: text
            for name, text in values.items()
            if name in self.required or text != self.optional.get(name)
        }
        return kept or values


def _text(name: str, value: Any) -> str:
    """As a prompt shows it; what it cannot show will be an error of that."""
    try:
        return value_text(name, value)
    except InputError:
        return str(value)


def alike(forms: Sequence[Form], others: Sequence[Form] | None = None) -> list[tuple[int, int]]:
    """Positions of inputs that are the same or nearly so, as a whole or in what the prompt requires; sorted.

    The pairs are those of :func:`~promptvc.training.data.texts.near_pairs`. Where only one side of the pairs is
    wanted, :func:`repeats` is quicker, and :func:`gathered` where only what hangs together is.
    """
    pairs: set[tuple[int, int]] = set()
    for texts in _aspects((*forms, *(others or ()))):
        left = texts[: len(forms)]
        pairs.update(near_pairs(left, None if others is None else texts[len(forms) :]))
    return sorted(pairs)


def repeats(forms: Sequence[Form], others: Sequence[Form]) -> set[int]:
    """Positions in ``forms`` of inputs that are alike to one of ``others``: the first halves of :func:`alike`."""
    found: set[int] = set()
    if others:
        for texts in _aspects((*forms, *others)):
            index, known = Nearby(texts[len(forms) :]), dict[str, bool]()
            for at, text in enumerate(texts[: len(forms)]):
                if text not in known:
                    known[text] = index.has(text)
                if known[text]:
                    found.add(at)
    return found


def gathered(forms: Sequence[Form]) -> list[int]:
    """For each input the smallest position that it is connected to by pairs that are alike."""
    forest = Forest(len(forms))
    for texts in _aspects(forms):
        gather(texts, forest)
    return forest.roots()


def _aspects(forms: Sequence[Form]) -> Iterator[list[str]]:
    """The texts that inputs are compared by: the whole, and where that differs what the prompt requires."""
    yield [form.key for form in forms]
    if any(form.core != form.key for form in forms):
        yield [form.core for form in forms]
