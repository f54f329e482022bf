"""Themes: what several people ask for in different words.

Wishes are of one theme when they are about the same and want the same. About the same: the cosine of their concepts and
words (:mod:`promptvc.models.similarity`), on the average over a theme's members, is at least :data:`ALIKE`. Not to want
is never joined to wanting; to reject one end of a scale is to want the other. A remark without a wish of its own counts
towards the theme that it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from promptvc.models.similarity import UNIT, Rarity
from promptvc.training.approaches.meta_prompt.extracting.concepts import about, bag, opposite
from promptvc.training.approaches.meta_prompt.extracting.wish import Sense, Wish
from promptvc.training.data.signals import Signal

ALIKE = 0.4
LOOSELY = 0.5
"""The same for a remark without a wish of its own."""
MOST = 500
"""Different things asked for that are looked at, those of most people first."""

_PRODUCT = UNIT * UNIT
Values = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """A wish with whose it is. ``voice`` is the same for one person, and for the same words of nobody in particular."""

    wish: Wish
    signal: Signal
    voice: str


@dataclass(frozen=True, slots=True)
class Stance:
    """What a wish comes down to; two with one stance say the same.

    Attributes:
        sense: ``do``, ``avoid``, ``no`` or ``open``; to reject one end of a scale is to ``do`` the other.
        wanted, against: values of scales.
    """

    sense: Sense
    tokens: tuple[str, ...]
    wanted: Values = frozenset()
    against: Values = frozenset()


@dataclass(slots=True)
class Theme:
    """Stances of one mind, with all who take them."""

    sense: Sense
    said: list[Said] = field(default_factory=list)
    wanted: Values = frozenset()
    against: Values = frozenset()
    nodes: list[_Node] = field(default_factory=list)

    @property
    def voices(self) -> frozenset[str]:
        """Who says so."""
        return frozenset(each.voice for each in self.said)

    @property
    def because(self) -> tuple[str, ...]:
        """The ids of all events, sorted."""
        return tuple(sorted({event for each in self.said for event in each.signal.because}))

    def tokens(self) -> dict[str, int]:
        """How many voices speak of each concept."""
        voices: dict[str, set[str]] = {}
        for node in self.nodes:
            for token in (
                *node.stance.tokens,
                *(f"{scale}={value}" for scale, value in sorted(node.stance.wanted)),
            ):
                voices.setdefault(token, set()).update(each.voice for each in node.said)
        return {token: len(voices[token]) for token in sorted(voices)}


@dataclass(slots=True)
class _Node:
    """All that is said with one stance."""

    stance: Stance
    said: list[Said]
    vector: dict[str, int] = field(default_factory=dict)
    about: dict[str, int] = field(default_factory=dict)

    @property
    def weight(self) -> tuple[int, int, tuple[str, ...], str]:
        """For sorting: the most voices first, then what is said most."""
        return (
            -len({each.voice for each in self.said}),
            -len(self.said),
            self.stance.tokens,
            self.said[0].wish.text,
        )


def stance_of(wish: Wish) -> Stance:
    """What ``wish`` comes down to."""
    found, set_aside = about(wish.text), frozenset(about(wish.against).values)
    values = frozenset(found.values) - set_aside
    several = [scale for scale, count in Counter(scale for scale, _ in values).items() if count > 1]
    values = frozenset(
        each for each in values if each[0] not in several
    )  # "in euros or dollars" wants neither
    rest = set(found.tokens) - {scale for scale, _ in values}
    if wish.sense == "open":
        return Stance("open", found.tokens)
    if wish.sense == "do":
        return Stance("do", found.tokens, values, set_aside - values)
    ends = {scale: end for scale, value in values if (end := opposite(scale, value))}
    if wish.sense != "no" and values and len(rest) <= (1 if len(ends) == len(values) else 0):
        others = frozenset((scale, value) for scale, value in values if scale not in ends)
        return Stance("do", found.tokens, frozenset(ends.items()), others)
    named = {f"{scale}={value}" for scale, value in values}
    return Stance("no" if wish.sense == "no" else "avoid", tuple(sorted({*found.tokens, *named})))


def themes(said: Iterable[Said]) -> list[Theme]:
    """The themes of what was said, in no order of worth; those of ``no`` are not decided yet."""
    nodes = _nodes(said)
    rarity = Rarity(node.about for node in nodes)
    for node in nodes:
        node.vector = dict(rarity.vector(node.about))
    made: list[Theme] = []
    for node in nodes:
        if node.stance.sense in {"do", "avoid"}:
            _place(node, made, make=True)
    _unite(made)
    doubtful: list[Theme] = []
    for node in nodes:
        if node.stance.sense == "no" and not _place(node, made, make=False):
            _place(node, doubtful, make=True)
    made += doubtful
    for node in nodes:
        if node.stance.sense == "open":
            _place(node, made, make=False)
    return made


def _nodes(said: Iterable[Said]) -> list[_Node]:
    by_stance: dict[Stance, _Node] = {}
    for each in said:
        stance = stance_of(each.wish)
        by_stance.setdefault(stance, _Node(stance, [])).said.append(each)
    nodes = sorted(by_stance.values(), key=lambda node: node.weight)
    firm = [node for node in nodes if node.stance.sense != "open"][:MOST]
    loose = [node for node in nodes if node.stance.sense == "open"][:MOST]
    for node in (*firm, *loose):
        node.about = bag(node.stance.tokens, sorted(node.stance.wanted))
    return [*firm, *loose]


def _place(node: _Node, among: list[Theme], *, make: bool) -> bool:
    """Put a node into the theme that it is most alike, or into one of its own where ``make`` says so."""
    best, nearest = (LOOSELY if node.stance.sense == "open" else ALIKE) * _PRODUCT, None
    for theme in among:
        if _agrees(node.stance, theme) and (node.stance.sense != "open" or _speaks_of(node.stance, theme)):
            alike = _mean([_product(node, other) for other in theme.nodes])
            if alike > best or (alike == best and nearest is None):
                best, nearest = alike, theme
    if nearest is None:
        if not make:
            return False
        nearest = Theme(node.stance.sense)
        among.append(nearest)
    nearest.said += node.said
    if node.stance.sense in {"do", "avoid"}:
        nearest.wanted |= node.stance.wanted
        nearest.against |= node.stance.against
    if node.stance.sense != "open":
        nearest.nodes.append(node)
    return True


def _agrees(stance: Stance, theme: Theme) -> bool:
    if {stance.sense, theme.sense} == {"do", "avoid"}:
        return False
    taken = dict(theme.wanted)
    clash = any(taken.get(scale, value) != value for scale, value in stance.wanted)
    return not (clash or stance.wanted & theme.against or stance.against & theme.wanted)


def _speaks_of(stance: Stance, theme: Theme) -> bool:
    """Whether a remark without a wish names what the theme is about: of what most voices name all, or two and half."""
    voices = theme.tokens()
    main = {token for token, count in voices.items() if 2 * count >= len(theme.voices) and "=" not in token}
    named = set(stance.tokens)
    shared = len(named & main)
    return shared == len(main) or (shared >= 2 and 2 * shared >= len(main))


def _unite(made: list[Theme]) -> None:
    """Bring themes together that are alike as wholes: what came first did not know what would come."""
    at = 0
    while at < len(made):
        one = made[at]
        for other in made[at + 1 :]:
            whole = Stance(other.sense, (), other.wanted, other.against)
            pairs = [_product(a, b) for a in one.nodes for b in other.nodes]
            if one.sense == other.sense and _agrees(whole, one) and _mean(pairs) >= ALIKE * _PRODUCT:
                one.said += other.said
                one.nodes += other.nodes
                one.wanted |= other.wanted
                one.against |= other.against
                made.remove(other)
                break
        else:
            at += 1


def _product(one: _Node, other: _Node) -> int:
    weights = other.vector
    return sum(weight * weights.get(feature, 0) for feature, weight in one.vector.items())


def _mean(products: Sequence[int]) -> float:
    return sum(products) / len(products) if products else 0.0
