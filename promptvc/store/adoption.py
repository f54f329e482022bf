"""Merging a candidate into main by itself, where git would need no person: files that nobody else has changed."""

from __future__ import annotations

from collections.abc import Iterator

from promptvc.base.errors import Refused
from promptvc.evidence.records import folder
from promptvc.git.commits import CommitOptions, Committed, Plan, commit
from promptvc.prompts.names import path_of
from promptvc.store.versions import Resolver, Version


def adopt(resolver: Resolver, candidate: Version, branch: str, into: str, text: str) -> Committed:
    """Merge ``branch``, whose tip is the commit of ``candidate``, into the branch ``into``.

    The merge commit has both parents, also where main has not moved: it says that nobody looked.

    Raises:
        Refused: the branch changes more than the prompt and its evidence, ``into`` has changed the same files
            meanwhile, or the two have no history in common.
        GitError, Busy, StorageError: nothing was moved.
    """
    theirs, main, objects = candidate.commit, resolver.main, resolver.objects
    assert theirs is not None
    assert main is not None
    code, found, _ = resolver.repository.outcome("merge-base", main, theirs)
    if code:
        raise Refused(f"{branch} and {into} have no history in common here")
    base = found.decode("ascii").strip()
    before = objects.tree(base)
    brought = dict(_brought(before, objects.tree(theirs)))
    own = resolver.place.folder + path_of(candidate.name)
    proofs = resolver.place.folder + folder(candidate.name)
    strange = [path for path in brought if path != own and not path.startswith(proofs)]
    if strange:
        raise Refused(f"{branch} changes {strange[0]} too: a person has to merge it")

    def build(tip: str | None) -> Plan:
        now = objects.tree(tip) if tip is not None else {}
        moved = [path for path in brought if now.get(path) not in {before.get(path), brought[path]}]
        if moved:
            raise Refused(f"{moved[0]} has changed on {into} since {branch} began: a person has to merge it")
        changes = {
            path: None if blob is None else objects.blob(blob) for path, blob in sorted(brought.items())
        }
        return Plan(changes, text, merged=theirs)

    return commit(resolver.repository, into, build, options=CommitOptions(start=main))


def _brought(before: dict[str, str], after: dict[str, str]) -> Iterator[tuple[str, str | None]]:
    """Each path that was changed, with its blob; None where it is deleted."""
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield path, after.get(path)
