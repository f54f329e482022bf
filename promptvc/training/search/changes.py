"""From two prompts to the edits that turn the one into the other, and to the same as items with their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptvc.prompts.edit import AddItem, Edit, RemoveItem, ReplaceItem, SetScalar
from promptvc.prompts.model import Example, Prompt, Rule
from promptvc.prompts.render import input_text
from promptvc.training.outcome import Change


@dataclass(frozen=True, slots=True)
class Difference:
    """``edits`` for the prompt's file, ``changes`` for people; both empty when nothing differs."""

    edits: tuple[Edit, ...]
    changes: tuple[Change, ...]


def difference(before: Prompt, after: Prompt, cites: Mapping[str, Sequence[str]]) -> Difference:
    """How ``before`` becomes ``after`` in messages, rules and examples.

    Args:
        cites: by path of a message, the events that its new words rest on.
    """
    edits: list[Edit] = []
    changes: list[Change] = []
    for at, (old, new) in enumerate(zip(before.messages, after.messages, strict=True)):
        if old.content != new.content:
            path = f"messages[{at}]"
            edits.append(SetScalar(("messages", at, "content"), new.content))
            changes.append(Change(path, "changed", old.content, new.content, tuple(cites.get(path, ()))))
    rules = _List("rules", before.rules, after.rules)
    examples = _List("examples", before.examples, after.examples)
    for each in (rules, examples):
        edits += each.edits()
        changes += each.changes()
    return Difference(tuple(edits), tuple(changes))


_Item = Rule | Example


class _List:
    """One list of items in both prompts: those that stay keep their order, or the list is written anew."""

    def __init__(self, name: str, before: Sequence[_Item], after: Sequence[_Item]) -> None:
        self._name, self._before, self._after = name, before, after
        there = list(after)
        self._gone = []
        for at, item in enumerate(before):
            if item in there:
                there.remove(item)
            else:
                self._gone.append(at)
        staying = list(before)
        for at in reversed(self._gone):
            del staying[at]
        # New items stand anywhere among those that stay; those have to be in their old order.
        self._new: list[int] = []
        waiting = list(staying)
        for at, item in enumerate(after):
            if waiting and item == waiting[0]:
                waiting.pop(0)
            else:
                self._new.append(at)
        self._in_order = not waiting

    def edits(self) -> list[Edit]:
        path = (self._name,)
        if not self._in_order:
            anew: list[Edit] = [RemoveItem(path, at) for at in reversed(range(len(self._before)))]
            return anew + [AddItem(path, _value(item)) for item in self._after]
        if self._name == "rules" and self._same_places():
            return [ReplaceItem(path, at, _value(self._after[at])) for at in self._gone]
        edits: list[Edit] = [RemoveItem(path, at) for at in reversed(self._gone)]
        staying = len(self._before) - len(self._gone)
        for at in self._new:
            # At the end without an index, so that many are written at once.
            end = at >= staying + self._new.index(at)
            edits.append(AddItem(path, _value(self._after[at]), None if end else at))
        return edits

    def _same_places(self) -> bool:
        """Whether every item that goes has one that comes in its place: it is reworded."""
        return bool(self._gone) and self._gone == self._new

    def changes(self) -> list[Change]:
        if self._name == "rules" and self._in_order and self._same_places():
            return [self._changed(at) for at in self._gone]
        gone, new = self._gone, self._new
        if not self._in_order:
            there = list(self._before)
            new = []
            for at, item in enumerate(self._after):
                if item in there:
                    there.remove(item)
                else:
                    new.append(at)
        removed = [
            Change(f"{self._name}[{at}]", "removed", _words(self._before[at]), None, self._before[at].because)
            for at in gone
        ]
        return removed + [
            Change(f"{self._name}[{at}]", "added", None, _words(self._after[at]), self._after[at].because)
            for at in new
        ]

    def _changed(self, at: int) -> Change:
        old, new = self._before[at], self._after[at]
        return Change(f"{self._name}[{at}]", "changed", _words(old), _words(new), new.because)


def _words(item: _Item) -> str:
    return item.text if isinstance(item, Rule) else f"{input_text(item.input)} -> {item.output}"


def _value(item: _Item) -> dict[str, object]:
    value: dict[str, object] = (
        {"text": item.text} if isinstance(item, Rule) else {"input": dict(item.input), "output": item.output}
    )
    return value | {"because": list(item.because)} if item.because else value
