"""Evidence in git: the records about a prompt that commits hold."""

from __future__ import annotations

from promptvc.evidence.records import Record, folder, name_and_id, parse
from promptvc.store.versions import Resolver


def evidence_of(resolver: Resolver, name: str, *commits: str | None) -> list[Record]:
    """The records about ``name`` in any of ``commits``, oldest first."""
    prefix = resolver.place.folder
    blobs: dict[str, str] = {}
    for commit in {one for one in commits if one is not None}:
        blobs |= resolver.objects.tree(commit, prefix + folder(name))
    paths = {path.removeprefix(prefix): blob for path, blob in blobs.items()}
    own = {path: blob for path, blob in paths.items() if (name_and_id(path) or ("", ""))[0] == name}
    return [parse(resolver.objects.blob(blob), file=path) for path, blob in sorted(own.items())]
