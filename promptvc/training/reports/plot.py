"""Score against calls as SVG 1.1: the best so far in steps, and a dot for each variant where its race was over.

One file without scripts, fonts or addresses of others, so that a forge shows it as an image. Colours follow the light
or dark mode of its reader (`prefers-color-scheme`); a dot's kind is told by its shape, not by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from promptvc.evaluation.reports.figures import counted, points, share
from promptvc.evaluation.reports.plain import for_xml, one_line
from promptvc.training.outcome import Tried
from promptvc.training.reports.report import Report

WIDTH, HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 76, 60
_TICKS = 5
_STYLE = """\
svg{--paper:#fff;--ink:#1f2328;--soft:#59636e;--grid:#d8dee4;--best:#0550ae;--win:#0550ae}
@media (prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#f0f6fc;--soft:#a5aeb9;--grid:#30363d;--best:#79c0ff;\
--win:#79c0ff}}
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


def plot(report: Report) -> Iterator[str]:
    """The picture. Variants that were refused before they were asked are counted, not drawn."""
    asked = [one for one in report.tried if one.cases > 0]
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
    across, up = _scales(asked, start)
    yield from _axes(across, up)
    yield from _line(asked, start, across, up)
    for one in sorted(asked, key=lambda one: one.ended == "won"):  # what won is drawn over what did not
        yield _dot(one, across(one.calls), up(one.score))
    yield "</svg>\n"


def _title(report: Report) -> str:
    return f"{report.name}: score against calls"


def _described(report: Report, asked: Sequence[Tried], start: float | None) -> str:
    if start is None:
        return f"No variant was raced. {report.reason}"
    best = max([start, *(one.score for one in asked if one.ended == "won")])
    calls = max((one.calls for one in asked), default=0)
    unasked = len(report.tried) - len(asked)
    refused = f" {counted(unasked, 'variant')} refused before any call." if unasked else ""
    return (
        f"The baseline scores {share(start)} on training cases. {counted(len(asked), 'variant')} raced in"
        f" {counted(calls, 'call')}; the best scores {share(best)}.{refused}"
    )


def _start(report: Report, asked: Sequence[Tried]) -> float | None:
    """The baseline's score; None when nothing was raced."""
    if not asked:
        return None
    return report.train_baseline if report.train_baseline is not None else asked[0].parent


def _scales(asked: Sequence[Tried], start: float) -> tuple[_Scale, _Scale]:
    calls = max(1, *(one.calls for one in asked))
    scores = [start, *(one.score for one in asked)]
    low, high = min(scores), max(scores)
    room = max((high - low) * 0.1, 0.02)
    return (
        _scale(0, calls * 1.04, _LEFT, WIDTH - _RIGHT, whole=True),
        _scale(max(0.0, low - room), min(1.0, high + room), HEIGHT - _BOTTOM, _TOP),
    )


def _scale(low: float, high: float, start: float, end: float, *, whole: bool = False) -> _Scale:
    step = _step((high - low) / _TICKS)
    if whole:
        step = max(1, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return _Scale(low, high, start, end, tuple(at * step for at in range(first, last + 1)))


def _step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least - 1e-12)


def _axes(across: _Scale, up: _Scale) -> Iterator[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    decimals = max(1, -math.floor(math.log10(up.ticks[1] - up.ticks[0]) + 1e-9)) if len(up.ticks) > 1 else 2
    for tick in up.ticks:
        y = up(tick)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>\n'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.{decimals}f}</text>\n'
    yield f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>\n'
    for tick in across.ticks:
        x = across(tick)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>\n'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick:,.0f}</text>\n'
    middle = (_TOP + bottom) / 2
    yield f'<text x="{(_LEFT + right) / 2:.1f}" y="{HEIGHT - 14}" text-anchor="middle">calls to models so far</text>\n'
    yield (
        f'<text transform="translate(18 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        "mean score on training cases</text>\n"
    )


def _line(asked: Sequence[Tried], start: float, across: _Scale, up: _Scale) -> Iterator[str]:
    """The baseline's level, and above it the best so far: a step where a variant won."""
    right, level = WIDTH - _RIGHT, up(start)
    yield f'<line class="level" x1="{_LEFT}" x2="{right}" y1="{level:.1f}" y2="{level:.1f}"/>\n'
    yield f'<text x="{right}" y="{level + 16:.1f}" text-anchor="end">baseline {share(start)}</text>\n'
    best, path = start, [f"M{_LEFT} {level:.1f}"]
    for one in sorted((one for one in asked if one.ended == "won"), key=lambda one: one.calls):
        if one.score > best:
            best = one.score
            path.append(f"H{across(one.calls):.1f}V{up(best):.1f}")
    path.append(f"H{right}")
    yield f'<path class="best" d="{"".join(path)}"/>\n'
    if best > start:
        y = up(best) - 8
        yield f'<text x="{right}" y="{y:.1f}" text-anchor="end">best {share(best)}</text>\n'


def _dot(one: Tried, x: float, y: float) -> str:
    """A full dot won, an empty one lost, a cross was cut short; what it is stands in its title."""
    gain = points(one.score - one.parent)
    ended = f"{one.ended}: {one.reason}" if one.reason else one.ended
    told = f"{one.name} ({one.approach}, round {one.round}): {share(one.score)}, {gain} points, {ended}"
    return f"<g><title>{_text(told, 200)}</title>{_mark(one.ended, x, y)}</g>\n"


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
