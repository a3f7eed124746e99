"""Reads pages as a browser would: tables as text, and which elements there are."""

from __future__ import annotations

from html.parser import HTMLParser


class Reader(HTMLParser):
    """Reads tables and lists of facts as rows of text, and which elements there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.elements: dict[str, int] = {}
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.open: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.texts += [value or "" for name, value in attrs if name == "aria-label"]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]
        for name, value in attrs:
            if name == "href":
                assert (value or "").startswith("#")
        if tag in ("tr", "dt"):
            self.rows.append([])
        if tag in ("td", "th", "dt", "dd"):
            self.rows[-1].append("")
            self.open = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self.open:
            self.open = None

    def handle_data(self, data: str) -> None:
        if self.open:
            self.rows[-1][-1] += data
