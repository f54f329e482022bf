"""Version numbers with two contents: on main, between main and what is proposed, and in what is staged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from promptvc.base.findings import Problem
from promptvc.git.staged import staged_blobs
from promptvc.prompts.names import FOLDER, name_of, path_of
from promptvc.store.commits import next_version
from promptvc.store.numbering import owned_versions, owning, reused_versions
from promptvc.store.versions import Resolver

RULE = "version-reuse"
Wanted = Callable[[str | None], bool]


def version_problems(resolver: Resolver, main: str, head: str | None, wanted: Wanted) -> Iterator[Problem]:
    """Numbers that main's first-parent history gave to two contents, or that ``head`` gives to another than main.

    So does what is staged, a merge that is not committed among it: git's own commit asks nobody. An edited file that is
    not staged is a draft, which gets its number from `commit`.

    Args:
        main: the tip of main, a commit.
        wanted: whether a prompt is to be looked at.
    """
    if resolver.history.cut_off(main):
        if not any(wanted(name) for name in resolver.tip_versions(main)):
            return
        message = "a shallow clone cannot tell whether a version number was used twice"
        # No warning: the result of a merge with two contents of one number would pass for checked.
        yield Problem(RULE, "error", FOLDER, None, message, "git fetch --unshallow")
        return
    yield from _reused(resolver, main, wanted)
    told: set[str] = set()
    if head is not None and head != main:
        for problem in _taken(resolver, main, head, wanted):
            told.add(problem.file)
            yield problem
    yield from (one for one in _staged(resolver, main, wanted) if one.file not in told)


def _reused(resolver: Resolver, main: str, wanted: Wanted) -> Iterator[Problem]:
    latest = resolver.tip_versions(main)
    standing = {path_of(name): blob for name, (_, blob) in latest.items() if wanted(name)}
    # What owns its number took nobody else's. Asking that of all at once is quick; the others are looked at in full.
    owners = owning(resolver.history, resolver.contents, standing.items(), main)
    for path in sorted(path for path, blob in standing.items() if (path, blob) not in owners):
        name = name_of(path)
        for reuse in reused_versions(resolver.history, resolver.contents, path, main):
            if standing[path] != reuse.change.blob:
                continue  # mended: what stands has a number of its own, or is a finding of its own
            message = f"version {reuse.version} has two contents: {reuse.change.commit[:10]} took it again"
            hint = f"give the later one a number of its own: promptvc commit {name} --renumber -m TEXT"
            yield Problem(RULE, "error", path, None, message, hint)


def _taken(resolver: Resolver, main: str, head: str, wanted: Wanted) -> Iterator[Problem]:
    """Versions of ``head`` whose number main gave to another content: merging would use the number twice."""
    standing = resolver.tip_versions(main)
    proposed = resolver.tip_versions(head)
    known = resolver.history.held([(path_of(name), digest) for name, (_, digest) in proposed.items()], main)
    for name, (version, digest) in proposed.items():
        path = path_of(name)
        same = standing.get(name) == (version, digest)
        if version is None or same or not wanted(name) or (path, digest) in known:
            continue
        owner = owned_versions(resolver.history, resolver.contents, path, main).get(version)
        if owner is not None:
            message = f"version {version} is taken: main has it since {owner.change.commit[:10]}"
            hint = f"give this one a number of its own: promptvc commit {name} --renumber -m TEXT"
            yield Problem(RULE, "error", path, None, message, hint)


def _staged(resolver: Resolver, main: str, wanted: Wanted) -> Iterator[Problem]:
    """What the next commit would bring under a number that main gave to another content."""
    folder = resolver.place.folder
    staged = {
        path.removeprefix(folder): blob
        for path, blob in staged_blobs(resolver.repository, f"{folder}{FOLDER}").items()
    }
    files = [(path, blob) for path, blob in staged.items() if name_of(path) and wanted(name_of(path))]
    if not files:
        return
    known = resolver.history.held(files, main)
    versions = resolver.contents.versions(blob for _, blob in files)
    for path, blob in sorted(files):
        version = versions[blob]
        if version is None or (path, blob) in known:
            continue
        owner = owned_versions(resolver.history, resolver.contents, path, main).get(version)
        if owner is not None:
            message = (
                f"what is staged takes version {version}, which main has since {owner.change.commit[:10]}"
            )
            yield Problem(RULE, "error", path, None, message, _next_step(resolver, name_of(path) or ""))


def _next_step(resolver: Resolver, name: str) -> str:
    operation = resolver.repository.in_progress()
    if operation is None:
        return f"promptvc commit {name} -m TEXT gives it the next number"
    theirs = resolver.repository.resolve("MERGE_HEAD") if operation == "merge" else None
    number = next_version(resolver.repository, resolver, name, theirs)
    return f"write `version: {number}` into it, `git add` it, and go on with the {operation}"
