"""Runs pipelines as GitLab does: jobs by stages and needs, each in a clean clone and in one shell.

What a job may is what it gets: the variables of its environment, a token that reads. A key, a rule or an expression
that is not known here fails the test. After docs.gitlab.com, "CI/CD YAML syntax reference" and "Predefined CI/CD
variables".
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.builders import Repo
from tests.ci.expressions import Unknown
from tests.ci.shims import shims
from tests.commands import ROOT
from tests.forge.servers.gitlab import GitLabServer
from tests.forge.servers.state import RITA, Pull

STAGES = ("build", "test", "deploy")
ZERO = "0" * 40
_JOB = {
    "image",
    "interruptible",
    "timeout",
    "variables",
    "before_script",
    "extends",
    "rules",
    "stage",
    "script",
}
_JOB |= {"needs", "parallel", "environment", "artifacts", "resource_group", "trigger"}
_ARTIFACTS = {"paths", "expire_in", "when", "reports"}
_TERM = re.compile(r"(?P<left>\$\w+)(?:\s*(?P<sign>==|!=)\s*(?P<right>\$\w+|\"[^\"]*\"))?")


class _Loader(yaml.SafeLoader):
    """With `!reference`."""


@dataclass(frozen=True)
class _Reference:
    path: tuple[str, ...]


_Loader.add_constructor(
    "!reference",
    lambda loader, node: _Reference(tuple(loader.construct_sequence(node))),  # type: ignore[arg-type]
)


def read(text: str) -> dict[str, dict[str, Any]]:
    """The jobs of a file, hidden ones too, with `extends` and `!reference` done, and what is not known refused."""
    value = yaml.load(text, _Loader)
    value.pop("variables")
    jobs = {name: _extended(value, name) for name in value}
    for name, job in jobs.items():
        if set(job) - _JOB or set(job.get("artifacts", {})) - _ARTIFACTS:
            raise Unknown(f"a key of {name}: {sorted(job)}")
        for key in ("before_script", "script"):
            job[key] = [line for part in job.get(key, ()) for line in _lines(jobs | value, part)]
    return jobs


def _extended(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = dict(value[name])
    base = _extended(value, own.pop("extends")) if "extends" in own else {}
    for key, given in own.items():
        base[key] = {**base[key], **given} if isinstance(base.get(key), dict) else given
    return base


def _lines(value: Mapping[str, Any], part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
        return
    found = value[part.path[0]]
    for key in part.path[1:]:
        found = found[key]
    for each in found:
        yield from _lines(value, each)


@dataclass(frozen=True)
class Trigger:
    """What starts a pipeline: of a branch, or of a merge request."""

    source: str
    commit: str
    branch: str | None = "main"
    before: str = ZERO
    variables: Mapping[str, str] = field(default_factory=dict)
    merge_request: Pull | None = None


@dataclass
class JobRun:
    """How a job ended; ``result``: ``success``, ``failed`` or ``skipped``. ``environ``: what its shells had."""

    name: str
    result: str
    log: str = ""
    environ: dict[str, str] = field(default_factory=dict, repr=False)
    artifacts: list[Path] = field(default_factory=list)
    dotenv: dict[str, str] = field(default_factory=dict)


@dataclass
class Pipeline:
    """One pipeline. ``children``: by the job that triggered it."""

    id: str
    trigger: Trigger
    config: dict[str, dict[str, Any]] = field(repr=False)
    jobs: dict[str, JobRun] = field(default_factory=dict)
    children: dict[str, Pipeline] = field(default_factory=dict)

    def results(self) -> dict[str, str]:
        return {name.removeprefix("promptvc "): job.result for name, job in self.jobs.items()}

    def ok(self) -> Pipeline:
        """Fail the test unless nothing failed."""
        for child in self.children.values():
            child.ok()
        for job in self.jobs.values():
            assert job.result == "success", f"{job.name}: {job.result}\n{job.log}"
        return self


@dataclass
class Pipelines:
    """GitLab CI of the project on ``server``.

    Attributes:
        variables: by the environment scope; under "*" those of every job.
        before: called before a job runs, by its name; before one of several, by `name 2/2`.
        more: variables of every shell, such as where a model answers.
    """

    server: GitLabServer
    bare: Repo
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    before: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    count: int = 0

    def run(self, trigger: Trigger, file: str = ".gitlab/promptvc.yml", only: Sequence[str] = ()) -> Pipeline:
        """Run the pipeline that ``file`` of the commit makes of it; ``only``: of its jobs those that are named."""
        config = read(self.bare.show(f"{trigger.commit}:{file}").decode())
        self.count += 1
        pipeline = Pipeline(str(700 + self.count), trigger, config)
        wanted = {name: job for name, job in config.items() if not name.startswith(".")}
        when = {name: self._when(job, trigger) for name, job in wanted.items()}
        pending = [name for name in wanted if when[name] is not None and (not only or name in only)]
        while pending:
            name = next(n for n in pending if not set(self._waits(wanted, n, pending)) & set(pending))
            pending.remove(name)
            due = self._waits(wanted, name, list(pipeline.jobs))
            failed = any(pipeline.jobs[one].result != "success" for one in due if one in pipeline.jobs)
            if failed and when[name] != "always":
                pipeline.jobs[name] = JobRun(name, "skipped")
                continue
            if name in self.before:
                self.before[name]()
            self.job(pipeline, name)
        return pipeline

    def job(self, pipeline: Pipeline, name: str) -> JobRun:
        """Run one job of it; also to retry it."""
        job = pipeline.config[name]
        if "trigger" in job:
            done = self._child(pipeline, name, job["trigger"])
        else:
            parts = job.get("parallel", 1)
            ran = []
            for at in range(1, parts + 1):
                self.before.get(f"{name} {at}/{parts}", lambda: None)()
                ran.append(self._once(pipeline, name, job, (at, parts)))
            done = ran[0]
            for other in ran[1:]:
                done.artifacts += other.artifacts
                done.log += other.log
                done.result = done.result if other.result == "success" else other.result
        pipeline.jobs[name] = done
        return done

    def _waits(self, jobs: Mapping[str, Any], name: str, others: Sequence[str]) -> list[str]:
        """The jobs that it waits for: those it needs, else all of earlier stages."""
        needs = jobs[name].get("needs")
        if needs is not None:
            return [one if isinstance(one, str) else one["job"] for one in needs]
        stage = STAGES.index(jobs[name]["stage"])
        return [one for one in others if STAGES.index(jobs[one]["stage"]) < stage]

    def _when(self, job: Mapping[str, Any], trigger: Trigger) -> str | None:
        """``on_success`` or ``always``; None where no rule holds."""
        if "rules" not in job:
            return "on_success"
        given = self._predefined(trigger) | dict(self.variables.get("*", {})) | dict(trigger.variables)
        for rule in job["rules"]:
            if set(rule) - {"if", "changes", "when"}:
                raise Unknown(f"a rule: {rule}")
            if "if" in rule and not _holds(rule["if"], given):
                continue
            if "changes" in rule and not self._changed(trigger, rule["changes"]):
                continue
            return str(rule.get("when", "on_success"))
        return None

    def _changed(self, trigger: Trigger, patterns: Sequence[str]) -> bool:
        """A new branch, and one whose commit before is gone, has changed everything."""
        for pattern in patterns:
            if not pattern.endswith("/**/*") or "*" in pattern.removesuffix("/**/*"):
                raise Unknown(f"the pattern {pattern}")
        if self.bare.git("cat-file", "--batch-check", input=f"{trigger.before}\n").endswith("missing"):
            return True
        paths = self.bare.git("diff", "--name-only", trigger.before, trigger.commit).split("\n")
        return any(path.startswith(pattern.removesuffix("**/*")) for path in paths for pattern in patterns)

    def _predefined(self, trigger: Trigger) -> dict[str, str]:
        server = self.server
        given = {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_SERVER_URL": server.url,
            "CI_API_V4_URL": server.api,
            "CI_PROJECT_PATH": server.hosted.name,
            "CI_PROJECT_ID": "1",
            "CI_DEFAULT_BRANCH": "main",
            "CI_PIPELINE_SOURCE": trigger.source,
            "CI_COMMIT_SHA": trigger.commit,
            "CI_COMMIT_BEFORE_SHA": trigger.before,
        }
        if trigger.branch is not None:
            given["CI_COMMIT_BRANCH"] = trigger.branch
        pull = trigger.merge_request
        if pull is not None:
            given |= {
                "CI_MERGE_REQUEST_IID": str(pull.number),
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": pull.base,
            }
        return given

    def _child(self, pipeline: Pipeline, name: str, trigger: Mapping[str, Any]) -> JobRun:
        assert trigger["strategy"] == "depend", "else nothing waits for it"
        ((include,),) = (trigger["include"],)
        forwards = trigger.get("forward", {}).get("pipeline_variables", False)
        variables = pipeline.trigger.variables if forwards else {}
        child = replace(pipeline.trigger, source="parent_pipeline", variables=variables)
        done = pipeline.children[name] = self.run(child, include["local"])
        failed = [job.name for job in done.jobs.values() if job.result == "failed"]
        return JobRun(name, "failed" if failed else "success", f"failed: {failed}")

    def _once(self, pipeline: Pipeline, name: str, job: Mapping[str, Any], part: tuple[int, int]) -> JobRun:
        place = (
            self.folder
            / pipeline.id
            / f"{re.sub('[^a-z]', '-', name)}-{len(list(self.folder.rglob('work')))}"
        )
        work = place / "work"
        work.mkdir(parents=True)
        trigger = pipeline.trigger
        environment = job.get("environment", {}).get("name", "")
        own = {key: str(value) for key, value in job.get("variables", {}).items()}
        own |= {"PROMPTVC_INSTALL": "promptvc", "PROMPTVC_ROOT": "."} | self._predefined(trigger)
        own |= {"CI_PIPELINE_ID": pipeline.id, "CI_NODE_INDEX": str(part[0]), "CI_NODE_TOTAL": str(part[1])}
        own |= {**self.variables.get("*", {}), **(self.variables.get(environment, {}) if environment else {})}
        for one in self._artifacts_of(pipeline, name, job):
            own |= one.dotenv
        own |= trigger.variables
        environ = dict(self.environ) | own | dict(self.more)
        environ |= {"PATH": f"{shims(place / 'bin')}:{self.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        self._clone(work, trigger)
        for one in self._artifacts_of(pipeline, name, job):
            for folder in one.artifacts:
                shutil.copytree(folder, work, dirs_exist_ok=True)
        script = place / "script.sh"
        script.write_text("\n".join([*job["before_script"], *job["script"]]) + "\n")
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=work,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
            check=False,
        )
        result = "failed" if ran.returncode else "success"
        done = JobRun(
            name, result, f"{ran.stdout.decode('utf-8', 'replace')}\nexit code {ran.returncode}\n", own
        )
        self._keep(done, job.get("artifacts", {}), work, place / "artifacts")
        return done

    def _artifacts_of(self, pipeline: Pipeline, name: str, job: Mapping[str, Any]) -> list[JobRun]:
        waits = self._waits(pipeline.config, name, [one for one in pipeline.jobs if one != name])
        return [pipeline.jobs[one] for one in waits if one in pipeline.jobs]

    def _clone(self, work: Path, trigger: Trigger) -> None:
        """As the runner does: one ref, with the job's own token, which reads; detached."""

        def git(*args: str) -> None:
            subprocess.run(["git", *args], cwd=work, env=dict(self.environ), check=True, capture_output=True)

        pull = trigger.merge_request
        ref = f"refs/heads/{trigger.branch}" if pull is None else f"refs/merge-requests/{pull.number}/head"
        to = f"refs/remotes/origin/{trigger.branch}" if pull is None else ref
        git("init", "-q", "-b", "master")
        git("remote", "add", "origin", self.server.clone_url(RITA))
        git("fetch", "-q", "--no-tags", "origin", f"+{ref}:{to}", trigger.commit)
        git("checkout", "-q", "--detach", trigger.commit)

    def _keep(self, done: JobRun, artifacts: Mapping[str, Any], work: Path, target: Path) -> None:
        if done.result == "failed" and artifacts.get("when", "on_success") != "always":
            return
        for path in artifacts.get("paths", ()):
            if (work / path).is_dir():
                shutil.copytree(work / path, target / path, dirs_exist_ok=True)
        if target.exists():
            done.artifacts.append(target)
        file = work / artifacts.get("reports", {}).get("dotenv", "nothing")
        if file.is_file():
            done.dotenv = dict(line.split("=", 1) for line in file.read_text().splitlines())


def _holds(text: str, given: Mapping[str, str]) -> bool:
    """An expression of terms that are joined by `&&`; a variable alone holds where it is there and not empty."""
    for term in text.split("&&"):
        found = _TERM.fullmatch(term.strip())
        if found is None:
            raise Unknown(f"the rule {text}")
        left = given.get(found["left"][1:])
        if found["sign"] is None:
            holds = bool(left)
        else:
            word = found["right"]
            right = given.get(word[1:]) if word.startswith("$") else word[1:-1]
            holds = (left == right) == (found["sign"] == "==")
        if not holds:
            return False
    return True
