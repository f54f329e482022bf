"""The public names, and the help of every command and option."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
import pytest

import promptvc
from promptvc.cli.main import COMMANDS
from promptvc.cli.main import promptvc as command_line


def commands(group: click.Group, path: str = "promptvc") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{path} {name} cannot be loaded"
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


ALL = dict(commands(command_line))


def test_the_public_list_is_sorted_and_real() -> None:
    assert promptvc.__all__ == sorted(promptvc.__all__)
    for name in promptvc.__all__:
        assert getattr(promptvc, name) is not None


def test_every_public_method_of_the_library_is_documented() -> None:
    for name, method in inspect.getmembers(promptvc.Library, inspect.isfunction):
        if not name.startswith("_"):
            assert method.__doc__, f"Library.{name} has no docstring"


@pytest.mark.parametrize("name", ALL)
def test_a_command_and_its_options_have_help(name: str) -> None:
    command = ALL[name]
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", [n for n, c in ALL.items() if not isinstance(c, click.Group)])
def test_every_command_takes_the_shared_options(name: str) -> None:
    options = {option for parameter in ALL[name].params for option in parameter.opts}
    assert {"-C", "--json"} <= options


def test_the_table_says_what_the_command_says() -> None:
    for name, entry in COMMANDS.items():
        command = ALL[f"promptvc {name}"]
        assert command.name == name
        assert command.help is not None
        assert command.help.splitlines()[0].rstrip(".") == entry.short.rstrip(".")
