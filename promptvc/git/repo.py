"""A git repository: where it is, what HEAD is, and one way to run git in it.

The only home of git processes and of GitPython.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from promptvc.git.environment import git_environment
from promptvc.git.failures import MINIMUM, explain, explain_discovery, too_old
from promptvc.git.process import Running, start

if TYPE_CHECKING:
    import git

# One call answers everything; `--show-toplevel` is last because it fails in a bare repository, after the rest
# was printed. The trace names git's version on stderr, which saves a second process.
_DISCOVER = (
    "rev-parse",
    "--is-bare-repository",
    "--show-object-format",
    "--path-format=absolute",
    "--git-dir",
    "--git-common-dir",
    "--show-toplevel",
)
_VERSION = re.compile(r'"event":"version".*"exe":"(\d+)\.(\d+)')
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # of a surrogate pair, and no byte that is not UTF-8


@dataclass(frozen=True, slots=True)
class Head:
    """HEAD: ``branch`` without ``refs/heads/`` (None: detached), ``commit`` (None: nothing committed yet)."""

    branch: str | None
    commit: str | None


@dataclass(frozen=True)
class Repository:
    """A repository or one of its worktrees. Paths are absolute; ``top`` is None without a working tree."""

    top: Path | None
    git_dir: Path
    common_dir: Path
    bare: bool
    object_format: str
    environ: Mapping[str, str]

    @classmethod
    def discover(cls, start: Path, environ: Mapping[str, str]) -> Repository:
        """The repository that the folder ``start`` is in: also bare, a linked worktree, a submodule, sha256.

        Raises:
            NotFound: there is none.
            GitError: git is missing or too old, or does not trust the repository's owner.
        """
        env = git_environment(environ)
        code, stdout, stderr = _spawn(_DISCOVER, start, env | {"GIT_TRACE2_EVENT": "2"})
        version = _VERSION.search(stderr)
        if version and (int(version[1]), int(version[2])) < MINIMUM:
            raise too_old((int(version[1]), int(version[2])))
        words = "\n".join(line for line in stderr.splitlines() if not line.startswith("{"))
        lines = stdout.splitlines()
        if len(lines) not in {4, 5} or (code and len(lines) == 5):
            raise _unopened(start, env, code, words)
        return cls(
            top=Path(lines[4]) if len(lines) == 5 else None,
            git_dir=Path(lines[2]),
            common_dir=Path(lines[3]),
            bare=lines[0] == "true",
            object_format=lines[1],
            environ=dict(environ),
        )

    @cached_property
    def null_id(self) -> str:
        """The id of nothing: 40 or 64 zeroes."""
        return "0" * (64 if self.object_format == "sha256" else 40)

    @cached_property
    def env(self) -> dict[str, str]:
        """The variables that git runs with here."""
        return git_environment(self.environ) | self.location

    @cached_property
    def location(self) -> dict[str, str]:
        """``GIT_DIR`` and friends, where running in the folder alone would not find this repository."""
        if self.bare or (self.top is not None and (self.top / ".git").exists()):
            return {}
        tree = {"GIT_WORK_TREE": str(self.top)} if self.top else {}
        return {"GIT_DIR": str(self.git_dir), **tree}

    @property
    def folder(self) -> Path:
        """Where git is run: the top of the working tree, else the git directory."""
        return self.top or self.git_dir

    def run(
        self,
        *args: str,
        input: bytes | None = None,  # noqa: A002  the name that subprocess.run uses
        ok: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """What ``git ARGS`` prints. ``env`` is added to the variables; an exit status not in ``ok`` raises.

        Raises:
            GitError, Busy, StorageError: in git's own words.
        """
        return self.begin(*args, env=env).result(input, ok)

    def outcome(self, *args: str, env: Mapping[str, str] | None = None) -> tuple[int, bytes, str]:
        """Exit status, stdout and stderr of ``git ARGS``."""
        return self.begin(*args, env=env).outcome()

    def begin(self, *args: str, env: Mapping[str, str] | None = None, outlive: int | None = None) -> Running:
        """``git ARGS`` under way; the caller ends it. ``outlive``: see ``process.start``."""
        return start(args, self.folder, self.env | dict(env) if env else self.env, outlive=outlive)

    def text(self, *args: str) -> str:
        """What ``git ARGS`` prints, as text without the last line break."""
        return self.run(*args).decode("utf-8", "surrogateescape").rstrip("\n")

    def head(self) -> Head:
        """The branch and commit of HEAD, also unborn and detached."""
        ref = self.symbolic_ref("HEAD")
        if ref is None:
            return Head(branch=None, commit=self.resolve("HEAD"))
        branch = ref.removeprefix("refs/heads/")
        return Head(branch=branch, commit=self._loose(ref) or self.resolve(ref))

    def symbolic_ref(self, name: str) -> str | None:
        """The full name that the symbolic ref ``name`` points to; None when it is none."""
        if not self._has_reftable:
            folder = self.git_dir if "/" not in name else self.common_dir
            path = folder / name
            try:
                # A link (core.preferSymlinkRefs) is for git to follow.
                words = "" if path.is_symlink() else path.read_bytes().decode("utf-8", "surrogateescape")
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError:
                words = ""
            if words.startswith("ref: "):
                return words.removeprefix("ref: ").strip()
            if _HEX.fullmatch(words.strip()):
                return None
        code, stdout, _ = self.outcome("symbolic-ref", "-q", name)
        return stdout.decode("utf-8", "surrogateescape").strip() if code == 0 else None

    def resolve(self, rev: str) -> str | None:
        """The commit id that ``rev`` names (tags are peeled); None when nothing goes by that name."""
        if not rev or "\0" in rev or "\n" in rev or _HALF.search(rev):
            return None
        code, stdout, _ = self.outcome(
            # In `:/text` all that follows is text to look for; what it finds is a commit already.
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            rev if rev.startswith(":/") else rev + "^{commit}",
        )
        found = stdout.decode("ascii", "replace").strip()
        return found if code == 0 and _HEX.fullmatch(found) else None

    def refs(self, prefix: str) -> dict[str, str]:
        """Ref name -> object id, of all refs below ``prefix`` (``refs/heads/promptvc``) or with that name."""
        listing = self.run("for-each-ref", "--format=%(objectname) %(refname)", prefix)
        lines = listing.decode("utf-8", "surrogateescape").splitlines()
        return {name: oid for oid, _, name in (line.partition(" ") for line in lines)}

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether commit ``ancestor`` is reachable from ``descendant`` (a commit reaches itself)."""
        code, _, stderr = self.outcome("merge-base", "--is-ancestor", ancestor, descendant)
        if code not in {0, 1}:
            raise explain(("merge-base",), code, stderr)
        return code == 0

    @property
    def is_shallow(self) -> bool:
        """Whether history was cut off by ``--depth``; asked of the file, because a fetch can change it."""
        shallow = self.common_dir / "shallow"
        return shallow.is_file() and shallow.stat().st_size > 0

    def in_progress(self) -> str | None:
        """The operation that a user is in the middle of in this working tree, if any."""
        return operation_in_progress(self.git_dir)

    def config(self, key: str) -> str | None:
        """The value of a configuration key, the last one when there are several; None when it is not set."""
        code, stdout, stderr = self.outcome("config", "-z", "--get", key)
        if code not in {0, 1}:
            raise explain(("config",), code, stderr)
        return stdout.decode("utf-8", "surrogateescape").rstrip("\0") if code == 0 else None

    def remote_head(self, remote: str) -> str | None:
        """The branch that ``<remote>/HEAD`` names, without the remote; None when it is not known here."""
        prefix = f"refs/remotes/{remote}/"
        ref = self.symbolic_ref(prefix + "HEAD")
        return ref.removeprefix(prefix) if ref and ref.startswith(prefix) else None

    def remote_url(self, remote: str) -> str | None:
        """Where ``remote`` is, as git would reach it (``url.<base>.insteadOf`` applied); None when there is none."""
        code, found, _ = self.outcome("remote", "get-url", "--", remote)
        return found.decode("utf-8", "surrogateescape").rstrip("\n") if code == 0 else None

    def default_branch(self, remote: str | None) -> str | None:
        """``<remote>/HEAD``, else the one of ``main`` and ``master`` that the remote has, else the current branch.

        A clone knows the first; where the remote was added by hand git before 2.48 does not. The current branch may be
        unborn. None when HEAD is detached and nothing says.
        """
        known = self.remote_head(remote) if remote else None
        if known:
            return known
        usual = self._usual_branches(remote) if remote else []
        if len(usual) == 1:
            return usual[0]
        ref = self.symbolic_ref("HEAD")
        return ref.removeprefix("refs/heads/") if ref else None

    def _usual_branches(self, remote: str) -> list[str]:
        """Which of the two usual names the remote is known to have; none where HEAD is one: that is the answer then."""
        here = self.symbolic_ref("HEAD")
        if here in {"refs/heads/main", "refs/heads/master"}:
            return []
        return [name for name in ("main", "master") if self.resolve(f"refs/remotes/{remote}/{name}")]

    def gitpython(self) -> git.Repo:
        """GitPython's view of this repository, with our environment. The caller closes it."""
        import git

        repo = git.Repo(str(self.folder), search_parent_directories=False)
        # GitPython adds to the process's own environment: what a surrounding hook set is overruled by name.
        where = {"GIT_DIR": str(self.git_dir), "GIT_INDEX_FILE": str(self.git_dir / "index")}
        where |= {"GIT_WORK_TREE": str(self.top)} if self.top else {}
        objects = {
            "GIT_OBJECT_DIRECTORY": str(self.common_dir / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
            "GIT_COMMON_DIR": str(self.common_dir),
        }
        repo.git.update_environment(**self.env, **(self.location | where | objects))
        return repo

    @cached_property
    def _has_reftable(self) -> bool:
        return (self.common_dir / "reftable").is_dir()

    def _loose(self, ref: str) -> str | None:
        """The id in the ref's own file: one read instead of one process. None: packed, symbolic or absent."""
        if self._has_reftable:
            return None
        try:
            words = (self.common_dir / ref).read_bytes().decode("ascii", "replace").strip()
        except OSError:
            return None
        return words if _HEX.fullmatch(words) else None


def operation_in_progress(git_dir: Path) -> str | None:
    """``merge``, ``rebase``, ``cherry-pick`` or ``revert`` when one is unfinished in that worktree."""
    marks = {
        "MERGE_HEAD": "merge",
        "rebase-merge": "rebase",
        "rebase-apply": "rebase",
        "CHERRY_PICK_HEAD": "cherry-pick",
        "REVERT_HEAD": "revert",
    }
    return next((name for mark, name in marks.items() if (git_dir / mark).exists()), None)


def _spawn(args: Sequence[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
    code, stdout, stderr = start(args, folder, env).outcome()
    return code, stdout.decode("utf-8", "surrogateescape"), stderr


def _unopened(start: Path, env: Mapping[str, str], code: int, words: str) -> Exception:
    """Why discovery gave no answer. A git from before the options we pass says so in its version."""
    _, stdout, _ = _spawn(("version",), start, env)
    found = re.search(r"(\d+)\.(\d+)", stdout)
    version = (int(found[1]), int(found[2])) if found else MINIMUM
    return too_old(version) if version < MINIMUM else explain_discovery(str(start), code, words)
