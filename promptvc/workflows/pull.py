"""`pr`, `train --pr`, `publish --pr`: a candidate on its branch becomes one pull request that says all about it.

Safe to repeat: the branch is pushed by compare-and-swap, the pull request found by its branch, the report kept in one
comment. What a person has written or decided there stays: a title, a body, ready or draft, closed.
"""

from __future__ import annotations

from dataclasses import replace

from promptvc.base.errors import GitError, NotFound, Refused
from promptvc.deployment.environments import FOLDER, Deployed, deployments
from promptvc.forge.forge import Asked, Forge, Pull, PullText
from promptvc.forge.marks import marker_for
from promptvc.forge.opening import open_forge
from promptvc.forge.text import checked_labels, fitted_title
from promptvc.git.remotes import Result, fetch, push
from promptvc.prompts.names import check_environment
from promptvc.review.advice import headline
from promptvc.review.markdown import candidate_markdown
from promptvc.review.pull_text import body_of
from promptvc.review.report import CandidateReport
from promptvc.store.ledgers import Ledgers
from promptvc.store.references import parse_reference
from promptvc.store.versions import Version
from promptvc.training.trained import Trained
from promptvc.workflows.owning import ask_owners
from promptvc.workflows.project import Project
from promptvc.workflows.proposal import Proposal, PullRequest
from promptvc.workflows.reviewing import tell_candidate
from promptvc.workflows.shipping import Shipment, put
from promptvc.workflows.waiting import find_own, find_waiting

__all__ = ["Proposal", "PullRequest", "propose", "propose_trained"]


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
        url = project.repository.remote_url(self.remote)
        if url is None:
            raise NotFound(
                f"there is no remote {self.remote}", hint="git remote add, or `remote:` in promptvc.yaml"
            )
        self.url = url
        project.need_main()
        if project.main is None:
            raise NotFound("nothing says which branch is main", hint="say `main: NAME` in promptvc.yaml")
        self.base: str = project.main
        self.remarks: list[str] = []

    def outcome(self) -> Proposal:
        version, branch = self._candidate()
        report = tell_candidate(self.project, self.name, version)
        draft = self.request.draft if self.request.draft is not None else not self._is_better(report)
        labels = checked_labels((*self.project.settings.review.labels, *self.request.labels))
        forge = open_forge(self.url, self.project.environ, kind=self.project.settings.review.forge)
        found = forge.find_pull(branch, self.base)
        if found is not None and found.state != "open":
            return self._settled(found, version, branch)
        self._deployment(version, branch, draft=draft)
        self._push(branch)
        self._push_look(report)
        what = (version, branch, self._deploys(version, branch))
        return self._opened(forge, found, what, report, (draft, labels))

    def _candidate(self) -> tuple[Version, str]:
        """What is proposed, and its branch, which is here then."""
        if self.request.branch is not None:
            return find_own(self.project, self.name, self.request.branch)
        return find_waiting(self.project, self.reference)

    def _is_better(self, report: CandidateReport) -> bool:
        return report.comparison is not None and report.comparison.verdict == "improvement"

    def _settled(self, found: Pull, version: Version, branch: str) -> Proposal:
        """One that is closed or merged: that was somebody's decision."""
        if found.state == "merged":
            hint = f"git fetch {self.remote}: {self.base} has it there"
            raise Refused(f"#{found.number} was merged already", hint=hint)
        remark = f"#{found.number} was closed, and stays so: reopen it to go on with {branch}"
        return self._told(found, (version, branch, ()), created=False, remarks=(remark,))

    def _deploys(self, version: Version, branch: str) -> tuple[str, ...]:
        """The environments that run the version once the branch is merged: this time's, and those of earlier times."""
        tip = self.project.repository.resolve(f"refs/heads/{branch}")
        assert tip is not None
        now = {one.environment: one.digest for one in self._copies(self.project.need_main())}
        found = [one for one in self._copies(tip) if one.digest == version.digest]
        return tuple(sorted(one.environment for one in found if now.get(one.environment) != one.digest))

    def _copies(self, commit: str) -> list[Deployed]:
        return [one for one in deployments(self.project.tree(commit, FOLDER)) if one.name == self.name]

    def _push_look(self, report: CandidateReport) -> None:
        """A verdict is provisional until everybody can see the look that it took."""
        if report.provisional:
            ledgers = Ledgers.of(self.project.resolver, self.remote)
            ledgers.fetch()
            ledgers.push()

    def _deployment(self, version: Version, branch: str, *, draft: bool) -> None:
        """Put the deployment on the branch too, where one is to go along."""
        asked, usual = self.request.deploy, self.project.settings.review.deploy
        environment = asked or (None if draft else usual)
        if environment is None:
            return
        check_environment(environment)
        reason = f"with {version.name} v{version.version}, when it is merged"
        try:
            done = put(self.project, Shipment(version, environment, branch, reason=reason, merging=True))
        except Refused as refused:
            if asked is not None:
                raise
            self.remarks.append(f"the deployment to {environment} does not go along: {refused}")
        else:
            self.remarks += done.remarks

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
        what: tuple[Version, str, tuple[str, ...]],
        report: CandidateReport,
        manner: tuple[bool, tuple[str, ...]],
    ) -> Proposal:
        (version, branch, deploys), (draft, labels) = what, manner
        label = f"v{version.version}"
        title, body = fitted_title(headline(report)), body_of(report, deploys=deploys)
        text = PullText(title, body, draft, marker_for("pull", self.name, label))
        pull = (
            forge.open_pull(branch, self.base, text)
            if found is None
            else forge.update_pull(found.number, text)
        )
        forge.label(pull.number, labels)
        asked = Asked()
        if found is None or self.request.reviewers:
            more = self.request.reviewers
            asked = ask_owners(self.project, forge, pull.number, (self.name, branch), more)
        marker = marker_for("report", self.name, label)
        note = forge.comment(pull.number, marker, candidate_markdown(report))
        self.project.log.event("pull.proposed", name=self.name, number=pull.number, created=found is None)
        done = self._told(pull, what, created=found is None, remarks=tuple(self.remarks))
        return replace(
            done, labels=labels, reviewers=asked.reviewers, refused=asked.refused, comment=note.url
        )

    def _told(
        self,
        pull: Pull,
        what: tuple[Version, str, tuple[str, ...]],
        *,
        created: bool,
        remarks: tuple[str, ...],
    ) -> Proposal:
        version, branch, deploys = what
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
            deploys,
            remarks=remarks,
        )
