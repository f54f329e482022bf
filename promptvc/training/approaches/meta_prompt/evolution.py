"""GEPA's engine at work on a prompt, through our scorer, our optimizer and our bounds: its only home.

After Agrawal et al. 2025, GEPA: Reflective prompt evolution can outperform reinforcement learning (arXiv
2507.19457): a candidate is picked from the Pareto front over cases, its failures on a small batch are reflected on, and
what reflection makes of it stays when it does better on that batch. The engine picks, samples and keeps the front. It
writes nothing, reads nothing back, and its own cache, its trackers and its signal handlers stay out: what it would keep
on disk is a pickle, and a training resumes from the completion cache instead.

Where an edit comes from, the engine does not know. A table beside it leads from the texts of a candidate to the variant
that made them, with its evidence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.base.errors import ProviderError
from promptvc.prompts.model import Prompt
from promptvc.training.approach import Standing, Variant
from promptvc.training.data.items import stable_share
from promptvc.training.proposal import Proposal, variant
from promptvc.training.scoring import Scored, Scorer
from promptvc.training.task import TrainingTask

Reflect = Callable[[Prompt, Mapping[int, Scored]], Sequence[Proposal]]
"""From a prompt, and its answers where they were wrong, to edits."""

SIDE = 2
"""The cases that a front is kept over are so many batches."""

_Texts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Evolution:
    """What one run of the engine may do.

    Attributes:
        reflect: asks for edits; ``calls_per_question`` is what that takes at most.
        calls: answers and questions that it may ask for, at most.
        batch: how many failures are reflected on at once.
        wanted: how many candidates are wanted; twice as many questions are asked at most.
        seed: of its draws.
    """

    task: TrainingTask
    standing: Standing
    scorer: Scorer
    reflect: Reflect
    calls_per_question: int
    calls: int
    batch: int
    wanted: int
    seed: int

    @property
    def fitting_batch(self) -> int:
        """The largest batch, up to ``batch``, of which at least one step can be paid for; 0: there is none."""
        fits = (self.calls - self.calls_per_question) // (self.scorer.calls_per_case * (2 + SIDE))
        return max(0, min(self.batch, fits))


@dataclass(frozen=True, slots=True)
class Evolved:
    """What came out.

    Attributes:
        variants: the most promising first.
        calls: what it asked for, each question counted with all its attempts.
        error: of the optimizer, that ended it; None when none did.
    """

    variants: tuple[Variant, ...]
    calls: int = 0
    error: ProviderError | None = None


def evolve(evolution: Evolution) -> Evolved:
    """Run the engine once.

    Raises:
        Whatever the scorer raises, and what the optimizer raises but for a ProviderError; unchanged.
    """
    failing = failures(evolution.standing)
    batch = min(evolution.fitting_batch, len(failing))
    if batch < 1:
        return Evolved(())
    from gepa.api import optimize

    adapter = _Adapter(evolution)
    adapter.step = (2 + SIDE) * batch * evolution.scorer.calls_per_case + evolution.calls_per_question
    shape: Any = adapter  # the library's own types want classes that derive from its protocols
    result: Any = optimize(
        seed_candidate=dict(adapter.seed),
        trainset=failing,
        valset=_side(evolution.standing, failing, SIDE * batch, evolution.seed),
        adapter=shape,
        candidate_selection_strategy="pareto",
        reflection_minibatch_size=batch,
        module_selector="all",
        stop_callbacks=shape.enough,
        logger=_Silent(),
        run_dir=None,
        use_wandb=False,
        use_mlflow=False,
        cache_evaluation=False,
        track_best_outputs=False,
        display_progress_bar=False,
        seed=evolution.seed,
        raise_on_exception=True,
    )
    if adapter.raised is not None and not isinstance(adapter.raised, ProviderError):
        raise adapter.raised
    front = {at for best in result.per_val_instance_best_candidates.values() for at in best}
    scores: Sequence[float] = result.val_aggregate_scores
    found = [at for at in range(1, len(scores)) if scores[at] >= scores[0]]
    found.sort(key=lambda at: (at not in front, -scores[at], at))
    made = tuple(adapter.made[_texts(result.candidates[at])] for at in found)
    return Evolved(made[: evolution.wanted], adapter.calls, adapter.raised)


def failures(standing: Standing) -> list[int]:
    """The positions of cases that the parent gets wrong at least in part."""
    return sorted(at for at, one in standing.answers.items() if one.score is not None and one.score < 1)


class _Adapter:
    """What the engine sees of a prompt and its cases; an implementation of ``gepa.core.adapter.GEPAAdapter``.

    Attributes:
        made: by the texts of a candidate, the variant that made it.
        calls: what was asked for so far, each question counted with all its attempts.
        raised: what ended asking the optimizer. The engine would take it for one failed step and try again.
        step: answers and questions that one step takes at most.
    """

    def __init__(self, evolution: Evolution) -> None:
        standing = evolution.standing
        self.seed = _texts(_candidate(standing.prompt))
        self.made: dict[_Texts, Variant] = {self.seed: standing.parent}
        self.raised: Exception | None = None
        self.step = 0
        self._evolution = evolution
        self._answers: dict[_Texts, dict[int, Scored]] = {self.seed: dict(standing.answers)}
        self.calls = 0
        self._questions = 0

    def enough(self, state: Any) -> bool:
        """Whether the engine is to stop before its next step."""
        evolution = self._evolution
        return (
            self.raised is not None
            or self._questions >= 2 * evolution.wanted
            or state.i + 1 >= 4 * evolution.wanted
            or len(state.program_candidates) > evolution.wanted
            or self.calls + self.step > evolution.calls
        )

    def evaluate(self, batch: list[int], candidate: dict[str, str], capture_traces: bool = False) -> Any:  # noqa: FBT001, FBT002 - GEPA's signature
        """The engine's question for scores: what is known already is not asked again."""
        from gepa.core.adapter import EvaluationBatch

        texts = _texts(candidate)
        known = self._answers.setdefault(texts, {})
        missing = [at for at in dict.fromkeys(batch) if at not in known]
        if missing:
            known.update(zip(missing, self._ask(self.made[texts], missing), strict=True))
        scores = [self._score(at, known[at]) for at in batch]
        return EvaluationBatch(
            outputs=[None] * len(batch), scores=scores, trajectories=list(batch) if capture_traces else None
        )

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The engine hands this on to :meth:`propose_new_texts`, which needs no more than the positions."""
        del candidate
        return {name: [{"at": at} for at in eval_batch.trajectories] for name in components_to_update}

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        """The texts that change in a new candidate; none when nothing was proposed."""
        if self.raised is not None:
            raise self.raised
        parent = _texts(candidate)
        answers = self._answers[parent]
        batch = sorted({row["at"] for row in reflective_dataset[components_to_update[0]]})
        wrong = {at: answers[at] for at in batch if self._score(at, answers[at]) < 1}
        try:
            return self._proposed(parent, wrong)
        except Exception as error:
            self.raised = error
            raise

    def _proposed(self, parent: _Texts, wrong: Mapping[int, Scored]) -> dict[str, str]:
        evolution = self._evolution
        before = self.made[parent]
        self._questions += 1
        self.calls += evolution.calls_per_question
        whole = list(range(len(evolution.task.cases)))
        proposals = evolution.reflect(before.fit(whole), wrong)
        if not proposals:
            return {}
        name = f"reflection {evolution.standing.round}.{self._questions}"
        made = variant(name, before, proposals, note=told(proposals))
        texts = _candidate(made.fit(whole))
        known = dict(parent)
        changed = {part: text for part, text in texts.items() if known.get(part) != text}
        if changed:
            self.made.setdefault(_texts({**known, **changed}), made)
        return changed

    def _ask(self, asked: Variant, positions: Sequence[int]) -> Sequence[Scored]:
        """Answers of a prompt that has not learned from the groups of these cases."""
        task, scorer = self._evolution.task, self._evolution.scorer
        held = {task.cases[at].group for at in positions}
        learn = [at for at, case in enumerate(task.cases) if case.group not in held]
        self.calls += len(positions) * scorer.calls_per_case
        return scorer.ask(asked.fit(learn), [task.cases[at].case for at in positions])

    def _score(self, at: int, answer: Scored) -> float:
        """What could not be scored tells nothing: it counts as the parent's."""
        if answer.score is not None:
            return answer.score
        parent = self._evolution.standing.answers.get(at)
        return 0.0 if parent is None or parent.score is None else parent.score


class _Silent:
    """The engine's log goes nowhere."""

    def log(self, message: str) -> None:
        """See ``gepa.logging.logger.LoggerProtocol``."""


def told(proposals: Sequence[Proposal]) -> str:
    """The reasons of some proposals as one note."""
    reasons = dict.fromkeys(each.why.rstrip(".") for each in proposals if each.why)
    return "; ".join(list(reasons)[:3])


def _candidate(prompt: Prompt) -> dict[str, str]:
    """A prompt as the engine's components: all rules together, and each message."""
    rules = json.dumps([rule.text for rule in prompt.rules], ensure_ascii=False)
    return {
        "rules": rules,
        **{f"messages[{at}]": message.content for at, message in enumerate(prompt.messages)},
    }


def _texts(candidate: Mapping[str, str]) -> _Texts:
    return tuple(sorted(candidate.items()))


def _side(standing: Standing, failing: Sequence[int], most: int, seed: int) -> list[int]:
    """The cases that the front is kept over: half failing ones, half of the others, drawn by a stable hash."""

    def drawn(positions: Sequence[int]) -> list[int]:
        return sorted(positions, key=lambda at: (stable_share(str(at), f"front {seed}"), at))

    others = [at for at, one in standing.answers.items() if one.score is not None and one.score >= 1]
    chosen = drawn(failing)[: max(most // 2, most - len(others))]
    return sorted(chosen + drawn(others)[: most - len(chosen)])
