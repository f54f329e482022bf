"""The library: the stories of the command line as methods, with values in and values out."""

from promptvc.library.repository import Library, open  # noqa: A004 - read as promptvc.open

__all__ = ["Library", "open"]
