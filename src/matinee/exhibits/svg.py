"""matplotlib's SVG as part of a page: the page's colours and type, and no address in it.

Charts are drawn in stand-in colours; here each becomes a CSS variable of the page, so that a
picture follows the page from day to night and to paper.
"""

from __future__ import annotations

import io
import re

from matplotlib.figure import Figure

COLOURS = {
    "#010203": "var(--ink)",
    "#010204": "var(--paper)",
    "#010205": "var(--accent)",
    "#010206": "var(--mid)",
    "#010207": "var(--soft)",
    "#010208": "var(--rule)",
}
INK, PAPER, ACCENT, MID, SOFT, RULE = COLOURS

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_FAMILY = re.compile(r"font-family: [^;\"]*(; )?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def page_svg(figure: Figure, name: str, label: str) -> str:
    """A figure as an `<svg>` element.

    Args:
        figure: Drawn in the colours of this module.
        name: Put before every id, so that pictures on one page do not mix theirs.
        label: What the picture says, for those who do not see it; plain text, escaped already.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    text = buffer.getvalue()
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)[0]
    body = text[text.index("</defs>") + len("</defs>") : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", body)
    for colour, variable in COLOURS.items():
        body = body.replace(colour, variable)
    body = _CONTROL.sub("", _FAMILY.sub("", body))
    body = re.sub(r"\s*\n\s*", " ", body)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}" '
        f'style="stroke-linejoin: round">{body.strip()}</svg>'
    )
