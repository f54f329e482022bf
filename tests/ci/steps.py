"""The steps of a job, in their order, on one machine: what each said, and how the job ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ci.actions import ActionFailed, Machine, use
from tests.ci.expressions import Scope, Unknown, as_text, condition, fill, value_of

_STEP = {"name", "id", "if", "uses", "with", "env", "run", "continue-on-error", "timeout-minutes"}
_PATIENCE_S = 600.0


def known(value: Mapping[str, Any], keys: set[str], what: str) -> None:
    """Fail the test for a key that nothing here does."""
    if set(value) - keys:
        raise Unknown(f"{sorted(set(value) - keys)} in {what}")


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


class Steps:
    """The steps of one job on one machine."""

    def __init__(
        self,
        machine: Machine,
        contexts: dict[str, Any],
        done: JobRun,
        over: Mapping[str, threading.Event],
    ) -> None:
        self.machine, self.contexts, self.done, self.over = machine, contexts, done, over
        self.status = "success"
        self.file = machine.temp.parent / "files"
        self.file.mkdir()

    def all(self, workflow: Mapping[str, Any], job: Mapping[str, Any]) -> JobRun:
        """Run those of ``job``."""
        scope = Scope(self.contexts)
        given = workflow.get("env", {})
        self.contexts["env"] = {key: fill(str(value), scope) for key, value in given.items()}
        assert workflow.get("defaults") == {"run": {"shell": "bash"}}, "the shell is named"
        for at, step in enumerate(job["steps"]):
            known(step, _STEP, f"step {at}")
            if condition(step.get("if"), Scope(self.contexts, self.status)):
                self.one(at, step)
        done = self.done
        done.result = self.status
        scope = Scope(self.contexts)
        outputs = job.get("outputs", {})
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
        if ran.outcome == "cancelled" or (ran.outcome == "failure" and not step.get("continue-on-error")):
            self.status = ran.outcome

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
        log = self.file / f"log-{at}"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                cwd=self.machine.workspace,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            in_time = _wait(process, self.over.get(name))
        outcome = "failure" if process.returncode else "success"
        if not in_time and "timeout-minutes" not in step:
            outcome = "cancelled"  # it is the job's time that is over
        self.contexts["env"] |= _pairs(files["ENV"])
        summary = files["STEP_SUMMARY"].read_bytes()
        assert len(summary) <= 1024 * 1024, "GitHub takes 1 MiB"
        self.done.summary += summary.decode()
        said = log.read_bytes().decode("utf-8", "replace")
        return StepRun(name, outcome, f"{said}\nexit code {process.returncode}", own), _pairs(files["OUTPUT"])


def _wait(process: subprocess.Popen[bytes], over: threading.Event | None) -> bool:
    """Until it ends, or its time is over: then it is killed with all that it has started."""
    waited = 0.0
    try:
        while waited < _PATIENCE_S:
            try:
                process.wait(0.05 if over is not None else _PATIENCE_S)
            except subprocess.TimeoutExpired:
                waited += 0.05 if over is not None else _PATIENCE_S
                if over is not None and over.is_set():
                    return False
            else:
                return True
        raise AssertionError("a step never ends")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _pairs(file: Path) -> dict[str, str]:
    found = {}
    for line in file.read_text().splitlines():
        key, sign, value = line.partition("=")
        if not sign:
            raise Unknown(f"{line!r} in {file.name}")
        found[key] = value
    return found
