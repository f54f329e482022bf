"""Score against calls as SVG 1.1: the best so far in steps, and a dot for each variant where its race was over.

A variant that was dropped early met other cases than one that was not, so that their scores do not compare. A dot
stands by its gain over what it was raced against, on the same cases, above the place where that stands; the scores
themselves stand at the lines and in the dots' titles.

One file without scripts, fonts or addresses of others, so that a forge shows it as an image. Colours follow the light
or dark mode of its reader (`prefers-color-scheme`); a dot's kind is told by its shape, not by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from promptvc.base.plain import for_xml, one_line
from promptvc.evaluation.reports.figures import counted, points, share
from promptvc.training.outcome import Tried
from promptvc.training.reports.report import Report

WIDTH, HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 76, 60
_TICKS = 6
_STYLE = """\
svg{--paper:#fff;--ink:#1f2328;--soft:#59636e;--grid:#d8dee4;--best:#0550ae;--win:#0550ae}
@media (prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#f0f6fc;--soft:#a5aeb9;--grid:#30363d;--best:#79c0ff;\
--win:#79c0ff}}
text{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}
.head{font-size:15px;font-weight:600;fill:var(--ink)}
.paper{fill:var(--paper)}
.grid{stroke:var(--grid)}
.axis{stroke:var(--soft)}
.best{fill:none;stroke:var(--best);stroke-width:2}
.level{stroke:var(--soft);stroke-dasharray:4 4}
.won{fill:var(--win);stroke:var(--paper);stroke-width:1.5}
.lost{fill:var(--paper);stroke:var(--soft);stroke-width:1.5}
.stopped{fill:none;stroke:var(--soft);stroke-width:1.75}
"""


@dataclass(frozen=True, slots=True)
class _Scale:
    """From a value to a place on an axis; ``ticks`` are round values from ``low`` to ``high``."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A variant and its gain over the baseline, as far as races on some of the cases tell."""

    tried: Tried
    gain: float

    @property
    def won(self) -> bool:
        return self.tried.ended == "won"


def plot(report: Report) -> Iterator[str]:
    """The picture. Variants that were refused before they were asked are counted, not drawn."""
    asked = _placed([one for one in report.tried if one.cases > 0])
    start = _start(report, asked)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' role="img" aria-labelledby="title desc">\n'
    )
    yield f'<title id="title">{_text(_title(report))}</title>\n'
    yield f'<desc id="desc">{_text(_described(report, asked, start))}</desc>\n'
    yield f'<style>{_STYLE}</style>\n<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>\n'
    yield f'<text class="head" x="{_LEFT}" y="28">{_text(_title(report))}</text>\n'
    if start is None:
        yield f'<text x="{_LEFT}" y="56">{_text(f"nothing was raced: {report.reason}", 110)}</text>\n</svg>\n'
        return
    yield from _legend()
    across, up = _scales(asked)
    yield from _axes(across, up)
    yield from _line(asked, across, up)
    for one in sorted(asked, key=lambda one: one.won):  # what won is drawn over what did not
        yield _dot(one, across(one.tried.calls), up(one.gain))
    yield from _labels(asked, start, up)
    yield "</svg>\n"


def _title(report: Report) -> str:
    return f"{report.name}: score against calls"


def _described(report: Report, asked: Sequence[_Placed], start: float | None) -> str:
    if start is None:
        return f"No variant was raced. {report.reason}"
    calls = max((one.tried.calls for one in asked), default=0)
    unasked = len(report.tried) - len(asked)
    refused = f" {counted(unasked, 'variant')} refused before any call." if unasked else ""
    return (
        f"The baseline scores {share(start)} on training cases. {counted(len(asked), 'variant')} raced in"
        f" {counted(calls, 'call')}; the best scores {share(start + _best(asked))}.{refused}"
    )


def _start(report: Report, asked: Sequence[_Placed]) -> float | None:
    """The baseline's score; None when nothing was raced."""
    if not asked:
        return None
    return report.train_baseline if report.train_baseline is not None else asked[0].tried.parent


def _best(asked: Sequence[_Placed]) -> float:
    return max([0.0, *(one.gain for one in asked if one.won)])


def _placed(tried: Sequence[Tried]) -> list[_Placed]:
    """Where each variant stands; what a round starts from stands where the best of the rounds before it does."""
    placed: list[_Placed] = []
    for one in tried:
        earlier = (each.gain for each in placed if each.won and each.tried.round < one.round)
        start = max(earlier, default=0.0)
        placed.append(_Placed(one, start + one.score - one.parent))
    return placed


def _scales(placed: Sequence[_Placed]) -> tuple[_Scale, _Scale]:
    """Of calls, and of gains (1 is 100 points)."""
    calls = max(1, *(one.tried.calls for one in placed))
    gains = [0.0, *(one.gain for one in placed)]
    low, high = min(gains), max(gains)
    room = max((high - low) * 0.1, 0.01)
    return (
        _scale(0, calls * 1.04, _LEFT, WIDTH - _RIGHT, factors=(1, 2, 5, 10), smallest=1.0),
        _scale(low - room, high + room, HEIGHT - _BOTTOM, _TOP, factors=(1, 2, 2.5, 5, 10)),
    )


def _scale(
    low: float, high: float, start: float, end: float, *, factors: Sequence[float], smallest: float = 0.0
) -> _Scale:
    """An axis with ticks at whole multiples of a step: one of ``factors`` times a power of ten."""
    least = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in factors if factor * power >= least - 1e-12)
    step = max(step, smallest)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return _Scale(low, high, start, end, tuple(at * step for at in range(first, last + 1)))


def _axes(across: _Scale, up: _Scale) -> Iterator[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    for tick in up.ticks:
        y = up(tick)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>\n'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{points(tick)}</text>\n'
    yield f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>\n'
    for tick in across.ticks:
        x = across(tick)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>\n'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick:,.0f}</text>\n'
    middle = (_TOP + bottom) / 2
    yield f'<text x="{(_LEFT + right) / 2:.1f}" y="{HEIGHT - 14}" text-anchor="middle">calls to models so far</text>\n'
    yield (
        f'<text transform="translate(18 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        "gain in score over the baseline, points</text>\n"
    )


def _line(asked: Sequence[_Placed], across: _Scale, up: _Scale) -> Iterator[str]:
    """The baseline's level, and above it the best so far: a step where a variant won."""
    right, level = WIDTH - _RIGHT, up(0.0)
    yield f'<line class="level" x1="{_LEFT}" x2="{right}" y1="{level:.1f}" y2="{level:.1f}"/>\n'
    best, path = 0.0, [f"M{_LEFT} {level:.1f}"]
    for one in sorted((one for one in asked if one.won), key=lambda one: one.tried.calls):
        if one.gain > best:
            best = one.gain
            path.append(f"H{across(one.tried.calls):.1f}V{up(best):.1f}")
    path.append(f"H{right}")
    yield f'<path class="best" d="{"".join(path)}"/>\n'


def _labels(asked: Sequence[_Placed], start: float, up: _Scale) -> Iterator[str]:
    """The two scores, over everything else."""
    right, best = WIDTH - _RIGHT, _best(asked)
    yield f'<text x="{right}" y="{up(0.0) + 16:.1f}" text-anchor="end">baseline {share(start)}</text>\n'
    if best > 0:
        text = f"best {share(start + best)}"
        yield f'<text x="{right}" y="{up(best) - 8:.1f}" text-anchor="end">{text}</text>\n'


def _dot(one: _Placed, x: float, y: float) -> str:
    """A full dot won, an empty one lost, a cross was cut short; what it is stands in its title."""
    tried = one.tried
    ended = f"{tried.ended}: {tried.reason}" if tried.reason else tried.ended
    scored = (
        f"{share(tried.score)} on {counted(tried.cases, 'case')}, {points(tried.score - tried.parent)} points"
    )
    told = f"{tried.name} ({tried.approach}, round {tried.round}): {scored}, {ended}"
    return f"<g><title>{_text(told, 200)}</title>{_mark(tried.ended, x, y)}</g>\n"


def _mark(ended: str, x: float, y: float) -> str:
    if ended == "won":
        return f'<circle class="won" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>'
    if ended in {"stopped", "refused"}:
        return f'<path class="stopped" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8"/>'
    return f'<circle class="lost" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _legend() -> Iterator[str]:
    x, y = _LEFT, 48
    yield f'<path class="best" d="M{x} {y}h22"/>\n<text x="{x + 28}" y="{y + 4}">best so far</text>\n'
    for at, (ended, label) in enumerate(
        (("won", "won its race"), ("behind", "did not"), ("stopped", "cut short"))
    ):
        left = x + 122 + at * 110
        yield f'{_mark(ended, left, y)}\n<text x="{left + 12}" y="{y + 4}">{label}</text>\n'


def _text(text: str, limit: int = 300) -> str:
    return escape(for_xml(one_line(text, limit)))
