"""``prompt-yml``, value by value: what each key means here, and what ours mean there."""

from __future__ import annotations

from typing import Any

import pytest

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InputError, InvalidDocument
from promptvc.prompts.formats.format import Read, Reader, Writer
from promptvc.prompts.formats.github.models import id_of, model_of
from promptvc.prompts.formats.github.testing import assertion_of
from promptvc.prompts.formats.prompt_yml import PromptYml
from promptvc.prompts.formats.registry import READERS, WRITERS
from promptvc.prompts.model import Example, Message, OutputFormat, Prompt, Rule, Variable
from promptvc.prompts.render import render

ASK = [{"role": "user", "content": "{{input}}"}]


def read(**document: Any) -> Read:
    return PromptYml().read(dump_yaml({"messages": ASK, **document}).encode(), file="a.prompt.yml")


def written(prompt: Prompt, suite: Any = None) -> tuple[Any, list[str]]:
    done = PromptYml().write(prompt, suite)
    (data,) = done.files.values()
    return load_yaml(data, file="a.prompt.yml").value, [loss.path for loss in done.losses]


def test_it_is_in_the_registry() -> None:
    assert isinstance(READERS["prompt-yml"], Reader)
    assert isinstance(WRITERS["prompt-yml"], Writer)
    assert READERS["prompt-yml"].sniff(b"messages: []", "A.PROMPT.yml")
    assert not READERS["prompt-yml"].sniff(b"messages: []", "a.yml")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("openai/gpt-4o", "openai:gpt-4o"),
        ("openai/o1", "openai:o1"),
        ("gpt-4.1-mini", "openai:gpt-4.1-mini"),
        ("mistral-ai/mistral-medium-2505", "mistralai:mistral-medium-2505"),
        ("xai/grok-3", "xai:grok-3"),
        ("deepseek/DeepSeek-R1", "deepseek:DeepSeek-R1"),
        ("cohere/cohere-command-r-plus-08-2024", "cohere:command-r-plus-08-2024"),
        ("meta/Llama-3.3-70B-Instruct", None),
        ("microsoft/Phi-4", None),
        ("ai21-labs/AI21-Jamba-1.5-Large", None),
        ("Phi-4", None),
        ("openai/http://evil.example/v1", None),
        ("openai/../x", None),
        ("", None),
    ],
)
def test_models(theirs: str, ours: str | None) -> None:
    found = model_of(theirs)
    assert found.spec == ours
    if ours is None:
        assert found.why
    elif "/" in theirs:
        assert id_of(ours) == theirs


@pytest.mark.parametrize(
    ("evaluator", "assertion"),
    [
        ({"string": {"equals": "yes"}}, {"type": "equals", "value": "yes"}),
        ({"string": {"equals": 5}}, {"type": "equals", "value": "5"}),
        ({"string": {"equals": "{{input}}"}}, {"type": "equals", "value": "{{input}}"}),
        ({"string": {"equals": "{{other}}"}}, {"type": "regex", "value": r"\A\s*\{\{other\}\}\s*\Z"}),
        ({"string": {"contains": "Oslo"}}, {"type": "icontains", "value": "Oslo"}),
        ({"string": {"startsWith": "A (b)"}}, {"type": "regex", "value": r"(?i)\A\s*A \(b\)"}),
        ({"string": {"endsWith": "."}}, {"type": "regex", "value": r"(?i)\.\s*\Z"}),
        ({"string": {"endsWith": ".", "contains": "x"}}, {"type": "icontains", "value": "x"}),
        ({"name": "n", "string": {"contains": "x"}}, {"type": "icontains", "value": "x", "metric": "n"}),
        ({"uses": "github/similarity"}, {"type": "similar", "value": "{{ expected }}"}),
        ({"uses": "acme/tone"}, None),
        ({"string": {}}, None),
        ({"string": {"contains": ""}}, None),
        ({"name": "n"}, None),
        ({"llm": {"modelId": "openai/gpt-4o"}}, None),
    ],
)  # fmt: skip
def test_evaluators(evaluator: dict[str, Any], assertion: dict[str, Any] | None) -> None:
    found = assertion_of(evaluator, {"input": None}, {})
    assert found.assertion == assertion
    if assertion is None:
        assert found.changes


def test_an_llm_becomes_a_rubric_with_its_choices() -> None:
    llm = {
        "modelId": "openai/gpt-4o",
        "systemPrompt": "You grade.",
        "prompt": "Is {{completion}} right for {{input}} and {{nobody}}?",
        "choices": [
            {"choice": "good", "score": 5},
            {"choice": "fair", "score": 2},
            {"choice": "bad", "score": 0},
        ],
    }
    assertion = assertion_of({"llm": llm}, {"input": None}, {}).assertion
    assert assertion is not None
    assert assertion["type"] == "llm-rubric"
    assert assertion["provider"] == "openai:gpt-4o"
    assert assertion["threshold"] == pytest.approx(0.4)
    text = assertion["value"]
    assert "You grade.\n\nIs (the answer) right for {{input}} and { {nobody} }?" in text
    assert "- good: 1\n- fair: 0.4\n- bad: 0" in text


class TestRows:
    def test_expected_is_compared_where_an_evaluator_names_it(self) -> None:
        found = read(testData=[{"input": "a", "expected": "b"}], evaluators=[{"uses": "github/similarity"}])
        assert found.prompts[0].suite == {
            "default": {"assert": [{"type": "similar", "value": "{{ expected }}"}]},
            "cases": [{"vars": {"input": "a"}, "expected": "b"}],
        }

    def test_expected_is_kept_where_none_does(self) -> None:
        found = read(testData=[{"input": "a", "expected": "b"}], evaluators=[{"string": {"contains": "x"}}])
        suite = found.prompts[0].suite
        assert suite is not None
        assert suite["cases"] == [{"vars": {"input": "a"}, "metadata": {"prompt_yml": {"expected": "b"}}}]
        assert [(loss.path, loss.what) for loss in found.losses] == [("testData", "expected")]

    def test_without_evaluators_the_answer_has_to_equal_it(self) -> None:
        suite = read(testData=[{"input": "a", "expected": "b"}, {"input": "c"}]).prompts[0].suite
        assert suite is not None
        assert suite["cases"][0] == {"vars": {"input": "a"}, "expected": "b"}
        assert suite["cases"][1]["assert"][0]["value"] == r"\S"

    def test_rows_that_are_alike_are_told_apart(self) -> None:
        suite = read(testData=[{"input": "a"}, {"input": "a"}]).prompts[0].suite
        assert suite is not None
        assert [case.get("id") for case in suite["cases"]] == [None, "row-2"]

    def test_a_placeholder_that_a_row_lacks_stays_as_it_is(self) -> None:
        found = read(testData=[{"input": "a"}, {"x": "b"}])
        prompt = found.prompts[0].prompt
        assert render(prompt, {}) == (Message("user", "{{input}}"),)

    def test_an_evaluator_grades_the_rows_that_it_can(self) -> None:
        found = read(
            testData=[{"input": "a", "expected": "b"}, {"input": "c"}],
            evaluators=[{"uses": "github/similarity"}],
        )
        suite = found.prompts[0].suite
        assert suite is not None
        assert "default" not in suite
        assert [case["assert"][0]["type"] for case in suite["cases"]] == ["similar", "regex"]


class TestSafety:
    @pytest.mark.parametrize(
        "key", ["apiKey", "api_key", "endpoint", "baseUrl", "authorization", "headers", "x-secret"]
    )
    def test_no_key_and_no_address_comes_into_a_prompt(self, key: str) -> None:
        found = read(**{key: "s3cr3t"}, modelParameters={key: "s3cr3t", "n": {key: "s3cr3t"}})
        assert "s3cr3t" not in str(found.prompts[0].prompt.to_json())
        assert "s3cr3t" not in str(found.losses)
        assert key in [loss.path for loss in found.losses]

    def test_a_yaml_tag_runs_nothing(self) -> None:
        with pytest.raises(InvalidDocument):
            PromptYml().read(b"messages: !!python/object/apply:os.system [id]\n", file="a.prompt.yml")

    def test_a_bomb_ends_in_an_error(self) -> None:
        bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(8)
        )
        with pytest.raises(InvalidDocument):
            PromptYml().read((bomb + "messages: *i\n").encode(), file="a.prompt.yml")


class TestWriting:
    def prompt(self, **more: Any) -> Prompt:
        messages = (Message("system", "Be short."), Message("user", "{{ question }}"))
        return Prompt("team/ask", 3, messages, **more)

    def test_a_prompt_of_ours(self) -> None:
        prompt = self.prompt(
            model="openai:gpt-4o",
            parameters={"max_tokens": 5, "seed": 1},
            output=OutputFormat("json", {"type": "object"}),
            variables=(Variable("question"),),
        )
        value, lost = written(prompt)
        assert value == {
            "name": "team/ask",
            "model": "openai/gpt-4o",
            "modelParameters": {"maxTokens": 5, "seed": 1},
            "responseFormat": "json_schema",
            "jsonSchema": '{\n  "name": "ask",\n  "schema": {\n    "type": "object"\n  }\n}\n',
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "{{question}}"},
            ],
        }
        assert lost == ["parameters.seed"]
        assert list(PromptYml().write(prompt).files) == ["team/ask.prompt.yml"]

    def test_rules_and_examples_become_text(self) -> None:
        prompt = self.prompt(
            rules=(Rule("Say {{ nothing }} twice."),), examples=(Example({"question": "Why?"}, "Because."),)
        )
        value, lost = written(prompt)
        assert [message["content"] for message in value["messages"]] == [
            "Be short.\n\nRules:\n- Say {{nothing}} twice.", "Why?", "Because.", "{{question}}",
        ]  # fmt: skip
        assert lost == ["rules", "examples", "rules"]

    def test_what_has_no_place_is_listed(self) -> None:
        prompt = self.prompt(
            model="ollama:llama3", type="system", tags=("a",), metadata={"owner": "me"},
            variables=(Variable("question", "what", required=False, default="why"),),
        )  # fmt: skip
        assert sorted(written(prompt)[1]) == [
            "metadata.owner", "model", "tags", "type", "variables.question.default", "variables.question.description",
        ]  # fmt: skip

    def test_jinja_with_placeholders_alone_is_written(self) -> None:
        value, lost = written(self.prompt(template="jinja2"))
        assert value["messages"][1]["content"] == "{{question}}"
        assert lost == ["template"]
        loop = Prompt("a", 1, (Message("user", "{% for x in y %}{{ x }}{% endfor %}"),), template="jinja2")
        with pytest.raises(InputError, match="Jinja"):
            PromptYml().write(loop)

    def test_a_suite_of_ours(self) -> None:
        suite = {
            "guards": {"latency": 0.1},
            "default": {
                "assert": [{"type": "icontains", "value": "x", "weight": 2}, {"type": "bleu", "value": "y"}]
            },
            "cases": [{"id": "one", "vars": {"question": "q"}, "expected": "e", "tags": ["t"]}],
        }
        value, lost = written(self.prompt(), suite)
        assert value["testData"] == [{"question": "q", "expected": "e"}]
        assert value["evaluators"] == [{"name": "icontains", "string": {"contains": "x"}}]
        assert sorted(lost) == [
            "cases[0].id", "cases[0].tags", "default.assert[0].weight", "default.assert[1]", "guards", "match",
        ]  # fmt: skip

    def test_a_text_that_begins_or_ends_comes_back(self) -> None:
        for key in ("startsWith", "endsWith"):
            evaluator = {"name": "n", "string": {key: "(a) b.\nc"}}
            found = read(testData=[{"input": "a"}], evaluators=[evaluator]).prompts[0]
            assert "evaluators" not in found.prompt.metadata["prompt_yml"]
            assert written(found.prompt, found.suite)[0]["evaluators"] == [evaluator]


class TestKept:
    def test_only_what_would_not_come_back_is_kept(self) -> None:
        found = read(
            name="Title", model="openai/gpt-4o", modelParameters={"maxTokens": 3}, responseFormat="text"
        )
        assert found.prompts[0].prompt.metadata == {"prompt_yml": {"name": "Title", "responseFormat": "text"}}

    def test_what_was_edited_since_is_written_as_it_is(self) -> None:
        found = read(
            model="gpt-4o",
            modelParameters={"max_tokens": 3, "logitBias": {"a": 1}},
            responseFormat="json_schema",
            jsonSchema='{"schema": {"type": "object"}, "name": "n", "strict": true}',
            messages=[{"role": "User", "content": "{{ input }} {{a-b}}", "note": "x"}],
        ).prompts[0]
        prompt = found.prompt
        edited = Prompt(
            "a", 2, (Message("user", "Now {{ input }} {{ a_b }}"),), model="openai:gpt-5",
            parameters={"max_tokens": 4, "top_p": 1}, output=OutputFormat("json"), metadata=prompt.metadata,
        )  # fmt: skip
        assert written(edited)[0] == {
            "model": "openai/gpt-5",
            "modelParameters": {"max_tokens": 4, "logitBias": {"a": 1}, "topP": 1},
            "responseFormat": "json_object",
            "messages": [{"role": "User", "content": "Now {{input}} {{a-b}}", "note": "x"}],
        }

    def test_an_assertion_that_was_taken_out_stays_out(self) -> None:
        evaluators = [
            {"string": {"contains": "a", "equals": ""}},
            {"uses": "acme/x"},
            {"string": {"contains": "b"}},
        ]
        found = read(testData=[{"input": "q"}], evaluators=evaluators).prompts[0]
        assert found.suite is not None
        kept = {**found.suite, "default": {"assert": found.suite["default"]["assert"][1:]}}
        assert written(found.prompt, kept)[0]["evaluators"] == evaluators[1:]
