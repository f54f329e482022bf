"""Which versions of a prompt were made from which: the graph of versions, over all branches asked about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from promptvc.prompts.names import path_of
from promptvc.store.history import Change
from promptvc.store.versions import Resolver


class Descent:
    """The contents of a prompt in the history of some tips.

    Attributes:
        changes: blob id -> the commit that first brought it.
    """

    def __init__(self, resolver: Resolver, name: str, tips: Iterable[str]) -> None:
        """
        Raises:
            NotFound: a shallow clone, which cannot know.
        """
        self._resolver = resolver
        self._path = path_of(name)
        self._direct: dict[str, tuple[str, ...]] = {}
        self.changes: dict[str, Change] = {}
        for tip in dict.fromkeys(tips):
            resolver.history.require_whole(tip, f"the history of {name}")
            for change in resolver.history.changes(self._path, tip):
                if change.blob is None:
                    continue
                known = self.changes.get(change.blob)
                if known is None or change.order < known.order:
                    self.changes[change.blob] = change

    def parents(self, blob: str, among: Collection[str]) -> tuple[str, ...]:
        """The nearest of ``among`` that ``blob`` was made from; of two, none that the other was made from."""
        found = list(dict.fromkeys(self._nearest(blob, among)))
        older = {one for one in found for other in found if one != other and self._is_made_from(other, one)}
        return tuple(one for one in found if one not in older)

    def _nearest(self, blob: str, among: Collection[str]) -> Iterator[str]:
        waiting, seen = [blob], {blob}
        while waiting:
            for parent in self._made_from(waiting.pop()):
                if parent in among:
                    yield parent
                elif parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)

    def _is_made_from(self, blob: str, ancestor: str) -> bool:
        waiting, seen = [blob], {blob}
        while waiting:
            for parent in self._made_from(waiting.pop()):
                if parent == ancestor:
                    return True
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def _made_from(self, blob: str) -> tuple[str, ...]:
        """The contents in the parents of the commit that first brought ``blob``; always older ones."""
        if blob not in self._direct:
            objects, change = self._resolver.objects, self.changes.get(blob)
            commits = objects.commit(change.commit).parents if change is not None else ()
            path = self._resolver.place.folder + self._path
            there = (objects.at(commit, path) for commit in commits)
            self._direct[blob] = tuple(
                dict.fromkeys(one[0] for one in there if one is not None and one[0] != blob)
            )
        return self._direct[blob]
