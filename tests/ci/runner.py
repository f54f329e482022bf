"""Runs the jobs of a workflow as GitHub does, step by step: real bash in clean clones, artifacts through folders.

What a job may is what it gets: a token with its `permissions:`, the secrets of its environment, and no more. A key of
the workflow, a context, a function, an action or an input that is not known here fails the test.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ci.actions import ActionFailed, Machine, use
from tests.ci.expressions import Scope, Unknown, as_text, condition, fill, value_of
from tests.ci.forge import JobForge
from tests.commands import ROOT
from tests.forge.servers.state import ADA

_WORKFLOW = {"name", "on", "permissions", "concurrency", "env", "defaults", "jobs"}
_JOB = {"name", "needs", "if", "runs-on", "timeout-minutes", "environment", "permissions", "strategy"}
_JOB |= {"steps", "outputs"}
_STEP = {"name", "id", "if", "uses", "with", "env", "run", "continue-on-error"}
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
class StepRun:
    """What one step did: ``environ`` is what its shell had beyond the machine's own."""

    name: str
    outcome: str
    log: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass
class JobRun:
    """How a job ended."""

    name: str
    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[StepRun] = field(default_factory=list)
    summary: str = ""

    @property
    def log(self) -> str:
        return "\n".join(f"[{step.name}: {step.outcome}]\n{step.log}" for step in self.steps)


@dataclass
class Run:
    """One run of a workflow. ``jobs`` by id; of a matrix each part, and their common result by the id."""

    id: str
    jobs: dict[str, JobRun] = field(default_factory=dict)
    artifacts: Path = Path()

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
    """

    forge: JobForge
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    def run(self, text: str, event: Event) -> Run:
        """Run all jobs of the workflow ``text``."""
        workflow = load(text)
        _known(workflow, _WORKFLOW, "workflow")
        assert workflow["permissions"] == {}, "the default is nothing"
        run = Run(str(1000 + len(self.runs)))
        run.artifacts = self.folder / run.id / "artifacts"
        self.runs[run.id] = run
        (self.folder / "caches").mkdir(parents=True, exist_ok=True)
        pending = dict(workflow["jobs"])
        while pending:
            key = next(k for k, job in pending.items() if not set(_needs(job)) & set(pending))
            job = pending.pop(key)
            _known(job, _JOB, key)
            if key in self.before:
                self.before[key]()
            _Job(self, workflow, run, event, key, job).all()
        return run


def _needs(job: Mapping[str, Any]) -> list[str]:
    given = job.get("needs", [])
    return [given] if isinstance(given, str) else list(given)


def _known(value: Mapping[str, Any], keys: set[str], what: str) -> None:
    if set(value) - keys:
        raise Unknown(f"{sorted(set(value) - keys)} in {what}")


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
            "success" if results <= {"success"} else "failure" if "failure" in results else "skipped"
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
        worst = "failure" if any(one.result == "failure" for one in done) else "success"
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
        _known(strategy, {"fail-fast", "matrix"}, "strategy")
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
                "run_attempt": "1",
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
            pull["head"]["repo"]["full_name"] != REPOSITORY or pull["user"]["login"] == "dependabot[bot]"
        )

    def once(self, name: str, matrix: Mapping[str, Any]) -> JobRun:
        permissions = dict(self.job["permissions"])
        if self.is_strange():
            permissions = dict.fromkeys(permissions, "read")
        actions, event = self.actions, self.event
        place = actions.folder / self.run.id / name.replace("#", "-")
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
            "GITHUB_RUN_ATTEMPT": "1",
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
        return _Steps(self, machine, contexts, JobRun(name, "success")).all()


class _Steps:
    """The steps of one job on one machine."""

    def __init__(self, job: _Job, machine: Machine, contexts: dict[str, Any], done: JobRun) -> None:
        self.job, self.machine, self.contexts, self.done = job, machine, contexts, done
        scope = Scope(contexts)
        given = job.workflow.get("env", {})
        contexts["env"] = {key: fill(str(value), scope) for key, value in given.items()}
        self.status = "success"
        self.file = machine.temp.parent / "files"
        self.file.mkdir()
        defaults = job.workflow.get("defaults")
        assert defaults == {"run": {"shell": "bash"}}, "the shell is named"

    def all(self) -> JobRun:
        for at, step in enumerate(self.job.job["steps"]):
            _known(step, _STEP, f"step {at}")
            if condition(step.get("if"), Scope(self.contexts, self.status)):
                self.one(at, step)
        done = self.done
        done.result = self.status
        scope = Scope(self.contexts)
        outputs = self.job.job.get("outputs", {})
        done.outputs = {key: as_text(value_of(value, scope)) for key, value in outputs.items()}
        return done

    def one(self, at: int, step: Mapping[str, Any]) -> None:
        scope = Scope(self.contexts, self.status)
        name = step.get("name") or step.get("uses", f"step {at}").partition("@")[0]
        outputs: dict[str, str] = {}
        if "uses" in step:
            given = {key: value_of(value, scope) for key, value in step.get("with", {}).items()}
            given = {key: value for key, value in given.items() if value not in (None, "")}
            try:
                outputs = use(self.machine, step["uses"], given)
                ran = StepRun(name, "success")
            except ActionFailed as error:
                ran = StepRun(name, "failure", str(error))
        else:
            ran, outputs = self.shell(at, name, step, scope)
        self.done.steps.append(ran)
        if "id" in step:
            self.contexts["steps"][step["id"]] = {"outputs": outputs, "outcome": ran.outcome}
        if ran.outcome == "failure" and not step.get("continue-on-error"):
            self.status = "failure"

    def shell(
        self, at: int, name: str, step: Mapping[str, Any], scope: Scope
    ) -> tuple[StepRun, dict[str, str]]:
        assert "${{" not in step["run"], "no expression is text of a script"
        own = {**self.contexts["env"]}
        own |= {key: as_text(value_of(value, scope)) for key, value in step.get("env", {}).items()}
        files = {key: self.file / f"{key}-{at}" for key in ("OUTPUT", "ENV", "STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        script = self.file / f"script-{at}.sh"
        script.write_text(step["run"])
        environ = {
            **self.machine.environ,
            **own,
            **{f"GITHUB_{key}": str(file) for key, file in files.items()},
        }
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.machine.workspace,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
            check=False,
        )
        self.contexts["env"] |= _pairs(files["ENV"])
        summary = files["STEP_SUMMARY"].read_bytes()
        assert len(summary) <= 1024 * 1024, "GitHub takes 1 MiB"
        self.done.summary += summary.decode()
        log = ran.stdout.decode("utf-8", "replace")
        outcome = "failure" if ran.returncode else "success"
        return StepRun(name, outcome, f"{log}\nexit code {ran.returncode}", own), _pairs(files["OUTPUT"])


def _pairs(file: Path) -> dict[str, str]:
    found = {}
    for line in file.read_text().splitlines():
        key, sign, value = line.partition("=")
        if not sign:
            raise Unknown(f"{line!r} in {file.name}")
        found[key] = value
    return found


def shims(folder: Path) -> Path:
    """`promptvc` and `python` of this checkout; `pip install` is written down and not done."""
    folder.mkdir()
    promptvc, python = folder / "promptvc", folder / "python"
    promptvc.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m promptvc "$@"\n')
    python.write_text(
        f"""#!/bin/sh
case "$1 $2 $3" in
  "-m pip install") echo "$@" >> "{folder.parent}/installed"; exit 0 ;;
esac
exec "{sys.executable}" "$@"
"""
    )
    for shim in (promptvc, python):
        shim.chmod(0o755)
    return folder


def installed(actions: Actions, run: Run, job: str) -> str:
    """What `pip install` was asked for in a job."""
    return (actions.folder / run.id / f"{job}-1" / "installed").read_text()
