"""reinforcement: do more of what was rewarded, and less of what was not.

Rewards of outputs come from ratings, thumbs, corrections, errors and the scores of assertions. What marks good and bad
outputs becomes rules; what the prompt gets wrong becomes examples; examples that mislead, and rules whose events people
rejected, go. Below :data:`~promptvc.training.approaches.reinforcement.contrast.FEWEST` labelled outputs only users'
words make rules, and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from promptvc.prompts.model import Prompt
from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.meta_prompt.extracting.overlap import related
from promptvc.training.approaches.meta_prompt.extractor import extract
from promptvc.training.approaches.reinforcement.arms import UNKNOWN, Arm, of_rule, ranked, together
from promptvc.training.approaches.reinforcement.contrast import FEWEST, SUPPORT, Contrast, contrast
from promptvc.training.approaches.reinforcement.examples import Examples
from promptvc.training.approaches.reinforcement.rewards import Rewards, answered, rewarded
from promptvc.training.approaches.reinforcement.rules import ANSWERS, OUTPUTS, proposals
from promptvc.training.options import TrainingOptions
from promptvc.training.proposal import Proposal
from promptvc.training.scoring import Tools
from promptvc.training.task import TrainingTask

FEWEST_REWARDS = 10
FEW = 8
"""Examples that are added where there would be room for more: as many may do."""

OFFERED = 2
"""So many times what the search wants are offered: it thins them out with few calls."""


class Reinforcement:
    """See the module."""

    @property
    def name(self) -> str:
        """``reinforcement``."""
        return "reinforcement"

    def lacks(self, task: TrainingTask, options: TrainingOptions) -> str | None:
        """Too few outputs that people called good or bad, or too few for the only thing that they could teach."""
        rewards = rewarded(task.signals, options.thresholds)
        labelled = rewards.labelled
        if labelled < FEWEST_REWARDS:
            mute = sum(1 for signal in task.signals if signal.score is not None and signal.output is None)
            more = f"; {mute} ratings name no output" if mute else ""
            return (
                f"it needs {FEWEST_REWARDS} outputs that were rated good or bad or corrected, and the feedback has"
                f" {labelled}: {FEWEST_REWARDS - labelled} more{more}"
            )
        if task.items or any(signal.words for signal in task.signals):
            return None
        if labelled < FEWEST:
            return (
                f"without users' words and right answers it needs {FEWEST} outputs that were rated good or bad,"
                f" and the feedback has {labelled}: {FEWEST - labelled} more"
            )
        good = sum(1 for reward in rewards.rewards if reward.good)
        bad = labelled - good
        if min(good, bad) < SUPPORT:
            return f"it needs {SUPPORT} good and {SUPPORT} bad outputs, and the feedback has {good} and {bad}"
        return None

    def begin(self, task: TrainingTask, options: TrainingOptions, tools: Tools) -> Reinforcing:
        """Start a training. Nothing is asked."""
        del tools
        return Reinforcing(task, options)


class Reinforcing:
    """A :class:`~promptvc.training.approach.Proposer`."""

    def __init__(self, task: TrainingTask, options: TrainingOptions) -> None:
        self._task, self._options = task, options
        self._pulled: dict[str, Arm] = {}

    # Neither is needed before the search has asked the baseline, and many events take their time.
    @cached_property
    def _rewards(self) -> Rewards:
        return rewarded(self._task.signals, self._options.thresholds)

    @cached_property
    def _rated(self) -> Contrast:
        return contrast(self._rewards.rewards)

    @property
    def remarks(self) -> Sequence[str]:
        """What the rules rest on, and what was set aside."""
        labelled, found = self._rewards.labelled, []
        if labelled < FEWEST:
            found.append(
                f"rules are drawn from users' words alone: {labelled} outputs are rated good or bad, and it takes"
                f" {FEWEST} to tell what marks them, {FEWEST - labelled} more"
            )
        elif not self._rated.findings:
            found.append(
                f"nothing marks the bad ones of {labelled} rated outputs off from the good ones beyond chance"
                f" ({self._rated.tested} marks were looked at)"
            )
        if self._rewards.aside:
            found.append(
                f"{self._rewards.aside} ratings were set aside: their raters say the same of everything"
            )
        return tuple(found)

    def propose(self, standing: Standing) -> Sequence[Variant]:
        """The most hopeful arms that were not pulled yet, alone and together."""
        from_answers = contrast(answered(self._task, standing.answers, self._options.thresholds))
        rules = self._rules(standing.prompt, from_answers)
        promising = self._promising(standing, rules)
        both = together(promising or rules, standing.prompt, self._task.prompt, self._options)
        arms = [*rules, *self._removals(standing), *self._examples(standing)]
        if both is not None:
            arms.append(both)
        fresh = [arm for arm in ranked(arms) if arm.name not in self._pulled][: OFFERED * standing.wanted]
        self._pulled |= {arm.name: arm for arm in fresh}
        return [arm.pull(standing.parent) for arm in fresh]

    def _rules(self, prompt: Prompt, from_answers: Contrast) -> list[Arm]:
        """Rules out of ratings, out of scores and out of words; each text once."""
        found = proposals(self._rated, prompt, OUTPUTS) + proposals(from_answers, prompt, ANSWERS)
        arms: dict[str, Arm] = {}
        for each, finding in found:
            arms.setdefault(each.text or "", of_rule(each, finding.error))
        for each in extract(self._task.signals, prompt, thresholds=self._options.thresholds):
            if not each.action.endswith("_rule"):
                continue
            if each.action == "remove_rule" and each.at is not None:
                gone = prompt.rules[each.at].text
                arms[f"without {gone}"] = of_rule(replace(each, text=gone))
                continue
            text = each.text or ""
            twin = next((other for other in arms if related(text, other) == "same"), None)
            # What outputs show and users say is one rule, and has both for its reason.
            arms[twin or text] = of_rule(each) if twin is None else arms[twin].also(each.because)
        return list(arms.values())

    def _promising(self, standing: Standing, rules: Sequence[Arm]) -> list[Arm]:
        """Of ``rules`` those that did better than what they were raced against, without winning."""
        better = {row.name for row in standing.tried if row.cases and row.score > row.parent}
        return [arm for arm in rules if arm.name in better]

    def _removals(self, standing: Standing) -> list[Arm]:
        """Learned rules that may go: those whose events people rejected, and once something was found the others."""
        found = []
        for at, rule in enumerate(standing.prompt.rules):
            gone = self._task.rejected.issuperset(rule.because)
            if rule.because and (gone or standing.round > 1):
                why = (
                    "all its events were rejected"
                    if gone
                    else "a prompt that does as well without it is shorter"
                )
                effect, error = (0.0, UNKNOWN) if gone else (0.0, 0.0)
                proposal = Proposal("remove_rule", (), at=at, text=rule.text, why=why, effect=effect)
                found.append(of_rule(proposal, error))
        return found

    def _examples(self, standing: Standing) -> list[Arm]:
        """Examples to add, swap and drop."""
        parent, options = standing.parent, self._options
        examples = Examples(self._task, standing.answers, self._rewards.rewards, options)
        found = []
        misleading = len(examples.misleading(standing.prompt))
        if misleading:
            share = misleading / len(standing.prompt.examples)
            ways = (examples.dropping(parent), examples.swapping(parent))
            found += [_of_variant(way, standing.round, share * examples.promise) for way in ways]
        room = options.max_examples - len(standing.prompt.examples)
        if examples.failures and room > 0:
            for most in dict.fromkeys((room, min(room, FEW))):
                way = examples.adding(parent, most)
                found.append(_of_variant(way, standing.round, examples.promise * most / room))
        return found


def _of_variant(way: Variant, number: int, expected: float) -> Arm:
    """Another round has other answers, and so other examples under the same name."""
    return Arm(f"{way.name}, round {number}", expected, UNKNOWN, lambda _: way)
