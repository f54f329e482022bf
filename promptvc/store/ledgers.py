"""The ledger in git: write-once files on the branch ``promptvc/ledger``, which only promptvc writes.

What another clone has pushed counts as soon as it was fetched: the local branch and the remote's are read together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from promptvc.base.errors import GitError, Refused
from promptvc.evidence.ledger import BRANCH, Ledger, Look, Training, read, to_bytes
from promptvc.git.commits import CommitOptions, Committed, Plan, commit
from promptvc.git.objects import Objects
from promptvc.git.refs import create_branch, delete_branch, move_branch
from promptvc.git.remotes import Result, fetch, push
from promptvc.git.repo import Repository
from promptvc.store.versions import Resolver

_REF = f"refs/heads/{BRANCH}"
_JOINING = "promptvc/ledger-joining"


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The ledger branch of one repository, and the copy of it that ``remote`` is known to have.

    Attributes:
        prefix: the prompt root from the top, with a final slash or empty: ledgers of several roots stay apart.
    """

    repository: Repository
    objects: Objects
    remote: str
    prefix: str = ""

    @classmethod
    def of(cls, resolver: Resolver, remote: str) -> Ledgers:
        """The ledger beside the prompts that ``resolver`` knows."""
        return cls(resolver.repository, resolver.objects, remote, resolver.place.folder)

    @property
    def remote_ref(self) -> str:
        """The remote-tracking ref."""
        return f"refs/remotes/{self.remote}/{BRANCH}"

    @property
    def has_remote(self) -> bool:
        """Whether there is anywhere to push to."""
        return self.repository.config(f"remote.{self.remote}.url") is not None

    def read(self, name: str) -> Ledger:
        """The looks and trainings of ``name``, of this clone and of the remote."""
        blobs: dict[str, str] = {}
        for ref in (self.remote_ref, _REF):
            tip = self.repository.resolve(ref)
            if tip is not None:
                for folder in ("looks", "trainings"):
                    blobs |= self.objects.tree(tip, f"{self.prefix}{folder}/{name}")
        files = {path.removeprefix(self.prefix): self.objects.blob(oid) for path, oid in blobs.items()}
        return read(files, name)

    def find(self, identifier: str) -> Training | None:
        """The training with this id, of whatever prompt; None when there is none."""
        for ref in (self.remote_ref, _REF):
            tip = self.repository.resolve(ref)
            files = self.objects.tree(tip, f"{self.prefix}trainings") if tip is not None else {}
            for path in files:
                if path.endswith(f"/{identifier}.json"):
                    name = path.removeprefix(f"{self.prefix}trainings/").rpartition("/")[0]
                    return next(one for one in self.read(name).trainings if one.id == identifier)
        return None

    def trainings(self) -> dict[str, tuple[Training, ...]]:
        """By prompt its trainings, newest first, of this clone and of the remote: for many prompts at once."""
        blobs: dict[str, dict[str, str]] = {}
        for ref in (self.remote_ref, _REF):
            tip = self.repository.resolve(ref)
            found = self.objects.tree(tip, f"{self.prefix}trainings") if tip is not None else {}
            for path, oid in found.items():
                place = path.removeprefix(self.prefix)
                name = place.removeprefix("trainings/").rpartition("/")[0]
                blobs.setdefault(name, {})[place] = oid
        return {
            name: read({path: self.objects.blob(oid) for path, oid in found.items()}, name).trainings
            for name, found in blobs.items()
        }

    def reserve(self, look: Look, clock: Callable[[], datetime]) -> Look:
        """Commit a look, dated under the lock so that looks count in the order in which they were reserved.

        Returns:
            The look that stands there: the earlier one, if the same was reserved before.

        Raises:
            GitError, Busy, StorageError: nothing was written.
        """

        def dated() -> Look:
            # Records hold milliseconds. A clock that stands still or goes back must not make two looks the first.
            now = clock()
            now -= timedelta(microseconds=now.microsecond % 1000)
            newest = max((one.time for one in self.read(look.prompt).looks), default=None)
            return replace(look, time=now if newest is None else max(now, newest + timedelta(milliseconds=1)))

        self._write(look.path, dated, f"Look at the hold-out of {look.prompt}")
        return next(one for one in self.read(look.prompt).looks if one.key == look.key)

    def record(self, training: Training) -> None:
        """Commit the record of a training.

        Raises:
            GitError, Busy, StorageError: nothing was written.
        """
        subject = f"Training of {training.prompt}: {training.verdict or 'no candidate'}"
        self._write(training.path, lambda: training, subject)

    def _write(self, path: str, make: Callable[[], Look | Training], subject: str) -> None:
        """Commit one record; what is there already is left as it is."""
        place = self.prefix + path

        def build(tip: str | None) -> Plan | None:
            if tip is not None and self.objects.at(tip, place) is not None:
                return None
            return Plan({place: to_bytes(make())}, subject)

        start = self.repository.resolve(self.remote_ref)
        commit(self.repository, BRANCH, build, options=CommitOptions(start=start, no_verify=True))

    def is_pushed(self, look: Look) -> bool:
        """Whether the remote is known to have ``look``; always where there is no remote."""
        if not self.has_remote:
            return True
        tip = self.repository.resolve(self.remote_ref)
        return tip is not None and self.objects.at(tip, self.prefix + look.path) is not None

    def fetch(self) -> None:
        """Learn what the remote has, and bring the local branch up to it.

        Raises:
            GitError: the remote cannot be reached.
        """
        done = fetch(self.repository, self.remote, f"+{_REF}:{self.remote_ref}")
        if done.result is Result.ABSENT:
            return
        if not done.ok:
            raise GitError(f"cannot fetch the ledger from {self.remote}: {done.reason}", hint=done.hint)
        theirs, ours = self.repository.resolve(self.remote_ref), self.repository.resolve(_REF)
        if theirs is None:
            return
        if ours is None:
            create_branch(self.repository, BRANCH, theirs)
        elif not self.repository.is_ancestor(theirs, ours):
            joined = theirs if self.repository.is_ancestor(ours, theirs) else self._join(ours, theirs)
            move_branch(self.repository, BRANCH, joined, ours)

    def push(self) -> None:
        """Push the ledger; what another clone pushed meanwhile is joined first.

        Raises:
            GitError: the remote cannot be reached or refuses.
        """
        for _ in range(5):
            done = push(self.repository, self.remote, _REF)
            if done.ok:
                # A remote without a fetch refspec for it leaves no tracking ref: note what it has now.
                fetch(self.repository, self.remote, f"+{_REF}:{self.remote_ref}")
                return
            if done.result is not Result.REJECTED:
                raise GitError(f"cannot push the ledger to {self.remote}: {done.reason}", hint=done.hint)
            self.fetch()
        raise GitError(f"{self.remote} refuses the ledger: {done.reason}", hint=done.hint)

    def _join(self, ours: str, theirs: str) -> str:
        """A commit on top of ``theirs`` with every file that only ``ours`` has; records are write-once."""
        there = self.objects.tree(theirs)
        missing = {path: oid for path, oid in self.objects.tree(ours).items() if path not in there}
        stale = self.repository.resolve(f"refs/heads/{_JOINING}")
        if stale is not None:
            delete_branch(self.repository, _JOINING, stale)
        plan = Plan({path: self.objects.blob(oid) for path, oid in missing.items()}, "Join the ledgers")
        options = CommitOptions(start=theirs, no_verify=True)
        done: Committed = commit(self.repository, _JOINING, lambda _tip: plan, options=options)
        if not done.changed:
            return theirs
        try:
            delete_branch(self.repository, _JOINING, done.commit)
        except Refused as error:
            raise GitError("another process joins the ledgers", hint="run the command again") from error
        return done.commit
