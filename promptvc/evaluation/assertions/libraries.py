"""The libraries that some assertions need: the extra ``assertions``."""

from __future__ import annotations

import importlib.util
import sys

EXTRA = "pip install 'promptvc[assertions]'"


def lacks(module: str) -> str | None:
    """The problem of an assertion whose library (by the name it is imported by) is not installed; else None."""
    if sys.modules.get(module) is None and importlib.util.find_spec(module) is None:
        return f"needs a library that is not installed: {EXTRA}"
    return None
