"""Runs the jobs of a workflow as GitHub does, step by step: real bash in clean clones, artifacts through folders.

What a job may is what it gets: a token with its `permissions:`, the secrets of its environment, and no more. A key of
the workflow, a context, a function, an action or an input that is not known here fails the test.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ci.actions import Machine
from tests.ci.expressions import Scope, condition, fill, value_of
from tests.ci.forge import JobForge
from tests.ci.shims import shims
from tests.ci.steps import JobRun, Steps, known
from tests.commands import ROOT
from tests.forge.servers.state import ADA

_WORKFLOW = {"name", "on", "permissions", "concurrency", "env", "defaults", "jobs"}
_JOB = {"name", "needs", "if", "runs-on", "timeout-minutes", "environment", "permissions", "strategy"}
_JOB |= {"steps", "outputs"}
REPOSITORY = "acme/prompts"


class _Loader(yaml.SafeLoader):
    """`on` is a word here, not true."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def load(text: str) -> dict[str, Any]:
    """A workflow as GitHub reads it."""
    value = yaml.load(text, _Loader)
    assert isinstance(value, dict)
    return value


@dataclass(frozen=True)
class Event:
    """What started a run. ``ref`` is what is checked out, at ``commit``."""

    name: str
    ref: str
    commit: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """One run of a workflow. ``jobs`` by id; of a matrix each part, and their common result by the id."""

    id: str
    text: str = field(repr=False)
    event: Event = field(repr=False)
    jobs: dict[str, JobRun] = field(default_factory=dict)
    artifacts: Path = Path()
    attempt: int = 1

    def ok(self) -> Run:
        """Fail the test unless nothing failed."""
        for job in self.jobs.values():
            assert job.result in {"success", "skipped"}, f"{job.name}: {job.result}\n{job.log}"
        return self

    def results(self) -> dict[str, str]:
        return {key: job.result for key, job in self.jobs.items() if "#" not in key}


@dataclass
class Actions:
    """GitHub Actions for one repository on ``forge``.

    Attributes:
        secrets: by environment; under "" those of the repository.
        variables: `vars`.
        before: called before a job runs, by its id.
        more: variables of every shell, such as where a model answers.
        over: by the name of a step: its time is over as soon as the event is set.
    """

    forge: JobForge
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    over: Mapping[str, threading.Event] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    def run(self, text: str, event: Event) -> Run:
        """Run all jobs of the workflow ``text``."""
        run = Run(str(1000 + len(self.runs)), text, event)
        run.artifacts = self.folder / run.id / "artifacts"
        self.runs[run.id] = run
        (self.folder / "caches").mkdir(parents=True, exist_ok=True)
        return self._go(run, set(load(text)["jobs"]))

    def again(self, run: Run, *, failed: bool = False) -> Run:
        """Run all jobs again, or those that ``failed`` and what needs them; the others keep what they said."""
        jobs = load(run.text)["jobs"]
        todo = set(jobs)
        if failed:
            todo = {key for key in jobs if run.jobs[key].result in {"failure", "cancelled"}}
            while more := {key for key, job in jobs.items() if set(_needs(job)) & todo} - todo:
                todo |= more
        run.attempt += 1
        run.jobs = {key: job for key, job in run.jobs.items() if key.partition("#")[0] not in todo}
        return self._go(run, todo)

    def _go(self, run: Run, todo: set[str]) -> Run:
        workflow = load(run.text)
        known(workflow, _WORKFLOW, "workflow")
        assert workflow["permissions"] == {}, "the default is nothing"
        pending = {key: job for key, job in workflow["jobs"].items() if key in todo}
        while pending:
            key = next(k for k, job in pending.items() if not set(_needs(job)) & set(pending))
            job = pending.pop(key)
            known(job, _JOB, key)
            if key in self.before:
                self.before[key]()
            _Job(self, workflow, run, run.event, key, job).all()
        return run


def _needs(job: Mapping[str, Any]) -> list[str]:
    given = job.get("needs", [])
    return [given] if isinstance(given, str) else list(given)


class _Job:
    """One job of a run."""

    def __init__(
        self,
        actions: Actions,
        workflow: Mapping[str, Any],
        run: Run,
        event: Event,
        key: str,
        job: Mapping[str, Any],
    ) -> None:
        self.actions, self.workflow, self.run, self.event = actions, workflow, run, event
        self.key, self.job = key, job
        needs = {one: run.jobs[one] for one in _needs(job)}
        results = {one.result for one in needs.values()}
        self.status = (
            "success"
            if results <= {"success"}
            else "failure"
            if results & {"failure", "cancelled"}
            else "skipped"
        )
        self.needs = {name: {"result": one.result, "outputs": one.outputs} for name, one in needs.items()}

    def all(self) -> None:
        """Run it, in all its parts."""
        contexts = {**self.contexts({}), "matrix": {}}
        if not condition(self.job.get("if"), Scope(contexts, self.status)):
            self.run.jobs[self.key] = JobRun(self.key, "skipped")
            return
        parts = list(self.parts(contexts))
        done = [self.once(f"{self.key}#{at}", part) for at, part in enumerate(parts, 1)]
        if len(done) > 1:
            self.run.jobs |= {one.name: one for one in done}
        ends = {one.result for one in done}
        worst = next((end for end in ("failure", "cancelled") if end in ends), "success")
        self.run.jobs[self.key] = JobRun(
            self.key,
            worst,
            done[-1].outputs,
            [s for one in done for s in one.steps],
            "".join(d.summary for d in done),
        )

    def parts(self, contexts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        strategy = self.job.get("strategy")
        if strategy is None:
            yield {}
            return
        known(strategy, {"fail-fast", "matrix"}, "strategy")
        ((name, given),) = strategy["matrix"].items()
        for value in value_of(given, Scope(contexts)):
            yield {name: value}

    def contexts(self, matrix: Mapping[str, Any]) -> dict[str, Any]:
        event, actions = self.event, self.actions
        environment = self.job.get("environment") or {}
        name = environment if isinstance(environment, str) else environment.get("name", "")
        base: dict[str, Any] = {
            "github": {
                "event": {**event.payload},
                "event_name": event.name,
                "ref": event.ref,
                "ref_name": event.ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
                "sha": event.commit,
                "repository": REPOSITORY,
                "server_url": actions.forge.url,
                "run_id": self.run.id,
                "run_attempt": str(self.run.attempt),
                "token": "",
            },
            "inputs": dict(event.inputs),
            "vars": dict(actions.variables),
            "needs": self.needs,
            "matrix": dict(matrix),
            "env": {},
            "runner": {},
            "steps": {},
            "secrets": {},
        }
        if name:
            name = fill(str(name), Scope(base))
        if not self.is_strange():
            base["secrets"] = {**actions.secrets.get("", {}), **actions.secrets.get(name, {})}
        return base

    def is_strange(self) -> bool:
        """A fork's or Dependabot's run gets no secrets, and a token that reads."""
        pull = self.event.payload.get("pull_request")
        if self.event.name != "pull_request" or not pull:
            return False
        return bool(
            pull["head"]["repo"]["full_name"] != REPOSITORY
            or self.event.payload["sender"]["login"] == "dependabot[bot]"
        )

    def once(self, name: str, matrix: Mapping[str, Any]) -> JobRun:
        permissions = dict(self.job["permissions"])
        if self.is_strange():
            permissions = dict.fromkeys(permissions, "read")
        actions, event = self.actions, self.event
        whole = self.run.id if self.run.attempt == 1 else f"{self.run.id}.{self.run.attempt}"
        place = actions.folder / whole / name.replace("#", "-")
        workspace, temp = place / "work", place / "temp"
        workspace.mkdir(parents=True)
        temp.mkdir()
        token = actions.forge.grant(name, permissions)
        contexts = self.contexts(matrix)
        contexts["github"] |= {"token": token, "workspace": str(workspace)}
        contexts["runner"] = {"temp": str(temp)}
        payload = place / "event.json"
        payload.write_text(json.dumps(event.payload))
        environ = dict(actions.environ) | dict(actions.more) | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": actions.forge.api,
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_REF": event.ref,
            "GITHUB_REF_NAME": contexts["github"]["ref_name"],
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ATTEMPT": str(self.run.attempt),
            "GITHUB_RUN_ID": self.run.id,
            "GITHUB_SERVER_URL": actions.forge.url,
            "GITHUB_SHA": event.commit,
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(temp),
            "PATH": f"{shims(place / 'bin')}:{actions.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        machine = Machine(
            workspace=workspace,
            temp=temp,
            environ=environ,
            remote=actions.forge.clone_url(),
            refs=(event.ref, event.commit),
            token=token,
            artifacts=self.run.artifacts,
            caches=actions.folder / "caches",
            runs={key: one.artifacts for key, one in actions.runs.items()},
            app_token=ADA,
        )
        return Steps(machine, contexts, JobRun(name, "success"), actions.over).all(self.workflow, self.job)


def installed(actions: Actions, run: Run, job: str) -> str:
    """What `pip install` was asked for in a job."""
    return (actions.folder / run.id / f"{job}-1" / "installed").read_text()
