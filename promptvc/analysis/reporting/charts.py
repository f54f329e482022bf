"""Charts as SVG inside a page: lines with their interval, bars, marks of deployments. Colours are the page's classes.

Every chart has its title and what it shows in words; numbers are in the tables beside it. No text of others is put
in as markup.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640, 190
LEFT, LEFT_SMALL, RIGHT, TOP, BOTTOM = 52, 92, 8, 10, 24
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Spot:
    """One week of a line: its value, the ends of its interval, and how it is told; None where there is nothing."""

    value: float | None
    low: float | None = None
    high: float | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows.

    Attributes:
        starts: the first days of the weeks; ``spots``: one a week.
        unit: ``share``, ``ms`` or ``n``.
        marks: (day, words) of what happened; ``since``: (first day, day after the last) to be shaded.
        small: a small multiple, without marks' words and with two labels.
    """

    title: str
    told: str
    starts: Sequence[date]
    spots: Sequence[Spot]
    unit: str = "share"
    bars: bool = False
    zero: bool = False
    marks: Sequence[tuple[date, str]] = ()
    since: tuple[date, date] | None = None
    small: bool = False


def drawn(chart: Chart, number: int) -> str:
    """The chart as one SVG element; ``number`` makes its ids different from those of others on the page."""
    height = 120 if chart.small else HEIGHT
    low, high = _range(chart)
    kind = "chart small" if chart.small else "chart"
    head = (
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="c{number} d{number}">'
        f'<title id="c{number}">{html.escape(chart.title)}</title>'
        f'<desc id="d{number}">{html.escape(chart.told)}</desc>'
    )
    place = _Place(chart, low, high, height)
    return head + "".join((*place.shade(), *place.grid(), *place.shape(), *place.marks())) + "</svg>"


class _Place:
    """Where things are in one chart."""

    def __init__(self, chart: Chart, low: float, high: float, height: int) -> None:
        self.chart, self.low, self.high, self.height = chart, low, high, height
        self.first = chart.starts[0].toordinal() if chart.starts else 0
        self.span = max(7, 7 * len(chart.starts))
        self.left = LEFT_SMALL if chart.small else LEFT

    def x(self, day: float) -> str:
        """Of a day, counted from the first."""
        return f"{self.left + (WIDTH - self.left - RIGHT) * min(max(day, 0), self.span) / self.span:.1f}"

    def y(self, value: float) -> str:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return f"{self.height - BOTTOM - (self.height - TOP - BOTTOM) * share:.1f}"

    def shade(self) -> Iterator[str]:
        if self.chart.since is not None:
            first, last = (self.x(day.toordinal() - self.first) for day in self.chart.since)
            yield (
                f'<rect class="shade" x="{first}" y="{TOP}" width="{float(last) - float(first):.1f}" '
                f'height="{self.height - TOP - BOTTOM}"/>'
            )

    def grid(self) -> Iterator[str]:
        ticks = (
            [self.low, self.high]
            if self.chart.small
            else [self.low + (self.high - self.low) * n / 4 for n in range(5)]
        )
        for value in ticks:
            y = self.y(value)
            label, place = _label(value, self.chart.unit), f'x="{self.left - 6}" y="{float(y) + 4:.1f}"'
            yield f'<line class="grid" x1="{self.left}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            yield f'<text class="tick" {place} text-anchor="end">{label}</text>'
        seen = 0
        for number, start in enumerate(self.chart.starts):
            if number == 0 or start.month == self.chart.starts[number - 1].month:
                continue
            seen += 1
            if seen % (3 if self.chart.small else 1) == (1 if self.chart.small else 0):
                label = str(start.year) if start.month == 1 else _MONTHS[start.month - 1]
                yield f'<text class="tick" x="{self.x(number * 7)}" y="{self.height - 7}">{label}</text>'

    def shape(self) -> Iterator[str]:
        spots = list(enumerate(self.chart.spots))
        if self.chart.bars:
            width = (WIDTH - self.left - RIGHT) / max(1, len(spots)) - 2
            for number, spot in spots:
                if spot.value:
                    y = self.y(spot.value)
                    tall = float(self.y(self.low)) - float(y)
                    yield (
                        f'<rect class="bar" x="{float(self.x(number * 7)) + 1:.1f}" y="{y}" width="{width:.1f}" '
                        f'height="{tall:.1f}"><title>{html.escape(spot.told)}</title></rect>'
                    )
            return
        for run in _runs(spots):
            band = [(number, spot) for number, spot in run if spot.low is not None and spot.high is not None]
            if len(band) > 1:
                upper = [f"{self.x(number * 7 + 3.5)},{self.y(spot.high or 0)}" for number, spot in band]
                lower = [
                    f"{self.x(number * 7 + 3.5)},{self.y(spot.low or 0)}" for number, spot in reversed(band)
                ]
                yield f'<polygon class="band" points="{" ".join(upper + lower)}"/>'
            points = [f"{self.x(number * 7 + 3.5)},{self.y(spot.value or 0)}" for number, spot in run]
            yield f'<polyline class="line" points="{" ".join(points)}"/>'
            for (_, spot), point in zip(run, points, strict=True):
                x, y = point.split(",")
                words = f"<title>{html.escape(spot.told)}</title>" if spot.told else ""
                radius = 2.2 if len(run) > 1 else 3.5
                yield f'<circle class="dot" cx="{x}" cy="{y}" r="{radius}">{words}</circle>'

    def marks(self) -> Iterator[str]:
        for day, words in self.chart.marks:
            at = day.toordinal() - self.first
            if 0 <= at <= self.span:
                x = self.x(at)
                yield (
                    f'<g class="mark"><line x1="{x}" x2="{x}" y1="{TOP}" y2="{self.height - BOTTOM}"/>'
                    f'<path d="M{x} {TOP} l4 -7 h-8 z"/><title>{html.escape(words)}</title></g>'
                )


def _runs(spots: Sequence[tuple[int, Spot]]) -> Iterator[list[tuple[int, Spot]]]:
    """Stretches of weeks that have a value: a line is not drawn over weeks without."""
    run: list[tuple[int, Spot]] = []
    for number, spot in spots:
        if spot.value is None:
            if run:
                yield run
            run = []
        else:
            run.append((number, spot))
    if run:
        yield run


def _range(chart: Chart) -> tuple[float, float]:
    values = [end for spot in chart.spots for end in (spot.value, spot.low, spot.high) if end is not None]
    if not values:
        return 0.0, 1.0
    low, high = (0.0 if chart.bars or chart.zero else min(values)), max(values)
    step = _step(high - low or abs(high) or 1.0)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if high <= low:
        high = low + step
    if chart.unit == "share":
        low, high = max(0.0, low), min(1.0, high)
        low = low if high > low else high - step
    return low, high


def _step(span: float) -> float:
    """A round number, a fourth of the span or a little less."""
    size = 10.0 ** math.floor(math.log10(span / 4))
    return next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= span / 4)


def _label(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.0%}" if abs(value * 100 - round(value * 100)) < 0.05 else f"{value:.1%}"
    if unit == "ms":
        return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:g} s"
    if value >= 10_000:
        return f"{value / 1_000_000:g}M" if value >= 1_000_000 else f"{value / 1000:g}k"
    return f"{value:,.0f}"
