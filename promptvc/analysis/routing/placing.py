"""Where a task stands in the prompt that does it."""

from __future__ import annotations

from collections.abc import Mapping

from promptvc.base.errors import InputError
from promptvc.prompts.model import Message, Prompt
from promptvc.prompts.render import placeholders, render


def placed(prompt: Prompt, task: str, given: Mapping[str, str]) -> tuple[Message, ...]:
    """The finished messages, with the task as the one value that is not ``given``.

    A required variable comes first; a prompt without any may take it in its only optional one. Instructions without
    variables are followed by the task, as by a user's words.

    Raises:
        InputError: several values are missing, or one is given that the prompt does not know.
    """
    optional = {one.name for one in prompt.variables if not one.required}
    required = {one.name for one in prompt.variables if one.required} | (placeholders(prompt) - optional)
    open_ = sorted(required - set(given)) if required else sorted(optional - set(given))
    if len(open_) == 1:
        return render(prompt, dict(given) | {open_[0]: task})
    if len(open_) > 1:
        names = ", ".join(f"`{name}`" for name in open_)
        raise InputError(
            f"`{prompt.name}` takes values for {names}, and the task can be one of them only",
            hint=f"give the others, such as --var {open_[-1]}=TEXT; the task becomes the one that is left",
        )
    messages = render(prompt, given)
    # Instructions without a place for a task: it follows them, as a user's words do.
    return messages if required or optional else (*messages, Message("user", task))
