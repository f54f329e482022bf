"""Finding the version that broke a case, by asking about as few versions as possible.

Versions are numbered 0, 1, ... from the oldest; each one is good (the case passes), bad, or cannot be judged. The
search takes for granted that after the version that broke the case every one is bad; where states that are known
already say otherwise, it finds the last change from good to bad. Of the versions that could be judged, the one in the
middle is asked about; n versions take at most ceil(log2 n) + 1 questions, fewer where states are known. As in
git-bisect, versions that cannot be judged may leave several that could be the first bad one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["good", "bad", "skipped"]

MOST_REPEATS = 9
"""How often a case is asked on one version, at most, where its repeats disagree."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where a case broke.

    Attributes:
        last_good: the newest version that is known to be good; None where none is.
        first_bad: the oldest version that is known to be bad.
        skipped: those between the two, oldest first: each of them may be the first bad one as well.
    """

    last_good: int | None
    first_bad: int
    skipped: tuple[int, ...] = ()


class Search:
    """One search among ``count`` versions. Ask :attr:`next`, tell what it is, until there is nothing to ask.

    Args:
        known: states that need not be asked for.
    """

    def __init__(self, count: int, known: Mapping[int, State] | None = None) -> None:
        if count < 1:
            raise ValueError("there is nothing to search")
        self._count = count
        self._known = dict(known or {})

    @property
    def next(self) -> int | None:
        """The version to ask about; None when :attr:`found` is all that can be found."""
        newest = self._count - 1
        if newest not in self._known:
            return newest
        if self._known[newest] != "bad":
            return None  # nothing is broken, or nobody can tell
        last_good, first_bad = self._bounds()
        open_ = [at for at in range(last_good + 1, first_bad) if at not in self._known]
        return open_[len(open_) // 2] if open_ else None

    def tell(self, at: int, state: State) -> None:
        """Version ``at`` was judged."""
        self._known[at] = state

    @property
    def found(self) -> Break | None:
        """What is known of the break; None while, or because, the newest version is not bad."""
        if self._known.get(self._count - 1) != "bad":
            return None
        last_good, first_bad = self._bounds()
        skipped = (at for at in range(last_good + 1, first_bad) if self._known.get(at) == "skipped")
        return Break(last_good if last_good >= 0 else None, first_bad, tuple(skipped))

    def _bounds(self) -> tuple[int, int]:
        """The newest good version, -1 where none is known, and the oldest bad one after it."""
        last_good = max((at for at, state in self._known.items() if state == "good"), default=-1)
        first_bad = min(at for at, state in self._known.items() if state == "bad" and at > last_good)
        return last_good, first_bad


def repeats_missing(passes: Sequence[bool], repeats: int) -> int:
    """How many more repeats it takes to decide, given those that there are; 0 when they decide.

    The first ``repeats`` decide where they agree. Where they do not, more are asked until one side has the majority of
    :data:`MOST_REPEATS`, or of ``repeats`` if that is more.
    """
    if len(passes) < repeats:
        return repeats - len(passes)
    if not is_flaky(passes):
        return 0
    most = max(repeats, MOST_REPEATS)
    leading = max(sum(passes), len(passes) - sum(passes))
    return max(0, min(most // 2 + 1 - leading, most - len(passes)))


def is_flaky(passes: Sequence[bool]) -> bool:
    """Whether repeats disagree."""
    return len(set(passes)) > 1


def majority(passes: Sequence[bool]) -> State:
    """The state by most of its repeats; one that fails as often as it passes is bad."""
    return "good" if 2 * sum(passes) > len(passes) else "bad"
