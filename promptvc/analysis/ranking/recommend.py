"""Which prompts serve a task: how much they are about it, times what feedback says of them, each with its reasons."""

from __future__ import annotations

import heapq
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvc.analysis.ranking.evidence import Evidence, rounded
from promptvc.analysis.ranking.features import Row
from promptvc.analysis.ranking.forest import Forest
from promptvc.analysis.ranking.similarity import TextIndex, similar

RERANKED = 50
"""So many of the best by similarity and relevance are put in order by a learned ranker."""


@dataclass(frozen=True, slots=True)
class Recommended:
    """One prompt for a task.

    Attributes:
        score: similarity times relevance; the similarity alone where nothing is adapted.
        similarity: 0..1, of what the prompt says (``text``) and of what it was asked with success (``inputs``).
        matched: the words of the task that it has, those that tell most first.
        learned: the score of the learned ranker, where one is used: it decides the order.
    """

    evidence: Evidence
    score: float
    similarity: float
    text: float
    inputs: float
    matched: tuple[str, ...]
    learned: float | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is recommended, in figures."""
        return tuple(_reasons(self))

    def to_json(self) -> dict[str, Any]:
        """As `recommend --json` prints it."""
        return {
            **self.evidence.to_json(),
            "score": rounded(self.score),
            "similarity": {
                "all": rounded(self.similarity),
                "text": rounded(self.text),
                "inputs": rounded(self.inputs),
            },
            "matched": list(self.matched),
            "learned_score": rounded(self.learned),
            "reasons": list(self.reasons),
            "list": events_of(self.evidence),
        }


class Recommender:
    """Prompts that can be asked for by a task; made once, it answers many."""

    def __init__(
        self,
        known: Sequence[Evidence],
        indexes: tuple[TextIndex, TextIndex],
        *,
        forest: Forest | None = None,
        rows: Sequence[Row] = (),
    ) -> None:
        """
        Args:
            known: the prompts, in the order of both indexes: of what they say, and of what they were asked.
            forest: the learned ranker, with ``rows``: the features of each prompt but for the similarity.
        """
        self.known = tuple(known)
        self._texts, self._inputs = indexes
        self._forest = forest
        self._rows = rows
        # Where nothing is adapted, every prompt counts the same.
        self._weights = [1.0 if one.relevance is None else one.relevance for one in self.known]

    @property
    def is_learned(self) -> bool:
        """Whether a learned ranker puts them in order."""
        return self._forest is not None

    def recommend(self, task: str, limit: int) -> tuple[Recommended, ...]:
        """The ``limit`` best prompts for ``task``, best first; none that shares no word with it."""
        asked = self._texts.ask(task), self._inputs.ask(task)
        texts, inputs = self._texts.similarities(asked[0]), self._inputs.similarities(asked[1])
        similarities = similar(texts, inputs)
        scores = [alike * weight for alike, weight in zip(similarities, self._weights, strict=True)]
        found = [at for at, alike in enumerate(similarities) if alike > 0]
        most = limit if self._forest is None else max(limit, RERANKED)
        best = heapq.nsmallest(most, found, key=lambda at: (-scores[at], self.known[at].name))
        learned: dict[int, float] = {}
        if self._forest is not None:
            learned = {at: self._forest.score((texts[at], *self._rows[at][1:])) for at in best}
            best.sort(key=lambda at: (-learned[at], -scores[at], self.known[at].name))
        return tuple(
            Recommended(
                evidence=self.known[at],
                score=scores[at],
                similarity=similarities[at],
                text=texts[at],
                inputs=inputs[at],
                matched=tuple(
                    dict.fromkeys((*self._texts.matched(asked[0], at), *self._inputs.matched(asked[1], at)))
                ),
                learned=learned.get(at),
            )
            for at in best[:limit]
        )


def events_of(evidence: Evidence) -> str:
    """The command that shows the ratings behind a prompt's success."""
    version = "" if evidence.version is None else f" --version {evidence.version}"
    return f"promptvc feedback list {shlex.quote(evidence.name)}{version} --outcome rated"


def _reasons(one: Recommended) -> list[str]:
    known = one.evidence
    success, moving = known.success, known.averages
    where = " and ".join(
        f"{share:.2f} by {what}"
        for what, share in (("what it says", one.text), ("inputs that went well", one.inputs))
        if share > 0
    )
    told = [f"similarity {where}: {', '.join(one.matched)}"]
    version = "" if known.version is None else f" of v{known.version}"
    if not success.rated:
        told.append(f"no rating{version} yet: it starts from {success.prior:.2f}")
    elif known.relevance is None:
        told.append(f"{success.positive:,} of {success.rated:,} ratings{version} are good")
    else:
        told.append(
            f"success {success.mean:.2f} with older ratings weighing less, at least {success.low:.2f},"
            f" from {success.rated:,} ratings{version}"
        )
    lately = [
        f"{what} {value:{form}}"
        for what, value, form in (
            ("success", moving.success, ".2f"),
            ("satisfaction", moving.satisfaction, ".2f"),
            ("latency (ms)", moving.latency, ",.0f"),
            ("chosen when offered", moving.context_match, ".2f"),
        )
        if value is not None
    ]
    if lately:
        told.append(f"lately: {', '.join(lately)}")
    if known.uses:
        told.append(f"used {known.uses:,} times, last on {known.last_used}")
    return told
