"""The text of a new prompt, in the house style."""

from __future__ import annotations

from promptvc.base.documents import dump_yaml
from promptvc.prompts.model import Prompt


def new_prompt(prompt: Prompt) -> bytes:
    """``prompt`` as the bytes of its file: UTF-8, LF, keys in the order of the format."""
    return new_prompt_text(prompt).encode()


def new_prompt_text(prompt: Prompt) -> str:
    """``prompt`` as the text of its file."""
    return dump_yaml(prompt.to_json())
