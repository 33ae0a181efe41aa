"""A script's syntax tree, with where each node stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

import libcst as cst

from astrarium.explain.spans import spans_of

Node = TypeVar("Node", bound=cst.CSTNode)


class Tree:
    """A parsed script. Offsets count characters of `text`.

    Args:
        text: Python code.
        module: the same, where it is parsed already.

    Raises:
        libcst.ParserSyntaxError: it is none.
        RecursionError: it is nested too deeply.
    """

    def __init__(self, text: str, module: cst.Module | None = None) -> None:
        self.text = text
        self.module = cst.parse_module(text) if module is None else module
        self._nodes, self._spans = spans_of(self.module)
        self.starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]

    def every(self, kind: type[Node]) -> Iterator[Node]:
        """All nodes of one class."""
        for node in self._nodes:
            if type(node) is kind:
                yield node

    @cached_property
    def names(self) -> list[cst.Name]:
        """The names that are read or bound; of `torch.device` not `device`, and no keywords of calls."""
        others = {id(node.attr) for node in self.every(cst.Attribute)}
        others.update(id(node.keyword) for node in self.every(cst.Arg))
        return [node for node in self.every(cst.Name) if id(node) not in others]

    @cached_property
    def read(self) -> Counter[str]:
        """How often each name is read or bound."""
        return Counter(node.value for node in self.names)

    def line_of(self, offset: int) -> int:
        """The line, from 1, of an offset."""
        return bisect_right(self.starts, offset)

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node stands, as offsets."""
        return self._spans[id(node)]

    def loop_of(self, node: cst.CSTNode) -> tuple[int, int] | None:
        """The span of the innermost `for` or `while` around a node; None where there is none."""
        start, end = self.span(node)
        loops = [self.span(loop) for kind in (cst.For, cst.While) for loop in self.every(kind)]
        around = [loop for loop in loops if loop[0] <= start and end <= loop[1]]
        return min(around, key=lambda loop: loop[1] - loop[0], default=None)

    def line(self, node: cst.CSTNode) -> int:
        """The line on which a node begins, from 1."""
        return self.line_of(self._spans[id(node)][0])

    def last_line(self, node: cst.CSTNode) -> int:
        """The line on which a node ends, from 1."""
        return self.line_of(self._spans[id(node)][1])

    def column(self, node: cst.CSTNode) -> int:
        """The column at which a node begins, from 1."""
        start = self._spans[id(node)][0]
        return start - self.starts[self.line_of(start) - 1] + 1

    def code(self, node: cst.CSTNode) -> str:
        """A node, as it stands in the script."""
        start, end = self._spans[id(node)]
        return self.text[start:end]
