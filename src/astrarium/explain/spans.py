"""Where each node of a syntax tree stands, in characters, without the white space around it.

libcst's `PositionProvider` tells the same in lines and columns; it walks the tree twice and takes three times as long.
Nodes are told apart by `id`: libcst's own hash of a node is a Python function that gives no more.
"""

from __future__ import annotations

from types import TracebackType

import libcst as cst
from libcst._nodes.internal import CodegenState

Spans = dict[int, tuple[int, int]]


def spans_of(module: cst.Module) -> tuple[list[cst.CSTNode], Spans]:
    """All nodes, and `id` of a node → its start and end, as offsets into the module's code."""
    state = _State(module.default_indent, module.default_newline)
    module._codegen(state)
    return state.nodes, state.spans


class _State(CodegenState):
    """Counts characters while libcst writes a module."""

    def __init__(self, indent: str, newline: str) -> None:
        super().__init__(indent, newline)
        self.nodes: list[cst.CSTNode] = []
        self.spans: Spans = {}
        self.offset = 0
        self._begun: list[int] = []

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.offset += len(token)

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def before_codegen(self, node: cst.CSTNode) -> None:
        self._begun.append(self.offset)

    def after_codegen(self, node: cst.CSTNode) -> None:
        start, key = self._begun.pop(), id(node)
        self.nodes.append(node)
        if key not in self.spans:
            self.spans[key] = start, self.offset

    def record_syntactic_position(  # type: ignore[override]  # a context manager, as libcst's own, at less cost
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> _Mark:
        return _Mark(self, node, start_node, end_node)


class _Mark:
    """A node's own part, between its white space."""

    __slots__ = ("end_node", "node", "start", "start_node", "state")

    def __init__(
        self, state: _State, node: cst.CSTNode, start_node: cst.CSTNode | None, end_node: cst.CSTNode | None
    ) -> None:
        self.state, self.node, self.start_node, self.end_node = state, node, start_node, end_node
        self.start = 0

    def __enter__(self) -> None:
        self.start = self.state.offset

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        spans = self.state.spans
        start = self.start if self.start_node is None else spans[id(self.start_node)][0]
        end = self.state.offset if self.end_node is None else spans[id(self.end_node)][1]
        spans[id(self.node)] = start, end
