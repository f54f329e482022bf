"""A prompt on its way out: rules and examples laid out as they are rendered, and what nobody said listed as lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.prompts.formats.languages import plain_jinja
from promptvc.prompts.formats.pieces import Code, Piece, Pieces, Place, Turn, merged, simple_pieces
from promptvc.prompts.model import Prompt
from promptvc.prompts.render import EXAMPLES, RULES, Renderer, examples_text, rules_text
from promptvc.prompts.templates import compile_template

_ALWAYS = frozenset({"name", "version", "messages", "template", "rules", "examples"})


def laid_out(prompt: Prompt, losses: Losses) -> tuple[Turn, ...]:
    """The messages with rules and examples in them, literally and where they are rendered, which is a loss.

    Raises:
        InputError: an example lacks a variable, a message is not Jinja or asks for rules or examples inside of code.
    """
    texts = {RULES: rules_text(prompt.rules), EXAMPLES: examples_text(prompt.examples)}
    jinja2 = prompt.template == "jinja2"
    turns = [
        Turn(each.role, merged(_filled(taken, texts)))
        for each in prompt.messages
        for taken in (_jinja_pieces(each.content) if jinja2 else simple_pieces(each.content),)
    ]
    named = {part.name for each in prompt.messages for part in _places(each.content, jinja=jinja2)}
    examples = [Turn(each.role, merged([each.content])) for each in Renderer(prompt).turns]
    _tell(prompt, losses)
    roles = [turn.role for turn in turns]
    last = max((at for at, role in enumerate(roles) if role == "user"), default=len(roles))
    turns[last:last] = examples
    if prompt.rules and RULES not in named:
        # As the renderer does: the first system message of the prompt's own.
        block = f"Rules:\n{texts[RULES]}"
        index = next((at for at, role in enumerate(roles) if role == "system"), None)
        if index is None:
            turns.insert(0, Turn("system", (block,)))
        else:
            index += len(examples) if index >= last else 0
            turns[index] = Turn("system", _with_block(turns[index].pieces, block))
    return tuple(turns)


def unsaid(
    prompt: Prompt, said: Collection[str], losses: Losses, why: str = "the format has no place for it"
) -> None:
    """List what the prompt has beyond ``said``, the keys that were written."""
    for key, value in prompt.to_json().items():
        if key in _ALWAYS or key in said:
            continue
        if key == "type" and value == "user":
            continue
        if key == "variables":
            _unsaid_variables(value, said, losses, why)
        else:
            losses.add(key, value, why)


def unsaid_suite(suite: Mapping[str, Any] | None, losses: Losses) -> None:
    """List a suite that has no place."""
    if suite is not None:
        count = len(suite.get("cases", ()))
        losses.add(
            "suite", f"{count:,} case{'' if count == 1 else 's'}", "the format has no place for test cases"
        )


def _unsaid_variables(value: Mapping[str, Any], said: Collection[str], losses: Losses, why: str) -> None:
    for name, content in value.items():
        for key in ("description", "default"):
            if key in (content or {}) and f"variables.{key}" not in said:
                losses.add(f"variables.{name}.{key}", content[key], why)


def _tell(prompt: Prompt, losses: Losses) -> None:
    if prompt.rules:
        count = len(prompt.rules)
        losses.add("rules", f"{count:,} rule{'' if count == 1 else 's'}", "rules became text of the messages")
    if prompt.examples:
        count = len(prompt.examples)
        losses.add(
            "examples",
            f"{count:,} example{'' if count == 1 else 's'}",
            "examples became text of the messages",
        )
    for key, items in ((RULES, prompt.rules), (EXAMPLES, prompt.examples)):
        for index, item in enumerate(items):
            if item.because:  # type: ignore[attr-defined]
                losses.add(f"{key}[{index}].because", list(item.because), "the format has no place for it")  # type: ignore[attr-defined]


def _jinja_pieces(text: str) -> Pieces:
    """Jinja is kept as code unless it is only places."""
    found = plain_jinja(text)
    return (Code(text),) if found is None else found


def _places(text: str, *, jinja: bool) -> Sequence[Place]:
    pieces = _jinja_pieces(text) if jinja else simple_pieces(text)
    return [piece for piece in pieces if isinstance(piece, Place)]


def _filled(pieces: Pieces, texts: Mapping[str, str]) -> list[Piece]:
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Code) and compile_template(piece.source, jinja=True).names & texts.keys():
            raise InputError(
                "rules or examples are named inside of Jinja code, which no other format can hold",
                hint="write {{ rules }} and {{ examples }} in messages without other tags",
            )
        found.append(texts[piece.name] if isinstance(piece, Place) and piece.name in texts else piece)
    return found


def _with_block(pieces: Pieces, block: str) -> Pieces:
    last = pieces[-1] if pieces else ""
    if isinstance(last, Place):
        return (*pieces, f"\n\n{block}")
    before = pieces[:-1]
    if isinstance(last, Code):
        source = last.source.rstrip("\n")
        return (*before, Code(source), f"\n\n{block}" + ("\n" if source != last.source else ""))
    body = last.rstrip("\n")
    end = "\n" if last.endswith("\n") else ""
    return merged((*before, f"{body}\n\n{block}{end}" if body or before else block + end))
