"""Whether the code of a suite may run here: whose it is decides, not what it does.

Code runs only by leave (``--allow-code``), and then:

========================  ==================================================================================
from a commit             only if main reaches it: somebody has reviewed it
from the working tree     of a person: it is their own word
from the working tree,    only if suite and code files are, byte for byte, what main has: a pull request may
in CI                     change the prompt that code judges, not the code
for a fork                never; nor where a CI system does not say whose pull request it runs for
========================  ==================================================================================

The rules are a function of facts; :func:`read_facts` gathers them from git and from what a CI system says of itself
(:mod:`promptvc.store.forges`). In CI, main must be the branch that the forge calls its default, or ``PROMPTVC_MAIN``,
or ``origin/HEAD``: a file of the pull request could name another. It stands where the remote has it, if that is known
here: some CI systems merge what they test into a local branch of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from promptvc.base.errors import Refused
from promptvc.git.objects import Objects
from promptvc.git.repo import Repository
from promptvc.store.forges import MAIN, read_forge

_OPTION = "--allow-code"
_REMOTE = "origin"  # as every CI system calls what it cloned; promptvc.yaml could name another


@dataclass(frozen=True, slots=True)
class Source:
    """Where a suite with code comes from.

    Attributes:
        commit: its full id; None for the working tree.
        files: the suite, its datasets and its code, as they were read: bytes by path from the prompt root.
    """

    commit: str | None
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Main:
    """What the code is held against.

    Attributes:
        name: of the branch, None where nothing says which it is; commit: its tip, None without one.
        prefix: the prompt root from the top of the repository, ``""`` or with a final slash.
    """

    name: str | None
    commit: str | None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision rests on.

    Attributes:
        allowed: whether the person gave leave.
        commit: that the suite comes from; None for the working tree.
        reached: whether main reaches that commit.
        ci: whether a CI system runs this.
        strange: who says that this is, or may be, for somebody else's pull request, in a clause; None if nobody.
        changed: the files that main has not, or not with these bytes.
        main: name of the main branch; None without one.
        default: the default branch as the forge, ``PROMPTVC_MAIN`` or ``origin/HEAD`` says; None where none does.
        shallow: whether the clone lacks history.
    """

    allowed: bool
    commit: str | None = None
    reached: bool = False
    ci: bool = False
    strange: str | None = None
    changed: tuple[str, ...] = ()
    main: str | None = "main"
    default: str | None = None
    shallow: bool = False


def require_trust(facts: Facts) -> None:
    """Let code run, or not.

    Raises:
        Refused: with the rule that says no, and what would help.
    """
    if not facts.allowed:
        raise Refused(
            "the suite has code (`python`), which does not run without leave",
            hint=f"read it, then add {_OPTION}; or leave those cases out",
        )
    if facts.strange is not None:
        raise Refused(
            f"code of a suite never runs for a fork: {facts.strange}",
            hint="evaluate it after the merge, or from a branch of this repository",
        )
    if facts.ci:
        _require_main(facts)
    if facts.commit is not None and not facts.reached:
        deeper = "this clone is shallow: git fetch --unshallow; " if facts.shallow else ""
        raise Refused(
            f"the suite comes from {facts.commit[:10]}, which {facts.main or 'main'} does not reach: its code does "
            "not run",
            hint=f"{deeper}merge it first, or evaluate your own working tree",
        )
    if facts.commit is None and facts.ci and facts.changed:
        more = f" and {len(facts.changed) - 1} more" if len(facts.changed) > 1 else ""
        raise Refused(
            f"{facts.changed[0]}{more} is not what {facts.main} has: in CI only code that is merged runs",
            hint="merge the suite and its code first, in a change of their own",
        )


def _require_main(facts: Facts) -> None:
    if facts.main is None:
        raise Refused(
            "nothing says which branch is main, so no code can be held against it",
            hint="say `main: NAME` in promptvc.yaml, and fetch that branch (fetch-depth: 0)",
        )
    if facts.default is None:
        raise Refused(
            f"main is `{facts.main}` here, and nothing but the checkout says so: in CI no code runs on its word",
            hint=f"set {MAIN} to the name of the main branch, or: git remote set-head {_REMOTE} --auto",
        )
    if facts.main != facts.default:
        raise Refused(
            f"main is `{facts.main}` here, and the default branch is `{facts.default}`: code does not run",
            hint="a pull request could have named its own branch; make the two the same",
        )


def read_facts(
    repository: Repository,
    objects: Objects,
    source: Source,
    main: Main,
    *,
    allowed: bool,
    environ: Mapping[str, str],
) -> Facts:
    """The facts about code from ``source``, for :func:`require_trust`."""
    if not allowed:
        return Facts(allowed=False)
    forge = read_forge(environ)
    default = forge.default
    if forge.ci:
        main = _as_fetched(repository, main)
        default = default or repository.remote_head(_REMOTE)
    known = main.commit is not None
    reached = source.commit is not None and known and repository.is_ancestor(source.commit, str(main.commit))
    changed = _changed(objects, source, main) if forge.ci and source.commit is None else ()
    return Facts(
        allowed=True,
        commit=source.commit,
        reached=reached,
        ci=forge.ci,
        strange=forge.strange,
        changed=changed,
        main=main.name if known else None,
        default=default,
        shallow=source.commit is not None and not reached and repository.is_shallow,
    )


def _as_fetched(repository: Repository, main: Main) -> Main:
    """Main where the remote has it; as it was where that is not known."""
    fetched = repository.resolve(f"refs/remotes/{_REMOTE}/{main.name}") if main.name is not None else None
    return main if fetched is None else replace(main, commit=fetched)


def _changed(objects: Objects, source: Source, main: Main) -> tuple[str, ...]:
    if main.commit is None:
        return tuple(sorted(source.files))
    found = []
    for path, data in sorted(source.files.items()):
        there = objects.at(main.commit, main.prefix + path)
        if there is None or there[1] != data:
            found.append(path)
    return tuple(found)
