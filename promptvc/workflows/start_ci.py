"""`init --ci`: the workflows of a repository's forge, from templates that come with promptvc.

They are whole: nothing in them refers to a published action of promptvc, only to the package that pip installs. This
repository's own workflows are the same templates, which install from its checkout (``OWN``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from promptvc import __version__
from promptvc.base.config import FILE, load_settings
from promptvc.base.emit import double_quoted
from promptvc.base.errors import Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.git.repo import Repository
from promptvc.store.listing import refuse_outside, working_prompts

System = Literal["github", "gitlab"]
SYSTEMS: tuple[System, ...] = ("github", "gitlab")
CHECK = "promptvc"
"""The name of the job that branch protection is to require."""

RELEASED = False
"""Whether a package index has promptvc. As long as none has, a workflow that installs it by name would fail, or would
run what somebody else has registered under that name, in jobs with keys and the right to write."""

_TEMPLATES = Path(__file__).resolve().parents[1] / "ci"
_WORKFLOWS = ("check", "comment", "deploy", "nightly", "train", "weekly")
_PARTS: dict[System, tuple[str, ...]] = {
    "github": ("app", "identity", "install", "install-trusted"),
    "gitlab": ("common",),
}
_MARK = "# Made by `promptvc init --ci"
_PROVIDER = re.compile(rb"^[ \t-]*[\w\"']+[ \t]*:[ \t]*[\"']?(anthropic|ollama|openai):", re.MULTILINE)
_SPEC = re.compile(r"[A-Za-z0-9.][A-Za-z0-9 ._,:;=<>~!@/+#&?%\[\]()-]*")
_SLOT = re.compile(r"@@(?P<name>[a-z-]+)@@")
_FOLDER = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True)
class CiRequest:
    """Which system; ``install``: what pip is to install, None for this release; ``force``: make ours anew."""

    system: System
    install: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, from the repository's top.

    Attributes:
        left: files that are there and differ, each with the reason why it was left alone.
        steps: what is left to do, in sentences.
    """

    created: tuple[str, ...]
    left: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where workflows are to run.

    Attributes:
        main: the branch; root: the prompt root from the repository's top, ``.`` there.
        release: what pip installs.
        own: of this repository, which installs from its checkout.
    """

    main: str
    root: str
    release: str
    own: bool = False


OWN = Place("main", ".", ".[github]", own=True)


def refuse_unreleased(directory: Path, request: CiRequest) -> None:
    """Have the user say what pip is to install, as long as there is no release.

    Raises:
        Usage: the request does not say it. Nothing was written.
    """
    if RELEASED or request.install is not None:
        return
    path = directory / FILE
    refuse_outside(directory, path)
    with storage_errors(path):
        data = path.read_bytes() if path.is_file() else None
    extras = _extras(directory, data, request.system)
    spec = f"promptvc[{extras}] @ git+https://HOST/OWNER/promptvc@SHA"
    raise Usage(
        "no package index has a release of promptvc yet: say what the workflows install",
        hint=f"promptvc init --ci {request.system} --install '{spec}'",
    )


def write_ci(directory: Path, request: CiRequest, *, environ: Mapping[str, str]) -> Written:
    """Write the workflows for the prompt root ``directory``. Safe to repeat: what is there is left as it is.

    Raises:
        NotFound: ``directory`` is in no git repository.
        InputError: a link leads out of the repository.
        Usage: a bare repository; a folder or a requirement that cannot stand in a workflow; none, and no release.
        StorageError: it cannot be written.
    """
    repository = Repository.discover(directory, environ)
    if repository.top is None:
        raise Usage(f"{directory} is a bare repository: it has no files", hint="run it in a clone")
    top = repository.top.resolve()
    refuse_unreleased(directory.resolve(), request)
    place = _place(repository, top, directory.resolve(), request)
    created, left = [], []
    for path, text in rendered(request.system, place).items():
        target = top / path
        refuse_outside(top, target)
        with storage_errors(target):
            before = target.read_text("utf-8", "replace") if target.exists() else None
        if before == text:
            continue
        reason = None if before is None else _reason(before, force=request.force)
        if reason is not None:
            left.append((path, reason))
            continue
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, text.encode())
        created.append(path)
    return Written(tuple(created), tuple(left), _steps(request.system, top, place))


def rendered(system: System, place: Place) -> dict[str, str]:
    """Every file of ``system`` by its path from the repository's top."""
    if system == "gitlab":
        names = ("promptvc.yml", "promptvc-train.yml")
        return {f".gitlab/{name}": _rendered("gitlab", name, place) for name in names}
    found = {
        f".github/workflows/promptvc-{name}.yml": _rendered("github", f"{name}.yml", place)
        for name in _WORKFLOWS
    }
    action = "action.yml" if place.own else ".github/actions/promptvc/action.yml"
    return {action: _rendered("github", "action.yml", place), **found}


def _rendered(system: System, name: str, place: Place) -> str:
    folder = _TEMPLATES / system
    text = (folder / f"{name}.in").read_text("utf-8")
    parts = {part: (folder / f"{part}.txt").read_text("utf-8").rstrip("\n") for part in _PARTS[system]}
    if system == "github" and not place.own:  # a release is the same whoever's checkout it runs beside
        parts["install-trusted"] = parts["install"]
    text = _filled(text, parts)
    # In a pass of its own, and only one: what is filled in is not looked at again.
    return _filled(text, _values(system, name, place))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda slot: values.get(slot["name"], slot[0]), text)


def _values(system: System, name: str, place: Place) -> dict[str, str]:
    mark = f"{_MARK} {system}`, promptvc {__version__}. Yours to edit; --force makes it anew."
    if place.own:
        made = f"# Made from promptvc/ci/{system}/{name}.in by `make workflows`."
        mark = f"{made} `promptvc init --ci {system}` writes the like."
    return {
        "mark": mark,
        "main": double_quoted(place.main),
        "root": place.root,
        "prefix": "" if place.root == "." else f"{place.root}/",
        "release": place.release,
        "install-input": "required: true" if place.own else f"default: {double_quoted(place.release)}",
        "spec": place.release,
        "install-default": "." if place.own else place.release,
        "default-install": "; `.` is this action's own checkout" if place.own else "",
        "uses": "OWNER/promptvc@SHA # the full sha of a commit"
        if place.own
        else "./.github/actions/promptvc",
    }


def _place(repository: Repository, top: Path, directory: Path, request: CiRequest) -> Place:
    root = directory.relative_to(top).as_posix()
    if not _FOLDER.fullmatch(root):
        raise Usage(
            f"a workflow cannot name the folder {root!r}",
            hint="letters, digits, dots, dashes and slashes are fine",
        )
    path = directory / FILE
    refuse_outside(top, path)
    with storage_errors(path):
        data = path.read_bytes() if path.is_file() else None
    settings = load_settings(data, file=FILE)
    release = request.install
    if release is None:
        release = f"promptvc[{_extras(directory, data, request.system)}]=={__version__}"
    if not _SPEC.fullmatch(release):
        raise Usage(
            f"pip takes no requirement like {release!r}",
            hint="such as promptvc @ git+https://HOST/OWNER/promptvc@SHA",
        )
    main = settings.main or repository.default_branch(settings.remote) or "main"
    return Place(main, root, release.strip())


def _extras(directory: Path, settings: bytes | None, system: System) -> str:
    """The forge's client, and the packages of the providers that settings and prompts name."""
    texts = [settings or b""]
    if (directory / "prompts").is_dir():
        for path in working_prompts(directory).values():
            with storage_errors(path):
                texts.append(path.read_bytes())
    found = {match.decode() for text in texts for match in _PROVIDER.findall(text)}
    return ",".join([system, *sorted(found)])


def _reason(before: str, *, force: bool) -> str | None:
    """Why a file that differs is left alone; None where it is not."""
    if not before.startswith(_MARK):
        return "it is not promptvc's"
    return None if force else "it was edited, or is of another version: --force makes it anew"


def _steps(system: System, top: Path, place: Place) -> tuple[str, ...]:
    if system == "gitlab":
        made = "" if (top / ".gitlab-ci.yml").exists() else ", which is to be made,"
        return (
            f"add to .gitlab-ci.yml{made} the lines `include:` and `  - local: .gitlab/promptvc.yml`",
            "set the variables that .gitlab/promptvc.yml lists at its head, each with its environment scope",
            "make pipeline schedules with PROMPTVC_SCHEDULE=train, nightly and weekly",
            'turn on "Pipelines must succeed" for merge requests',
        )
    environments = (
        "make the environments promptvc, promptvc-publish and promptvc-alerts, the last two for "
        f"{place.main} only, and put the model keys into promptvc (OPENAI_API_KEY, ANTHROPIC_API_KEY)"
    )
    proposing = (
        "let Actions open pull requests (Settings > Actions > General), or give a GitHub App: the variable "
        "PROMPTVC_APP_ID, and the secret PROMPTVC_APP_KEY in promptvc-publish and in what is deployed to"
    )
    return (
        f"commit these files to {place.main}: until they are there, nothing is evaluated",
        environments,
        f"protect {place.main}, and require the check `{CHECK}`; it always reports",
        proposing,
        f"where {place.main} takes no pushes, set the variable PROMPTVC_DEPLOY to pr",
    )
