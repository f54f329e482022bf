"""What `uses:` does here: a real clone, folders for artifacts and caches. An unknown action or input fails the test."""

from __future__ import annotations

import base64
import glob
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.ci.expressions import Unknown

Inputs = Mapping[str, str]


class ActionFailed(Exception):
    """The action ends with an error, as the real one does."""


@dataclass
class Machine:
    """One job's runner: a clean workspace, a temporary folder, and what the whole run keeps.

    ``refs``: what the event checks out: (ref, commit). ``artifacts``: folder by name. ``caches``: folder by key.
    """

    workspace: Path
    temp: Path
    environ: dict[str, str] = field(repr=False)
    remote: str
    refs: tuple[str, str]
    token: str = field(repr=False)
    artifacts: Path
    caches: Path
    runs: Mapping[str, Path]
    app_token: str = field(repr=False, default="")

    def git(self, *args: str, where: Path | None = None, header: str | None = None) -> str:
        extra = ["-c", f"http.extraheader={header}"] if header else []
        done = subprocess.run(
            ["git", *extra, *args],
            cwd=where or self.workspace,
            env={**self.environ, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise ActionFailed(f"git {' '.join(args)}: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout.decode().strip()


def checkout(machine: Machine, given: Inputs) -> dict[str, str]:
    """actions/checkout v6: one commit unless `fetch-depth: 0`, a branch where a branch is named, else detached."""
    place = machine.workspace / given.get("path", ".")
    place.mkdir(parents=True, exist_ok=True)
    header = (
        "AUTHORIZATION: basic "
        + base64.b64encode(f"x-access-token:{given.get('token') or machine.token}".encode()).decode()
    )
    ref = given.get("ref") or ""
    commit = ""
    if not ref:
        ref, commit = machine.refs
    machine.git("init", "-q", "-b", "master", where=place)
    machine.git("remote", "add", "origin", machine.remote, where=place)

    def fetch(*specs: str) -> None:
        depth = given.get("fetch-depth", "1")
        more = [] if depth == "0" else [f"--depth={depth}"]
        machine.git("fetch", "-q", "--no-tags", *more, "origin", *specs, where=place, header=header)

    everything = ["+refs/heads/*:refs/remotes/origin/*"] if given.get("fetch-depth") == "0" else []
    branch = ref.removeprefix("refs/heads/")
    if re.fullmatch(r"[0-9a-f]{40,64}", ref):
        fetch(*everything, ref)
        machine.git("checkout", "-q", "--detach", ref, where=place)
    elif ref.startswith("refs/pull/"):
        fetch(*everything, f"+{commit}:refs/remotes/{ref.removeprefix('refs/')}")
        machine.git("checkout", "-q", "--detach", commit, where=place)
    else:
        fetch(*(everything or [f"+refs/heads/{branch}:refs/remotes/origin/{branch}"]))
        machine.git("checkout", "-q", "-B", branch, commit or f"refs/remotes/origin/{branch}", where=place)
        machine.git("branch", "-q", f"--set-upstream-to=origin/{branch}", where=place)
    if given.get("persist-credentials", "true") == "true":
        machine.git("config", "http.extraheader", header, where=place)
    return {"ref": ref, "commit": machine.git("rev-parse", "HEAD", where=place)}


def upload(machine: Machine, given: Inputs) -> dict[str, str]:
    """actions/upload-artifact v6: an artifact is written once; hidden files only when asked for."""
    patterns = [line.strip() for line in given["path"].splitlines() if line.strip()]
    found: list[Path] = []
    tops: list[str] = []
    for pattern in patterns:
        whole = str(machine.workspace / pattern)
        tops.append(whole if Path(whole).is_dir() else str(Path(whole).parent))
        for each in sorted(glob.glob(whole)):  # noqa: PTH207 - a pattern with its folder in front
            place = Path(each)
            found += [one for one in sorted(place.rglob("*")) if one.is_file()] if place.is_dir() else [place]
    top = Path(os.path.commonpath(tops))
    if given.get("include-hidden-files") != "true":
        found = [one for one in found if not any(part.startswith(".") for part in one.relative_to(top).parts)]
    if not found:
        if given.get("if-no-files-found", "warn") == "error":
            raise ActionFailed(f"no files were found with {patterns}")
        return {}
    target = machine.artifacts / given["name"]
    if given.get("overwrite") == "true":
        shutil.rmtree(target, ignore_errors=True)
    if target.exists():
        raise ActionFailed(f"there is an artifact {given['name']} already")
    for one in found:
        place = target / one.relative_to(top)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(one, place)
    return {}


def download(machine: Machine, given: Inputs) -> dict[str, str]:
    """actions/download-artifact v7: a name that is not there is an error, a pattern that fits none is not."""
    store = machine.runs[given["run-id"]] if "run-id" in given else machine.artifacts
    target = Path(given.get("path", machine.workspace))
    names = sorted(one.name for one in store.iterdir()) if store.is_dir() else []
    if "name" in given:
        if given["name"] not in names:
            raise ActionFailed(f"there is no artifact {given['name']}")
        shutil.copytree(store / given["name"], target, dirs_exist_ok=True)
        return {}
    for name in names:
        if fnmatchcase(name, given["pattern"]):
            merged = given.get("merge-multiple") == "true"
            shutil.copytree(store / name, target if merged else target / name, dirs_exist_ok=True)
    return {}


def restore(machine: Machine, given: Inputs) -> dict[str, str]:
    """actions/cache/restore: the key, else the newest that begins like one of `restore-keys`."""
    names = [one.name for one in sorted(machine.caches.iterdir(), key=lambda p: p.stat().st_mtime_ns)]
    fits = [name for name in names if any(name.startswith(k) for k in given["restore-keys"].split())]
    chosen = given["key"] if given["key"] in names else (fits[-1] if fits else None)
    if chosen is not None:
        shutil.copytree(machine.caches / chosen, machine.workspace / given["path"], dirs_exist_ok=True)
    return {"cache-matched-key": chosen or ""}


def save(machine: Machine, given: Inputs) -> dict[str, str]:
    place = machine.workspace / given["path"]
    if place.is_dir():
        shutil.copytree(place, machine.caches / given["key"])
    return {}


def app_token(machine: Machine, given: Inputs) -> dict[str, str]:
    if not given.get("private-key"):
        raise ActionFailed("Input required and not supplied: private-key")
    return {"token": machine.app_token}


ACTIONS: dict[str, tuple[Callable[[Machine, Inputs], dict[str, str]], set[str]]] = {
    "actions/checkout": (checkout, {"ref", "path", "fetch-depth", "token", "persist-credentials"}),
    "actions/setup-python": (lambda *_: {}, {"python-version"}),
    "actions/upload-artifact": (
        upload,
        {"name", "path", "if-no-files-found", "retention-days", "include-hidden-files", "overwrite"},
    ),
    "actions/download-artifact": (
        download,
        {"name", "pattern", "path", "merge-multiple", "run-id", "github-token"},
    ),
    "actions/cache/restore": (restore, {"path", "key", "restore-keys"}),
    "actions/cache/save": (save, {"path", "key"}),
    "actions/create-github-app-token": (
        app_token,
        {"app-id", "private-key", "permission-contents", "permission-pull-requests"},
    ),
}


def use(machine: Machine, uses: str, given: dict[str, Any]) -> dict[str, str]:
    """Do what ``uses:`` says; its outputs."""
    name, _, revision = uses.partition("@")
    if name not in ACTIONS or not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise Unknown(f"the action {uses}")
    action, known = ACTIONS[name]
    if set(given) - known:
        raise Unknown(f"{sorted(set(given) - known)} of {name}")
    return action(
        machine,
        {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in given.items()},
    )
