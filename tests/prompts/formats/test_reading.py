"""Documents of other tools: what becomes of them, and that each thing in them arrives or is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.losses import Losses
from promptvc.prompts.formats.format import Read
from promptvc.prompts.formats.front import joined, parted
from promptvc.prompts.formats.registry import READERS
from promptvc.prompts.model import load_prompt
from promptvc.prompts.new import new_prompt
from promptvc.prompts.render import render
from tests.prompts.formats.documents import documents

DOCUMENTS = documents()
FREE = {
    "inputs",
    "variables",
    "default",
    "schema",
    "sample",
    "properties",
    "partial_variables",
    "examples",
    "response_format",
}


def read(what: str) -> Read:
    format_, name, data = DOCUMENTS[what]
    return READERS[format_].read(data, file=name)


def texts(what: str, **values: Any) -> list[tuple[str, str]]:
    return [(each.role, each.content) for each in render(read(what).prompts[-1].prompt, values)]


def losses(what: str) -> dict[str, str]:
    return {loss.path: loss.what for loss in read(what).losses}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_it_is_recognised_and_becomes_a_valid_prompt(what: str) -> None:
    format_, name, data = DOCUMENTS[what]
    fitting = {each for each, reader in READERS.items() if each != "text" and reader.sniff(data, name)}
    assert fitting == ({format_} if format_ != "text" else set())
    for one in read(what).prompts:
        assert load_prompt(new_prompt(one.prompt), file=name) == one.prompt


@pytest.mark.parametrize("what", DOCUMENTS)
def test_no_key_and_no_address_comes_over_or_is_shown(what: str) -> None:
    said = repr(read(what))
    assert "SECRET123" not in said
    assert "example.org" not in said
    assert "${env" not in said


def test_prompty_of_version_1() -> None:
    prompt = read("prompty 1").prompts[0].prompt
    assert (prompt.model, prompt.parameters) == (
        "azure_openai:gpt-4o",
        {"max_tokens": 300, "temperature": 0.2},
    )
    assert (prompt.output.format, prompt.tags) == ("json", ("shop",))
    assert prompt.metadata == {"authors": ["ada", "bob"], "version": "1.2.0"}
    assert texts("prompty 1", question="Why?") == [("system", "You help Jane.\n- a\n- b\n"), ("user", "Why?")]
    suite = read("prompty 1").prompts[0].suite
    assert suite is not None
    assert suite["cases"][0]["vars"] == {"question": "What tents do you have?"}


def test_prompty_of_version_2() -> None:
    prompt = read("prompty 2").prompts[0].prompt
    assert prompt.model == "anthropic:claude-sonnet-4-5"
    assert prompt.parameters == {"temperature": 0.7, "max_tokens": 512, "stop": ["END"], "top_p": 0.9}
    assert prompt.output.schema is not None
    assert prompt.output.schema["properties"]["degrees"] == {"type": "number"}
    assert texts("prompty 2", city="Rome", past="-") == [
        ("system", "You are a guide."),
        ("system", "Say it short. "),
        ("user", "Tell me of Rome ![map](map.png)"),
        ("assistant", "- {{#more}}x{{/more}}"),
    ]
    found = losses("prompty 2")
    assert {"tools", "displayName", "metadata.team", "inputs.past", "template.format.strict"} <= found.keys()


def test_a_role_inside_of_a_loop_is_refused() -> None:
    body = "---\nname: a\n---\n{% for m in past %}\nuser:\n{{ m }}\n{% endfor %}\n"
    with pytest.raises(InvalidDocument) as refused:
        READERS["prompty"].read(body.encode(), file="a.prompty")
    assert "cannot reach from one message into the next" in str(refused.value.hint)


def test_dotprompt() -> None:
    prompt = read("dotprompt").prompts[0].prompt
    assert prompt.model == "google_genai:gemini-2.0-flash"
    schema = prompt.output.schema
    assert schema is not None
    assert schema["properties"]["words"] == {"type": "array", "items": {"type": "string"}}
    assert schema["properties"]["more"]["type"] == ["object", "null"]
    given = {
        "people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 1}],
        "kind": "BIG",
        "location": "home",
    }
    assert texts("dotprompt", **given, style="softly") == [
        ("system", "You work at home.\nSpeak softly.\n"),
        (
            "user",
            'Greet 0: Ada (36) of home1: Bob (1) of home.\nA {{brace}} "BIG" {{>partial}} {{media url=photo}}',
        ),
    ]
    assert texts("dotprompt", **given)[0] == ("system", "You work at home.\nSpeak plainly.\n")


@pytest.mark.parametrize(
    ("body", "values", "expected"),
    [
        ("{{#unless a}}no{{else if b}}b{{else}}a{{/unless}}", {"a": "", "b": "1"}, "no"),
        ("{{#unless a}}no{{else if b}}b{{else}}a{{/unless}}", {"a": "1", "b": "1"}, "b"),
        ('{{#ifEquals a "x"}}same{{else}}other{{/ifEquals}}', {"a": "x"}, "same"),
        ("{{#each a}}{{this}}{{#if @last}}.{{else}}, {{/if}}{{/each}}", {"a": ["1", "2"]}, "1, 2."),
        ("{{#each a}}{{#each this.b}}{{this}}{{../c}}{{/each}}{{/each}}", {"a": [{"b": [1, 2], "c": "!"}]}, "1!2!"),
        ("a {{~b~}} c", {"b": "B"}, "aBc"),
        ("{\"k\": {{{v}}}}", {"v": "1"}, '{"k": 1}'),
        ("\\\\{{v}} \\{{v}} {{!-- {{v}} --}}{{v}}", {"v": "1"}, "\\1 {{v}} 1"),
        ("x{{#if a}}\n  y\n{{/if}}\nz", {"a": "1"}, "x\n  y\nz"),
        ("{{user.name}} {{my-var}}", {"user": {"name": "Ada"}, "my_var": "v"}, "Ada v"),
    ],
)  # fmt: skip
def test_handlebars_is_rendered_as_there(body: str, values: dict[str, Any], expected: str) -> None:
    prompt = (
        READERS["dotprompt"]
        .read(f"---\nmodel: googleai/g\n---\n{body}".encode(), file="a.prompt")
        .prompts[0]
        .prompt
    )
    assert [each.content for each in render(prompt, values)] == [expected]


@pytest.mark.parametrize(
    "body", ["{{#if a}}", "{{/if}}", "{{#if a}}{{/each}}", "{{ a", '{{#if a}}{{role "user"}}x{{/if}}']
)
def test_handlebars_that_is_none_is_refused(body: str) -> None:
    with pytest.raises(InvalidDocument):
        READERS["dotprompt"].read(f"---\nmodel: googleai/g\n---\n{body}".encode(), file="a.prompt")


def test_a_manifest_of_langchain() -> None:
    prompt = read("langchain").prompts[0].prompt
    assert prompt.model == "openai:gpt-4o-mini"
    assert texts("langchain", question="2+2?") == [
        ("system", 'Be kind. Answer as {"a": 1} {number:>3}.'),
        ("user", "Q: 1+1?"),
        ("assistant", "2"),
        ("user", "Q: 2+2?"),
    ]
    assert len(prompt.examples) == 1


def test_few_shot_turns_that_are_rendered_otherwise_stay_turns() -> None:
    format_, name, data = DOCUMENTS["langchain"]
    other = data.replace(b'"Q: {question}", "input_variables": ["question"]}}}}]', b'"So: {question}"}}}}]')
    prompt = READERS[format_].read(other, file=name).prompts[0].prompt
    assert not prompt.examples
    assert [each.content for each in render(prompt, {"question": "x"})][1:] == ["Q: 1+1?", "2", "So: x"]


def test_an_older_file_of_langchain_reads_no_other_file() -> None:
    assert texts("langchain older", adjective="big")[0][1] == (
        "Write antonyms.\n\nInput: happy\nOutput: sad\n\nInput: tall\nOutput: short\n\nInput: big\nOutput:"
    )
    assert "template_path" in losses("langchain older")


def test_what_is_only_named_in_a_manifest_is_a_loss() -> None:
    value = {
        "lc": 1,
        "type": "not_implemented",
        "id": ["os", "system"],
        "kwargs": {"command": "true"},
        "repr": "x",
    }
    chat = {
        "lc": 1,
        "type": "constructor",
        "id": ["x", "ChatPromptTemplate"],
        "kwargs": {"messages": [value, ["user", "a"]]},
    }
    with pytest.raises(InvalidDocument, match="no message"):
        READERS["langchain"].read(json.dumps(chat).encode(), file="a.json")


def test_requests_of_openai() -> None:
    assert texts("chat", mail="m") == [("system", "You sort mail."), ("user", "Sort m"), ("user", "And m?")]
    assert texts("responses", tone="kind", name="Ada") == [("system", "Be kind."), ("user", "Hi Ada")]
    assert read("responses").prompts[0].prompt.parameters == {"reasoning_effort": "low", "verbosity": "low"}
    assert texts("reusable", mail="m") == [("system", "Sort for Support."), ("user", "m")]
    assert (read("reusable").prompts[0].label, read("reusable").prompts[0].version) == ("Sort mail", "4")


def test_a_batch_is_a_prompt_a_line() -> None:
    bodies = [
        {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{at} {{{{x}}}}"}]} for at in range(2)
    ]
    lines = [
        {"custom_id": f"r{at}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for at, body in enumerate(bodies)
    ]
    found = READERS["openai"].read("\n".join(map(json.dumps, lines)).encode(), file="batch.jsonl")
    assert [(one.label, one.prompt.messages[0].content) for one in found.prompts] == [
        ("r0", "0 {{ x }}"),
        ("r1", "1 {{ x }}"),
    ]
    assert not found.losses


def test_a_prompt_that_is_only_referred_to_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="text is not in the file"):
        READERS["openai"].read(b'{"prompt": {"id": "pmpt_1", "version": "2"}}', file="a.json")


def test_versions_of_langfuse_come_the_oldest_first() -> None:
    found = read("langfuse").prompts
    assert [(one.label, one.version) for one in found] == [("movie/critic", "1"), ("movie/critic", "2")]
    assert found[1].note is not None
    assert found[1].note.startswith("Sharper")
    assert losses("langfuse")["data[0].labels"] == "production"
    assert "meta" in losses("langfuse")


def test_prompts_of_mlflow() -> None:
    assert texts("mlflow", count="2", text="T") == [("user", "Sum up in 2 sentences: T")]
    assert texts("mlflow registry", name="Ada") == [("user", "Hi Ada")]
    assert read("mlflow registry").prompts[0].prompt.model == "openai:gpt-4o"
    named = b'{"uri": "prompts:/team-a/7", "template": "Hi"}'
    one = READERS["mlflow"].read(named, file="a.json").prompts[0]
    assert (one.label, one.version) == ("team-a", "7")


def test_a_text_is_one_message() -> None:
    assert texts("text", mail="M") == [("user", "# Sort\n\nSort this: M and {not this} {{ nor this one }}\n")]


@pytest.mark.parametrize("what", DOCUMENTS)
def test_each_key_arrives_or_is_listed(what: str) -> None:
    """A key that nobody knows, put into each mapping of the document in turn."""
    format_, name, data = DOCUMENTS[what]
    if format_ == "text":
        return
    count = 0
    for path, changed in _with_strangers(format_, name, data):
        found = READERS[format_].read(changed, file=name)
        told = any("zzz_strange" in f"{loss.path} {loss.what}" for loss in found.losses)
        # Or all that it stands in is lost.
        whole = {path.lstrip("."), path.lstrip(".").rpartition("[")[0]} & {loss.path for loss in found.losses}
        assert told or whole or "zzz_strange" in repr(found.prompts), f"{path}: nobody said what became of it"
        count += 1
    assert count


def _with_strangers(format_: str, name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    fronted = format_ in {"prompty", "dotprompt"}
    value: Any
    head, body = parted(data.decode(), name, Losses()) if fronted else ({}, "")
    value = head if fronted else load_yaml(data, file=name).value
    for path, place in list(_mappings(value, "")):
        place["zzz_strange"] = "here"
        if fronted:
            yield path, joined(value, body)
        else:
            yield path, (dump_yaml(value) if name.endswith(".yaml") else json.dumps(value)).encode()
        del place["zzz_strange"]


def _mappings(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings whose keys are the format's own, not names that its users choose."""
    if isinstance(value, dict):
        yield path or "(top)", value
        for key, inner in value.items():
            if key not in FREE:
                yield from _mappings(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _mappings(inner, f"{path}[{index}]")


@pytest.mark.parametrize("format_", sorted(set(READERS) - {"text", "prompt-yml"}))
@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"{", b"[]", b"null", b"3", b'"x"', b'{"messages": 3}', b'[["a"]]', b"---\n- a\n---\n", b"\0",
     b'{"name": 1, "prompt": 2}', b'{"lc": 1}', b'{"_type": "x"}', b'{"template": 1, "name": "a"}', b"{" * 2000,
     b'{"messages": [{"role": "user"}]}', b'{"input": {"a": 1}}', b'{"tags": [3], "template": {}}'],
    ids=repr,
)  # fmt: skip
def test_what_is_none_is_refused_with_its_name(format_: str, data: bytes) -> None:
    reader = READERS[format_]
    name = f"a{reader.suffixes[0]}"
    reader.sniff(data, name)
    try:
        found = reader.read(data, file=name)
    except InvalidDocument:
        return
    assert found.prompts


@pytest.mark.parametrize(
    ("format_", "name", "text", "lines"),
    [
        (
            "prompt-yml",
            "a.prompt.yml",
            "# one\nmessages:\n  - role: user  # two\n    content: 'Hi # no'\n",
            [1, 3],
        ),
        ("prompty", "a.prompty", "---\nname: a  # one\n# two\n---\nuser:\n# Hi\n", [2, 3]),
        ("dotprompt", "a.prompt", "# one\n---\nmodel: googleai/gemini-2.0-flash # two\n---\n# Hi\n", [1, 3]),
    ],
)
def test_comments_are_listed_with_their_lines(format_: str, name: str, text: str, lines: list[int]) -> None:
    found = READERS[format_].read(text.encode(), file=name).losses
    comments = [(loss.path, loss.what) for loss in found if "comments" in loss.why]
    assert comments == [(f"line {line}", word) for line, word in zip(lines, ["# one", "# two"], strict=True)]


def test_a_key_in_a_comment_is_not_shown() -> None:
    text = "# api_key: hunter2hunter2\n# sk-abc123\nmessages: [{role: user, content: Hi}]\n"
    found = READERS["prompt-yml"].read(text.encode(), file="a.prompt.yml").losses
    assert [loss.what for loss in found] == ["(not shown)", "(not shown)"]
