"""What the library tells from feedback: analysis, reports, rankings, routes."""

from __future__ import annotations

from promptvc.library.opened import Opened


class Insight(Opened):
    """The methods that fold events into answers."""
