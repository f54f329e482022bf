"""What might help against the families that fail: rules, examples, and both.

A rule cites the errors that are about its family and the events behind the inputs whose mutations failed. An example is
such an input with its right answer, and cites what says so; it is only shown where its item may be learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from promptvc.prompts.model import Example, Prompt
from promptvc.training.approach import Fit, Standing, Variant
from promptvc.training.approaches.adversarial.probe import Finding
from promptvc.training.approaches.adversarial.seeds import Ground, called
from promptvc.training.options import TrainingOptions
from promptvc.training.proposal import Proposal, variant
from promptvc.training.sizes import tokens_of

CITED = 20
"""Events behind failed inputs that a rule cites at most."""
EACH, MOST = 3, 9
"""Examples against one family, and against all."""
_NAMED = 3


def repairs(
    ground: Ground, standing: Standing, failing: Sequence[Finding], options: TrainingOptions
) -> Iterator[Variant]:
    """Variants of the parent against ``failing`` families (the worst first), the most promising first."""
    parent = standing.parent
    rules = _rules(ground, failing, lambda finding: finding.family.rules[:1])
    yield _ruled(f"rules against {_names(failing)}", parent, failing, rules)
    shown = _pool(failing)
    if any(shown):
        fit = _Shown(parent.fit, ground, shown, options)
        yield Variant(f"examples against {_names(failing)}", fit, parent.cites, _note(failing))
        both = _ruled(f"rules and examples against {_names(failing)}", parent, failing, rules)
        yield replace(both, fit=_Shown(both.fit, ground, shown, options))
    further = _rules(ground, failing, lambda finding: finding.family.rules)
    if len(further) > len(rules):
        yield _ruled(f"further rules against {_names(failing)}", parent, failing, further)
    if len(rules) > 1:
        for text in rules:
            mine = [finding for finding in failing if _worded(ground, finding.family.rules[0]) == text]
            yield _ruled(f"rules against {_names(mine)}", parent, mine, {text: rules[text]})


def _names(failing: Sequence[Finding]) -> str:
    names = [finding.family.name for finding in failing]
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _note(failing: Sequence[Finding]) -> str:
    return "; ".join(map(str, failing))


def _worded(ground: Ground, rule: str) -> str:
    return rule.replace("{input}", called(ground.variable))


def _rules(
    ground: Ground, failing: Sequence[Finding], of: Callable[[Finding], Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """The rules with the events that each rests on, once each."""
    found: dict[str, set[str]] = {}
    for finding in failing:
        for rule in of(finding):
            found.setdefault(_worded(ground, rule), set()).update(_evidence(ground, finding))
    return {text: tuple(sorted(because)) for text, because in found.items()}


def _evidence(ground: Ground, finding: Finding) -> set[str]:
    told = {
        event
        for signal in ground.task.signals
        if finding.family.matches(signal, ground.variable)
        for event in signal.because
    }
    behind = dict.fromkeys(event for mutant in finding.failed for event in mutant.seed.because)
    return told.union(list(behind)[:CITED])


def _ruled(
    name: str, parent: Variant, failing: Sequence[Finding], rules: dict[str, tuple[str, ...]]
) -> Variant:
    note = _note(failing)
    proposals = [Proposal("add_rule", because, text=text, why=note) for text, because in rules.items()]
    return variant(name, parent, proposals, note=note)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A failed input as an example, and the item that it comes from."""

    item: int
    example: Example


def _pool(failing: Sequence[Finding]) -> list[list[_Candidate]]:
    """By family, what may be shown. An input that may mean something else now has no right answer to show."""
    return [
        [
            _Candidate(mutant.seed.item, Example(dict(mutant.input), mutant.seed.output, mutant.seed.because))
            for mutant in finding.failed
            if mutant.seed.item is not None and mutant.seed.output is not None
        ]
        for finding in failing
        if finding.family.kind != "shape"
    ]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A fit that adds examples to what another one makes: the first of each family, while there is room."""

    fit: Fit
    ground: Ground
    pool: Sequence[Sequence[_Candidate]]
    options: TrainingOptions

    def __call__(self, learn: Sequence[int]) -> Prompt:
        """The prompt for the positions ``learn``; those beyond the task's own cases teach nothing."""
        prompt = self.fit(learn)
        cases = self.ground.task.cases
        allowed = {cases[at].item for at in learn if at < len(cases)} - {None}
        shown = [dict(example.input) for example in prompt.examples]
        tokens = self.options.max_tokens - sum(map(tokens_of, prompt.examples))
        room = min(MOST, self.options.max_examples - len(prompt.examples))
        added: list[Example] = []
        for candidate in self._turns(allowed):
            weight = tokens_of(candidate.example)
            if len(added) < room and weight <= tokens and dict(candidate.example.input) not in shown:
                added.append(candidate.example)
                tokens -= weight
        return replace(prompt, examples=(*prompt.examples, *added))

    def _turns(self, allowed: set[int | None]) -> Iterator[_Candidate]:
        """One of each family, then another one of each."""
        left = [[each for each in family if each.item in allowed] for family in self.pool]
        used: set[int] = set()
        for _ in range(EACH):
            for family in left:
                while family:
                    candidate = family.pop(0)
                    if candidate.item not in used:
                        used.add(candidate.item)
                        yield candidate
                        break
