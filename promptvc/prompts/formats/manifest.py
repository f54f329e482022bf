"""LangChain's templates, word by word: constructors with their arguments, and the older types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.errors import InputError
from promptvc.base.losses import Losses
from promptvc.prompts.formats.arrived import role_of, text_of
from promptvc.prompts.formats.fields import OWN_ENVIRONMENT, Fields, shown
from promptvc.prompts.formats.languages import fstring, jinja, mustache
from promptvc.prompts.formats.models import model_of, parameters_of
from promptvc.prompts.formats.pieces import Names, Pieces, Place, Turn, literal, merged
from promptvc.prompts.model import Example, OutputFormat, Role, Variable

_ROLES: dict[str, Role] = {"System": "system", "Human": "user", "AI": "assistant"}
_MODELS = {"ChatOpenAI": "openai", "ChatAnthropic": "anthropic", "AzureChatOpenAI": "azure_openai",
           "ChatOllama": "ollama", "ChatMistralAI": "mistralai", "ChatGoogleGenerativeAI": "google_genai",
           "ChatVertexAI": "google_vertexai", "ChatGroq": "groq", "ChatBedrock": "bedrock"}  # fmt: skip
_OTHER_FILE = "no other file is read: write its content into this one"
_DEPTH = 20


class Chat:
    """What a manifest comes to.

    Attributes:
        turns: the messages.
        variables: with the defaults that partial variables give.
    """

    def __init__(self, losses: Losses) -> None:
        self.turns: list[Turn] = []
        self.variables: dict[str, Variable] = {}
        self.model: str | None = None
        self.parameters: dict[str, Any] = {}
        self.output = OutputFormat()
        self.label: str | None = None
        self._losses = losses
        self._names = Names(losses)
        self._shots: tuple[int, Turn, list[tuple[dict[str, str], tuple[Turn, Turn]]]] | None = None

    def take(self, value: Any, path: str, depth: int = 0) -> None:
        """Read one object: a template, a message, a sequence of a template and a model.

        Raises:
            InputError: a template is not in its own language.
        """
        if not isinstance(value, Mapping) or depth > _DEPTH:
            self._losses.add(path or "(top)", shown(value), "it is no template that is known here")
            return
        if "lc" not in value:
            self._older(Fields(value, path, self._losses), depth)
            return
        outer = Fields(value, path, self._losses)
        for key in ("lc", "name", "graph"):
            outer.take(key)
        kind, name = outer.take("type"), _class_name(outer.take("id"))
        arguments = outer.fields("kwargs")
        if kind != "constructor":
            outer.drop("repr")
            why = OWN_ENVIRONMENT if kind == "secret" else "the file holds only its name, not what is in it"
            self._losses.add(path or "(top)", name, why)
            outer.rest()
            return
        outer.rest()
        self._built(name, arguments, path, depth)

    def examples(self) -> tuple[Example, ...]:
        """Few-shot turns as examples where they are rendered alike, which takes them out of :attr:`turns`."""
        if self._shots is None:
            return ()
        start, question, shots = self._shots
        end = start + 2 * len(shots)
        users = [index for index, turn in enumerate(self.turns) if turn.role == "user"]
        alike = users and users[-1] == end and self.turns[end].pieces == question.pieces
        named = {piece.name for piece in question.pieces if isinstance(piece, Place)}
        if not alike or not all(named <= given.keys() for given, _ in shots):
            return ()
        found = []
        for given, (_, answer) in shots:
            output = literal(answer.pieces)
            if output is None:
                return ()
            found.append(Example({name: given[name] for name in sorted(named)}, output))
        del self.turns[start:end]
        return tuple(found)

    def _built(self, name: str, fields: Fields, path: str, depth: int) -> None:
        if name in {"ChatPromptTemplate", "StructuredPrompt"}:
            self._chat(fields, depth)
        elif name == "PromptTemplate":
            self.turns.append(Turn("user", self._template(fields)))
        elif name in {"FewShotChatMessagePromptTemplate", "FewShotPromptTemplate"}:
            self._few_shot(fields, depth)
        elif name.endswith("MessagePromptTemplate"):
            self._message_template(name.removesuffix("MessagePromptTemplate"), fields, path)
        elif name == "MessagesPlaceholder":
            said = fields.take("variable_name")
            fields.take("optional")
            self._losses.add(path, shown(said), "there is no place for messages of a conversation here")
        elif name.endswith(("Message", "MessageChunk")):
            self._message(name.removesuffix("Chunk").removesuffix("Message"), fields, path)
        elif name == "RunnableSequence":
            self._sequence(fields, depth)
        elif name == "RunnableBinding":
            self.take(fields.take("bound"), fields.at("bound"), depth + 1)
            bound = fields.fields("kwargs")
            self.parameters |= parameters_of(bound)
            bound.rest("it is not a parameter that a prompt may set")
        elif name in _MODELS:
            self._model(name, fields, path)
        else:
            self._losses.add(path or "(top)", name, "there is no such class here")
            return
        fields.rest()

    def _chat(self, fields: Fields, depth: int) -> None:
        self._partial(fields)
        schema = fields.take("schema_")
        if isinstance(schema, Mapping):
            self.output = OutputFormat("json", dict(schema))
        elif schema is not None:
            self._losses.add(fields.at("schema_"), shown(schema), "it is no schema")
        for index, one in enumerate(fields.items("messages")):
            self.take(one, f"{fields.at('messages')}[{index}]", depth + 1)
        self._known(fields)

    def _known(self, fields: Fields) -> None:
        """What only repeats what the templates say."""
        fields.take("input_variables")
        for key in (
            "output_parser",
            "input_types",
            "optional_variables",
            "validate_template",
            "tags",
            "metadata",
        ):
            if fields.take(key) not in (None, {}, [], False):
                self._losses.add(fields.at(key), key, "there is no such thing here")

    def _partial(self, fields: Fields) -> None:
        partial = fields.fields("partial_variables")
        for name in partial.remaining():
            value = partial.take(name)
            if isinstance(value, Mapping) or value is None or shown(value) != value:
                self._losses.add(partial.at(name), shown(value), "it is no value of a variable")
                continue
            ours = self._names.of(name, partial.path)
            self.variables[ours] = Variable(ours, required=False, default=value)

    def _template(self, fields: Fields) -> Pieces:
        """A PromptTemplate's text."""
        self._partial(fields)
        text = fields.take("template")
        language = fields.take("template_format") or "f-string"
        fields.drop("template_path", _OTHER_FILE)
        self._known(fields)
        if not isinstance(text, str):
            self._losses.add(fields.at("template"), shown(text), "it is no text")
            return ()
        return self._text(text, str(language), fields.at("template"))

    def _text(self, text: str, language: str, path: str) -> Pieces:
        if language == "f-string":
            return fstring(text, path, self._names, self._losses)
        if language == "mustache":
            return mustache(text, path, self._names, self._losses)
        if language == "jinja2":
            return jinja(text, path, self._losses)
        self._losses.add(
            path, language, "there is no such template language here: it stands as it was written"
        )
        return merged([text])

    def _message_template(self, kind: str, fields: Fields, path: str) -> None:
        role = _ROLES.get(kind) or role_of(fields.take("role"), f"{path}.role", self._losses)
        prompt = fields.take("prompt")
        prompts = prompt if isinstance(prompt, list) else [prompt]
        pieces: list[Pieces] = []
        for index, one in enumerate(prompts):
            here = f"{fields.at('prompt')}[{index}]" if isinstance(prompt, list) else fields.at("prompt")
            name = _class_name(one.get("id")) if isinstance(one, Mapping) else ""
            if name != "PromptTemplate":
                self._losses.add(here, name or shown(one), "only text is kept of a message in parts")
                continue
            inner = Fields(one, here, self._losses)
            for key in ("lc", "type", "id", "name"):
                inner.take(key)
            arguments = inner.fields("kwargs")
            pieces.append(self._template(arguments))
            arguments.rest()
            inner.rest()
        for key in ("additional_kwargs",):
            if fields.take(key):
                self._losses.add(fields.at(key), key, "a message has a role and a content, no more")
        if len(pieces) > 1:
            self._losses.add(path, f"{len(pieces)} parts", "the parts of a message became one text")
        if role is not None and pieces:
            joined = [
                part for index, each in enumerate(pieces) for part in (*(("\n",) if index else ()), *each)
            ]
            self.turns.append(Turn(role, merged(joined)))

    def _message(self, kind: str, fields: Fields, path: str) -> None:
        role = _ROLES.get(kind) or role_of(fields.take("role") or kind, f"{path}.role", self._losses)
        fields.take("type")
        text = text_of(fields.take("content"), fields.at("content"), self._losses)
        for key in ("additional_kwargs", "response_metadata", "tool_calls", "invalid_tool_calls", "example"):
            if fields.take(key):
                self._losses.add(fields.at(key), key, "a message has a role and a content, no more")
        if role is not None and text is not None:
            self.turns.append(Turn(role, merged([text])))

    def _few_shot(self, fields: Fields, depth: int) -> None:
        """Examples as they are rendered there: turns of a chat, or one text between a prefix and a suffix."""
        self._partial(fields)
        examples = fields.take("examples")
        template = fields.take("example_prompt")
        for key in ("example_selector", "example_prompt_path", "prefix_path", "suffix_path"):
            fields.drop(key, "it is a program" if key.endswith("selector") else _OTHER_FILE)
        language = str(fields.take("template_format") or "f-string")
        prefix, suffix = fields.text("prefix"), fields.text("suffix")
        separator = fields.text("example_separator")
        separator = "\n\n" if separator is None else separator
        self._known(fields)
        if not isinstance(examples, list):
            self._losses.add(fields.at("examples"), shown(examples), _OTHER_FILE)
            examples = []
        inner = Chat(self._losses)
        if template is not None:
            inner.take(template, fields.at("example_prompt"), depth + 1)
        for name in inner.variables:
            self._losses.add(
                fields.at("example_prompt"), name, "a value of its own in an example is left out"
            )
        shots: list[tuple[dict[str, str], tuple[Turn, ...]]] = []
        for index, each in enumerate(examples):
            given = {str(key): value for key, value in each.items()} if isinstance(each, Mapping) else {}
            if not given or not all(isinstance(value, str) for value in given.values()):
                self._losses.add(
                    f"{fields.at('examples')}[{index}]", shown(each), "an example here is made of texts"
                )
                continue
            shots.append((given, tuple(_filled(turn, given) for turn in inner.turns)))
        if prefix is None and suffix is None:
            self._turns_of(shots, inner.turns)
            return
        self._losses.add(fields.at("examples"), f"{len(shots)} examples", "they became text of the message")
        parts = [self._text(prefix, language, fields.at("prefix"))] if prefix else []
        parts += [merged(piece for turn in turns for piece in turn.pieces) for _, turns in shots]
        parts += [self._text(suffix, language, fields.at("suffix"))] if suffix else []
        joined = [
            piece for index, part in enumerate(parts) for piece in (*((separator,) if index else ()), *part)
        ]
        self.turns.append(Turn("user", merged(joined)))

    def _turns_of(
        self, shots: list[tuple[dict[str, str], tuple[Turn, ...]]], template: Sequence[Turn]
    ) -> None:
        if [turn.role for turn in template] == ["user", "assistant"] and self._shots is None:
            pairs = [(given, (turns[0], turns[1])) for given, turns in shots]
            self._shots = (len(self.turns), template[0], pairs)
        self.turns += [turn for _, turns in shots for turn in turns]

    def _sequence(self, fields: Fields, depth: int) -> None:
        steps = [("first", fields.take("first")), *(("middle", one) for one in fields.items("middle"))]
        for key, one in [*steps, ("last", fields.take("last"))]:
            if one is not None:
                self.take(one, fields.at(key), depth + 1)
        fields.take("name")

    def _model(self, name: str, fields: Fields, path: str) -> None:
        provider = _MODELS[name]
        said = fields.take("model_name") or fields.take("model") or fields.take("azure_deployment")
        self.model = model_of(said if isinstance(said, str) else None, provider)
        if self.model is None:
            self._losses.add(path, f"{name} {said or ''}".strip(), "it names no model that is known here")
        self.parameters |= parameters_of(fields, {"max_tokens_to_sample": "max_tokens"})
        fields.take("model_kwargs") or fields.take("model_name")
        fields.rest("it is not a parameter that a prompt may set")

    def _older(self, fields: Fields, depth: int) -> None:
        """The files of before ``dumps``: ``_type`` and the arguments beside it."""
        kind = fields.take("_type") or "prompt"
        self.label = fields.text("name")
        if kind == "prompt":
            pieces = self._template(fields)
            if pieces:
                self.turns.append(Turn("user", pieces))
        elif kind == "few_shot":
            self._few_shot(fields, depth)
        elif kind == "chat":
            for index, one in enumerate(fields.items("messages")):
                path = f"{fields.at('messages')}[{index}]"
                inner = Fields(one, path, self._losses) if isinstance(one, Mapping) else None
                if inner is not None and "prompt" in inner:
                    role = role_of(inner.take("role"), f"{path}.role", self._losses)
                    nested = inner.fields("prompt")
                    nested.take("_type")
                    pieces = self._template(nested)
                    nested.rest()
                    inner.rest()
                    if role is not None:
                        self.turns.append(Turn(role, pieces))
                else:
                    self.take(one, path, depth + 1)
            self._known(fields)
        else:
            raise InputError(
                f"`{kind}` is no template that is known here", hint="known: prompt, few_shot, chat"
            )
        fields.rest()


def _class_name(value: Any) -> str:
    return str(value[-1]) if isinstance(value, list) and value else ""


def _filled(turn: Turn, given: Mapping[str, str]) -> Turn:
    """A turn of an example with its values: literal."""
    return Turn(
        turn.role,
        merged(given.get(piece.name, "") if isinstance(piece, Place) else piece for piece in turn.pieces),
    )
