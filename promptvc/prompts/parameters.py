"""The parameters that a prompt may give to a model, and the reason for the ones that it may not.

The list is kept here and checked by every load, whatever a schema or a memo says: a pull request that could
name an endpoint could send the reader's key to its author.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from promptvc.base.documents import Document
from promptvc.base.errors import InvalidDocument
from promptvc.base.schema_messages import nearest_word

ALLOWED = (
    "temperature", "max_tokens", "max_completion_tokens", "top_p", "top_k", "min_p", "stop", "seed",
    "frequency_penalty", "presence_penalty", "repetition_penalty", "reasoning_effort", "verbosity",
)  # fmt: skip

_DANGEROUS = re.compile(
    r"url|uri|base|endpoint|host|port|proxy|key|secret|password|auth|header|cookie|query|organi[sz]ation|project"
    r"|region|account|credential|bearer|client|transport|callback|kwargs|extra|config|provider|deployment|api",
    re.IGNORECASE,
)


def check_parameters(document: Document, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``parameters`` as a dictionary of their own.

    Raises:
        InvalidDocument: a name that is not in :data:`ALLOWED`, or a number that is not finite.
    """
    for name, value in parameters.items():
        line = document.line("parameters", name)
        if name not in ALLOWED:
            if _DANGEROUS.search(name):
                raise InvalidDocument(
                    f"`parameters.{name}` is refused: endpoints and credentials never come from a prompt, or a "
                    "pull request could send a key to its author",
                    hint="set it in the environment or in your own configuration",
                    file=document.file,
                    line=line,
                )
            near = nearest_word(name, ALLOWED)
            raise InvalidDocument(
                f"`parameters.{name}` is not a parameter that a prompt may set",
                hint=f"did you mean `{near}`?" if near else f"these are: {', '.join(ALLOWED)}",
                file=document.file,
                line=line,
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidDocument(
                f"`parameters.{name}` must be a finite number", file=document.file, line=line
            )
    return dict(parameters)
