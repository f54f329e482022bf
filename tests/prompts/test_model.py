"""Prompts as values: what is read, what is refused, and the text of a new one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.documents import load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.base.memo import Memo
from promptvc.base.schemas import unknown_keys
from promptvc.prompts.model import Example, Message, OutputFormat, Prompt, Rule, Variable, load_prompt
from promptvc.prompts.new import new_prompt, new_prompt_text
from promptvc.prompts.parameters import ALLOWED
from tests.prompts.handwritten import DOCUMENTS, SOURCES

GOOD = "name: a/b\nversion: 1\nmessages:\n  - {role: user, content: hi}\n"


def load(text: str, name: str | None = None) -> Prompt:
    return load_prompt(text.encode(), file="p.yaml", name=name)


def refused(text: str, name: str | None = None) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        load(text, name)
    assert caught.value.file == "p.yaml"
    return caught.value


def test_a_whole_prompt_is_read() -> None:
    prompt = load_prompt(SOURCES["house"], file="p.yaml", name="support/triage")
    assert prompt == Prompt(
        name="support/triage",
        version=3,
        description="Route a customer's message to the team that can solve it.",
        type="user",
        model="offline",
        parameters={"temperature": 0},
        variables=(Variable("message", "the customer's own words", required=True),),
        messages=(
            Message("system", "You route customer messages. Answer with one label only.\n"),
            Message("user", "{{ message }}"),
        ),
        rules=(
            Rule(
                "A charge the customer does not recognise is card_fraud, never billing.",
                ("01JD3M8Z6VQW4N9T2X5KAB7CDE",),
            ),
            Rule("A refund is billing: always.", ("01JD3M8Z6VQW4N9T2X5KAB7CDF", "01JD3M8Z6VQW4N9T2X5KAB7CDG")),
        ),
        examples=(
            Example({"message": "I was charged twice"}, "billing", ("01JD3M9C2K8P0R4S6T1VWXYZ23",)),
            Example({"message": "Where is my card?"}, "card_arrival"),
        ),
        output=OutputFormat("text"),
        tags=("support",),
        metadata={"owner": "team-support"},
    )  # fmt: skip


def test_what_is_left_out_has_its_default() -> None:
    prompt = load(GOOD)
    assert (prompt.type, prompt.model, prompt.template, prompt.output) == (
        "user",
        None,
        "simple",
        OutputFormat(),
    )
    assert not any((prompt.variables, prompt.rules, prompt.examples, prompt.tags))
    assert load(
        GOOD + "rules:\nexamples: ~\ntags: []\nparameters:\noutput:\nmetadata:\nvariables: {x: }\n"
    ).variables == (Variable("x"),)


@pytest.mark.parametrize(
    "name", sorted(name for name in DOCUMENTS if name.startswith(("house", "commented", "minimal", "quotes")))
)
def test_hand_written_prompts_read_the_same_with_any_line_ends(name: str) -> None:
    source = SOURCES[name.partition("-")[0]]
    assert load_prompt(DOCUMENTS[name], file="p.yaml") == load_prompt(source, file="p.yaml")


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ("", 1, "an empty file is not a prompt", "it needs `name`, `version` and `messages`"),
        ("hello", 1, "the document must be a mapping, not 'hello'", None),
        (GOOD.replace("version: 1\n", ""), 1, "`version` is missing", None),
        (GOOD.replace("a/b", "A B"), 1, "`name`: `A B` cannot name a prompt", "`a-b` would do"),
        (GOOD.replace("a/b", "a/v3"), 1, "the segment `v3` reads like a version", None),
        (GOOD + "parameters:\n  temperature: 0\n  base_url: http://evil\n", 7,
         "endpoints and credentials never come from", "set it in the environment or in your own configuration"),
        (GOOD + "parameters: {api_key: x}", 5, "`parameters.api_key` is refused", None),
        (GOOD + "parameters: {extra_headers: {a: b}}", 5, "`parameters.extra_headers` is refused", None),
        (GOOD + "parameters: {model_kwargs: {}}", 5, "is refused", None),
        (GOOD + "parameters: {temprature: 1}", 5, "not a parameter that a prompt may set",
         "did you mean `temperature`?"),
        (GOOD + "parameters: {temperature: 3}", 5, "`parameters.temperature` must be at most 2, not 3", None),
        (GOOD + "parameters: {temperature: .nan}", 5, "must be a finite number", None),
        (GOOD + "parameters: {stop: 3}", 5, "`parameters.stop` must be a text or a list of texts", None),
        (GOOD + "model: openai:http://evil/x", 5, "`model` must be provider:model or offline", None),
        (GOOD + "variables:\n  x: {required: false}\n", 6, "`variables.x` is not required and has no default", None),
        (GOOD + "variables: {rules: {}}", 5, "the name of `variables.rules` must be", None),
        (GOOD + "examples:\n  - input: {a: 1}\n    output: x\n", 6, "`examples[0].input.a` must be text, not 1",
         'quote it: "1"'),
        (GOOD + "rules: [{text: ''}]", 5, "`rules[0].text` must not be empty", None),
        (GOOD.replace("user", "tool"), 4, "must be one of system, user, assistant", None),
        (GOOD + "a: 1\na: 2\n", 6, "appears twice", None),
    ],
)  # fmt: skip
def test_errors_name_file_line_and_key(text: str, line: int, words: str, hint: str | None) -> None:
    error = refused(text)
    assert words in error.message
    assert error.line == line
    assert hint is None or error.hint == hint


def test_the_name_must_be_what_the_path_says() -> None:
    error = refused(GOOD, name="a/c")
    assert error.message == "`name` is a/b, but the file's path says a/c"
    assert (error.line, error.hint) == (1, "write `name: a/c`, or move the file")


def test_unknown_keys_are_kept_and_can_be_listed() -> None:
    text = GOOD + "rulez: []\nvariables: {x: {requird: true}}\n"
    load(text)
    document = load_yaml(text.encode(), file="p.yaml")
    found = unknown_keys(document.value, "prompt", document=document)
    assert [(each.path, each.line) for each in found] == [(("rulez",), 5), (("variables", "x", "requird"), 6)]


def test_a_memo_that_lies_opens_no_door(tmp_path: Path) -> None:
    path = tmp_path / "validated"

    class Liar(Memo):
        def knows(self, digest: str) -> bool:
            return True

    def trusting(text: str) -> Prompt:
        return load_prompt(text.encode(), file="p.yaml", memo=Liar(path))

    for text in (GOOD + "parameters: {base_url: x}", GOOD + "parameters: [base_url]", "a: 1", "[1]", GOOD + "rules: 3",
                 GOOD.replace("a/b", "3"), GOOD + "variables: [1]"):  # fmt: skip
        with pytest.raises(InvalidDocument):
            trusting(text)
    assert trusting(GOOD).name == "a/b"


ROLES = st.sampled_from(["system", "user", "assistant"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ULIDS = st.lists(st.just("01JD3M8Z6VQW4N9T2X5KAB7CDE"), max_size=2).map(tuple)
PROMPTS = st.builds(
    Prompt,
    name=st.sampled_from(["a", "support/triage"]),
    version=st.integers(1, 10**6),
    description=st.none() | TEXT,
    type=st.sampled_from(["system", "user", "connector"]),
    model=st.sampled_from([None, "offline", "openai:gpt-4o", "ollama:llama3:8b"]),
    template=st.sampled_from(["simple", "jinja2"]),
    parameters=st.dictionaries(st.sampled_from(["max_tokens", "seed", "top_k"]), st.integers(1, 9)),
    variables=st.lists(
        st.builds(Variable, st.sampled_from(["x", "größe"]), st.none() | TEXT)
        | st.builds(Variable, st.just("y"), st.none(), st.booleans(), TEXT),
        unique_by=lambda each: each.name,
    ).map(tuple),
    messages=st.lists(st.builds(Message, ROLES, TEXT), min_size=1, max_size=3).map(tuple),
    rules=st.lists(st.builds(Rule, TEXT.filter(bool), ULIDS), max_size=3).map(tuple),
    examples=st.lists(
        st.builds(Example, st.dictionaries(TEXT, TEXT, min_size=1, max_size=2), TEXT, ULIDS), max_size=3
    ).map(tuple),
    output=st.sampled_from([OutputFormat(), OutputFormat("json"), OutputFormat("json", {"type": "object"})]),
    tags=st.lists(TEXT.filter(bool), max_size=2).map(tuple),
    metadata=st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT, max_size=2), max_size=2),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PROMPTS)
def test_a_new_prompt_is_read_back_equal(prompt: Prompt) -> None:
    assert load_prompt(new_prompt(prompt), file="p.yaml", name=prompt.name) == prompt


def test_a_new_prompt_is_in_the_house_style() -> None:
    prompt = load_prompt(SOURCES["house"], file="p.yaml")
    text = new_prompt_text(prompt)
    # The example in the documentation differs in its comments, and in quotes that are not needed.
    assert [line.split("  #")[0].rstrip() for line in text.splitlines()][:8] == [
        "name: support/triage", "version: 3", "description: Route a customer's message to the team that can solve it.",
        "type: user", "model: offline", "parameters: {temperature: 0}", "variables:",
        "  message: {description: the customer's own words, required: true}",
    ]  # fmt: skip
    assert "  - text: A charge the customer does not recognise is card_fraud, never billing.\n" in text


def test_every_allowed_parameter_has_a_schema() -> None:
    values = {"stop": ["x"], "reasoning_effort": "low", "verbosity": "low"}
    for name in ALLOWED:
        assert load(GOOD + f"parameters: {{{name}: {values.get(name, 1)}}}").parameters[name] == values.get(
            name, 1
        )
        refused(GOOD + f"parameters: {{{name}: {{}}}}")
