"""Text tables as they come: which encoding, which separator, and every row with its line."""

from __future__ import annotations

import codecs
import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLE_BYTES = 1 << 20
"""How much of a file's beginning is looked at to find the separator."""

BLOCK_BYTES = 1 << 24
"""How much is read at once while the encoding is found."""

SEPARATORS = ("::", "\t", ";", ",", "|")
"""Tried in this order; the one that cuts most lines into the same number of
fields wins, then the one that makes more fields."""

_ASCII = bytes(range(0x80))
_ASCII_TEXT = re.compile("[\x00-\x7f]+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_NO_TEXT = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text table is written.

    Attributes:
        separator: Between fields; a space stands for any run of blanks.
        encoding: Python's name of it. `utf-8` may still have broken lines.
        quoted: Whether double quotes protect separators and line ends.
    """

    separator: str
    encoding: str
    quoted: bool


def sniff(path: Path, *, whole: bool = False) -> Dialect:
    """Find out how a text table is written.

    Args:
        path: The file.
        whole: Look for the encoding in all of the file rather than in its beginning.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    encoding = find_encoding(path) if whole else encoding_of([sample])
    text = sample.decode(encoding, errors="replace")
    lines = [line for line in text.split("\n")[:200] if line.strip(" ,;|\t")]
    separator = _separator(lines)
    # MovieLens's own .dat and u.* files know no quoting, and have titles with quotes in them.
    quoted = separator in {",", ";"} or (separator == "\t" and any('\t"' in x for x in lines))
    return Dialect(separator, encoding, quoted)


def find_encoding(path: Path) -> str:
    """The encoding of a text file, judged by all its bytes."""
    with path.open("rb") as file:
        return encoding_of(iter(lambda: file.read(BLOCK_BYTES), b""))


def encoding_of(blocks: Iterable[bytes]) -> str:
    """A byte order mark decides; else whether more bytes make UTF-8 characters than break them."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    good = broken = 0
    high: set[int] = set()
    for number, block in enumerate(blocks):
        if number == 0 and (marked := _byte_order_mark(block)):
            return marked
        if block.isascii():
            continue
        high.update(block.translate(None, delete=_ASCII))
        characters = _ASCII_TEXT.sub("", decoder.decode(block))
        escaped = len(_ESCAPED.findall(characters))
        broken += escaped
        good += len(characters) - escaped
    if good >= broken:
        return "utf-8"
    undefined = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
    return "latin-1" if high & undefined else "cp1252"


def _byte_order_mark(head: bytes) -> str | None:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _separator(lines: list[str]) -> str:
    best, best_score = ",", (0, 0)
    for separator in SEPARATORS:
        counts = [line.count(separator) for line in lines]
        usual = max(set(counts), key=lambda c: (counts.count(c), c), default=0)
        score = (counts.count(usual), usual) if usual else (0, 0)
        if score > best_score:
            best, best_score = separator, score
    if best_score == (0, 0) and lines and all(len(line.split()) > 1 for line in lines):
        return " "
    return best


def rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Every row with the number of its last physical line, the first being 1.

    An empty line is a row without fields. Bytes that are no text come as lone surrogates,
    which `is_broken` finds.
    """
    errors = "surrogateescape" if dialect.encoding.startswith("utf-8") else "replace"
    with path.open(encoding=dialect.encoding, errors=errors, newline="") as file:
        if dialect.quoted:
            yield from _quoted_rows(file, dialect.separator)
        else:
            yield from _plain_rows(file, dialect.separator)


def split_lines(lines: Iterable[bytes], dialect: Dialect) -> Iterator[list[str]]:
    """The fields of single lines, as `rows` would give them."""
    texts = (line.decode(dialect.encoding, errors="surrogateescape") for line in lines)
    read = _quoted_rows if dialect.quoted else _plain_rows
    return (fields for _, fields in read(texts, dialect.separator))


def count_lines(path: Path) -> int:
    """How many physical lines a file has; the last may lack its line end."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _quoted_rows(file: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(file, delimiter=separator)
    for fields in reader:
        yield reader.line_num, fields


def _plain_rows(file: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(file, start=1):
        text = line.rstrip("\r\n")
        if separator == " ":
            yield number, text.split()
        else:
            yield number, text.split(separator) if text else []


def is_broken(text: str) -> bool:
    """Whether a field holds bytes that were not text in the file's encoding."""
    return not text.isascii() and _NO_TEXT.search(text) is not None
