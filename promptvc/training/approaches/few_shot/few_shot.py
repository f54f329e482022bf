"""few_shot: examples out of feedback, chosen to raise the score.

The pool are the task's items: corrections, demonstrations and well-rated outputs, merged and settled. Variants
differ in how examples are chosen (:mod:`promptvc.training.approaches.few_shot.neighbours`) and in how many there are.
They need no call to a model.

Examples that people wrote stay. Examples that cite events stay as well, except in variants that choose them
anew; one whose events were all rejected by annotations goes in every variant. An answer in free text is nobody
else's answer, so there examples are chosen to cover the inputs; with recurring answers, to correct mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from promptvc.models.showing import Shown, shown_in
from promptvc.prompts.model import Example, Prompt
from promptvc.prompts.render import Renderer, input_text
from promptvc.training.approach import Fit, Variant
from promptvc.training.approaches.few_shot.choosing import Aim, Correct, Cover, Room, choose
from promptvc.training.approaches.few_shot.neighbours import ONE, Ground, Neighbourhood, Point
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.task import TrainingOptions, TrainingTask

FEWEST_ITEMS = 10
TURN_TOKENS = 8
"""What an example weighs besides its texts: the marks of two turns."""

NARROW, WIDE = ONE // 50, ONE // 20
"""Leads, as closeness: about what one word of ten makes, and a few."""

_Way = Callable[[Ground], Aim]


def tokens_of(example: Example) -> int:
    """The weight of an example in tokens, four characters each."""
    return TURN_TOKENS + -(-(len(input_text(example.input)) + len(example.output)) // 4)


class FewShot:
    """See the module."""

    @property
    def name(self) -> str:
        """``few_shot``."""
        return "few_shot"

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """Too few items, or no room for examples."""
        if len(task.items) < FEWEST_ITEMS:
            return (
                f"it needs {FEWEST_ITEMS} inputs with a right answer, and the feedback has {len(task.items)}"
            )
        if not any(base.room(options).examples for base in _bases(task)):
            return (
                f"the prompt has {len(task.prompt.examples)} examples, and {options.max_examples} are allowed"
            )
        return None

    def variants(
        self, task: TrainingTask, answered_right: Sequence[bool | None], options: TrainingOptions
    ) -> Sequence[Variant]:
        """Choosing to correct mistakes, narrowly and looking ahead, all and half the room; and to cover."""
        workshop = _Workshop(task, options)
        found: list[Variant] = []
        for base in _bases(task):
            room = base.room(options)
            if room.examples < 1:
                continue
            known = [None] * len(task.cases) if base.dropped else answered_right
            ground = workshop.ground(base, known)
            ways = {name: _Chosen(workshop, ground, way, room) for name, way in _ways(task)}
            # Of variants that do equally well the one with fewer examples is taken: so one such is offered.
            first = next(iter(ways))
            plans = [(name, room.examples) for name in ways] + [(first, room.examples // 2)]
            found += [
                Variant(f"{base.name}, {name}, {size} at most", ways[name].fit(base.kept, size))
                for name, size in plans
                if size
            ]
        return found


def _ways(task: TrainingTask) -> list[tuple[str, _Way]]:
    distinct = len({item.output for item in task.items})
    if distinct * 2 > len(task.items):
        return [("cover", lambda ground: Cover(ground, by_answer=False))]
    return [
        ("correct", lambda ground: Correct(ground, 0, NARROW)),
        ("look ahead", lambda ground: Correct(ground, -WIDE, WIDE)),
        ("cover", lambda ground: Cover(ground, by_answer=True)),
    ]


@dataclass(frozen=True, slots=True)
class _Base:
    """What stays of the prompt's own examples; ``dropped`` says whether any that it could keep go."""

    name: str
    kept: tuple[Example, ...]
    dropped: bool

    def room(self, options: TrainingOptions) -> Room:
        tokens = options.max_tokens - sum(map(tokens_of, self.kept))
        return Room(max(0, options.max_examples - len(self.kept)), max(0, tokens), ())


def _bases(task: TrainingTask) -> list[_Base]:
    valid = [
        example
        for example in task.prompt.examples
        if not example.because or not task.rejected.issuperset(example.because)
    ]
    written = [example for example in valid if not example.because]
    bases = [_Base("add" if valid else "choose", tuple(valid), len(valid) < len(task.prompt.examples))]
    if len(written) < len(valid):
        bases.append(_Base("choose anew", tuple(written), dropped=True))
    return bases


class _Workshop:
    """What all variants share: the pool, its weights, and how close everything is to everything."""

    def __init__(self, task: TrainingTask, options: TrainingOptions) -> None:
        self.task = task
        self.examples = [Example(item.input, item.output, item.because) for item in task.items]
        self.tokens = [tokens_of(example) for example in self.examples]
        groups = {case.item: case.group for case in task.cases if case.item is not None}
        cases = [Point(case.text, case.output, case.group) for case in task.cases]
        pool = [Point(item.text, item.output, groups.get(at, item.key)) for at, item in enumerate(task.items)]
        self._shown = {base.name: _shown(task.prompt, base.kept) for base in _bases(task)}
        every = [item for shown in self._shown.values() for item in shown]
        self._neighbourhood = Neighbourhood(cases, pool, every)
        # One example that eats a quarter of the room stands for a document, not for an example.
        self.usable = {
            at for at, tokens in enumerate(self.tokens) if tokens * 4 <= max(options.max_tokens, 400)
        }

    def ground(self, base: _Base, answered_right: Sequence[bool | None]) -> Ground:
        return self._neighbourhood.ground(self._shown[base.name], answered_right)

    def pool(self, learn: Sequence[int], kept: Sequence[Example]) -> list[int]:
        """The positions of the items that may become examples, when ``learn`` may be learned from."""
        items = [self.task.cases[at].item for at in learn]
        there = [at for at in items if at is not None and at in self.usable]
        inputs = Inputs.of(self.task.prompt)
        forms = [inputs.form(example.input) for example in kept]
        repeated = (
            {at for at, _ in alike([self.task.items[at].form for at in there], forms)} if kept else set()
        )
        return sorted(at for position, at in enumerate(there) if position not in repeated)


class _Chosen:
    """One way of choosing on one ground. What was chosen is kept, as smaller variants are its beginning."""

    def __init__(self, workshop: _Workshop, ground: Ground, way: _Way, room: Room) -> None:
        self._workshop, self._ground, self._way = workshop, ground, way
        self._room = Room(room.examples, room.tokens, workshop.tokens)
        self._known: dict[tuple[int, ...], list[int]] = {}

    def fit(self, kept: tuple[Example, ...], size: int) -> Fit:
        """The prompt with ``kept`` and at most ``size`` chosen ones."""
        workshop = self._workshop

        def made(learn: Sequence[int]) -> Prompt:
            key = tuple(learn)
            if key not in self._known:
                aim, pool = self._way(self._ground), workshop.pool(key, kept)
                self._known[key] = choose(aim, self._ground, key, pool, self._room)
            new = tuple(workshop.examples[at] for at in self._known[key][:size])
            return replace(workshop.task.prompt, examples=(*kept, *new))

        return made


def _shown(prompt: Prompt, kept: tuple[Example, ...]) -> tuple[Shown, ...]:
    """What the prompt shows with the examples ``kept``, by its messages up to the last user message."""
    renderer = Renderer(replace(prompt, examples=kept))
    blank = dict.fromkeys(Inputs.of(prompt).required, "")
    messages = [(message.role, message.content) for message in renderer.render(blank)]
    return shown_in(messages).shown
