"""Documents as other tools write them, after the examples that they publish; the odd ones too."""

from __future__ import annotations

import json

SCHEMA = {"type": "object"}

PROMPTY_1 = """\
---
name: Contoso Chat
description: A helper for a shop
authors: [ada, bob]
tags: [shop]
version: 1.2.0
model:
  api: chat
  configuration:
    type: azure_openai
    azure_deployment: gpt-4o
    azure_endpoint: ${env:AZURE_OPENAI_ENDPOINT}
    api_key: ${env:AZURE_OPENAI_API_KEY}
  parameters:
    max_tokens: 300
    temperature: 0.2
    response_format: {type: json_object}
    tools: []
  response: first
inputs:
  firstName: {type: string, sample: Jane, description: who asks}
  question: {type: string}
sample:
  question: What tents do you have?
template: jinja2
---
system:
You help {{firstName}}.
{% for item in ["a", "b"] %}- {{ item }}
{% endfor %}

# user:
{{question}}
"""

PROMPTY_2 = """\
---
name: city-facts
displayName: City facts
description: Facts on a city
metadata:
  authors: [ada]
  tags: [geo, v2]
  team: maps
model:
  id: claude-sonnet-4-5
  provider: anthropic
  apiType: chat
  connection: {kind: key, apiKey: sk-ant-SECRET123, endpoint: https://example.org}
  options:
    temperature: 0.7
    maxOutputTokens: 512
    stopSequences: [END]
    additionalProperties: {top_p: 0.9, logit_bias: {a: 1}}
inputs:
  - {name: city, kind: string, required: true, description: which city}
  - {name: style, kind: string, default: short}
  - {name: past, kind: thread}
outputs:
  - {name: city, kind: string, description: the name, required: true}
  - {name: degrees, kind: float}
tools: [{name: weather, kind: function}]
template:
  format: {kind: mustache, strict: true}
  parser: {kind: prompty}
---
You are a guide.

developer[name="x"]:
Say it {{style}}. {{! not this }}

user:
Tell me of {{{city}}} ![map](map.png)
assistant:
{{past}} {{#more}}x{{/more}}
"""

DOTPROMPT = """\
# Copyright somebody
---
model: googleai/gemini-2.0-flash
config:
  temperature: 0.9
  maxOutputTokens: 64
  safetySettings: []
input:
  schema:
    location: string, where it is
    style?: string
    people(array, who comes):
      name: string
      age?: integer
    kind(enum): [BIG, SMALL]
  default:
    location: a restaurant
output:
  format: json
  schema:
    greeting: string
    words(array): string
    more?:
      note: string
    (*): any
tools: [bookTable]
myext.key: 1
---
{{! for the host }}
{{role "system"}}
You work at {{location}}.
{{#if style}}
Speak {{style}}.
{{else}}
Speak plainly.
{{/if}}
{{history}}
{{role "user"}}
Greet {{#each people}}{{@index}}: {{name}} ({{this.age}}) of {{../location}}{{/each}}.
A \\{{brace}} {{json kind}} {{>partial}} {{media url=photo}}
"""

LANGCHAIN = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "schema", "runnable", "RunnableSequence"],
    "kwargs": {
        "first": {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
            "kwargs": {
                "input_variables": ["question", "tone"],
                "partial_variables": {"tone": "kind"},
                "metadata": {"lc_hub_owner": "x"},
                "messages": [
                    {
                        "lc": 1, "type": "constructor",
                        "id": ["langchain", "prompts", "chat", "SystemMessagePromptTemplate"],
                        "kwargs": {"prompt": {
                            "lc": 1, "type": "constructor", "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
                            "kwargs": {
                                "input_variables": ["tone"], "template_format": "f-string",
                                "template": 'Be {tone}. Answer as {{"a": 1}} {number:>3}.',
                            },
                        }},
                    },
                    {
                        "lc": 1, "type": "constructor",
                        "id": ["langchain", "prompts", "chat", "MessagesPlaceholder"],
                        "kwargs": {"variable_name": "history", "optional": True},
                    },
                    {
                        "lc": 1, "type": "constructor",
                        "id": ["langchain", "prompts", "few_shot", "FewShotChatMessagePromptTemplate"],
                        "kwargs": {
                            "examples": [{"question": "1+1?", "answer": "2"}],
                            "example_prompt": {
                                "lc": 1, "type": "constructor",
                                "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
                                "kwargs": {"input_variables": ["question", "answer"], "messages": [
                                    {
                                        "lc": 1, "type": "constructor",
                                        "id": ["langchain", "prompts", "chat", "HumanMessagePromptTemplate"],
                                        "kwargs": {"prompt": {
                                            "lc": 1, "type": "constructor",
                                            "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
                                            "kwargs": {"template": "Q: {question}", "input_variables": ["question"]},
                                        }},
                                    },
                                    {
                                        "lc": 1, "type": "constructor",
                                        "id": ["langchain", "prompts", "chat", "AIMessagePromptTemplate"],
                                        "kwargs": {"prompt": {
                                            "lc": 1, "type": "constructor",
                                            "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
                                            "kwargs": {"template": "{answer}", "input_variables": ["answer"]},
                                        }},
                                    },
                                ]},
                            },
                        },
                    },
                    {
                        "lc": 1, "type": "constructor",
                        "id": ["langchain", "prompts", "chat", "HumanMessagePromptTemplate"],
                        "kwargs": {"prompt": {
                            "lc": 1, "type": "constructor", "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
                            "kwargs": {"template": "Q: {question}", "input_variables": ["question"]},
                        }},
                    },
                ],
            },
        },
        "last": {
            "lc": 1, "type": "constructor", "id": ["langchain", "chat_models", "openai", "ChatOpenAI"],
            "kwargs": {
                "model_name": "gpt-4o-mini", "temperature": 0, "n": 1,
                "openai_api_key": {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]},
                "openai_api_base": "https://example.org/v1?key=SECRET123",
            },
        },
    },
}  # fmt: skip

OLDER = """\
_type: few_shot
input_variables: [adjective]
prefix: Write antonyms.
example_prompt:
  _type: prompt
  input_variables: [input, output]
  template: "Input: {input}\\nOutput: {output}"
examples:
  - {input: happy, output: sad}
  - {input: tall, output: short}
suffix: "Input: {adjective}\\nOutput:"
template_path: ../../etc/passwd.txt
"""

CHAT = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "developer", "content": "You sort mail."},
        {"role": "user", "content": [{"type": "text", "text": "Sort {{mail}}"}, {"type": "image_url", "image_url": 1}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "user", "content": "And {{mail}}?", "name": "ada"},
    ],
    "temperature": 0.1,
    "max_completion_tokens": 20,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}},
    "tools": [{"type": "function"}],
    "stream": False,
}  # fmt: skip

RESPONSES = {
    "model": "gpt-4.1",
    "instructions": "Be {{tone}}.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi {{name}}"}]}
    ],
    "text": {
        "format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}},
        "verbosity": "low",
    },
    "reasoning": {"effort": "low", "summary": "auto"},
    "store": True,
    "extra_headers": {"Authorization": "Bearer SECRET123"},
}

REUSABLE = {
    "id": "pmpt_68",
    "object": "prompt",
    "version": "4",
    "name": "Sort mail",
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "Sort for {{team}}."},
        {"role": "user", "content": "{{mail}}"},
    ],
    "variables": {"team": "Support", "photo": {"type": "input_image"}},
}

LANGFUSE = {
    "data": [
        {
            "id": "a", "projectId": "p", "name": "movie/critic", "version": version, "type": "chat",
            "createdBy": "ada", "createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z",
            "prompt": [
                {"type": "chatmessage", "role": "system", "content": f"You are a {{{{level}}}} critic, v{version}."},
                {"type": "placeholder", "name": "history"},
                {"role": "user", "content": "Do you like {{movie}}? @@@langfusePrompt:name=x|label=y@@@"},
            ],
            "config": {"model": "gpt-4o", "temperature": 0.7, "supported_languages": ["en"], "api_key": "sk-SECRET123"},
            "labels": ["production", "latest"] if version == 2 else [],
            "tags": ["movies"],
            "commitMessage": "Sharper\n\nPromptvc-Version: 99",
            "resolutionGraph": None,
        }
        for version in (2, 1)
    ],
    "meta": {"page": 1},
}  # fmt: skip

MLFLOW = {
    "name": "summary",
    "version": 3,
    "template": "Sum up in {{ count }} sentences: {% if text %}{{ text }}{% endif %}",
    "commit_message": "Shorter",
    "creation_timestamp": 1767225600000,
    "tags": {"author": "ada", "mlflow.prompt.is_prompt": "true"},
    "aliases": ["production"],
    "response_format": {"type": "object", "properties": {"summary": {"type": "string"}}},
    "model_config": {
        "provider": "openai",
        "model_name": "gpt-4o",
        "temperature": 0,
        "extra_params": {"logit_bias": 1},
    },
}

MLFLOW_REGISTRY = {
    "model_versions": [
        {
            "name": "greeting", "version": "1", "description": "First", "creation_timestamp": 1,
            "aliases": [{"alias": "champion", "version": "1"}],
            "tags": [
                {"key": "mlflow.prompt.is_prompt", "value": "true"},
                {"key": "_mlflow_prompt_type", "value": "chat"},
                {"key": "mlflow.prompt.text", "value": json.dumps([{"role": "user", "content": "Hi {{ name }}"}])},
                {"key": "_mlflow_prompt_model_config", "value": '{"model_name": "gpt-4o"}'},
            ],
        }
    ]
}  # fmt: skip

TEXT = "# Sort\r\n\r\nSort this: {{ mail }} and {not this} {{ nor this one }}\r\n"


def documents() -> dict[str, tuple[str, str, bytes]]:
    """{what: (format, file name, content)}."""
    return {
        "prompty 1": ("prompty", "chat.prompty", PROMPTY_1.encode()),
        "prompty 2": ("prompty", "city.prompty", PROMPTY_2.encode()),
        "dotprompt": ("dotprompt", "greet.prompt", DOTPROMPT.encode()),
        "langchain": ("langchain", "hub.json", json.dumps(LANGCHAIN).encode()),
        "langchain older": ("langchain", "antonyms.yaml", OLDER.encode()),
        "chat": ("openai", "mail.json", json.dumps(CHAT).encode()),
        "responses": ("openai", "hi.json", json.dumps(RESPONSES).encode()),
        "reusable": ("openai", "pmpt.json", json.dumps(REUSABLE).encode()),
        "langfuse": ("langfuse", "critic.json", json.dumps(LANGFUSE).encode()),
        "mlflow": ("mlflow", "summary.json", json.dumps(MLFLOW).encode()),
        "mlflow registry": ("mlflow", "greeting.json", json.dumps(MLFLOW_REGISTRY).encode()),
        "text": ("text", "sort.md", TEXT.encode()),
    }
