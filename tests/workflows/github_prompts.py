"""A dozen files of GitHub's format as people wrote them, after the published examples."""

from __future__ import annotations

SUMMARIZE = """\
name: Text Summarizer
description: Summarizes input text concisely
model: openai/gpt-4o-mini
modelParameters:
  temperature: 0.5
messages:
  - role: system
    content: You are a text summarizer. Your only job is to summarize text given to you.
  - role: user
    content: |
      Summarize the given text, beginning with "Summary -":
      <text>
      {{input}}
      </text>
testData:
  - input: |
      The quick brown fox jumped over the lazy dog.
      The dog was too tired to react.
    expected: Summary - A fox jumped over a lazy, unresponsive dog.
evaluators:
  - name: Output should start with 'Summary -'
    string:
      startsWith: "Summary -"
"""
TRIAGE = """\
name: Issue triage
description: One label for an issue.
model: openai/gpt-4o-mini
messages:
  - role: system
    content: "Answer with one label only: bug, feature or question."
  - role: user
    content: "{{input}}"
testData:
  - input: "bug: the page crashes when I save"
    expected: bug
  - input: "feature: please add a dark mode"
    expected: feature
"""
PERSON = """\
name: Person as JSON
model: openai/gpt-4o
responseFormat: json_schema
jsonSchema: |-
  {
    "name": "person",
    "strict": true,
    "schema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
  }
messages:
  - role: system
    content: You answer with structured data about people.
  - role: user
    content: "A person named {{name}} who is {{age}} years old."
testData:
  - name: "Alice Johnson"
    age: 30
  - name: "Bob Smith"
    age: 25
evaluators:
  - name: has-name
    string: {contains: '"name"'}
"""
PERSONA = """\
# Placeholders with dashes, and no test data.
name: Advanced template
model: openai/gpt-4o-mini
modelParameters: {temperature: 0.7, maxTokens: 300, topP: 0.9}
messages:
  - role: system
    content: |
      You are {{assistant-persona}}, a {{domain}} specialist. Be {{tone}}.
  - role: user
    content: "I am {{user.name}}. {{input}}"
"""
GRADED = """\
name: Judged answers
model: openai/gpt-4.1-mini
messages:
  - role: user
    content: "Explain {{topic}} to a child."
testData:
  - topic: rain
    expected: Water falls from clouds.
evaluators:
  - name: close enough
    uses: github/similarity
  - name: friendly
    llm:
      modelId: openai/gpt-4o
      systemPrompt: You grade answers for children.
      prompt: |
        Is this a friendly explanation of {{topic}}?
        {{completion}}
      choices:
        - {choice: "yes", score: 1}
        - {choice: "no", score: 0}
"""
LLAMA = """\
name: Open model
model: meta/Llama-4-Scout-17B-16E-Instruct
messages:
  - role: user
    content: "Say hello to {{name}}."
"""
MISTRAL = """\
name: Translate
model: mistral-ai/mistral-small-2503
messages:
  - {role: System, content: "Translate into {{language}}."}
  - {role: User, content: "{{input}}"}
testData:
  - {language: French, input: good morning}
evaluators:
  - {name: polite, string: {endsWith: "."}}
"""
OLD = """\
name: An id without a publisher
model: gpt-4o
messages:
  - role: user
    content: "Name a colour that rhymes with {{ word }}."
tags: [fun]
"""
FEW = """\
name: Few shots
model: openai/gpt-4o-mini
messages:
  - {role: system, content: Classify the mood as happy or sad.}
  - {role: user, content: I won!}
  - {role: assistant, content: happy}
  - {role: user, content: "{{input}}"}
testData:
  - {input: I lost my keys, expected: sad, note: from a user}
evaluators:
  - {name: right, string: {equals: "{{expected}}"}}
"""
BARE = """\
messages:
  - role: user
    content: Tell me a joke.
"""
RULES = """\
name: Names that mean something else here
model: openai/gpt-4o-mini
messages:
  - role: user
    content: "Follow {{rules}} and look at {{examples}}."
testData:
  - {rules: "be short", examples: "a, b"}
"""
SEARCH = """\
name: Search query
model: xai/grok-3-mini
modelParameters: {temperature: 0, stop: ["\\n"]}
messages:
  - role: user
    content: "Write a search query for: {{input}}"
testData:
  - {input: cheap flights to Oslo}
evaluators:
  - {name: about Oslo, string: {contains: oslo}}
"""

FILES = {
    "prompts/Text Summarizer.prompt.yml": SUMMARIZE,
    "prompts/support/triage.prompt.yml": TRIAGE,
    "prompts/support/person.prompt.yaml": PERSON,
    "prompts/persona.prompt.yml": PERSONA,
    "prompts/graded.prompt.yml": GRADED,
    "prompts/llama.prompt.yml": LLAMA,
    "prompts/Translate_FR.prompt.yml": MISTRAL,
    "prompts/old.prompt.yml": OLD,
    "prompts/few.prompt.yml": FEW,
    "prompts/bare.prompt.yml": BARE,
    "prompts/names.prompt.yml": RULES,
    "prompts/search.prompt.yml": SEARCH,
}
NAMES = [
    "bare", "few", "graded", "llama", "names", "old", "persona", "search", "support/person", "support/triage",
    "text-summarizer", "translate_fr",
]  # fmt: skip
