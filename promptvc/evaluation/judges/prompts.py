"""The judge prompts: versioned prompts of promptvc itself, from ``promptvc/judges/<name>.yaml``.

A repository may put a prompt of its own in a judge prompt's place. It is asked with the same variables and its answer
is read for the same keys, so it must mention the former and require the latter.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptvc.base.errors import InvalidDocument, NotFound
from promptvc.base.schema_messages import nearest_word
from promptvc.base.schemas import value_checker
from promptvc.evaluation.judges.fences import fenced
from promptvc.models.messages import ChatMessage
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.render import Renderer, placeholders

NAMES = (
    "llm-rubric",
    "g-eval-steps",
    "g-eval",
    "factuality",
    "model-graded-closedqa",
    "answer-relevance",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "classifier",
    "moderation",
    "is-refusal",
    "select-best",
    "coherence",
    "relevance",
    "safety",
)

_DIRECTORY = Path(__file__).parent.parent.parent / "judges"
_TRUSTED = "trusted"


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """A judge prompt, ready to be asked.

    Attributes:
        name: what graders call it, such as ``llm-rubric``, also where a repository's own prompt stands for it.
        prompt: with its version, its parameters and, where the repository's own says so, its model.
        schema: JSON Schema of the answer.
        digest: the git blob id (SHA-1) of its file.
        trusted: variables that the author of the suite wrote, not the model and not its users.
        objections: what the schema has against a value, a sentence each.
    """

    name: str
    prompt: Prompt
    schema: Mapping[str, Any]
    digest: str
    trusted: frozenset[str]
    renderer: Renderer = field(repr=False, compare=False)
    objections: Callable[[Any], list[str]] = field(repr=False, compare=False)

    def questions(self, variables: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The messages to send, every value fenced off (see :mod:`promptvc.evaluation.judges.fences`).

        Raises:
            InputError: a variable is missing or unknown, or has no text.
        """
        values = fenced(variables, trusted=self.trusted)
        return tuple(ChatMessage(turn.role, turn.content) for turn in self.renderer.render(values))


@functools.cache
def judge_prompt(name: str) -> JudgePrompt:
    """The built-in judge prompt of that name.

    Raises:
        NotFound: there is none.
    """
    if name not in NAMES:
        near = nearest_word(name, NAMES)
        raise NotFound(
            f"there is no judge prompt `{name}`",
            hint=f"did you mean `{near}`?" if near else f"there are {', '.join(NAMES)}",
        )
    file = f"promptvc/judges/{name}.yaml"
    return _ready(name, (_DIRECTORY / f"{name}.yaml").read_bytes(), file=file, prompt_name=f"judge/{name}")


def own_judge_prompt(name: str, data: bytes, *, file: str, prompt_name: str | None = None) -> JudgePrompt:
    """A repository's prompt in the place of the built-in one ``name``.

    Args:
        file: named in errors.
        prompt_name: what the path of the file says; the document must say the same.

    Raises:
        NotFound: there is no judge prompt ``name``.
        InvalidDocument: no prompt, or one that lacks a variable, has one more, or whose answer's schema does not
            require what the grader reads.
    """
    built_in = judge_prompt(name)
    own = _ready(name, data, file=file, prompt_name=prompt_name, trusted=built_in.trusted)
    wrong = _unfit(own, built_in)
    if wrong:
        raise InvalidDocument(
            f"this prompt cannot stand for the judge prompt `{name}`: {wrong}",
            hint=f"start from a copy of promptvc/judges/{name}.yaml",
            file=file,
        )
    return own


def questions(judge: str | JudgePrompt, variables: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
    """The messages that ask ``judge``, a judge prompt or the name of a built-in one.

    Raises:
        NotFound: no judge prompt has that name.
        InputError: a variable is missing or unknown, or has no text.
    """
    prompt = judge_prompt(judge) if isinstance(judge, str) else judge
    return prompt.questions(variables)


def _ready(
    name: str, data: bytes, *, file: str, prompt_name: str | None, trusted: frozenset[str] | None = None
) -> JudgePrompt:
    prompt = load_prompt(data, file=file, name=prompt_name)
    schema = prompt.output.schema or {}
    return JudgePrompt(
        name=name,
        prompt=prompt,
        schema=schema,
        digest=_blob(data),
        trusted=frozenset(prompt.metadata.get(_TRUSTED, ())) if trusted is None else trusted,
        renderer=Renderer(prompt),
        objections=value_checker(schema),
    )


def _unfit(own: JudgePrompt, built_in: JudgePrompt) -> str | None:
    """Why a repository's prompt cannot be asked and read like the built-in one; None when it can."""
    given = {variable.name for variable in built_in.prompt.variables}
    mentioned = placeholders(own.prompt)
    for missing in sorted(given - mentioned):
        return f"it has no place for `{{{{ {missing} }}}}`"
    needed = {variable.name for variable in own.prompt.variables if variable.required} | mentioned
    for extra in sorted(needed - given - {each.name for each in own.prompt.variables if not each.required}):
        return f"it needs a variable `{extra}`, which nobody gives"
    if own.prompt.output.format != "json" or not own.schema:
        return "it has no `output` with `format: json` and a `schema`"
    broken = next((text for text in own.objections(None) if text.startswith("the schema")), None)
    if broken:
        return broken
    required = own.schema.get("required")
    for key in built_in.schema["required"]:
        if not isinstance(required, list) or key not in required:
            return f"its schema does not require `{key}`"
    return None


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
