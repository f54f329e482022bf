"""The formats by name. A further one is a package with an entry point of the group ``promptvc.formats``.

The entry point is a class without arguments that has what :class:`Reader` asks for, or :class:`Writer`, or both.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from promptvc.base.errors import NotFound
from promptvc.base.schema_messages import nearest_word
from promptvc.prompts.formats.dotprompt import Dotprompt
from promptvc.prompts.formats.format import Reader, Writer
from promptvc.prompts.formats.langchain import LangChain
from promptvc.prompts.formats.langfuse import Langfuse
from promptvc.prompts.formats.mlflow import MLflow
from promptvc.prompts.formats.openai import OpenAI
from promptvc.prompts.formats.prompt_yml import PromptYml
from promptvc.prompts.formats.promptfoo import Promptfoo
from promptvc.prompts.formats.prompty import Prompty
from promptvc.prompts.formats.text import Text

GROUP = "promptvc.formats"

READERS: dict[str, Reader] = {
    "prompt-yml": PromptYml(),
    "prompty": Prompty(),
    "dotprompt": Dotprompt(),
    "langchain": LangChain(),
    "openai": OpenAI(),
    "langfuse": Langfuse(),
    "mlflow": MLflow(),
    "text": Text(),
}
"""promptfoo's is read elsewhere: its configuration names other files."""

WRITERS: dict[str, Writer] = {
    "promptfoo": Promptfoo(),
    "prompt-yml": PromptYml(),
    "prompty": Prompty(),
    "dotprompt": Dotprompt(),
    "langchain": LangChain(),
    "openai": OpenAI(),
    "langfuse": Langfuse(),
    "mlflow": MLflow(),
    "text": Text(),
}


def reader(name: str) -> Reader:
    """The format ``name`` to import from.

    Raises:
        NotFound: there is none.
    """
    if name in READERS:
        return READERS[name]
    for point in entry_points(group=GROUP, name=name):
        made = point.load()()
        if isinstance(made, Reader):
            return made
    raise _unknown(name, tuple(READERS), "import from")


def writer(name: str) -> Writer:
    """The format ``name`` to export to.

    Raises:
        NotFound: there is none.
    """
    if name in WRITERS:
        return WRITERS[name]
    for point in entry_points(group=GROUP, name=name):
        made = point.load()()
        if isinstance(made, Writer):
            return made
    raise _unknown(name, tuple(WRITERS), "export to")


def added() -> tuple[str, ...]:
    """The names that entry points add."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)} - {*READERS, *WRITERS}))


def _unknown(name: str, known: tuple[str, ...], what: str) -> NotFound:
    near = nearest_word(name, known)
    hint = f"did you mean {near}?" if near else f"known: {', '.join(sorted(known))}"
    return NotFound(f"there is no format {name} to {what}", hint=hint)
