"""`pr`, `train --pr`, `publish --pr`: a candidate on its branch becomes one pull request that says all about it.

Safe to repeat: the branch is pushed by compare-and-swap, the pull request found by its branch, the report kept in one
comment. What a person has written or decided there stays: a title, a body, ready or draft, closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptvc.base.errors import GitError, NotFound, Refused, Usage
from promptvc.forge.forge import Asked, Forge, Pull, PullText, marked, marker_of
from promptvc.forge.opening import open_forge
from promptvc.git.refs import create_branch
from promptvc.git.remotes import Result, fetch, push
from promptvc.prompts.names import check_environment, nearest, path_of
from promptvc.review.advice import headline
from promptvc.review.markdown import candidate_markdown
from promptvc.review.owners import MOST_BYTES, PLACES, Owners, owners_of
from promptvc.review.pull_text import body_of
from promptvc.review.report import CandidateReport
from promptvc.store.candidates import Candidate, candidates
from promptvc.store.foreign import refuse_foreign
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.training.trained import Trained
from promptvc.workflows.project import Project
from promptvc.workflows.reviewing import tell_candidate
from promptvc.workflows.shipping import Shipment, put


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is asked for.

    Attributes:
        reference: ``NAME``, the newest candidate that waits, or ``NAME@vN``.
        branch: a branch of one's own that has a new version of the prompt, instead of a candidate's.
        deploy: the environment whose deployment goes along; None: what `review.deploy` says.
        draft: None: unless the verdict is an improvement.
        labels, reviewers: besides those of the settings.
    """

    reference: str
    branch: str | None = None
    deploy: str | None = None
    draft: bool | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The pull request as it stands now.

    Attributes:
        created: it was not there before.
        state: ``open``; ``closed`` where a person has closed it: it is left so.
        deploy: the environment that runs the version once this is merged; None: none.
        refused: reviewers who could not be asked, each with the reason.
    """

    name: str
    version: int
    branch: str
    base: str
    number: int
    url: str
    created: bool
    state: str
    draft: bool
    deploy: str | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    comment: str | None = None
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `pr --json` prints it."""
        keys = ("name", "version", "branch", "base", "number", "url", "created", "state", "draft", "deploy")
        return {key: getattr(self, key) for key in keys} | {
            "labels": list(self.labels),
            "reviewers": list(self.reviewers),
            "refused": [{"reviewer": who, "reason": why} for who, why in self.refused],
            "comment": self.comment,
            "remarks": list(self.remarks),
        }


def propose(project: Project, request: PullRequest) -> Proposal:
    """Push a candidate's branch, and open or update its pull request.

    Raises:
        NotFound: no candidate waits, or there is no remote.
        Refused: what is proposed is on main already, a gate of ``deploy`` is closed, somebody else has moved the
            branch, or the forge says no.
        GitError, Unfinished: git or the forge cannot be reached.
    """
    return _Proposing(project, request).outcome()


def propose_trained(project: Project, outcome: Trained) -> Trained:
    """The same for what a training just made, with the pull request in its outcome; nothing where it made nothing."""
    if outcome.candidate is None:
        return outcome
    project.refresh()
    done = propose(project, PullRequest(f"{outcome.name}@v{outcome.candidate}"))
    return replace(outcome, pull=done.to_json(), remarks=(*outcome.remarks, *done.remarks))


class _Proposing:
    """One pull request under way."""

    def __init__(self, project: Project, request: PullRequest) -> None:
        self.project, self.request = project, request
        self.reference = parse_reference(request.reference)
        self.name = self.reference.name
        self.remote = project.settings.remote
        self.url = project.repository.remote_url(self.remote)
        if self.url is None:
            raise NotFound(
                f"there is no remote {self.remote}", hint="git remote add, or `remote:` in promptvc.yaml"
            )
        project.need_main()
        if project.main is None:
            raise NotFound("nothing says which branch is main", hint="say `main: NAME` in promptvc.yaml")
        self.base: str = project.main
        self.remarks: list[str] = []

    def outcome(self) -> Proposal:
        version, branch = self._candidate()
        report = tell_candidate(self.project, self.name, version)
        draft = self.request.draft if self.request.draft is not None else not self._is_better(report)
        forge = open_forge(self.url, self.project.environ, kind=self.project.settings.review.forge)
        found = forge.find_pull(branch, self.base)
        if found is not None and found.state != "open":
            return self._settled(found, version, branch)
        deploy = self._deployment(version, branch, draft=draft)
        self._push(branch)
        return self._opened(forge, found, (version, branch, deploy), report, draft=draft)

    def _candidate(self) -> tuple[Version, str]:
        """What is proposed, and its branch, which is here then."""
        if self.request.branch is not None:
            return self._own(self.request.branch)
        wanted = self.reference.version
        latest = self.project.resolver.latest(self.name)
        known = candidates(self.project.repository, self.name)
        for one in reversed(known):
            newer = latest is None or one.number > latest.version
            if one.number == wanted or (self.reference.revision is None and newer):
                return self._at(one)
        if self.reference.revision is not None:
            raise NotFound(
                f"there is no candidate {self.name}@{self.reference.revision}",
                hint=_known(self.name, known)
                or "a candidate is a branch promptvc/NAME/vN; --branch names another",
            )
        self._require_prompt()
        raise NotFound(
            f"no candidate of {self.name} waits to be merged",
            hint=f"promptvc train {self.name} makes one; --branch proposes a branch of your own",
        )

    def _at(self, one: Candidate) -> tuple[Version, str]:
        branch = f"promptvc/{self.name}/v{one.number}"
        if self.project.repository.resolve(f"refs/heads/{branch}") is None:
            create_branch(self.project.repository, branch, one.commit)
        return self._version(one.commit, branch), branch

    def _own(self, branch: str) -> tuple[Version, str]:
        if branch == self.base:
            raise Usage(f"--branch {branch} is main itself", hint="commit to a branch, and propose that")
        tip = self.project.repository.resolve(f"refs/heads/{branch}")
        if tip is None:
            raise NotFound(f"there is no branch {branch}", hint="git branch shows those that there are")
        return self._version(tip, branch), branch

    def _version(self, commit: str, branch: str) -> Version:
        found = self.project.resolver.at(self.name, commit)
        if found is None:
            raise NotFound(f"{branch} has no prompt {self.name}")
        if self.project.resolver.is_known(self.name, found.digest):
            raise Refused(
                f"{self.name} v{found.version} is on {self.base} already", hint="there is nothing to propose"
            )
        return found

    def _require_prompt(self) -> None:
        known = self.project.resolver.names(self.project.need_main())
        if self.name not in known:
            refuse_foreign(self.project.resolver.lying(self.name), self.name, "pr")
            near = nearest(self.name, known)
            raise NotFound(
                f"{self.base} has no prompt {self.name}", hint=f"did you mean {near}?" if near else None
            )

    def _is_better(self, report: CandidateReport) -> bool:
        return report.comparison is not None and report.comparison.verdict == "improvement"

    def _settled(self, found: Pull, version: Version, branch: str) -> Proposal:
        """One that is closed or merged: that was somebody's decision."""
        if found.state == "merged":
            hint = f"git fetch {self.remote}: {self.base} has it there"
            raise Refused(f"#{found.number} was merged already", hint=hint)
        remark = f"#{found.number} was closed, and stays so: reopen it to go on with {branch}"
        return self._told(found, (version, branch, None), created=False, remarks=(remark,))

    def _deployment(self, version: Version, branch: str, *, draft: bool) -> str | None:
        """Put the deployment on the branch too; the environment, None where there is none to go along."""
        asked, usual = self.request.deploy, self.project.settings.review.deploy
        environment = asked or (None if draft else usual)
        if environment is None:
            return None
        check_environment(environment)
        reason = f"with {version.name} v{version.version}, when it is merged"
        try:
            put(
                self.project,
                Shipment(version, environment, branch, reason=reason, new_environment=True, merging=True),
            )
        except Refused as refused:
            if asked is not None:
                raise
            self.remarks.append(f"the deployment to {environment} does not go along: {refused}")
            return None
        return environment

    def _push(self, branch: str) -> None:
        """
        Raises:
            Refused: the remote's branch has commits that this one has not.
            GitError: it cannot be pushed.
        """
        repository, ref = self.project.repository, f"refs/heads/{branch}"
        tracking = f"refs/remotes/{self.remote}/{branch}"
        seen = fetch(repository, self.remote, f"+{ref}:{tracking}")
        there = None if seen.result is Result.ABSENT else repository.resolve(tracking)
        here = repository.resolve(ref)
        if there == here:
            return
        if there is not None and here is not None and not repository.is_ancestor(there, here):
            raise Refused(
                f"{branch} has other commits on {self.remote} than here",
                hint=f"git fetch {self.remote} && git branch -f {branch} {self.remote}/{branch}, then try again",
            )
        done = push(repository, self.remote, ref, expect=there or "")
        if not done.ok:
            raise GitError(f"cannot push {branch} to {self.remote}: {done.reason}", hint=done.hint)

    def _opened(
        self,
        forge: Forge,
        found: Pull | None,
        what: tuple[Version, str, str | None],
        report: CandidateReport,
        *,
        draft: bool,
    ) -> Proposal:
        version, branch, deploy = what
        marker = f"pull/{self.name}/v{version.version}"
        text = PullText(headline(report), marked(body_of(report, deploy=deploy), marker), draft)
        if found is None:
            pull = forge.open_pull(branch, self.base, text)
        else:
            ours = marker_of(found.body) == marker
            pull = forge.update_pull(
                found.number, PullText(found.title, text.body if ours else found.body, found.draft)
            )
        settings = self.project.settings.review
        labels = tuple(dict.fromkeys((*settings.labels, *self.request.labels)))
        forge.label(pull.number, labels)
        asked = self._ask(forge, pull, branch) if found is None or self.request.reviewers else Asked()
        report_marker = f"report/{self.name}/v{version.version}"
        note = forge.comment(pull.number, report_marker, marked(candidate_markdown(report), report_marker))
        self.project.log.event("pull.proposed", name=self.name, number=pull.number, created=found is None)
        done = self._told(pull, what, created=found is None, remarks=tuple(self.remarks))
        return replace(
            done, labels=labels, reviewers=asked.reviewers, refused=asked.refused, comment=note.url
        )

    def _ask(self, forge: Forge, pull: Pull, branch: str) -> Asked:
        """Ask the owners that main names, and those of the settings."""
        owners = self._owners(forge, branch)
        given = (*self.project.settings.review.reviewers, *self.request.reviewers)
        users = dict.fromkeys((*owners.users, *(one for one in given if "/" not in one)))
        teams = dict.fromkeys((*owners.teams, *(one for one in given if "/" in one)))
        if not users and not teams and not owners.mails:
            return Asked()
        asked = forge.ask(pull.number, tuple(users), tuple(teams))
        mails = tuple((mail, "an address cannot be asked for a review") for mail in owners.mails)
        return replace(asked, refused=(*asked.refused, *mails))

    def _changed(self, main: str, branch: str) -> Sequence[str]:
        """Paths, from the top, that the branch changes."""
        objects, repository = self.project.objects, self.project.repository
        tip = repository.resolve(f"refs/heads/{branch}")
        assert tip is not None
        code, found, _ = repository.outcome("merge-base", main, tip)
        before: Mapping[str, str] = objects.tree(found.decode().strip()) if code == 0 else {}
        after = objects.tree(tip)
        return sorted(
            path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
        ) or [self.project.top(path_of(self.name))]

    def _owners(self, forge: Forge, branch: str) -> Owners:
        """Those that main's CODEOWNERS names for what the branch changes: a change does not choose its reviewers."""
        main = self.project.need_main()
        for place in PLACES[forge.kind]:
            found = self.project.objects.at(main, place)
            if found is not None:
                text = found[1][:MOST_BYTES].decode("utf-8", "replace")
                return owners_of(self._changed(main, branch), text, forge.kind)
        return Owners()

    def _told(
        self, pull: Pull, what: tuple[Version, str, str | None], *, created: bool, remarks: tuple[str, ...]
    ) -> Proposal:
        version, branch, deploy = what
        return Proposal(
            self.name,
            version.version,
            branch,
            self.base,
            pull.number,
            pull.url,
            created,
            pull.state,
            pull.draft,
            deploy,
            remarks=remarks,
        )


def _known(name: str, found: Sequence[Candidate]) -> str | None:
    numbers = sorted({one.number for one in found})
    return f"there is {', '.join(f'{name}@v{number}' for number in numbers)}" if numbers else None
