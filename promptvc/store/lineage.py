"""The contents that a prompt's file ever had in a history, and which was made from which."""

from __future__ import annotations

from functools import cached_property

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.nodes import Document
from promptvc.prompts.names import path_of
from promptvc.store.blame import Origin, Pairs, origins, same_items, same_lines, words_of
from promptvc.store.history import Change
from promptvc.store.versions import Resolver, Version

LINES = "lines"


class Lineage:
    """The ancestors of one version of a prompt, by blob id. Contents are read when they are asked for, each once.

    Attributes:
        version: whose ancestors these are; also what is not committed yet.
        changes: blob id -> the commit that first brought it.
    """

    def __init__(self, resolver: Resolver, version: Version) -> None:
        """
        Raises:
            NotFound: a shallow clone, which cannot know.
        """
        self.resolver = resolver
        self.version = version
        self._documents: dict[str, Document | None] = {}
        self._pairs: dict[tuple[str, str, str], Pairs] = {}
        tip = version.commit or resolver.head
        self._tip = tip
        self.changes: dict[str, Change] = {}
        if tip is not None:
            resolver.history.require_whole(tip, f"where the words of {version.name} come from")
            found = resolver.history.changes(path_of(version.name), tip)
            self.changes = {change.blob: change for change in found if change.blob is not None}

    @cached_property
    def document(self) -> Document:
        """The version itself.

        Raises:
            InvalidDocument: it is not YAML.
        """
        return load_yaml(self.version.data, file=self.version.source)

    def origins(self, kind: str, positions: list[int]) -> dict[int, Origin]:
        """Where ``rules``, ``examples`` or ``lines`` of the version, by position from 0, come from."""
        return origins(
            self.version.digest,
            positions,
            self.parents,
            lambda before, after: self._same(kind, before, after),
        )

    def parents(self, blob: str) -> tuple[str, ...]:
        """The contents that ``blob`` was made from: those in the parents of the commit that first brought it."""
        change = self.changes.get(blob)
        if change is not None:
            commits = self.resolver.objects.commit(change.commit).parents
        else:  # in the working tree, or a deployed copy that was edited by hand
            commits = (self._tip,) if self._tip is not None else ()
        path = self.resolver.place.folder + path_of(self.version.name)
        parents: dict[str, None] = {}
        for commit in commits:
            found = self.resolver.objects.at(commit, path)
            if found is None or found[0] == blob:
                continue
            # A content that cannot be read has no items: what it was made from stands in for it.
            unread = self.document_of(found[0]) is None
            parents |= dict.fromkeys(self.parents(found[0]) if unread else (found[0],))
        return tuple(parents)

    def document_of(self, blob: str) -> Document | None:
        """The document that a content is; None where it is none, which has no items."""
        if blob == self.version.digest:
            return self.document
        if blob not in self._documents:
            try:
                document = load_yaml(self.resolver.objects.blob(blob), file=blob[:12])
            except InvalidDocument:
                document = None
            self._documents[blob] = document
        return self._documents[blob]

    def number(self, blob: str) -> int | None:
        """The version that a content names."""
        if blob == self.version.digest:
            return self.version.version
        return self.resolver.contents.version(blob)

    def lines(self, blob: str) -> list[str]:
        """The lines of a content, without their ends."""
        document = self.document_of(blob)
        return [] if document is None else document.text.removesuffix("\n").split("\n")

    def _same(self, kind: str, before: str, after: str) -> Pairs:
        key = (kind, before, after)
        if key not in self._pairs:
            if kind == LINES:
                self._pairs[key] = same_lines(self.lines(before), self.lines(after))
            else:
                one, other = (self._items(blob, kind) for blob in (before, after))
                self._pairs[key] = same_items(one, other)
        return self._pairs[key]

    def _items(self, blob: str, kind: str) -> list[object]:
        document = self.document_of(blob)
        value = document.value if document is not None else None
        return words_of(value, kind) if isinstance(value, dict) else []
