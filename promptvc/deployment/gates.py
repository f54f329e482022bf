"""Gates: what must be true before an environment runs a version. Values in, reasons out."""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.deployment.environments import Environment
from promptvc.deployment.holds import Hold

BAD_VERDICTS = frozenset({"regression", "incomparable"})


@dataclass(frozen=True, slots=True)
class Proof:
    """What saved evidence says of a version. ``difference`` is None for a run without a baseline."""

    score: float
    verdict: str | None = None
    difference: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A version that wants into an environment.

    Attributes:
        label: how to name it to people, such as ``support/triage v4``.
        on_main: whether this content is a version on main.
        promoted: whether the environment it promotes from runs it now.
        margin: the largest drop of the score that is let through, 0..1.
        owner: whether its number stands for this content on main, and not for another one.
    """

    label: str
    on_main: bool
    hold: Hold | None
    proof: Proof | None
    promoted: bool
    margin: float
    owner: bool = True

    @property
    def name(self) -> str:
        """The prompt, without its version."""
        return self.label.rpartition(" ")[0]


@dataclass(frozen=True, slots=True)
class Objection:
    """One closed gate: its stable name, why it is closed, and what opens it."""

    gate: str
    message: str
    hint: str


def objections(request: Request, environment: Environment) -> tuple[Objection, ...]:
    """Every gate of ``environment`` that ``request`` does not pass; empty means it may deploy."""
    return (*_standing(request, environment), *_evidence(request, environment))


def _standing(request: Request, environment: Environment) -> list[Objection]:
    found = []
    if not request.on_main:
        found.append(Objection("main", f"{request.label} is not on main", "merge its branch first"))
    if not request.owner:
        message = f"{request.label} has two contents; this is not the one that owns it"
        found.append(Objection("owner", message, f"promptvc commit {request.name} --renumber -m TEXT"))
    if request.hold is not None:
        found.append(
            Objection(
                "hold",
                f"{request.label} is held in {environment.name}: {request.hold.reason}",
                f"delete {request.hold.path} in a commit to lift the hold",
            )
        )
    if environment.promotes_from and not request.promoted:
        source = environment.promotes_from
        found.append(
            Objection(
                "promotion",
                f"{environment.name} promotes from {source}, which does not run {request.label}",
                f"deploy it to {source} first",
            )
        )
    return found


def _evidence(request: Request, environment: Environment) -> list[Objection]:
    proof = request.proof
    remedy = "run `promptvc evaluate NAME --baseline REV --save` and commit what it finds"
    if proof is None:
        if not environment.requires_evidence:
            return []
        return [Objection("evidence", f"{request.label} has no evidence on main", remedy)]
    found = []
    if proof.verdict in BAD_VERDICTS:
        found.append(Objection("verdict", f"the verdict on {request.label} is {proof.verdict}", remedy))
    elif environment.verdicts and proof.verdict not in environment.verdicts:
        wanted = ", ".join(sorted(environment.verdicts))
        found.append(
            Objection(
                "verdict", f"{environment.name} takes {wanted}, not {proof.verdict or 'a run alone'}", remedy
            )
        )
    if proof.difference is not None and proof.difference <= -request.margin:
        drop = f"{-100 * proof.difference:.1f} points"
        found.append(Objection("margin", f"{request.label} scores {drop} below its baseline", remedy))
    if environment.minimum_score is not None and proof.score < environment.minimum_score:
        least = f"{environment.name} asks for a score of {environment.minimum_score:.3f}"
        found.append(Objection("score", f"{least}, {request.label} has {proof.score:.3f}", remedy))
    return found
