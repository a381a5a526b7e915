"""A picture as SVG and as DOT.

The SVG stands alone: no script, no font or style from elsewhere; it follows the reader's light or dark setting, can be read
out (`title`, `desc`, a title for each box and arrow) and tells kinds apart by shape and line as well as by colour.
Contrast of text is at least 4.5:1 in both settings.
"""

from __future__ import annotations

from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from graphsvc.explore.layout import Layout, Place, lay_out
from graphsvc.explore.picture import Arrow, Box, Picture

__all__ = ["to_dot", "to_svg"]

_STYLE = """\
.back{fill:#ffffff}.title{font:600 17px system-ui,sans-serif;fill:#1c2430}.note{font:12px system-ui,sans-serif;fill:#4a5565}
.box{stroke-width:1.5}.name{font:13px ui-monospace,monospace;fill:#1c2430;text-anchor:middle}
.word{font:12px system-ui,sans-serif;fill:#333c49;text-anchor:middle}
.identity{fill:#e6effa;stroke:#2f6bb3}.group,.role{fill:#eef0f3;stroke:#5f6b7a}.permission{fill:#fff6dd;stroke:#9a7400}
.resource{fill:#e5f4ea;stroke:#2e7d4f}.admin,.gain{fill:#fbe5e5;stroke:#b3261e}.start{stroke-width:3}
.line{fill:none;stroke:#5f6b7a;stroke-width:1.6}.head{fill:#5f6b7a}.maybe{stroke-dasharray:6 4}
.cut{stroke:#b3261e;stroke-width:2.4;stroke-dasharray:2 4}.cutword{fill:#b3261e;font-weight:600}
@media (prefers-color-scheme:dark){.back{fill:#12161c}.title,.name{fill:#eef2f7}.note{fill:#aab4c2}
.word{fill:#d5dce6}.identity{fill:#1d3350;stroke:#7fb0ea}.group,.role{fill:#2a303a;stroke:#9aa6b5}
.permission{fill:#3a3115;stroke:#e0b84a}.resource{fill:#173626;stroke:#6fc391}.admin,.gain{fill:#471e1e;stroke:#f08a83}
.line{stroke:#9aa6b5}.head{fill:#9aa6b5}.cut{stroke:#f08a83}.cutword{fill:#ffb4ae}}
"""


def to_svg(picture: Picture) -> str:
    """The picture as one SVG document, the same bytes for the same picture."""
    layout = lay_out(picture)
    width, height = round(layout.width), round(layout.height)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' role="img" aria-label={quoteattr(picture.title)}>'
        ),
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(told(picture))}</desc>",
        f"<style>{_STYLE}</style>",
        (
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
            '<path class="head" d="M0 0L10 5L0 10z"/></marker></defs>'
        ),
        f'<rect class="back" width="{width}" height="{height}"/>',
        f'<text class="title" x="28" y="36">{escape(picture.title)}</text>',
    ]
    parts += [_line(arrow, layout) for arrow in picture.arrows.values()]
    parts += [_box(box, layout.places[key]) for key, box in picture.boxes.items()]
    parts += [_words(arrow, layout.words[ends]) for ends, arrow in picture.arrows.items()]
    if picture.note:
        parts.append(f'<text class="note" x="28" y="{height - 14}">{escape(picture.note)}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def told(picture: Picture) -> str:
    """The picture in words, an arrow a sentence."""
    sentences = [
        f"{picture.boxes[arrow.start].full} to {picture.boxes[arrow.end].full}: {arrow.full}"
        + (" (only if a condition holds)" if arrow.style == "maybe" else "")
        for arrow in picture.arrows.values()
    ]
    return ". ".join((*sentences, picture.note) if picture.note else sentences) + "."


def _box(box: Box, place: Place) -> str:
    left, top = place.x - place.width / 2, place.y - place.height / 2
    round_ = {"identity": 14, "permission": 2, "resource": 4, "group": 4, "role": 4}.get(box.kind, 6)
    start = " start" if box.start else ""
    shape = (
        f'<rect class="box {box.kind}{start}" x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}"'
        f' height="{place.height:.1f}" rx="{round_}"/>'
    )
    if box.kind in ("admin", "gain"):
        # A second frame: what it comes to is seen without colours too.
        shape += (
            f'<rect class="box {box.kind}" fill-opacity="0" x="{left + 4:.1f}" y="{top + 4:.1f}"'
            f' width="{place.width - 8:.1f}" height="{place.height - 8:.1f}" rx="3"/>'
        )
    first = place.y - (len(box.lines) - 1) * 17 / 2 + 4.5
    lines = "".join(
        f'<text class="name" x="{place.x:.1f}" y="{first + number * 17:.1f}">{escape(line)}</text>'
        for number, line in enumerate(box.lines)
    )
    return f"<g><title>{escape(f'{box.kind} {box.full}')}</title>{shape}{lines}</g>"


def _line(arrow: Arrow, layout: Layout) -> str:
    points = layout.ways[arrow.start, arrow.end]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        if (arrow.start, arrow.end) in layout.sideways:
            middle = (x1 + x2) / 2
            path += f"C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
            continue
        middle = (y1 + y2) / 2
        path += f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    style = {"maybe": " maybe", "cut": " cut"}.get(arrow.style, "")
    return f'<g><title>{escape(arrow.full)}</title><path class="line{style}" d="{path}" marker-end="url(#head)"/></g>'


def _words(arrow: Arrow, place: Place) -> str:
    top = place.y - (len(arrow.lines) - 1) * 15 / 2 + 4
    cut = " cutword" if arrow.style == "cut" else ""
    ground = (
        f'<rect class="back" x="{place.x - place.width / 2:.1f}" y="{place.y - place.height / 2:.1f}"'
        f' width="{place.width:.1f}" height="{place.height:.1f}"/>'
    )
    return ground + "".join(
        f'<text class="word{cut}" x="{place.x:.1f}" y="{top + number * 15:.1f}">{escape(part)}</text>'
        for number, part in enumerate(arrow.lines)
    )


_SHAPES = {
    "identity": "box, style=rounded",
    "permission": "note",
    "resource": "cylinder",
    "admin": "doubleoctagon",
}


def to_dot(picture: Picture) -> str:
    """The picture for Graphviz."""
    lines = [
        f"digraph {_quoted(picture.title)} {{",
        f"  label={_quoted(picture.title + (chr(10) + picture.note if picture.note else ''))}; labelloc=t; rankdir=TB;",
        '  node [fontname="monospace", fontsize=11]; edge [fontname="sans-serif", fontsize=10];',
    ]
    for key, box in picture.boxes.items():
        shape = _SHAPES.get(box.kind, "box")
        bold = ", penwidth=2" if box.start else ""
        lines.append(
            f"  {_quoted(key)} [label={_quoted(chr(10).join(box.lines))}, tooltip={_quoted(box.full)}, shape={shape}{bold}];"
        )
    for arrow in picture.arrows.values():
        style = {"maybe": ", style=dashed", "cut": ', style=dotted, color="#b3261e"'}.get(arrow.style, "")
        label = _quoted("\n".join(arrow.lines))
        lines.append(f"  {_quoted(arrow.start)} -> {_quoted(arrow.end)} [label={label}{style}];")
    return "\n".join((*lines, "}", ""))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
