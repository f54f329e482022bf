"""The committed prompts as texts that can be asked for by a task, kept under ``.promptvc/rank/``.

Three files, all derived: the words of each prompt by the digest of its text, so that a new commit reads only what it
changed, and the two indexes that the commit's prompts and events make. A file that cannot be read is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvc.analysis.ranking.similarity import TextIndex
from promptvc.analysis.ranking.terms import Part, bag_of
from promptvc.base.errors import InputError, NotFound, StorageError
from promptvc.base.files import write_atomic
from promptvc.feedback.query.elsewhere import ELSEWHERE
from promptvc.feedback.query.facts import Said
from promptvc.feedback.segments import FOLDER as FEEDBACK
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.names import is_foreign, path_of
from promptvc.store.listing import committed_prompts
from promptvc.workflows.project import Project

FOLDER = "rank"
EDITION = 1
NAME, ABOUT, MESSAGE = 3.0, 2.0, 1.0
"""What a word counts in a prompt's name, in its description and tags, in its messages and rules."""
INPUTS = 20
"""Of so many inputs that went well the words are kept for each prompt: the newest, each once."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A prompt in the commit that HEAD stands at."""

    name: str
    path: str
    digest: str
    version: int | None


def committed(project: Project) -> tuple[Committed, ...]:
    """The prompts of HEAD, by name.

    Raises:
        NotFound: nothing is committed.
    """
    head = project.resolver.head
    if head is None:
        raise NotFound("nothing is committed yet", hint="commit the prompts first: git add -A && git commit")
    own = {
        name: (path_of(name), blob)
        for name, blob in committed_prompts(project.objects, head, project.prefix).items()
    }
    versions = project.resolver.contents.versions(blob for _, blob in own.values())
    found = [Committed(name, path, blob, versions[blob]) for name, (path, blob) in own.items()]
    for name, (path, blob) in project.resolver.foreign.committed(head).items():
        if name not in own:
            number = None
            with contextlib.suppress(NotFound):  # a shallow clone cannot count
                number = project.resolver.foreign.number(path, blob)
            found.append(Committed(name, path, blob, number))
    return tuple(sorted(found, key=lambda one: one.name))


def feedback_digest(project: Project) -> str:
    """A digest of the events that HEAD has, and of the months that are archived."""
    head = project.resolver.head
    return _digest(sorted(project.tree(head, FEEDBACK).items()) if head is not None else [])


def words_of(project: Project, prompts: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, float]]:
    """Digest -> the words of a prompt, of (name, path, digest); none of what is no prompt."""
    found = {}
    for name, path, digest in prompts:
        if digest in found:
            continue
        try:
            prompt = load_prompt(
                project.objects.blob(digest), file=path, name=_own(name, path), memo=project.memo
            )
        except InputError:
            found[digest] = bag_of([(NAME, name)])
        else:
            found[digest] = bag_of(_parts(name, prompt))
    return found


def text_index(project: Project, prompts: Sequence[Committed]) -> TextIndex:
    """What the prompts say: names, descriptions, tags, messages and rules, without examples."""
    asked = [(one.name, one.digest) for one in prompts]

    def make() -> TextIndex:
        kept = _kept_words(project)
        missing = [(one.name, one.path, one.digest) for one in prompts if one.digest not in kept]
        words = kept | words_of(project, missing)
        bags = {one.digest: words[one.digest] for one in prompts}
        if missing or len(kept) > len(bags):
            _write(_place(project, "words.json"), json.dumps([EDITION, bags]).encode())
        return TextIndex.build([bags[one.digest] for one in prompts])

    return _index(project, "texts", _digest(asked), make)


def input_index(
    project: Project, prompts: Sequence[Committed], key: Any, said: Callable[[], Iterable[Said]]
) -> TextIndex:
    """What the prompts were asked with success: ``said`` gives well-rated events, newest first.

    Args:
        key: all that the events hang on.
    """
    names = [one.name for one in prompts]

    def make() -> TextIndex:
        inputs: dict[str, dict[str, None]] = {name: {} for name in names}
        for event in said():
            found = inputs.get(event.prompt)
            if found is not None and event.input and len(found) < INPUTS:
                found.setdefault(event.input)
        return TextIndex.build([bag_of((MESSAGE, text) for text in inputs[name]) for name in names])

    if is_elsewhere(project):  # nothing here tells whether they changed
        return make()
    return _index(project, "inputs", _digest([names, key]), make)


def is_elsewhere(project: Project) -> bool:
    """Whether events are asked of an engine that has them, instead of read from the commit."""
    return project.settings.analytics.backend in ELSEWHERE


def _own(name: str, path: str) -> str | None:
    return None if is_foreign(path) else name


def _parts(name: str, prompt: Prompt) -> Iterable[Part]:
    yield NAME, name
    yield ABOUT, prompt.description or ""
    yield ABOUT, " ".join(prompt.tags)
    for message in prompt.messages:
        yield MESSAGE, message.content
    for rule in prompt.rules:
        yield MESSAGE, rule.text


def _index(project: Project, kind: str, key: str, make: Callable[[], TextIndex]) -> TextIndex:
    place = _place(project, f"{kind}.index")
    head = f"{EDITION} {key}\n".encode()
    with contextlib.suppress(OSError, ValueError, RecursionError):
        data = b"" if place.is_symlink() else place.read_bytes()
        if data.startswith(head):
            return TextIndex.from_bytes(data[len(head) :])
    index = make()
    _write(place, head + index.to_bytes())
    return index


def _kept_words(project: Project) -> dict[str, dict[str, float]]:
    place = _place(project, "words.json")
    with contextlib.suppress(OSError, ValueError, RecursionError):
        value = None if place.is_symlink() else json.loads(place.read_bytes())
        if isinstance(value, list) and len(value) == 2 and value[0] == EDITION and isinstance(value[1], dict):
            return {digest: bag for digest, bag in value[1].items() if _is_bag(bag)}
    return {}


def _is_bag(value: Any) -> bool:
    return isinstance(value, Mapping) and all(type(count) is float for count in value.values())


def _write(place: Path, data: bytes) -> None:
    with contextlib.suppress(OSError, StorageError):  # without it the next call takes longer
        if not place.parent.is_symlink():
            write_atomic(place, data, durable=False)


def _place(project: Project, name: str) -> Path:
    return project.state / FOLDER / name


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
