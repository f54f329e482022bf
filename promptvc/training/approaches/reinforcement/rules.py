"""Rules as arms: from what marks good and bad outputs to edits of a prompt's rules, each with its events."""

from __future__ import annotations

from dataclasses import replace

from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.extracting.overlap import said_by
from promptvc.training.approaches.reinforcement.contrast import Contrast, Finding
from promptvc.training.approaches.reinforcement.phrasing import rule_of, same_subject
from promptvc.training.approaches.screening import screened
from promptvc.training.proposal import Proposal

OUTPUTS, ANSWERS = "rated outputs", "scored answers"
"""What was labelled: by people, and by the assertions of training cases."""


def proposals(found: Contrast, prompt: Prompt, outputs: str) -> list[tuple[Proposal, Finding]]:
    """The rules that ``found`` asks of ``prompt``, the strongest first.

    A rule that says the opposite, or another length, is reworded; what the prompt says already is not said again.

    Args:
        outputs: what was labelled; said in the reason.
    """
    made: list[tuple[Proposal, Finding]] = []
    for finding in found.findings:
        text = _text(finding, prompt)
        if text is None or any(text == other.text for other, _ in made):
            continue
        like = [
            at
            for at, rule in enumerate(prompt.rules)
            if same_subject(rule.text, finding.mark, against=finding.against, prompt=prompt)
        ]
        said = said_by(prompt, text)
        if said.relation == "same":
            continue
        if not like and said.relation == "opposite" and said.rule is not None:
            like = [said.rule]
        proposal = Proposal(
            "add_rule",
            finding.because,
            text=text,
            why=_why(finding, outputs),
            effect=round(finding.effect, 4),
            basis=f"the share of good ones among {found.labelled} {outputs}",
        )
        if like:
            proposal = replace(proposal, action="reword_rule", at=like[0])
        made.append((proposal, finding))
    return made


def _text(finding: Finding, prompt: Prompt) -> str | None:
    """Words of outputs and labels are strangers' words: a rule of them is screened as if one of them had written it."""
    text = rule_of(finding.mark, against=finding.against, prompt=prompt, right=finding.right)
    return None if text is None else screened(text)


def _why(finding: Finding, outputs: str) -> str:
    having, others = finding.with_bad + finding.with_good, finding.without_bad + finding.without_good
    if finding.against:
        kind, mine, theirs, does = "bad", finding.with_bad, finding.without_bad, "do otherwise"
    else:
        kind, mine, theirs, does = "good", finding.with_good, finding.without_good, "do so"
    return (
        f"Of {having} {outputs} that {does} {mine} are {kind}, of the {others} others {theirs} "
        f"({finding.users} users)."
    )
