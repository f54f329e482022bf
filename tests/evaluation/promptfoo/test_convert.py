"""promptfoo's configurations, part by part: what comes over, and that what does not is listed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvc.base.documents import dump_yaml, load_yaml
from promptvc.base.errors import InvalidDocument
from promptvc.evaluation.assertions.registry import NAMES
from promptvc.evaluation.cases.suite import load_suite
from promptvc.evaluation.promptfoo.convert import Imported, from_configuration, from_csv, slug
from promptvc.evaluation.promptfoo.nunjucks import templated
from promptvc.evaluation.promptfoo.providers import model_of
from promptvc.evaluation.promptfoo.source import Source
from promptvc.prompts.model import Prompt, load_prompt
from promptvc.prompts.render import render


@dataclass
class Tree:
    """Files by their path from the top."""

    files: Mapping[str, str | bytes]

    def read(self, path: str) -> bytes | None:
        content = self.files.get(path)
        return content.encode() if isinstance(content, str) else content

    def list(self, folder: str) -> Sequence[str]:
        below = f"{folder}/" if folder else ""
        rests = [path.removeprefix(below) for path in self.files if path.startswith(below)]
        return sorted({rest.partition("/")[0] + ("/" if "/" in rest else "") for rest in rests})


def imported(text: str, **files: str | bytes) -> Imported:
    """The configuration ``text`` in the folder ``pf``; ``a__b_txt`` is the file ``pf/a/b.txt``."""
    named = {
        "pf/" + ".".join(name.replace("__", "/").rsplit("_", 1)): content for name, content in files.items()
    }
    value = load_yaml(text.encode(), file="promptfooconfig.yaml").value
    found = from_configuration(value, "promptfooconfig.yaml", Source(Tree(named), "pf"), "x.checks/")
    if found.cases:
        code = {f"evaluation/{path}": text for path, text in found.code.items()}
        suite = dump_yaml({**found.suite, "cases": list(found.cases)}).encode()
        load_suite(suite, file="evaluation/x.yaml", files=Tree(code))
    return found


def one(found: Imported) -> Prompt:
    (prompt,) = found.prompts.values()
    return prompt


def reason(found: Imported, path: str) -> str:
    """Why what stood at ``path`` was dropped or changed."""
    return " | ".join(loss.why for loss in found.losses if loss.path == path)


def test_a_plain_configuration_comes_over_without_loss() -> None:
    found = imported("""
description: Translate
prompts: ["Translate to {{language}}: {{ text }}"]
providers: [openai:gpt-4.1]
tests:
  - vars: {language: French, text: hello}
    assert: [{type: equals, value: bonjour}]
  - vars: {language: German, text: hello}
    description: a greeting
    threshold: 0.5
    metadata: {ticket: 7}
    assert:
      - {type: icontains-any, value: [hallo, "guten {{ text }}"], weight: 2, metric: tone}
      - {type: not-contains, value: bonjour}
""")
    assert found.losses == ()
    prompt = one(found)
    assert (prompt.model, prompt.template, prompt.description) == ("openai:gpt-4.1", "simple", "Translate")
    assert [(turn.role, turn.content) for turn in prompt.messages] == [
        ("user", "Translate to {{ language }}: {{ text }}")
    ]
    assert [(variable.name, variable.required) for variable in prompt.variables] == [
        ("language", True),
        ("text", True),
    ]
    assert found.cases == [
        {"vars": {"language": "French", "text": "hello"}, "expected": "bonjour"},
        {
            "description": "a greeting",
            "vars": {"language": "German", "text": "hello"},
            "assert": [
                {
                    "type": "icontains-any",
                    "value": ["hallo", "guten {{ text }}"],
                    "weight": 2,
                    "metric": "tone",
                },
                {"type": "not-contains", "value": "bonjour"},
            ],
            "threshold": 0.5,
            "metadata": {"ticket": 7},
        },
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("openai:gpt-4.1", "openai:gpt-4.1"),
        ("openai:chat:gpt-4.1-mini", "openai:gpt-4.1-mini"),
        ("openai:responses:gpt-5", "openai:gpt-5"),
        ("anthropic:messages:claude-sonnet-4-5", "anthropic:claude-sonnet-4-5"),
        ("anthropic:claude-sonnet-4-5", "anthropic:claude-sonnet-4-5"),
        ("ollama:chat:qwen3:8b", "ollama:qwen3:8b"),
        ("ollama:llama3.2", "ollama:llama3.2"),
        ("vertex:gemini-2.5-pro", "google_vertexai:gemini-2.5-pro"),
        ("azure:chat:my-deployment", "azure_openai:my-deployment"),
        ("mistral:mistral-large", "mistralai:mistral-large"),
    ],
)
def test_a_provider_is_a_model(theirs: str, ours: str) -> None:
    assert model_of(theirs) == ours


@pytest.mark.parametrize(
    "theirs",
    [
        "exec: python x.py",
        "file://provider.js",
        "python:provider.py",
        "https://example.org",
        "openai:embedding:text-embedding-3-small",
        "openai:completion:davinci",
        "openai",
        "openai:",
        "echo",
        "openai:https://evil.example",
        "openai:../x",
    ],
)
def test_what_is_no_model_is_said(theirs: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        model_of(theirs)
    found = imported(f"prompts: [hi]\nproviders: ['{theirs}']\n")
    assert one(found).model is None
    assert reason(found, "providers[0]")


def test_parameters_come_over_and_endpoints_and_keys_never_do() -> None:
    found = imported("""
prompts: [hi]
providers:
  - id: openai:gpt-4.1
    label: mine
    prompts: [a]
    env: {OPENAI_API_KEY: sk-env-secret}
    config:
      temperature: 0.5
      max_output_tokens: 10
      seed: many
      apiKey: sk-secret
      apiBaseUrl: https://evil.example
      headers: {Authorization: Bearer secret}
      tools: [{type: function}]
      response_format: {type: json_schema, json_schema: {name: a, schema: {type: object}}}
  - ollama:llama3.2
  - anthropic:messages:claude-x: {config: {temperature: 0}}
""")
    prompt = one(found)
    assert prompt.parameters == {"temperature": 0.5, "max_tokens": 10}
    assert (prompt.output.format, prompt.output.schema) == ("json", {"type": "object"})
    said = json.dumps([loss.to_json() for loss in found.losses])
    assert "secret" not in said
    assert "evil" not in said
    paths = {loss.path for loss in found.losses}
    config = {f"providers[0].config.{key}" for key in ("seed", "apiKey", "apiBaseUrl", "headers", "tools")}
    assert config | {"providers[0].prompts", "providers[0].env", "providers[1]", "providers[2]"} <= paths


def test_prompts_of_every_kind() -> None:
    chat = [{"role": "developer", "content": "Be {{ tone }}."}, {"role": "user", "content": "{{q}}"}]
    found = imported(
        """
prompts:
  - "Answer {{q}}"
  - file://a.txt
  - {id: file://chat.json, label: Chatty One}
  - chats/*.yaml
  - raw: |
      - role: system
        content: Be short.
      - role: user
        content: [{type: text, text: "{{q}}"}, {type: image_url, image_url: x}]
    label: parts
  - file://make.py
  - exec:make.sh
  - file://gone.txt
  - ""
  - "Return {\\"a\\": 1} for {{q}}"
""",
        a_txt="One {{q}}\n---\nTwo {{q}}\n",
        chat_json=json.dumps(chat),
        chats__b_yaml="- {role: user, content: 'B {{q}}'}\n",
        chats__c_yaml="- {role: tool, content: x}\n- {role: user, content: 'C {{q}}'}\n",
    )
    texts = {
        label: [(turn.role, turn.content) for turn in prompt.messages]
        for label, prompt in found.prompts.items()
    }
    assert texts == {
        "prompt-1": [("user", "Answer {{ q }}")],
        "a": [("user", "One {{ q }}")],
        "a-3": [("user", "Two {{ q }}")],
        "chatty-one": [("system", "Be {{ tone }}."), ("user", "{{ q }}")],
        "b": [("user", "B {{ q }}")],
        "c": [("user", "C {{ q }}")],
        "parts": [("system", "Be short."), ("user", "{{ q }}")],
        "prompt-8": [("user", 'Return {"a": 1} for {{ q }}')],
    }
    assert "runs none" in reason(found, "prompts[5]")
    assert "runs none" in reason(found, "prompts[6]")
    assert "no file" in reason(found, "prompts[7] (pf/gone.txt)")
    assert reason(found, "prompts[8]") == "it is no prompt"
    assert "role" in reason(found, "prompts[3] (pf/chats/c.yaml) message 1")
    assert "only text" in reason(found, "prompts[4] message 2")
    assert reason(found, "prompts[2] (pf/chat.json) message 1") == "the role became system"


def test_no_prompt_at_all_is_an_error_that_says_why() -> None:
    with pytest.raises(InvalidDocument, match=r"none of its prompts.*runs none"):
        imported("prompts: [file://make.js]\n")
    with pytest.raises(InvalidDocument, match="no configuration"):
        imported("a: 1\n")
    with pytest.raises(InvalidDocument, match="no configuration"):
        imported("[1, 2]\n")


@pytest.mark.parametrize(
    ("theirs", "ours", "jinja"),
    [
        ("{{a}} {{  b\n}}", "{{ a }} {{ b }}", False),
        ("no {a} and { {a} }", "no {a} and { {a} }", False),
        ("{{ rules }}", "{{ rules_ }}", False),
        ("{{ env.HOUSE }}!", "{{ env_HOUSE }}!", False),
        ("{{ user.name }}", "{{ user.name }}", True),
        ("{% if a === 'x' %}{{ a | upper }}{% endif %}", "{% if a == 'x' %}{{ a | upper }}{% endif %}", True),
        ("{% if a %}1{% elseif b !== c %}2{% endif %}", "{% if a %}1{% elif b != c %}2{% endif %}", True),
        ("{{ a | dump }}", "{{ a | tojson }}", True),
        ("{% if a.length > 2 %}{{ a }}{% endif %}", "{% if (a | length) > 2 %}{{ a }}{% endif %}", True),
        (
            "{% for examples in list %}{{ examples }}{% endfor %} {{ x.examples }} {{ 'examples' }}",
            "{% for examples_ in list %}{{ examples_ }}{% endfor %} {{ x.examples }} {{ 'examples' }}",
            True,
        ),
        ("{# a note #}{{ a }}", "{# a note #}{{ a }}", True),
    ],
)
def test_templates(theirs: str, ours: str, jinja: bool) -> None:
    found = templated([theirs])
    assert found.texts == (ours,)
    assert found.jinja is jinja


@pytest.mark.parametrize(
    "theirs", ["{% include 'x' %}{{ a }}", "{{ a | nosuchfilter }}", "{% if %}", "{{ }}"]
)
def test_what_is_no_jinja_stands_and_is_listed(theirs: str) -> None:
    found = templated([theirs, "{{b}}"])
    assert not found.jinja
    assert found.texts[1] == "{{ b }}"
    assert len(found.changes) == 1
    assert "stands as it was written" in found.changes[0][1]


@given(st.text(alphabet="ab{}%# .|'\"\nrules=", max_size=60))
def test_any_text_is_converted_to_templates_that_compile(text: str) -> None:
    found = templated([text])
    message: Any = {"role": "user", "content": found.texts[0]}
    assert message["content"] or not text


def test_tests_of_every_kind() -> None:
    found = imported(
        """
prompts: ["{{q}}"]
tests:
  - vars: {q: [one, two]}
    assert: [{type: contains, value: x}]
  - file://more.yaml
  - file://rows.jsonl
  - rows.csv
  - vars: file://vars.yaml
    assert: [{type: contains, value: x}]
  - vars: {q: file://long.txt}
    assert: [{type: contains, value: x}]
  - vars: {q: [keep, me]}
    options: {disableVarExpansion: true, transform: output.trim()}
    assert: [{type: contains, value: x}]
  - file://make.js
  - huggingface://datasets/x
  - vars: {q: file://make.py}
  - file://gone.yaml
""",
        more_yaml="- vars: {q: three}\n  assert: [{type: contains, value: x}]\n",
        rows_jsonl='{"vars": {"q": "four"}, "assert": [{"type": "contains", "value": "x"}]}\n\n',
        rows_csv="q,__expected\nfive,contains: x\n",
        vars_yaml="q: six\n",
        long_txt="seven\nlines\n",
    )
    assert [case["vars"]["q"] for case in found.cases] == [
        "one", "two", "three", "four", "five", "six", "seven\nlines\n", ["keep", "me"],
    ]  # fmt: skip
    for position in (7, 8, 9, 10):
        assert reason(found, f"tests[{position}]"), position
    assert "as the model gave it" in reason(found, "tests[6].options.transform")


def test_nothing_outside_the_folder_is_read() -> None:
    found = imported("""
prompts: ["{{q}}"]
tests:
  - vars: {q: file://../../../etc/passwd}
  - file:///etc/hosts.yaml
""")
    assert found.cases == []
    assert "prompt root" in reason(found, "tests[0]")
    assert "relative" in reason(found, "tests[1]")


def test_assertions_that_have_no_equal_are_listed_and_the_case_still_asserts() -> None:
    found = imported(
        """
prompts: ["{{q}}"]
assertionTemplates: {short: {type: python, value: "len(output) < 9"}}
tests:
  - vars: {q: a}
    assert:
      - {type: javascript, value: "output.length < 9"}
      - {type: webhook, value: "https://example.org"}
      - {type: contains, value: x, transform: output.trim()}
      - {type: python, value: "'{{q}}' in output"}
      - {type: contains, value: file://check.js}
      - {type: contains, value: "{{ q | upper }}"}
      - {type: regex, value: "("}
      - nonsense
  - vars: {q: b}
    assert:
      - {$ref: "#/assertionTemplates/short"}
      - {type: is-json, value: file://schema.json}
      - {type: contains, value: file://wanted.txt, threshold: 0.5, config: {a: 1}}
      - {type: python, value: "file://tone.py:polite"}
      - {type: python, value: "file://deep/tone.py"}
      - {type: equals, value: "{{ unknown }}"}
      - {type: contains, value: x, weight: -1, metric: "{{ q }}"}
      - {type: contains, value: "{{ unknown }}"}
""",
        schema_json='{"type": "object"}',
        wanted_txt="wanted",
        tone_py="def polite(output, context): return True\n",
        deep__tone_py="def get_assert(output, context): return 0.5\n",
    )
    first, second = found.cases
    assert first["assert"] == [{"type": "regex", "value": "\\S"}]
    assert all(reason(found, f"tests[0].assert[{at}]") for at in range(8))
    assert reason(found, "tests[0]").startswith("nothing decides")
    assert second["assert"] == [
        {"type": "python", "value": "len(output) < 9"},
        {"type": "is-json", "value": {"type": "object"}},
        {"type": "contains", "value": "wanted"},
        {"type": "python", "value": "file://x.checks/tone.py:polite"},
        {"type": "python", "value": "file://x.checks/tone-2.py"},
        {"type": "equals", "value": "{{ unknown }}"},
        {"type": "contains", "value": "x"},
    ]
    assert second["vars"]["unknown"] == ""
    assert "once its variables are filled in" in reason(found, "tests[1]")
    for path in ("assert[2].threshold", "assert[2].config", "assert[6].weight", "assert[6].metric"):
        assert reason(found, f"tests[1].{path}"), path
    assert set(found.code) == {"x.checks/tone.py", "x.checks/tone-2.py"}


def test_graders_and_sets() -> None:
    found = imported("""
prompts: ["{{q}}"]
defaultTest:
  options: {provider: "openai:gpt-4.1", rubricPrompt: mine}
  vars: {tone: soft, q: [a, b]}
  threshold: 0.5
  assert: [{type: llm-rubric, value: is soft}, {type: icontains, value: "{{ q }}"}]
tests:
  - assert:
      - {type: llm-rubric, value: ok, provider: {id: "anthropic:messages:claude-x", config: {temperature: 0}}}
      - {type: llm-rubric, value: ok, provider: file://judge.js}
      - {type: model-graded-factuality, value: "the sky is blue"}
      - type: assert-set
        threshold: 0.5
        metric: both
        assert: [{type: contains, value: a}, {type: javascript, value: x}]
      - {type: assert-set, assert: [{type: javascript, value: x}]}
""")
    assert found.suite["default"] == {
        "vars": {"tone": "soft"},
        "assert": [{"type": "llm-rubric", "value": "is soft", "provider": "openai:gpt-4.1"}],
        "threshold": 0.5,
    }
    assert [case["vars"] for case in found.cases] == [{"q": "a"}, {"q": "b"}]
    asserted = found.cases[0]["assert"]
    assert asserted.pop(0) == {"type": "icontains", "value": "{{ q }}"}
    assert [each.get("provider") for each in asserted[:2]] == ["anthropic:claude-x", None]
    assert asserted[2] == {"type": "factuality", "value": "the sky is blue", "provider": "openai:gpt-4.1"}
    assert asserted[3] == {
        "type": "assert-set",
        "assert": [{"type": "contains", "value": "a"}],
        "threshold": 0.5,
        "metric": "both",
    }
    assert len(asserted) == 4
    paths = ("defaultTest.options.rubricPrompt", "tests[0].assert[1].provider", "tests[0].assert[4]")
    assert all(reason(found, path) for path in paths)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("openai:embedding:text-embedding-3-large", "openai:text-embedding-3-large"),
        ("{id: 'openai:embeddings:small'}", "openai:small"),
        ("azure:embedding:mine", "azure_openai:mine"),
        ("ollama:embeddings:nomic-embed-text", "ollama:nomic-embed-text"),
        ("{embedding: 'openai:embedding:small', text: 'openai:gpt-4.1'}", "openai:small"),
        ("{embedding: {id: 'openai:embedding:small'}}", "openai:small"),
    ],
)
def test_an_embedding_model_comes_over_with_what_it_measures(theirs: str, ours: str) -> None:
    own = imported(
        f"prompts: [hi]\ntests: [{{assert: [{{type: similar, value: a, threshold: 0.9, provider: {theirs}}}]}}]"
    )
    inherited = imported(
        f"prompts: [hi]\ndefaultTest: {{options: {{provider: {theirs}}}}}\n"
        "tests: [{assert: [{type: not-similar, value: a}]}]"
    )
    assert own.cases[0]["assert"] == [{"type": "similar", "value": "a", "threshold": 0.9, "provider": ours}]
    assert inherited.cases[0]["assert"] == [{"type": "not-similar", "value": "a", "provider": ours}]
    assert own.losses == inherited.losses == ()


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        ("openai:gpt-4.1", "no embedding model"),
        ("openai:embeddings", "names no model"),
        ("file://embed.js", "a program"),
        ("voyage:voyage-3", "no such provider"),
    ],
)
def test_an_embedding_model_without_an_equal_is_listed(theirs: str, why: str) -> None:
    found = imported(
        f"prompts: [hi]\ntests: [{{assert: [{{type: similar, value: a, provider: '{theirs}'}}]}}]"
    )
    assert found.cases[0]["assert"] == [{"type": "similar", "value": "a"}]
    said = reason(found, "tests[0].assert[0].provider")
    assert why in said
    assert "the embeddings of the run measure it" in said
    assert "compare, which are `lexical`" in reason(found, "tests[0].assert[0]")


def test_that_words_are_compared_is_said_once() -> None:
    found = imported("""
prompts: ["{{q}}"]
defaultTest: {options: {provider: "openai:gpt-4.1"}}
tests:
  - vars: {q: a}
    assert: [{type: contains, value: a}, {type: similar, value: a, threshold: 0.8}]
  - vars: {q: b}
    assert: [{type: similar, value: b}, {type: answer-relevance, threshold: 0.7}]
""")
    assert [loss.path for loss in found.losses if "lexical" in loss.why] == ["tests[0].assert[1]"]
    assert len(found.losses) == 1
    assert found.cases[1]["assert"] == [
        {"type": "similar", "value": "b"},
        {"type": "answer-relevance", "threshold": 0.7, "provider": "openai:gpt-4.1"},
    ]


def test_models_by_what_they_do() -> None:
    found = imported("""
prompts: ["{{q}}"]
defaultTest:
  options: {provider: {text: "openai:gpt-4.1", embedding: "openai:embedding:small", moderation: "x:y"}}
tests:
  - vars: {q: a}
    assert: [{type: llm-rubric, value: a}, {type: similar, value: a}, {type: answer-relevance}]
""")
    providers = [each["provider"] for each in found.cases[0]["assert"]]
    assert providers == ["openai:gpt-4.1", "openai:small", "openai:gpt-4.1"]
    assert "only the name" in reason(found, "tests[0].assert[0].provider")
    assert "lexical" in reason(found, "tests[0].assert[2]")


def test_a_variable_in_a_pattern_is_a_pattern_as_it_is_there() -> None:
    found = imported("""
prompts: ["{{q}}"]
defaultTest: {assert: [{type: regex, value: "^{{pattern}}$"}]}
tests:
  - vars: {q: a, pattern: "(yes|no)"}
  - vars: {q: b, pattern: "("}
""")
    assert [case["assert"][0]["value"] for case in found.cases] == ["^(yes|no)$", "\\S"]
    assert "regular expression" in reason(found, "tests[1]")


def test_scenarios_are_expanded() -> None:
    found = imported("""
prompts: ["{{q}} in {{language}}"]
scenarios:
  - description: languages
    config: [{vars: {language: fr}}, {vars: {language: de}}]
    tests:
      - {vars: {q: a}, assert: [{type: contains, value: x}]}
      - {vars: {q: b}, assert: [{type: contains, value: x}]}
""")
    seen = [(case["vars"]["language"], case["vars"]["q"]) for case in found.cases]
    assert seen == [("fr", "a"), ("fr", "b"), ("de", "a"), ("de", "b")]


def test_a_csv_with_all_of_its_columns() -> None:
    text = (
        "message,__expected,__expected2,__metric,__threshold,__description,__metadata:team,__metadata:tags[],"
        "__config:__expected2:threshold,__odd\n"
        '"a, b",yes,"rouge-n: yes, sir",m,0.5,first,ops,"x, y",0.6,1\n'
        "c,fn:x,,,many,,,,,\n"
        "\n"
        "d,contains: x,,,,,,,,,more\n"
    )
    found = from_csv(text, "t.csv", Source(Tree({}), ""), "x.checks/")
    assert found.cases[0] == {
        "description": "first",
        "vars": {"message": "a, b"},
        "assert": [
            {"type": "equals", "value": "yes", "metric": "m"},
            {"type": "rouge-n", "value": "yes, sir", "threshold": 0.6, "metric": "m"},
        ],
        "threshold": 0.5,
        "metadata": {"team": "ops", "tags": ["x", "y"]},
    }
    assert found.cases[1] == {"vars": {"message": "c"}, "assert": [{"type": "regex", "value": "\\S"}]}
    assert found.cases[2]["vars"] == {"message": "d"}
    assert {loss.path for loss in found.losses} == {
        "t.csv __odd", "t.csv:3 __expected", "t.csv:3 __threshold", "t.csv:3", "t.csv:5",
    }  # fmt: skip


def test_a_prefix_becomes_a_variable_of_the_prompt() -> None:
    found = imported("""
prompts:
  - '[{"role": "system", "content": "Be nice."}, {"role": "user", "content": "{{q}}"}]'
tests:
  - {vars: {q: a, prefix: taken}, options: {prefix: "Say: "}, assert: [{type: contains, value: x}]}
  - {vars: {q: b}, options: {suffix: "!"}, assert: [{type: contains, value: x}]}
""")
    prompt = one(found)
    assert prompt.messages[1].content == "{{ prefix_ }}{{ q }}{{ suffix }}"
    sent = [render(prompt, case["vars"])[1].content for case in found.cases]
    assert sent == ["Say: a", "b!"]


def test_every_case_can_be_asked_with_every_prompt() -> None:
    found = imported("""
prompts: ["A {{q}}", "B {{q}} {{tone}} {% if more %}{{ more }}{% endif %}"]
tests:
  - {vars: {q: a, tone: ~}, assert: [{type: contains, value: x}]}
  - {vars: {q: "{{ tone }} b", tone: soft, extra: 1}, assert: [{type: contains, value: x}]}
  - {vars: {q: "{{ q }}", "not a name": 1}, assert: [{type: contains, value: x}]}
""")
    for prompt in found.prompts.values():
        for case in found.cases:
            render(prompt, case["vars"])
    assert found.cases[1]["vars"]["q"] == "soft b"
    assert "stands as it was written" in reason(found, "tests[2].vars.q")
    assert "cannot name a variable" in reason(found, "tests[2].vars")


def test_two_tests_of_the_same_variables_have_ids() -> None:
    found = imported("""
prompts: ["{{q}}"]
tests:
  - {vars: {q: a}, assert: [{type: contains, value: x}]}
  - {vars: {q: a}, assert: [{type: contains, value: y}]}
""")
    assert [case.get("id") for case in found.cases] == [None, "test-2"]


def test_everything_at_the_top_is_kept_or_listed() -> None:
    found = imported("""
prompts: [hi]
evaluateOptions: {repeat: 3, maxConcurrency: 4}
outputPath: x.json
redteam: {purpose: x}
env: {OPENAI_API_KEY: sk-secret}
extensions: [file://x.js]
""")
    assert found.suite == {"repeat": 3}
    assert {loss.path for loss in found.losses} == {
        "evaluateOptions.maxConcurrency", "outputPath", "redteam", "env", "extensions",
    }  # fmt: skip
    assert "secret" not in json.dumps([loss.to_json() for loss in found.losses])


def test_a_slug() -> None:
    assert slug("Support Triage (v2)!") == "support-triage-v2"
    assert slug("--") == ""


_WORDS = st.sampled_from(
    ["a", "{{a}}", "file://x.txt", "file://x.py", "contains", "python", "regex", "assert-set", "openai:gpt-4.1", "id",
     "type", "value", "vars", "assert", "options", "config", "threshold", "weight", "metric", "prefix", "tests", "raw",
     "role", "content", "- role: user", "[1]", "provider", "metadata", "label", "x.csv", "*.yaml", "$ref", ""]
)  # fmt: skip
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(0, 2) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)
_ASSERTION = st.fixed_dictionaries(
    {"type": st.sampled_from([*NAMES, "not-contains", "javascript", "not-python"]) | _ANY},
    optional=dict.fromkeys(
        ("value", "threshold", "weight", "metric", "provider", "assert", "transform"), _ANY
    ),
)
_TEST = st.fixed_dictionaries(
    {},
    optional={
        "vars": st.dictionaries(_WORDS, _ANY, max_size=3) | _ANY,
        "assert": st.lists(_ASSERTION, max_size=3) | _ANY,
        "options": st.dictionaries(st.sampled_from(["prefix", "suffix", "provider", "transform"]), _ANY)
        | _ANY,
        "threshold": _ANY,
        "metadata": _ANY,
        "description": _ANY,
    },
)
_REST = st.fixed_dictionaries(
    {},
    optional={
        "providers": _ANY,
        "tests": st.lists(_TEST, max_size=3) | _ANY,
        "defaultTest": _TEST | _ANY,
        "scenarios": _ANY | st.fixed_dictionaries({"config": st.lists(_TEST), "tests": st.lists(_TEST)}),
        "assertionTemplates": _ANY,
        "evaluateOptions": _ANY,
        "description": _ANY,
    },
)


@given(st.just(["Say {{a}}", "{% if vars %}{{ vars }}{% endif %}"]) | _ANY, _REST)
def test_whatever_stands_in_a_configuration_is_read_or_refused_in_one_way(prompts: Any, rest: Any) -> None:
    files = Tree({"pf/x.txt": "X {{a}}", "pf/x.csv": "a,__expected\n1,b\n", "pf/y.yaml": "- vars: {a: 1}\n"})
    try:
        found = from_configuration({"prompts": prompts, **rest}, "x.yaml", Source(files, "pf"), "x.checks/")
    except InvalidDocument:
        return
    if found.cases:
        suite = dump_yaml({**found.suite, "cases": list(found.cases)}).encode()
        load_suite(suite, file="evaluation/x.yaml", files=Tree({}))
    for prompt in found.prompts.values():
        data = dump_yaml({**prompt.to_json(), "name": "x"}).encode()
        load_prompt(data, file="prompts/x.yaml", name="x")
        for case in found.cases:
            render(prompt, {**found.suite.get("default", {}).get("vars", {}), **case["vars"]})
