"""Encoding, separator, and rows with their physical lines."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from matinee.data.textfiles import Dialect, is_broken, rows, sniff


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"a,b\n1,2\n", "utf-8"),
        ("a,b\n1,Cité\n".encode(), "utf-8"),
        (codecs.BOM_UTF8 + b"a,b\n1,2\n", "utf-8-sig"),
        ("a,b\n1,Cité\n".encode("utf-16"), "utf-16"),
        ("a,b\n1,Cité des enfants\n".encode("cp1252"), "cp1252"),
        (b"a,b\n1,caf\x8d\xe9\n", "latin-1"),
    ],
)
def test_encoding_is_found(tmp_path: Path, content: bytes, encoding: str) -> None:
    assert sniff(write(tmp_path, content), whole=True).encoding == encoding


def test_one_broken_byte_does_not_turn_utf8_into_something_else(tmp_path: Path) -> None:
    content = "a,b\n1,Cité\n2,Amélie\n".encode() + b"3,\xff\n"
    path = write(tmp_path, content)
    dialect = sniff(path, whole=True)
    assert dialect.encoding == "utf-8"
    read = dict(rows(path, dialect))
    assert read[2] == ["1", "Cité"]
    assert [line for line, fields in read.items() if any(map(is_broken, fields))] == [4]


@pytest.mark.parametrize(
    ("line", "separator"),
    [
        ("1,2,3", ","),
        ("1;2;3,5", ";"),
        ("1\t2\t3", "\t"),
        ("1::2: The Sequel::3", "::"),
        ("1|A, B|3", "|"),
        ("1 2", " "),
    ],
)
def test_separator_is_found(tmp_path: Path, line: str, separator: str) -> None:
    assert sniff(write(tmp_path, f"{line}\n".encode() * 3)).separator == separator


def test_quotes_protect_separators_and_line_ends_and_lines_stay_physical(tmp_path: Path) -> None:
    path = write(tmp_path, b'a,b\r\n1,"x, y"\r\n2,"two\nlines"\r\n\r\n3,z\r\n')
    found = list(rows(path, Dialect(",", "utf-8", quoted=True)))
    assert found == [
        (1, ["a", "b"]),
        (2, ["1", "x, y"]),
        (4, ["2", "two\nlines"]),
        (5, []),
        (6, ["3", "z"]),
    ]
