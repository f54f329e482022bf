"""Evidence in git: the records about a prompt that commits hold."""

from __future__ import annotations

from promptvc.evidence.records import Record, folder, name_and_id, parse
from promptvc.store.versions import Resolver


def evidence_of(resolver: Resolver, name: str, *commits: str | None, only: str | None = None) -> list[Record]:
    """The records about ``name`` in any of ``commits``, oldest first.

    Args:
        only: the id of the one that is wanted. No other is read: a record of a large run takes much memory.
    """
    prefix = resolver.place.folder
    blobs: dict[str, str] = {}
    for commit in {one for one in commits if one is not None}:
        blobs |= resolver.objects.tree(commit, prefix + folder(name))
    paths = {path.removeprefix(prefix): blob for path, blob in blobs.items()}
    found = []
    for path, blob in sorted(paths.items()):
        key = name_and_id(path)
        if key is not None and key[0] == name and only in {None, key[1]}:
            found.append(parse(resolver.objects.blob(blob), file=path))
    return found
