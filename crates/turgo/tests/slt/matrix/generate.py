#!/usr/bin/env python3
"""Writes the `.slt` files of this directory: every statement and what it must answer.

Run by hand after a change: `python3 generate.py`. The files are checked in; no test needs Python.
The answers are computed here, row at a time, from what SQL and event time mean (`stream.py`);
nothing is taken from the engine.
"""

import pathlib
import textwrap

import tables
from cells import OPERATORS

HEADER = "Written by generate.py, which also computes the expected rows; change that, not this."


def main():
    directory = pathlib.Path(__file__).parent
    for old in directory.glob("*.slt"):
        old.unlink()
    text = [comment(HEADER, tables.__doc__.strip().replace("\n\n", "\n")), *tables.records()]
    write(directory / "tables.slt", text)
    for name, (about, records) in OPERATORS.items():
        text = [comment(HEADER, about), "include matrix/tables.slt", "", *records()]
        write(directory / f"{name}.slt", text)


def comment(*paragraphs):
    words = " ".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return textwrap.fill(words, 98, initial_indent="# ", subsequent_indent="# ")


def write(path, lines):
    path.write_text("\n".join(lines).rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
