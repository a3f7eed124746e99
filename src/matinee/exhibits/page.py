"""Sections as one page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from matinee.exhibits.plots import draw
from matinee.exhibits.types import Cell, Column, Exhibit, Section, Table

_CODE = re.compile(r"`([\w@-]+)`")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Head:
    """What stands around the sections.

    Attributes:
        over: What sort of page it is, in a word or two.
        name: What it is of: the heading.
        title: What the window is called.
        lead: What it says, in a sentence.
        note: What must be known before anything else, or ''.
        foot: How it was made.
        style: Rules of this sort of page, beside those of all.
        skipped: How many of the first sections have no link at the top.
    """

    over: str
    name: str
    title: str
    lead: str
    note: str = ""
    foot: str = ""
    style: str = ""
    skipped: int = 0


def page(head: Head, sections: Iterable[Section]) -> str:
    """The whole page as HTML: no scripts, no requests, light and dark by the reader's wish."""
    shown = list(sections)
    style = "".join(map(_sheet, ("colours.css", "page.css"))) + head.style
    note = f'<p class="missing">{_text(head.note)}</p>' if head.note else ""
    links = "".join(
        f'<li><a href="#{s.name}">{_text(s.title)}</a></li>' for s in shown[head.skipped :]
    )
    body = "\n".join(map(_section, shown))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(head.title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="over">{_text(head.over)}</p>
<h1>{_text(head.name)}</h1>
<p class="lead">{_sentence(head.lead)}</p>
{note}<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
<footer>
<p>{_text(head.foot)}</p>
</footer>
</body>
</html>
"""


def _sheet(name: str) -> str:
    return files("matinee.exhibits").joinpath(name).read_text(encoding="utf-8")


def _section(section: Section) -> str:
    missing = "".join(f'<p class="missing">{_text(what)}</p>' for what in section.missing)
    shown = "\n".join(_exhibit(exhibit) for exhibit in section.exhibits)
    exhibits = f'<div class="exhibits">\n{shown}\n</div>' if shown else ""
    return (
        f'<section id="{section.name}" aria-labelledby="{section.name}-title">\n'
        f'<h2 id="{section.name}-title">{_text(section.title)}</h2>\n'
        f"{missing}{exhibits}\n</section>"
    )


def _exhibit(exhibit: Exhibit) -> str:
    note = f'<p class="note">{_text(exhibit.note)}</p>' if exhibit.note else ""
    title = f"<h3>{_sentence(exhibit.says)}</h3>" if not exhibit.untitled else ""
    chart = draw(exhibit)
    if not chart:
        listed = len(exhibit.table.columns) == 2
        shown = _facts(exhibit) if listed else _table(exhibit)
        return f'<figure class="{"" if listed else "open"} whole">{title}{shown}{note}</figure>'
    behind = f"<details><summary>The table behind it</summary>{_table(exhibit)}</details>"
    whole = ' class="whole"' if exhibit.wide else ""
    return f"<figure{whole}>{title}{chart}{note}{behind}</figure>"


def _facts(exhibit: Exhibit) -> str:
    """A table of two columns as a list of names and what they are."""
    name, value = exhibit.table.columns
    rows = "\n".join(
        f"<div><dt>{_text(name.text(row[0]))}</dt><dd>{_text(value.text(row[1]))}</dd></div>"
        for row in exhibit.table.rows
    )
    rows = _CODE.sub(r"<code>\1</code>", rows)
    return f"<dl>\n{rows}\n</dl>"


def _table(exhibit: Exhibit) -> str:
    """A table that scrolls sideways by itself where it is wider than the page."""
    table: Table = exhibit.table
    head = "".join(f'<th scope="col"{_align(c)}>{_text(c.name)}</th>' for c in table.columns)
    rows = "\n".join(f"<tr>{_cells(table.columns, row)}</tr>" for row in table.rows)
    label = escape(exhibit.says, quote=True)
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{label}"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cells(columns: tuple[Column, ...], row: tuple[Cell, ...]) -> str:
    name = _text(columns[0].name)
    text = _text(columns[0].text(row[0]))
    first = f'<th scope="row"{_align(columns[0])} data-name="{name}">{text}</th>'
    others = zip(columns[1:], row[1:], strict=True)
    return first + "".join(
        f'<td{_align(c)} data-name="{_text(c.name)}">{_text(c.text(value))}</td>'
        for c, value in others
    )


def _align(column: Column) -> str:
    return "" if column.kind == "text" else ' class="n"'


def _sentence(says: str) -> str:
    return _text(says if says.endswith(".") else says + ".")


def _text(text: str) -> str:
    """Text from anywhere as HTML: nothing in it is markup, nor a control character."""
    return escape(_CONTROL.sub("", text), quote=True)
