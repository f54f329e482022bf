"""Rules out of what people say and correct, without a model.

What is read: suggestions, comments and notes where something was wrong, what corrections have in common, labels
that are corrected into one another, and errors. What says the same becomes one rule in the words of somebody who
said it, with all their events. How many different people say so counts, not how often: one person cannot push a rule
through by repeating it.

Texts of strangers are screened first (:mod:`promptvc.training.approaches.screening`); so is every rule in the end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from promptvc.base.config import FeedbackSettings
from promptvc.base.stats import percentile
from promptvc.feedback.events import THRESHOLDS
from promptvc.prompts.model import Prompt
from promptvc.training.approaches.meta_prompt.extracting.concepts import about
from promptvc.training.approaches.meta_prompt.extracting.confusions import confusions
from promptvc.training.approaches.meta_prompt.extracting.corrections import corrected_ways
from promptvc.training.approaches.meta_prompt.extracting.effects import expected, lost
from promptvc.training.approaches.meta_prompt.extracting.faults import faults
from promptvc.training.approaches.meta_prompt.extracting.finding import Finding, voice_of
from promptvc.training.approaches.meta_prompt.extracting.overlap import related, said_by
from promptvc.training.approaches.meta_prompt.extracting.phrasing import rule_of
from promptvc.training.approaches.meta_prompt.extracting.themes import Said, Theme, themes
from promptvc.training.approaches.meta_prompt.extracting.wishes import wishes
from promptvc.training.approaches.screening import screened
from promptvc.training.data.signals import Signal
from promptvc.training.proposal import Proposal

MOST = 10
MOST_FOUND = 200
"""Of what words ask for, so much is held against one another; the rest has fewest voices."""

AGAINST_A_RULE = 2
"""So many people it takes to speak against a rule that stands."""

# Without a complaint, words are a wish only where they say so.
_REQUEST = re.compile(
    r"\b(?:please|pls|should|must|never|always|do not|don't|stop|(?:could|can|would) you|would be|wish|make sure"
    r"|next time|needs? to)\b",
    re.IGNORECASE,
)
_FEWEST_OUTPUTS = 5


def extract(
    signals: Sequence[Signal],
    prompt: Prompt,
    *,
    most: int = MOST,
    thresholds: FeedbackSettings = THRESHOLDS,
) -> tuple[Proposal, ...]:
    """Edits of ``prompt`` that ``signals`` ask for, those of most people first; at most ``most``.

    The same signals in whatever order give the same edits. What the prompt says already is not proposed again; where
    it says the opposite in a rule, that is reworded or removed. A judge's scores count for nothing.
    """
    ordered = sorted({signal.id: signal for signal in signals}.values(), key=lambda one: (one.time, one.id))
    found = _asked(ordered, thresholds) + corrected_ways(ordered)
    found += confusions(ordered, prompt, thresholds) + faults(ordered, prompt)
    proposals = []
    touched: set[int] = set()
    for finding in _ranked(_distinct(found)):
        proposal = _proposal(finding, prompt, ordered)
        if proposal is None or (proposal.at is not None and proposal.at in touched):
            continue
        if proposal.at is not None:
            touched.add(proposal.at)
        proposals.append(proposal)
    return tuple(proposals[:most])


def _asked(signals: Sequence[Signal], thresholds: FeedbackSettings) -> list[Finding]:
    """What words ask for."""
    said = [each for signal in signals for each in _said(signal, thresholds)]
    made = [theme for theme in map(_decided, themes(said)) if theme is not None]
    found = []
    for theme in made:
        text = rule_of(theme)
        if text is None:
            continue
        spared = [each for each in theme.said if each.wish.sense == "spare"]
        sense = "spare" if theme.sense == "avoid" and 2 * len(spared) > len(theme.said) else theme.sense
        speaking = {each.signal.id: each.signal for each in theme.said}
        found.append(
            Finding(
                _measured(text, theme, signals, thresholds),
                tuple(speaking.values()),
                len(theme.voices),
                "ask",
                "spare" if sense == "spare" else "avoid" if sense == "avoid" else "do",
            )
        )
    return _agreed(_ranked(found)[:MOST_FOUND])


def _said(signal: Signal, thresholds: FeedbackSettings) -> list[Said]:
    plain = [screened(text) for text in signal.words]
    if None in plain:  # who writes one hostile remark is not heard with the next
        return []
    good = signal.score is not None and signal.score >= thresholds.positive
    complains = signal.kind in {"suggestion", "correction", "error"} or (
        signal.score is not None and not good and not signal.judged
    )
    return [
        Said(wish, signal, voice_of(signal, text))
        for text in plain
        if text is not None and (complains or _REQUEST.search(text))
        for wish in wishes(text, suggested=signal.kind == "suggestion")
        if complains or (wish.asked and wish.sense in {"do", "avoid"})
    ]


def _decided(theme: Theme) -> Theme | None:
    """A theme of `no X` alone: unwanted where the answers have X, missing where they lack it.

    Without answers that tell, a suggestion or a correction means what it says, and a complaint may mean either.
    """
    if theme.sense != "no":
        return theme
    wanted = {token for node in theme.nodes for token in node.stance.tokens}
    outputs = [each.signal.output for each in theme.said if each.signal.output]
    having = sum(1 for output in outputs if wanted <= set(about(output).tokens))
    told = any(each.signal.kind in {"suggestion", "correction"} for each in theme.said)
    if 2 * having > len(outputs) or (not outputs and told):
        theme.sense = "avoid"
    elif outputs and not told:
        theme.sense = "do"
    elif told:
        theme.sense = "avoid"
    else:
        return None
    return theme


def _measured(text: str, theme: Theme, signals: Sequence[Signal], thresholds: FeedbackSettings) -> str:
    """ "Keep the answer short" with a number: three of four answers that people liked are not longer."""
    if theme.wanted != {("length", "short")} or about(text).tokens != ("length",):
        return text
    liked = [
        len(signal.output.split())
        for signal in signals
        if signal.output and not signal.judged
        if signal.score is not None and signal.score >= thresholds.positive
    ]
    minded = [len(each.signal.output.split()) for each in theme.said if each.signal.output]
    usual = percentile(liked, 0.75) if len(liked) >= _FEWEST_OUTPUTS else None
    if usual is None or (minded and max(minded) <= usual):
        return text
    return f"Keep the answer short: at most {max(10, 10 * math.ceil(usual / 10))} words."


def _agreed(found: Sequence[Finding]) -> list[Finding]:
    """Without what people disagree about: it takes twice as many voices as the opposite has."""
    kept = []
    for at, one in enumerate(found):
        against = sum(
            other.voices
            for place, other in enumerate(found)
            if place != at and related(one.text, other.text) == "opposite"
        )
        if one.voices >= 2 * against:
            kept.append(replace(one, opposed=against))
    return kept


def _distinct(found: Sequence[Finding]) -> list[Finding]:
    """One of several findings that say the same, with the signals of all; the first one's words."""
    kept: list[Finding] = []
    for finding in found:
        if screened(finding.text) != finding.text:
            continue
        for at, other in enumerate(kept):
            if finding.text == other.text or (
                finding.manner != other.manner and related(finding.text, other.text) == "same"
            ):
                speaking = {signal.id: signal for signal in (*other.signals, *finding.signals)}
                people = {voice_of(signal, " ".join(signal.words)) for signal in speaking.values()}
                ordered = tuple(sorted(speaking.values(), key=lambda one: (one.time, one.id)))
                voices = max(other.voices, finding.voices, len(people))
                kept[at] = replace(other, signals=ordered, voices=voices)
                break
        else:
            kept.append(finding)
    return kept


def _ranked(found: Sequence[Finding]) -> list[Finding]:
    return sorted(found, key=lambda one: (-one.voices, -len(one.signals), -lost(one.signals), one.text))


def _proposal(finding: Finding, prompt: Prompt, signals: Sequence[Signal]) -> Proposal | None:
    said = said_by(prompt, finding.text)
    if said.relation == "same":
        return None
    effect, basis = expected(finding.signals, signals)
    edit = Proposal(
        "add_rule",
        finding.because,
        text=finding.text,
        why=_why(finding),
        effect=effect,
        basis=basis,
    )
    if said.relation == "none":
        return edit
    if finding.manner != "ask":
        return edit
    if said.rule is None:
        return replace(edit, why=f"{edit.why[:-1]}; the instructions say otherwise.")
    if finding.voices < AGAINST_A_RULE:
        return None
    why = f"{edit.why[:-1]}; rules[{said.rule}] says otherwise."
    if finding.sense == "spare":
        return replace(edit, action="remove_rule", at=said.rule, text=None, why=why)
    return replace(edit, action="reword_rule", at=said.rule, why=why)


def _why(finding: Finding) -> str:
    events = _count(len(finding.signals), "event")
    people = _count(finding.voices, "user")
    one = finding.voices == 1
    if finding.manner == "fail":
        return f"{_count(len(finding.signals), 'call')} failed for lack of it."
    does = "corrects answers" if one else "correct answers"
    if finding.manner == "correct":
        return f"{people} in {events} {does} this way."
    asks = "asks" if one else "ask"
    rest = f", {_count(finding.opposed, 'user')} for the opposite" if finding.opposed else ""
    return f"{people} in {events} {asks} for it{rest}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
