"""meta_prompt: guidance out of failures and of users' words.

With a model that proposes, a round is a bounded run of GEPA's engine
(:mod:`promptvc.training.approaches.meta_prompt.evolution`): the model reflects on failures and on what users said, and
its edits are tried on few training cases before the search races them. Without one, or when it fails, rules are
extracted from users' words, and the result says so.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from promptvc.prompts.model import Prompt
from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.meta_prompt.evolution import Evolution, evolve, failures, told
from promptvc.training.approaches.meta_prompt.extractor import extract
from promptvc.training.approaches.meta_prompt.reflecting import ATTEMPTS, Reflector
from promptvc.training.approaches.meta_prompt.voices import Piece, Voices, complaints
from promptvc.training.options import TrainingOptions
from promptvc.training.proposal import Proposal, applied, variant
from promptvc.training.scoring import Scored, Tools
from promptvc.training.search.growth import FLOOR
from promptvc.training.sizes import instructions_length
from promptvc.training.task import TrainingTask

NO_MODEL = "no model proposes here: rules are extracted from users' words"

SHARE = 3
"""Reflection may spend one in so many of the calls of a training; the rest is for races."""


class MetaPrompt:
    """See the module."""

    @property
    def name(self) -> str:
        """``meta_prompt``."""
        return "meta_prompt"

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """Nothing that could be cited: no words of users, and no right answers."""
        bars = options.thresholds
        said = any(
            signal.corrected is not None or any(True for _ in complaints(signal, bars))
            for signal in task.signals
        )
        if said or task.items:
            return None
        return "it needs suggestions, comments, corrections or errors, and the feedback has none"

    def begin(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> MetaPrompting:
        """Start a training. Nothing is asked yet."""
        return MetaPrompting(task, options, tools)


class MetaPrompting:
    """A :class:`~promptvc.training.approach.Proposer`."""

    def __init__(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> None:
        self._task = task
        self._options = options
        self._scorer = tools.scorer
        self._remarks: dict[str, None] = {}
        self._spent = 0
        self._tried: set[tuple[object, ...]] = set()
        self._reflector: Reflector | None = None
        self._asks = tools.optimizer is not None
        if tools.optimizer is not None:
            inputs = [case.text for case in task.cases] + [item.text for item in task.items]
            self._reflector = Reflector(tools.optimizer, sorted(set(inputs)))
        else:
            self._say(NO_MODEL)

    @property
    def remarks(self) -> Sequence[str]:
        """See :class:`~promptvc.training.approach.Proposer`."""
        refused = self._reflector.refused if self._reflector is not None else {}
        if not refused:
            return tuple(self._remarks)
        most = sorted(refused, key=lambda reason: (-refused[reason], reason))[:3]
        reasons = "; ".join(f"{refused[reason]} x {reason}" for reason in most)
        return (*self._remarks, f"{sum(refused.values())} edits of the model were dropped: {reasons}")

    def propose(self, standing: Standing) -> Sequence[Variant]:
        """See :class:`~promptvc.training.approach.Proposer`.

        Raises:
            Whatever the scorer raises, and what the optimizer raises but for a ProviderError.
        """
        # Another approach may have made harder cases; what users said is about the task's own.
        own = {at: answer for at, answer in standing.answers.items() if at < len(self._task.cases)}
        standing = replace(standing, answers=own)
        if not failures(standing):
            return ()
        if self._asks and self._reflector is not None:
            found = self._reflected(standing, self._reflector)
            if found is not None:
                return found
        return self._extracted(standing)

    @functools.cached_property
    def _voices(self) -> Voices:
        # Not before it is needed: with very many events it takes seconds, and the baseline is asked first.
        return Voices(self._task.signals, self._options.thresholds)

    def _reflected(self, standing: Standing, reflector: Reflector) -> Sequence[Variant] | None:
        """What the model proposes; None when that is nothing because it failed, or gave nothing that can be read.

        It is not asked again then.
        """
        asked, unread = reflector.questions, reflector.unread
        evolution = Evolution(
            task=self._task,
            standing=standing,
            scorer=self._scorer,
            reflect=self._edits,
            calls_per_question=ATTEMPTS,
            calls=self._allowance(standing),
            batch=self._options.batch,
            wanted=standing.wanted,
            seed=self._options.seed * 1000 + standing.round,
        )
        if evolution.fitting_batch < 1:
            self._say("too few calls are left to try what a model proposes: it was not asked again")
            return ()
        evolved = evolve(evolution)
        self._spent += evolved.calls
        asked, unread = reflector.questions - asked, reflector.unread - unread
        if evolved.error is not None:
            self._give_up(f"{reflector.name} failed: {evolved.error.message}")
        elif asked and asked == unread:
            self._give_up(f"{reflector.name} gave no answer that can be read: {reflector.trouble}")
        return evolved.variants if evolved.variants or self._asks else None

    def _give_up(self, reason: str) -> None:
        self._asks = False
        self._say(f"{reason}; from then on rules are extracted from users' words")

    def _allowance(self, standing: Standing) -> int:
        """What this round may ask for: its part of what reflection may, and never what the races need."""
        bounds, options = self._options.bounds, self._options
        first = len(standing.answers) * self._scorer.calls_per_case
        used = max((tried.calls for tried in standing.tried), default=first)
        share = (bounds.calls // SHARE - self._spent) // max(1, options.rounds - standing.round + 1)
        return max(0, min(share, (bounds.calls - used) // SHARE))

    def _edits(self, prompt: Prompt, wrong: Mapping[int, Scored]) -> Sequence[Proposal]:
        """What the model makes of some failures and the next portion of what users said."""
        assert self._reflector is not None
        task = self._task
        shown: list[Piece] = []
        for at, answer in sorted(wrong.items()):
            case = task.cases[at]
            item = None if case.item is None else task.items[case.item]
            shown.append(self._voices.failure(case, answer, item))
        pieces = [piece for piece in shown if piece.because]
        context = [piece for piece in shown if not piece.because]
        pieces += self._voices.portion(self._options.batch)
        found = self._reflector.reflect(prompt, pieces, context, room=self._room(prompt))
        return self._within(prompt, found.proposals)

    def _extracted(self, standing: Standing) -> Sequence[Variant]:
        """Rules from users' words: all that fit, half of them, and each alone."""
        one_a_place: dict[str, Proposal] = {}
        for at, each in enumerate(self._extract(standing.prompt)):
            one_a_place.setdefault(each.path if each.at is not None else f"new {at}", each)
        proposals = tuple(one_a_place.values())
        whole = self._within(standing.prompt, proposals)
        found: list[Variant] = []
        for bundle in (whole, whole[: len(whole) // 2], *((each,) for each in proposals)):
            edits = tuple((each.path, each.text) for each in bundle)
            key = (standing.prompt.messages, standing.prompt.rules, edits)
            if not bundle or key in self._tried or len(found) == standing.wanted:
                continue
            self._tried.add(key)
            name = f"rules from words {standing.round}.{len(found) + 1}"
            found.append(variant(name, standing.parent, bundle, note=told(bundle)))
        return found

    def _extract(self, prompt: Prompt) -> Sequence[Proposal]:
        return extract(self._task.signals, prompt, thresholds=self._options.thresholds)

    def _within(self, prompt: Prompt, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
        """Those that fit together, the first first."""
        kept: list[Proposal] = []
        for each in proposals:
            if self._room(applied(prompt, [*kept, each])) >= 0:
                kept.append(each)
        return tuple(kept)

    def _room(self, prompt: Prompt) -> int:
        """Characters that ``prompt`` may still grow by."""
        before = instructions_length(self._task.prompt)
        room = max(FLOOR, int(before * self._options.max_growth))
        return room - (instructions_length(prompt) - before)

    def _say(self, remark: str) -> None:
        self._remarks[remark] = None
