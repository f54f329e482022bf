"""A commit before any ref knows it: checked paths, converted contents, hooks run, signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from promptvc.base.errors import GitError, InputError
from promptvc.git.attributes import attribute_files, converted_paths, local_attributes, may_convert
from promptvc.git.hooks import has_hook, run_commit_msg, run_pre_commit
from promptvc.git.importer import Content, Importer
from promptvc.git.journal import Change, Pending
from promptvc.git.objects import Entry, blob_id
from promptvc.git.plan import CommitOptions, Plan
from promptvc.git.preferences import Preferences
from promptvc.git.repo import Repository
from promptvc.git.target import Target

_REGULAR = {"100644", "100755"}
_KINDS = {"120000": "a symbolic link", "160000": "a submodule", "40000": "a folder"}


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that one commit is made from; ``base`` is its parent, ``importer`` stores its objects."""

    repository: Repository
    target: Target
    base: str | None
    preferences: Preferences
    options: CommitOptions
    pending: Pending
    importer: Importer

    def changes(self, plan: Plan) -> tuple[list[Change], dict[str, Content | None], set[str]]:
        """What really changes, what to store, and the paths that git converts between blob and file.

        Raises:
            InputError: a path that cannot be in a tree.
            GitError: a path that holds no regular file.
        """
        paths = [check_path(path) for path in plan.changes]
        attributes = attribute_files(paths)
        parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."}
        asked = sorted({*paths, *parents, *attributes})
        entries = self.importer.entries(self.base, asked) if self.base else {}
        _refuse_irregular(plan, entries, parents)
        texts = [self.importer.blob(entries[file].oid) for file in attributes if file in entries]
        converted = self._converted(paths, texts, attributes)
        contents: dict[str, Content | None] = {}
        changes = []
        for path, data in plan.changes.items():
            old = entries.get(path)
            content, new = (None, None) if data is None else self._content(path, data, old, path in converted)
            if new != old:
                contents[path] = content
                changes.append(Change(path, old, new))
        return changes, contents, converted

    def write(self, message: str, contents: Mapping[str, Content | None], merged: str | None = None) -> str:
        """Make the commit and run the user's hooks on it; its id. It is stored when the importer has finished.

        Raises:
            GitError: a hook refused, signing failed.
        """
        message = clean_message(message)
        parents = tuple(one for one in (self.base, merged) if one is not None)
        commit, tree = self.importer.commit(message, contents, parents, self.preferences)
        final = message if self.options.no_verify else clean_message(self._verified(commit, message))
        sign = self.preferences.flag("commit.gpgsign") if self.options.sign is None else self.options.sign
        if not sign and final == message:
            return commit
        self.importer.finish()
        people = self.preferences.author.variables("AUTHOR") | self.preferences.committer.variables(
            "COMMITTER"
        )
        written = self.repository.run(
            "-c",
            "i18n.commitEncoding=UTF-8",
            "commit-tree",
            *(("-S",) if sign else ()),
            *(word for parent in parents for word in ("-p", parent)),
            "-F",
            "-",
            tree,
            input=final.encode("utf-8", "surrogateescape"),
            env=people,
        )
        return written.decode("ascii").strip()

    def _verified(self, commit: str, message: str) -> str:
        """The message after the hooks. Elsewhere than in its own working tree ``pre-commit`` would see other files."""
        worktree = self.target.worktree
        if worktree is not None and has_hook(worktree, self.preferences, "pre-commit"):
            self.importer.finish()
            run_pre_commit(worktree, self.pending, commit)
        if has_hook(worktree or self.repository, self.preferences, "commit-msg"):
            return run_commit_msg(worktree or self.repository, self.pending, message)
        return message

    def _converted(self, paths: list[str], texts: list[bytes], attributes: list[str]) -> set[str]:
        worktree = self.target.worktree
        local = local_attributes(
            worktree or self.repository, self.preferences, attributes if worktree is not None else ()
        )
        if not may_convert([*texts, *local], self.preferences):
            return set()
        repository = worktree or self.repository
        return converted_paths(repository, paths, self.preferences, self._attribute_environment())

    def _content(
        self,
        path: str,
        data: bytes,
        old: Entry | None,
        converted: bool,  # noqa: FBT001
    ) -> tuple[Content, Entry]:
        mode = old.mode if old is not None else "100644"
        if not converted:
            return Content(mode, data=data), Entry(mode, blob_id(data, self.repository.object_format))
        repository = self.target.worktree or self.repository
        oid = repository.run(
            "hash-object", "-w", f"--path={path}", "--stdin", input=data, env=self._attribute_environment()
        )
        stored = oid.decode("ascii").strip()
        return Content(mode, oid=stored), Entry(mode, stored)

    def _attribute_environment(self) -> dict[str, str]:
        """Where the branch is not checked out, attributes come from its own tree, by way of a scratch index."""
        if self.target.worktree is not None:
            return {}
        index, nowhere = self.pending.folder / "attributes-index", self.pending.folder / "nowhere"
        env = {"GIT_INDEX_FILE": str(index)}
        if not nowhere.exists():
            nowhere.mkdir()
            self.repository.run("read-tree", *([self.base] if self.base else ["--empty"]), env=env)
        return env | {"GIT_DIR": str(self.repository.git_dir), "GIT_WORK_TREE": str(nowhere)}


def check_path(path: str) -> str:
    """The path, if it can be in a tree: relative, no ``.`` or ``..`` or ``.git`` on the way.

    Raises:
        InputError: it cannot.
    """
    parts = path.split("/")
    if any(part in {"", ".", ".."} or part.lower() == ".git" or "\0" in part for part in parts):
        raise InputError(f"{path!r} cannot be a path in a commit", file=path)
    return path


def clean_message(message: str) -> str:
    """A message as ``git commit`` would write it: no blank space at the ends, one line break at the end.

    Raises:
        InputError: it is empty, or holds a NUL.
    """
    text = "\n".join(line.rstrip() for line in message.strip().splitlines())
    if not text or "\0" in text:
        raise InputError("a commit needs a message of plain text", hint="say in one line what changes")
    return text + "\n"


def _refuse_irregular(plan: Plan, entries: Mapping[str, Entry], parents: set[str]) -> None:
    for path in plan.changes:
        entry = entries.get(path)
        if entry is not None and entry.mode not in _REGULAR:
            raise GitError(f"{path} is {_KINDS.get(entry.mode, 'no file')} in the commit", file=path)
    for parent in sorted(parents):
        entry = entries.get(parent)
        if parent in plan.changes or (entry is not None and entry.mode != "40000"):
            raise GitError(f"{parent} is no folder in the commit", file=parent)
