"""The picture of the README: bars on a logarithmic scale, as an SVG of a few kilobytes."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from .document import Document

TITLE: Final = "Messages per second of the server's CPU, echo of 64 B on 64 connections"

SERIES: Final = (("echo-1", "1 in flight", "one"), ("echo-16", "16 in flight", "many"))
"""Column, its name in the legend, its class in the style sheet."""

OURS: Final = ("sock", "sock-pure")

NAMESPACE: Final = "http://www.w3.org/2000/svg"

WIDTH: Final = 800
LEFT: Final = 266
"""The x of the beginning of the bars; the names stand left of it."""

RIGHT: Final = 76
"""The space behind the longest bar, for its figure."""

TOP: Final = 84
BAR: Final = 13
ROW: Final = 38
BOTTOM: Final = 34

STYLE: Final = """
    .card { fill: #ffffff; stroke: #d0d7de; }
    .grid { stroke: #d8dee4; }
    text { fill: #1f2328; font: 13px system-ui, sans-serif; }
    .title { font-size: 15px; font-weight: 600; }
    .small { fill: #59636e; font-size: 12px; }
    .ours { font-weight: 700; }
    .one { fill: #9a6700; }
    .many { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      .card { fill: #0d1117; stroke: #3d444d; }
      .grid { stroke: #2a313c; }
      text { fill: #f0f6fc; }
      .small { fill: #9198a1; }
      .one { fill: #d29922; }
      .many { fill: #4493f8; }
    }
"""
"""The card has a background of its own, so that it can be read on any page."""


def draw(document: Document) -> str:
    """Draw the echo columns of a run, the fastest server first."""
    figures = document["figures"]
    columns = [column for column, _, _ in SERIES]
    peers = [peer for peer in document["titles"] if all(c in figures[peer] for c in columns)]
    peers.sort(key=lambda peer: -figures[peer][columns[-1]]["median"])
    values = [figures[peer][column]["median"] for peer in peers for column in columns]
    # The bounds are powers of ten and differ, so that there is a picture without figures too.
    first = floor(log10(min(values, default=1e4)))
    last = max(first + 1, ceil(log10(max(values, default=1e6))))
    height = TOP + ROW * len(peers) + BOTTOM
    parts = [*_head(document, height), *_grid(first, last, height)]
    for row, peer in enumerate(peers):
        parts += _server(document, peer, TOP + ROW * row, first, last)
    return "\n".join([*parts, "</svg>", ""])


def _head(document: Document, height: int) -> list[str]:
    description = "; ".join(
        f"{document['titles'][peer]}: "
        + ", ".join(f"{columns[c]['median']:,.0f} with {words}" for c, words, _ in SERIES)
        for peer, columns in document["figures"].items()
        if all(column in columns for column, _, _ in SERIES)
    )
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    parts = [
        f'<svg xmlns="{NAMESPACE}" {size} role="img" aria-labelledby="title desc">',
        f'  <title id="title">{escape(TITLE)}</title>',
        f'  <desc id="desc">Bars on a logarithmic scale. {escape(description)}.</desc>',
        f"  <style>{STYLE}  </style>",
        f'  <rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text("title", 16, 28, TITLE),
    ]
    for place, (_, words, name) in enumerate(SERIES):
        x = LEFT + 110 * place
        parts += [_bar(name, x, 42, BAR), _text("small", x + BAR + 6, 53, words)]
    return [*parts, _text("small", WIDTH - 16, 53, "logarithmic; longer is faster", "end")]


def _grid(first: int, last: int, height: int) -> list[str]:
    parts: list[str] = []
    for power in range(first, last + 1):
        x = _x(10.0**power, first, last)
        ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height - BOTTOM}"'
        parts += [
            f'  <line class="grid" {ends}/>',
            _text("small", x, height - 14, _short(10.0**power), "middle"),
        ]
    return parts


def _server(document: Document, peer: str, y: int, first: int, last: int) -> list[str]:
    name = "ours" if peer in OURS else "theirs"
    parts = [_text(name, LEFT - 10, y + BAR + 5, document["titles"][peer], "end")]
    for place, (column, _, kind) in enumerate(SERIES):
        value = document["figures"][peer][column]["median"]
        top, x = y + (BAR + 2) * place, _x(value, first, last)
        parts += [
            _bar(kind, LEFT, top, x - LEFT),
            _text("small", x + 6, top + BAR - 2, _short(value)),
        ]
    return parts


def _bar(name: str, x: float, y: float, width: float) -> str:
    place = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}"'
    return f'  <rect class="{name}" {place} rx="2"/>'


def _text(name: str, x: float, y: float, words: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}"'
    return f'  <text class="{name}" {place}>{escape(words)}</text>'


def _x(value: float, first: int, last: int) -> float:
    share = (log10(value) - first) / (last - first)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _short(value: float) -> str:
    """Write a number in three digits: 950, 21 k, 4.5 M."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}"
