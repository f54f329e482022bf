"""What holds for every format: what is written reads back alike, and nothing is lost without a word."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from promptvc.base.errors import InputError
from promptvc.base.losses import Loss
from promptvc.prompts.formats.registry import READERS, WRITERS
from promptvc.prompts.model import Message, Prompt
from promptvc.prompts.render import Renderer, placeholders
from tests.prompts.formats.prompts_made import VALUES, prompts, values_for

BOTH = sorted(
    {"prompty", "dotprompt", "langchain", "openai", "langfuse", "mlflow"} & READERS.keys() & WRITERS.keys()
)
COMPARED = ("description", "model", "parameters", "output", "tags", "metadata", "type")


def rendered(prompt: Prompt, values: dict[str, str]) -> list[Message]:
    known = {variable.name for variable in prompt.variables} | placeholders(prompt)
    return list(Renderer(prompt).render({name: value for name, value in values.items() if name in known}))


def trimmed(messages: list[Message], losses: tuple[Loss, ...], format_: str) -> list[Message]:
    """The messages as they may come back, by the losses that were said."""
    said = {(loss.path.partition("[")[0], loss.what) for loss in losses}
    if format_ in {"prompty", "dotprompt"} and ("messages", "line breaks") in said:
        messages = [Message(each.role, each.content.strip("\n")) for each in messages]
    if format_ == "dotprompt":
        if ("messages", "white space at the beginning") in said:
            messages[0] = Message(messages[0].role, messages[0].content.lstrip())
        if ("messages", "white space at the end") in said:
            messages[-1] = Message(messages[-1].role, messages[-1].content.rstrip())
    return messages


@pytest.mark.parametrize("format_", BOTH)
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], max_examples=150)
@given(prompt=prompts(), value=VALUES)
def test_what_is_written_reads_back_alike(format_: str, prompt: Prompt, value: str) -> None:
    try:
        written = WRITERS[format_].write(prompt)
    except InputError:
        assert format_ != "langchain", "an f-string can say every text"
        return
    ((path, data),) = written.files.items()
    assert path.startswith("support/triage")
    read = READERS[format_].read(data, file=path)
    (one,) = read.prompts
    said = {loss.path for loss in written.losses}
    values = values_for(prompt, value)
    defaults = {each.name: str(each.default) for each in prompt.variables if not each.required}
    # Where the format has no defaults it says so, and the same value is given on both sides.
    values |= {name: text for name, text in defaults.items() if f"variables.{name}.default" in said}
    assert trimmed(rendered(one.prompt, values), written.losses, format_) == trimmed(
        rendered(prompt, values), written.losses, format_
    )
    for key in COMPARED:
        back, sent = getattr(one.prompt, key), getattr(prompt, key)
        told = any(
            loss == key or loss.startswith(f"{key}.") for loss in said | {each.path for each in read.losses}
        )
        assert back == sent or told, f"{key}: {sent} became {back}, and nobody said so"
    for key in ("rules", "examples"):
        assert bool(getattr(prompt, key)) == (key in said)


@pytest.mark.parametrize("format_", BOTH)
@settings(max_examples=60)
@given(prompt=prompts(bare=True))
def test_a_second_round_changes_nothing(format_: str, prompt: Prompt) -> None:
    try:
        first = WRITERS[format_].write(prompt)
    except InputError:
        return
    ((path, data),) = first.files.items()
    read = READERS[format_].read(data, file=path).prompts[0].prompt
    again = WRITERS[format_].write(read)
    (other,) = again.files.values()
    assert READERS[format_].read(other, file=path).prompts[0].prompt == read


@pytest.mark.parametrize("format_", sorted(BOTH))
@given(prompt=prompts(bare=True))
@settings(max_examples=30)
def test_its_own_files_are_recognised(format_: str, prompt: Prompt) -> None:
    try:
        ((path, data),) = WRITERS[format_].write(prompt).files.items()
    except InputError:
        return
    fitting = [name for name, reader in READERS.items() if name != "text" and reader.sniff(data, path)]
    if format_ == "langfuse":  # what is sent has neither version nor labels of its own
        assert set(fitting) <= {"langfuse"}
    else:
        assert fitting == [format_]
