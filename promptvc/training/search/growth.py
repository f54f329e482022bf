"""What a candidate may not be: much longer than the baseline, without evidence, or full of the answers.

Prompts that grow with every training are a known ill of optimizers. Instructions and rules together may grow by a share
of what they are, examples up to a number and a weight. A prompt of one sentence could then never learn a rule, so some
room is always there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from promptvc.prompts.model import Prompt
from promptvc.training.data.quoting import SHORTEST
from promptvc.training.data.texts import normalised
from promptvc.training.options import TrainingOptions
from promptvc.training.sizes import instructions_length, tokens_of
from promptvc.training.task import TrainingTask

FLOOR = 600
"""Characters that instructions and rules may grow by where they may grow at all: some five rules."""


def refusal(
    task: TrainingTask, prompt: Prompt, cites: Mapping[str, Sequence[str]], options: TrainingOptions
) -> str | None:
    """Why ``prompt`` must not be a candidate, as half a sentence; None when it may."""
    return (
        _too_large(task.prompt, prompt, options)
        or _groundless(task.prompt, prompt, cites)
        or _copied(task, prompt)
    )


def _too_large(baseline: Prompt, prompt: Prompt, options: TrainingOptions) -> str | None:
    before, after = instructions_length(baseline), instructions_length(prompt)
    room = max(FLOOR, int(before * options.max_growth)) if options.max_growth else 0
    if after - before > room:
        return f"its instructions and rules grow by {after - before} characters, and {room} are allowed"
    most = max(options.max_examples, len(baseline.examples))
    if len(prompt.examples) > most:
        return f"it has {len(prompt.examples)} examples, and {most} are allowed"
    tokens = sum(map(tokens_of, prompt.examples))
    heaviest = max(options.max_tokens, sum(map(tokens_of, baseline.examples)))
    if tokens > heaviest:
        return f"its examples weigh {tokens} tokens, and {heaviest} are allowed"
    return None


def _groundless(baseline: Prompt, prompt: Prompt, cites: Mapping[str, Sequence[str]]) -> str | None:
    known = {rule.text for rule in baseline.rules}
    for at, rule in enumerate(prompt.rules):
        if rule.text not in known and not rule.because:
            return f"its rule {at + 1} cites no event"
    shown = {(tuple(sorted(example.input.items())), example.output) for example in baseline.examples}
    for at, example in enumerate(prompt.examples):
        if not example.because and (tuple(sorted(example.input.items())), example.output) not in shown:
            return f"its example {at + 1} cites no event"
    if len(prompt.messages) != len(baseline.messages):
        return "it has other messages than the baseline"
    for at, (old, new) in enumerate(zip(baseline.messages, prompt.messages, strict=True)):
        if old.role != new.role:
            return f"its message {at + 1} has another role"
        if old.content != new.content and not cites.get(f"messages[{at}]"):
            return f"its message {at + 1} changes without citing an event"
    return None


def _copied(task: TrainingTask, prompt: Prompt) -> str | None:
    """A rule or message that holds the whole input of a training case: that is no guidance, but an answer sheet."""
    before = {rule.text for rule in task.prompt.rules} | {message.content for message in task.prompt.messages}
    texts = [(f"rule {at + 1}", rule.text) for at, rule in enumerate(prompt.rules)]
    texts += [(f"message {at + 1}", message.content) for at, message in enumerate(prompt.messages)]
    new = [(name, normalised(text)) for name, text in texts if text not in before]
    if not new:
        return None
    told = {normalised(text) for text in before}
    for item in task.items:
        if len(item.key) < SHORTEST or any(item.key in text for text in told):
            continue
        for name, text in new:
            if item.key in text:
                return f"its {name} repeats the input of a training case"
    for name, text in texts:
        if text not in before and task.forbidden.by(text):
            return f"its {name} repeats the input of a hold-out case"
    return None
