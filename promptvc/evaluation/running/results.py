"""Results as they come, kept aside: a hundred thousand answers take a file, not memory.

A spooled temporary file without a name: in memory while small, on the disk after that, and gone with the process
however that ends. What a killed run has paid for is in the completion cache. Nobody else can read or write the file, so
that it holds Python's own marshal format, at a tenth of what JSON costs.
"""

from __future__ import annotations

import marshal
import tempfile
import weakref
from array import array
from collections.abc import Collection, Iterator
from typing import Any

from promptvc.evidence.runs import CaseResult, GradeLine
from promptvc.evidence.values import Tokens

_IN_MEMORY = 16 * 1024 * 1024
_NOWHERE = -1


class Results(Collection[CaseResult]):
    """Results by position of the case and repeat, in whatever order they come."""

    def __init__(self, cases: int, repeats: int) -> None:
        self._repeats = repeats
        self._offsets = array("q", [_NOWHERE]) * (cases * repeats)
        self._sizes = array("l", [0]) * (cases * repeats)
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as this
        self.close = weakref.finalize(self, self._file.close)
        """Forget them; done by itself when nobody holds them any more."""
        self._end = 0
        self._reading = False

    def put(self, position: int, repeat: int, result: CaseResult) -> None:
        """Keep a result; one that is there is replaced."""
        data = marshal.dumps(_packed(result))
        if self._reading:
            self._file.seek(self._end)
            self._reading = False
        self._file.write(data)
        at = position * self._repeats + repeat
        self._offsets[at], self._sizes[at] = self._end, len(data)
        self._end += len(data)

    def of(self, position: int) -> tuple[CaseResult, ...]:
        """The results of a case, by repeat; those that did not come are missing."""
        first = position * self._repeats
        return tuple(
            self._read(at) for at in range(first, first + self._repeats) if self._offsets[at] != _NOWHERE
        )

    def __iter__(self) -> Iterator[CaseResult]:
        """Every result, in the order of the cases."""
        for at, offset in enumerate(self._offsets):
            if offset != _NOWHERE:
                yield self._read(at)

    def __contains__(self, result: object) -> bool:
        return any(each == result for each in self)

    def __len__(self) -> int:
        return sum(offset != _NOWHERE for offset in self._offsets)

    def _read(self, at: int) -> CaseResult:
        self._reading = True
        self._file.seek(self._offsets[at])
        return _unpacked(marshal.loads(self._file.read(self._sizes[at])))  # noqa: S302 - our own, see above


def _packed(result: CaseResult) -> tuple[Any, ...]:
    return (
        result.case,
        result.score,
        result.passed,
        result.repeat,
        result.error,
        result.output,
        result.output_digest,
        (result.tokens.input, result.tokens.output),
        result.cost,
        result.latency_ms,
        dict(result.metrics) if result.metrics else None,
        [
            (g.name, g.score, g.passed, g.weight, g.metric, g.reason, g.error, g.measure)
            for g in result.grades
        ],
        result.case_digest,
        dict(result.extra) if result.extra else None,
    )


def _unpacked(values: tuple[Any, ...]) -> CaseResult:
    case, score, passed, repeat, error, output, output_digest, tokens, cost, latency, *rest = values
    metrics, grades, case_digest, extra = rest
    return CaseResult(
        case=case,
        score=score,
        passed=passed,
        repeat=repeat,
        error=error,
        output=output,
        output_digest=output_digest,
        tokens=Tokens(*tokens),
        cost=cost,
        latency_ms=latency,
        metrics=metrics or {},
        grades=tuple(GradeLine(*grade) for grade in grades),
        case_digest=case_digest,
        extra=extra or {},
    )
