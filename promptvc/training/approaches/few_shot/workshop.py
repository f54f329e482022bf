"""What all variants of one training share: the pool of examples, what each weighs, and where the cases stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from promptvc.models.showing import Shown, shown_in
from promptvc.prompts.model import Example, Prompt
from promptvc.prompts.render import Renderer, input_text
from promptvc.training.approach import Fit
from promptvc.training.approaches.few_shot.choosing import Aim, Correct, Cover, Room, choose
from promptvc.training.approaches.few_shot.diversity import diverse
from promptvc.training.approaches.few_shot.measures import ONE, Meaning, Measure, Words
from promptvc.training.approaches.few_shot.neighbours import Ground, Neighbourhood, Point
from promptvc.training.data.inputs import Inputs, alike
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Embed
from promptvc.training.sizes import tokens_of
from promptvc.training.task import TrainingTask

NARROW, WIDE = ONE // 50, ONE // 20
"""Leads, as closeness: about what one word of ten makes, and a few."""

Way = Callable[[Neighbourhood, Ground, Sequence[int], Sequence[int], Room], list[int]]
"""Chooses: from the cases that may be learned from and the examples that may be taken to those that are."""


@dataclass(frozen=True, slots=True)
class Base:
    """What stays of the prompt's own examples; ``dropped`` says whether any that it could keep go."""

    name: str
    kept: tuple[Example, ...]
    dropped: bool

    def room(self, options: TrainingOptions) -> Room:
        """What the bounds leave for others; without costs."""
        tokens = options.max_tokens - sum(map(tokens_of, self.kept))
        return Room(max(0, options.max_examples - len(self.kept)), max(0, tokens), ())


def bases(task: TrainingTask) -> list[Base]:
    """The prompt with all its valid examples, and where it has learned ones with those that people wrote."""
    valid = [
        example
        for example in task.prompt.examples
        if not example.because or not task.rejected.issuperset(example.because)
    ]
    written = [example for example in valid if not example.because]
    found = [Base("add" if valid else "choose", tuple(valid), len(valid) < len(task.prompt.examples))]
    if len(written) < len(valid):
        found.append(Base("choose anew", tuple(written), dropped=True))
    return found


def greedy(aim: Callable[[Ground], Aim]) -> Way:
    """Choosing for an aim, which is begun anew each time."""
    return lambda _, ground, cases, allowed, room: choose(aim(ground), ground, cases, allowed, room)


CORRECT = greedy(lambda ground: Correct(ground, 0, NARROW))
LOOK_AHEAD = greedy(lambda ground: Correct(ground, -WIDE, WIDE))
COVER_ALL = greedy(lambda ground: Cover(ground, by_answer=False))
BY_ANSWER: dict[str, Way] = {
    "correct": CORRECT,
    "look ahead": LOOK_AHEAD,
    "cover": greedy(lambda ground: Cover(ground, by_answer=True)),
}
FREE: dict[str, Way] = {"cover": COVER_ALL, "diverse": diverse}
"""For answers in free text, each of which is nobody else's."""


class Workshop:
    """See the module."""

    def __init__(self, task: TrainingTask, options: TrainingOptions, embed: Embed | None = None) -> None:
        self.task = task
        self.examples = [Example(item.input, item.output, item.because) for item in task.items]
        self.tokens = [tokens_of(example) for example in self.examples]
        groups = {case.item: case.group for case in task.cases if case.item is not None}
        cases = [Point(case.text, case.output, case.group) for case in task.cases]
        pool = [Point(item.text, item.output, groups.get(at, item.key)) for at, item in enumerate(task.items)]
        self.points = {_identity(example): point for example, point in zip(self.examples, pool, strict=True)}
        self.by_answer = len({item.output for item in task.items}) * 2 <= len(task.items)
        every = [item for base in bases(task) for item in shown(task.prompt, base.kept)]
        measures: list[Measure] = [Words([item.text for item in every] + [point.text for point in pool])]
        if embed is not None:
            measures.insert(0, Meaning(embed))
        self.places = {measure.name: Neighbourhood(cases, pool, every, measure) for measure in measures}
        # One example that eats a quarter of the room stands for a document, not for an example.
        self.usable = {
            at for at, tokens in enumerate(self.tokens) if tokens * 4 <= max(options.max_tokens, 400)
        }

    @property
    def place(self) -> Neighbourhood:
        """By meaning where there are vectors, else by words."""
        return next(iter(self.places.values()))

    def point(self, example: Example) -> Point:
        """Where an example stands; one that is not of the pool is a group of its own."""
        text = input_text(example.input)
        return self.points.get(_identity(example)) or Point(text, example.output, f"example {text}")

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


class Chosen:
    """One way of choosing on one ground. What was chosen is kept, as smaller variants are its beginning."""

    def __init__(
        self, workshop: Workshop, place: Neighbourhood, ground: Ground, way: Way, room: Room
    ) -> None:
        self._workshop, self._place, self._ground, self._way = workshop, place, ground, way
        self._room = Room(room.examples, room.tokens, workshop.tokens)
        self._known: dict[tuple[int, ...], list[int]] = {}

    def fit(self, parent: Fit, kept: tuple[Example, ...], size: int) -> Fit:
        """The parent's prompt with ``kept`` and at most ``size`` chosen ones as its examples."""
        workshop = self._workshop

        def made(learn: Sequence[int]) -> Prompt:
            key = tuple(learn)
            if key not in self._known:
                pool = workshop.pool(key, kept)
                self._known[key] = self._way(self._place, self._ground, key, pool, self._room)
            new = tuple(workshop.examples[at] for at in self._known[key][:size])
            return replace(parent(learn), examples=(*kept, *new))

        return made


def shown(prompt: Prompt, kept: tuple[Example, ...]) -> tuple[Shown, ...]:
    """What ``prompt`` shows with the examples ``kept``, by its messages up to the last user message."""
    renderer = Renderer(replace(prompt, examples=kept))
    blank = dict.fromkeys(Inputs.of(prompt).required, "")
    messages = [(message.role, message.content) for message in renderer.render(blank)]
    return shown_in(messages).shown


def _identity(example: Example) -> tuple[tuple[tuple[str, str], ...], str]:
    return tuple(sorted(example.input.items())), example.output
