"""Laws of ``prompt-yml``: a document comes back equal, and nothing changes on the way that is not listed."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.schema_messages import key_text
from promptvc.prompts.formats.github.models import model_of
from promptvc.prompts.formats.github.rows import KEPT
from promptvc.prompts.formats.github.writing import write
from promptvc.prompts.formats.prompt_yml import PromptYml, unchanged

FORMAT = PromptYml()
FILE = "a.prompt.yml"

names = st.sampled_from(
    [
        "input",
        "expected",
        "topic",
        "user-name",
        "user_name",
        "first name",
        "rules",
        "examples",
        "rules_",
        "a.b",
        "1st",
        "größe",
        "-",
    ]
)
words = st.text("abc XYZ.\\^$|(){}[]*+?\n'\"#:é", max_size=12)
places = st.builds(
    lambda name, before, after: f"{{{{{before}{name}{after}}}}}",
    names,
    *[st.sampled_from(["", "", " ", "\t"])] * 2,
)
texts = st.lists(words | places, max_size=5).map("".join)
scalars = texts | st.integers(-9, 9) | st.booleans() | st.floats(-2, 2, width=16) | st.none()
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(names, scalars, max_size=2)
unknown = st.dictionaries(
    st.sampled_from(["version", "tags", "x-note", "names", "metadata", "template"]), values
)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


messages = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "System", "USER"]), "content": texts}
    ),
    unknown,
)
models = st.sampled_from(
    [
        "openai/gpt-4o",
        "gpt-4o-mini",
        "mistral-ai/Ministral-3B",
        "meta/Llama-3",
        "cohere/cohere-command-a",
        "Phi-4",
        "x",
    ]
)
parameters = some(
    temperature=st.sampled_from([0, 0.5, None]),
    maxTokens=st.sampled_from([1, 300, None]),
    max_tokens=st.just(7),
    topP=st.just(0.9),
    top_p=st.just(1),
    stop=st.sampled_from(["END", ["a", "b"]]),
    logitBias=values,
    seed=st.just(3),
    n=values,
)
schemas = st.sampled_from(
    [
        None,
        '{"name": "a", "strict": true, "schema": {"type": "object"}}',
        '{"type": "object"}',
        {"type": "object"},
    ]
)
choices = st.lists(some(choice=words, score=st.sampled_from([0, 1, 0.5, 5, -1])), max_size=3)
evaluators = st.builds(
    lambda known, more: {**more, **known},
    some(
        name=words | st.none(),
        string=some(
            **{kind: texts | st.integers(0, 9) for kind in ("equals", "contains", "startsWith", "endsWith")}
        ),
        llm=some(modelId=models, prompt=texts, systemPrompt=texts, choices=choices) | st.none(),
        uses=st.sampled_from(
            ["github/similarity", "github/coherence", "github/groundedness", "acme/other", ""]
        ),
    ),
    unknown,
)
documents = st.builds(
    lambda needed, known, more: {**more, **needed, **known},
    st.fixed_dictionaries({"messages": st.lists(messages, min_size=1, max_size=3)}),
    some(
        name=words | st.none(),
        description=texts | st.none(),
        model=models | st.none(),
        modelParameters=parameters | st.none(),
        responseFormat=st.sampled_from(["text", "json_object", "json_schema", None]),
        jsonSchema=schemas,
        testData=st.lists(st.dictionaries(names, values, max_size=4), max_size=4) | st.none(),
        evaluators=st.lists(evaluators, max_size=3) | st.none(),
    ),
    unknown,
)
EMPTY = {"messages": [{"role": "user", "content": "-"}]}


def shape(value: Any) -> Any:
    """``value`` with types told apart: 1 is not true and not 1.0."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__, value


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    found = {key: item for step, below in items for key, item in leaves(below, (*path, step)).items()}
    return found or {path: shape(value)}


@given(documents)
@example({**EMPTY, "testData": [{"input": None}, {"expected": ["a"]}, {}], "evaluators": []})
@example({**EMPTY, "testData": [{"x": 1}, {"x": 2}], "evaluators": [{"uses": "github/similarity"}]})
@example({"messages": [{"role": "user", "content": "{{user-name}} {{user_name}} {{rules_}} {{rules}}"}]})
def test_a_document_comes_back_equal(document: dict[str, Any]) -> None:
    found = FORMAT.read(dump_yaml(document).encode(), file=FILE).prompts[0]
    written = FORMAT.write(found.prompt, found.suite)
    (data,) = written.files.values()
    assert shape(load_yaml(data, file=FILE).value) == shape(document)


@given(documents)
def test_a_document_that_says_the_same_keeps_its_bytes(document: dict[str, Any]) -> None:
    original = b"# written by hand\n" + dump_yaml(document).encode()
    found = FORMAT.read(original, file=FILE).prompts[0]
    (data,) = FORMAT.write(found.prompt, found.suite).files.values()
    assert unchanged(original, data) == original


@given(documents)
def test_what_does_not_come_over_is_listed(document: dict[str, Any]) -> None:
    """Without what was kept, all that differs is a loss, but for titles and spellings that mean the same."""
    read = FORMAT.read(dump_yaml(document).encode(), file=FILE)
    found = read.prompts[0]
    metadata = {key: item for key, item in found.prompt.metadata.items() if key != KEPT}
    bare = write("a", {**found.prompt.to_json(), "metadata": metadata}, found.suite).value
    listed = [loss.path for loss in read.losses]
    here, there = leaves(document), leaves(bare)
    for path, value in here.items():
        if there.get(path) == value or _same(document, path, value):
            continue
        if path[0] == "evaluators":  # one that is lost as a whole shifts those after it
            others = [leaves(one) for one in bare.get("evaluators") or ()]
            if any(str(other.get(path[2:], ("", ""))[1]) == str(value[1]) for other in others):
                continue
            # Braces that are no place are compared as they are, by a pattern that says the same and stays one.
            asked = [one["value"] for one in (found.suite or {}).get("default", {}).get("assert", ())]
            if path[-1] == "equals" and rf"\A\s*{re.escape(str(value[1]))}\s*\Z" in asked:
                continue
        assert any(key_text(path).startswith(each) for each in listed), (path, value, listed)


def _same(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> bool:
    """What is spelled otherwise without meaning anything else, or says nothing."""
    if path[0] == "name" or value in ({}, [], ("NoneType", None), ("str", "text")):
        return True
    if path[0] == "jsonSchema":
        return document.get("responseFormat") == "json_schema"
    if path[0] == "model":
        return model_of(str(value[1])).spec is not None
    if path[-1] == "role":
        return str(value[1]).lower() in {"system", "user", "assistant"}
    return len(path) == 2 and path[0] == "modelParameters" and path[1] in {"max_tokens", "top_p"}
