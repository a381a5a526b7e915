"""A report's chapters as Markdown or as one HTML page without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from graphsvc.cli.audit_report import Chapter, Table

__all__ = ["as_html", "as_markdown"]

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "h2{margin-top:2.5rem;border-bottom:1px solid #ccc}table{border-collapse:collapse;margin:1rem 0;width:100%}"
    "th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#f2f2f2}.bad{color:#a00;font-weight:bold}@media print{body{max-width:none;font-size:11px}}"
)


def as_markdown(chapters: Sequence[Chapter]) -> str:
    """The whole report."""
    lines: list[str] = []
    for chapter in chapters:
        lines += [f"{'#' * chapter.level} {chapter.title}", ""]
        for block in chapter.blocks:
            lines += _markdown_table(block) if isinstance(block, Table) else [_line(block)]
            lines.append("")
    return "\n".join(lines)


def as_html(chapters: Sequence[Chapter]) -> str:
    """The whole report: one page that loads nothing and runs nothing."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><title>Audit report</title>',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<style>{_STYLE}</style></head><body><main>",
            *(line for chapter in chapters for line in _html(chapter)),
            "</main></body></html>",
            "",
        ]
    )


def _html(chapter: Chapter) -> Iterator[str]:
    yield f"<h{chapter.level}>{escape(chapter.title)}</h{chapter.level}>"
    for block in chapter.blocks:
        if isinstance(block, Table):
            heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in block.heads)
            yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
            for row in block.rows:
                yield f"<tr>{''.join(f'<td>{escape(str(part))}</td>' for part in row)}</tr>"
            yield "</tbody></table>"
        else:
            mark = ' class="bad"' if block.startswith("NOT genuine") else ""
            yield f"<p{mark}>{escape(block)}</p>"


def _markdown_table(table: Table) -> list[str]:
    body = [f"| {' | '.join(_line(part) for part in row)} |" for row in table.rows]
    return [f"| {' | '.join(table.heads)} |", f"|{'---|' * len(table.heads)}", *body]


def _line(value: object) -> str:
    # Names come from callers: none may break the table or be read as markup.
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.split())
