"""A script's syntax tree, with where each node stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider


class Tree:
    """A parsed script. Offsets count characters of `text`.

    Args:
        text: Python code.

    Raises:
        libcst.ParserSyntaxError: it is none.
        RecursionError: it is nested too deeply.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.module = cst.parse_module(text)
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        self._positions: Mapping[cst.CSTNode, CodeRange] = wrapper.resolve(PositionProvider)
        self.starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]

    def offset(self, line: int, column: int) -> int:
        """Of a line from 1 and a column from 0."""
        return min(self.starts[min(line, len(self.starts)) - 1] + column, len(self.text))

    def line_of(self, offset: int) -> int:
        """The line, from 1, of an offset."""
        return bisect_right(self.starts, offset)

    def range(self, node: cst.CSTNode) -> CodeRange:
        """Where a node stands, in lines and columns."""
        return self._positions[node]

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node stands, as offsets."""
        place = self._positions[node]
        return self.offset(place.start.line, place.start.column), self.offset(place.end.line, place.end.column)

    def line(self, node: cst.CSTNode) -> int:
        """The line on which a node begins, from 1."""
        return self._positions[node].start.line

    def code(self, node: cst.CSTNode) -> str:
        """A node, as it stands in the script."""
        start, end = self.span(node)
        return self.text[start:end]
