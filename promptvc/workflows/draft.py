"""`new`: write a prompt, from nothing, from a file, or from a task in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptvc.base.errors import InputError, InvalidDocument, NotFound, PromptvcError, ProviderError, Usage
from promptvc.base.files import storage_errors, write_atomic
from promptvc.base.jsonl import parse_json
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.tasks import RunOptions, Task
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage
from promptvc.models.providers import OFFLINE
from promptvc.models.similarity import Index, Rarity
from promptvc.models.words import features
from promptvc.prompts.edit import with_version
from promptvc.prompts.model import Message, Prompt, Variable, load_prompt
from promptvc.prompts.names import check_name, path_of
from promptvc.prompts.new import new_prompt
from promptvc.prompts.render import placeholders
from promptvc.store.commits import next_version
from promptvc.store.foreign import refuse_foreign
from promptvc.store.listing import refuse_outside, working_prompts
from promptvc.workflows.project import Project

_INSTRUCTION = """\
You write prompts for language models. You are given a task and answer with one JSON object and nothing else:
{"description": "one sentence", "system": "the instructions", "user": "the user message",
 "variables": {"name": "what it is"}}
In "system" and "user" a variable stands as {{ name }}; every variable is used, and "user" uses at least one. Write
clear, complete instructions, say what the output looks like, and do not answer the task itself.
"""
_AGAIN = "run it again, or use another model"


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A prompt called ``name``: from ``source``, or drafted for ``task``, or a plain start."""

    name: str
    source: Path | None = None
    type: str | None = None
    task: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The files written, from the prompt root, and what a person should know about them."""

    created: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def new(project: Project, request: NewRequest) -> Made:
    """Write the file of a new prompt into the working tree.

    Raises:
        InputError: a bad name, the file exists or would lie outside of the prompt root, or the source is no text.
        ProviderError: the provider's draft cannot be used.
    """
    name = check_name(request.name)
    if project.root is None:
        raise Usage("a bare repository has no working tree", hint="run it in a clone")
    if request.source is not None and request.task is not None:
        raise Usage("--from and --task do not go together")
    path = path_of(name)
    refuse_outside(project.root, project.root / path)
    if (project.root / path).exists():
        raise InputError(f"{name} exists already", hint="edit its file, then promptvc commit", file=path)
    data, remarks = _content(project, replace(request, name=name))
    # A name that was deleted and comes back goes on counting: its old numbers are taken.
    number = next_version(project.repository, project.resolver, name)
    data = with_version(data, number, file=path)
    load_prompt(data, file=path, name=name)
    write_atomic(project.root / path, data)
    return Made((path,), remarks)


def _content(project: Project, request: NewRequest) -> tuple[bytes, tuple[str, ...]]:
    if request.source is not None:
        return _from_file(request), ()
    if request.task is None:
        return new_prompt(_plain(request, "You are a helpful assistant.\n")), ()
    spec = request.model or project.settings.model or OFFLINE
    if spec == OFFLINE:
        return _nearest(project, request, request.task)
    return new_prompt(_drafted(project, request, spec, request.task)), (f"drafted by {spec}: read it first",)


def _plain(request: NewRequest, instructions: str) -> Prompt:
    kind: Any = request.type or "user"
    return Prompt(
        name=request.name,
        version=1,
        type=kind,
        model=request.model or OFFLINE,
        variables=(Variable("input", "what the prompt is asked"),),
        messages=(Message("system", instructions), Message("user", "{{ input }}")),
    )


def _from_file(request: NewRequest) -> bytes:
    """A prompt's YAML file, taken as it is but for its name; any other text becomes the instructions."""
    assert request.source is not None
    with storage_errors(request.source):
        if not request.source.is_file():
            raise NotFound(f"there is no file {request.source}")
        data = request.source.read_bytes()
    refuse_foreign(str(request.source), request.name, "new --from")
    if request.source.suffix in {".yaml", ".yml"}:
        prompt = load_prompt(data, file=str(request.source))
        kind: Any = request.type or prompt.type
        model = request.model or prompt.model
        return new_prompt(replace(prompt, name=request.name, type=kind, model=model))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8: byte {error.start}", hint="save it as UTF-8", file=str(request.source)
        ) from error
    if not text.strip():
        raise InputError("the file is empty", file=str(request.source))
    prompt = _plain(request, text if text.endswith("\n") else text + "\n")
    used = placeholders(replace(prompt, variables=()))
    return new_prompt(replace(prompt, variables=tuple(Variable(one) for one in sorted(used))))


def _nearest(project: Project, request: NewRequest, task: str) -> tuple[bytes, tuple[str, ...]]:
    """The prompt of the repository whose words are nearest to the task, without what it has learned."""
    assert project.root is not None
    known: list[Prompt] = []
    for name, file in working_prompts(project.root).items():
        try:
            known.append(load_prompt(file.read_bytes(), file=path_of(name), memo=project.memo))
        except PromptvcError:
            continue  # `check` reports it; a broken neighbour is no reason to refuse a draft
    bags = [
        features(" ".join([one.name, one.description or "", *(m.content for m in one.messages)]))
        for one in known
    ]
    rarity, index = Rarity(bags), Index()
    for bag in bags:
        index.add(rarity.vector(bag))
    products = index.products(rarity.query(features(task))) if known else []
    if not products or max(products) <= 0:
        drafted = replace(_plain(request, task.rstrip() + "\n"), description=_sentence(task))
        return new_prompt(drafted), ("no prompt here is near to that: the task itself is the instruction",)
    source = known[products.index(max(products))]
    kind: Any = request.type or source.type
    metadata = {"derived_from": f"{source.name} v{source.version}"}
    drafted = replace(
        source,
        name=request.name,
        type=kind,
        model=request.model or source.model,
        description=_sentence(task),
        rules=(),
        examples=(),
        metadata=metadata,
    )
    remark = f"copied from {source.name}, the nearest prompt here; no provider has read the task: edit it"
    return new_prompt(drafted), (remark,)


def _drafted(project: Project, request: NewRequest, spec: str, task: str) -> Prompt:
    """What a provider proposes, read strictly."""
    model = open_model(spec, settings=project.settings.models, environ=project.environ)
    messages = (ChatMessage("system", _INSTRUCTION), ChatMessage("user", task))
    result = run([Task("draft", 0, messages, {"temperature": 0})], model, RunOptions(concurrency=1))
    outcome = result.outcomes[0]
    if outcome.completion is None:
        raise ProviderError(f"{spec} did not answer: {outcome.error}", hint=outcome.hint or _AGAIN)
    answer = outcome.completion.text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        value = parse_json(answer, file=f"the answer of {spec}")
        variables = {str(key): str(text) for key, text in value["variables"].items()}
        system, user, description = (str(value[key]) for key in ("system", "user", "description"))
    except (PromptvcError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(f"{spec} did not answer with the object asked for", hint=_AGAIN) from error
    kind: Any = request.type or "user"
    prompt = Prompt(
        name=request.name,
        version=1,
        description=description,
        type=kind,
        model=spec,
        variables=tuple(Variable(key, text or None) for key, text in variables.items()),
        messages=(Message("system", system.rstrip() + "\n"), Message("user", user.strip())),
    )
    used = placeholders(prompt)
    for names, fault in (
        (used - set(variables), "used {} without saying what it is"),
        (set(variables) - used, "named the variable {} and did not use it"),
    ):
        if names:
            named = ", ".join(json.dumps(one) for one in sorted(names))
            raise ProviderError(f"{spec} {fault.format(named)}", hint=_AGAIN)
    try:
        load_prompt(new_prompt(prompt), file=f"the draft of {spec}", name=prompt.name)
    except InvalidDocument as error:
        raise ProviderError(f"{spec} drafted what is no prompt: {error.message}", hint=_AGAIN) from error
    return prompt


def _sentence(task: str) -> str:
    line = " ".join(task.split())
    return line if len(line) <= 200 else line[:199] + "…"
