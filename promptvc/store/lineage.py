"""The contents that a prompt's file ever had in a history, and which was made from which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.nodes import Document
from promptvc.prompts.names import path_of
from promptvc.store.blame import Origin, Pairs, Part, flat, origins, parts_of, same_items, same_lines
from promptvc.store.history import Change
from promptvc.store.numbering import owned_versions
from promptvc.store.versions import Resolver, Version
from promptvc.store.wordings import Wording, Wordings

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
        self._data: dict[str, bytes] = {version.digest: version.data}
        self._documents: dict[str, Document | None] = {}
        self._flat: dict[str, list[str]] = {}
        self._pairs: dict[tuple[str, str, str], Pairs] = {}
        self._made_from: dict[str, tuple[str, ...]] = {}
        self._wordings = Wordings(resolver.history)
        self._known: dict[str, Wording | None] = {}
        self._fresh: dict[str, Wording | None] = {}
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

    def origins(self, kind: str, positions: Sequence[int]) -> dict[int, Origin]:
        """Where ``rules``, ``examples`` or ``lines`` of the version, by position from 0, come from."""
        found = origins(
            self.version.digest,
            positions,
            self.parents,
            lambda before, after: self._same(kind, before, after),
        )
        self._wordings.remember(self._fresh)
        self._fresh = {}
        return found

    def parents(self, blob: str) -> tuple[str, ...]:
        """The contents that ``blob`` was made from: those in the parents of the commit that first brought it."""
        if blob not in self._made_from:
            self._made_from[blob] = self._parents(blob)
        return self._made_from[blob]

    def _parents(self, blob: str) -> tuple[str, ...]:
        parents: dict[str, None] = {}
        waiting, seen = [blob], {blob}
        while waiting:
            for parent in self._brought_over(waiting.pop()):
                if self._wording(parent) is not None:
                    parents[parent] = None
                elif parent not in seen:
                    # A content that cannot be read has no items: what it was made from stands in for it.
                    seen.add(parent)
                    waiting.append(parent)
        parents.pop(blob, None)
        return tuple(parents)

    def _brought_over(self, blob: str) -> Iterator[str]:
        """The contents in the parents of the commit that first brought ``blob``, whether they can be read or not."""
        change = self.changes.get(blob)
        if change is not None:
            commits = self.resolver.objects.commit(change.commit).parents
        else:  # in the working tree, or a deployed copy that was edited by hand
            commits = (self._tip,) if self._tip is not None else ()
        path = self.resolver.place.folder + path_of(self.version.name)
        for commit in commits:
            found = self.resolver.objects.at(commit, path)
            if found is not None and found[0] != blob:
                self._data.setdefault(*found)
                yield found[0]

    def part(self, line: int) -> Part | None:
        """What a line (from 1) of the version is part of; None where it belongs to no key."""
        return self._parts.get(line)

    @cached_property
    def _parts(self) -> dict[int, Part]:
        return parts_of(self.document)

    def message(self, blob: str, line: int) -> int | None:
        """The message (from 0) that a line (from 1) of a content is part of; None where it is of none."""
        wording = self._wording(blob)
        return None if wording is None else dict(wording.messages).get(line)

    def number(self, blob: str) -> int | None:
        """The version that a content names."""
        if blob == self.version.digest:
            return self.version.version
        return self.resolver.contents.version(blob)

    def version_with(self, blob: str) -> int | None:
        """The version that a content is, or else, of what has another's number, the first that was made from it.

        A branch may have taken a number that main gave to another content; what it brought then has the number of the
        merge. See :mod:`promptvc.store.numbering`.
        """
        number = self.number(blob)
        if blob == self.version.digest or number is None:
            return number
        if self._owners.get(number) == blob:
            return number
        made_of = (
            version for version in sorted(self._owners) if blob in self._ancestors(self._owners[version])
        )
        return next(made_of, self.version.version)

    @cached_property
    def _owners(self) -> dict[int, str]:
        """Version -> the content that owns it."""
        if self._tip is None:
            return {}
        resolver = self.resolver
        owned = owned_versions(resolver.history, resolver.contents, path_of(self.version.name), self._tip)
        return {version: one.blob for version, one in owned.items()}

    def _ancestors(self, blob: str) -> set[str]:
        found: set[str] = set()
        waiting = [blob]
        while waiting:
            for parent in self.parents(waiting.pop()):
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def lines(self, blob: str) -> list[str]:
        """The lines of a content, without their ends; of one that cannot be read, none."""
        if self._wording(blob) is None:
            return []
        return self._bytes(blob).decode().removeprefix("\ufeff").removesuffix("\n").split("\n")

    def _same(self, kind: str, before: str, after: str) -> Pairs:
        key = (kind, before, after)
        if key not in self._pairs:
            if kind == LINES:
                self._pairs[key] = same_lines(self._flat_lines(before), self._flat_lines(after))
            else:
                self._pairs[key] = same_items(self._items(before, kind), self._items(after, kind))
        return self._pairs[key]

    def _flat_lines(self, blob: str) -> list[str]:
        if blob not in self._flat:
            self._flat[blob] = flat(self.lines(blob))
        return self._flat[blob]

    def _items(self, blob: str, kind: str) -> tuple[bytes, ...]:
        wording = self._wording(blob)
        if wording is None:
            return ()
        return wording.rules if kind == "rules" else wording.examples

    def _wording(self, blob: str) -> Wording | None:
        """The words of a content's items; None where it is no document."""
        if blob not in self._known:
            remembered = self._wordings.recall(blob) if blob != self.version.digest else None
            if remembered is not None:
                self._known[blob] = remembered[0]
            else:
                document = self._document(blob)
                self._known[blob] = Wording.of(document) if document is not None else None
                if blob in self.changes:
                    self._fresh[blob] = self._known[blob]
        return self._known[blob]

    def _document(self, blob: str) -> Document | None:
        if blob == self.version.digest:
            return self.document
        if blob not in self._documents:
            try:
                document = load_yaml(self._bytes(blob), file=blob[:12])
            except InvalidDocument:
                document = None
            self._documents[blob] = document
        return self._documents[blob]

    def _bytes(self, blob: str) -> bytes:
        if blob not in self._data:
            self._data[blob] = self.resolver.objects.blob(blob)
        return self._data[blob]
