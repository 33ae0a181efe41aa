"""Python source: parsed by its own encoding, its functions found and cut out."""

from __future__ import annotations

import ast
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = ast.If | ast.Try | ast.TryStar | ast.With


def parse(path: Path) -> tuple[ast.Module, list[str]]:
    """A file's tree, and its lines as the tree counts them.

    Raises:
        ValueError: no Python that this interpreter can parse, or an encoding that there is not.
        OSError: not readable.
    """
    try:
        with tokenize.open(path) as file:  # honours the file's own encoding (PEP 263)
            text = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the code warns of (invalid escapes) is its own affair
            tree = ast.parse(text)
    except (SyntaxError, LookupError, RecursionError, MemoryError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    return tree, text.split("\n")  # not splitlines(): a form feed or U+2028 ends no line of Python


def functions_in(body: list[ast.stmt], *, method: bool = False) -> Iterator[tuple[Function, bool]]:
    """Functions of a module, under its conditions too, and methods of its classes: `(function, whether a method)`."""
    for node in body:
        if isinstance(node, Function):
            yield node, method
        elif isinstance(node, ast.ClassDef):
            yield from functions_in(node.body, method=True)
        elif isinstance(node, _BLOCKS):
            yield from functions_in(_inside(node), method=method)


def excerpt(node: Function, lines: list[str]) -> str | None:
    """A function's source from its first decorator on, without its indentation; None where it does not stand alone."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    own = [line.lstrip("\f") for line in lines[first - 1 : end(node)]]
    indent = len(own[0]) - len(own[0].lstrip())
    for kept in (set[int](), _in_literals(node, first)):
        code = "\n".join(
            line[indent:] if number not in kept and not line[:indent].strip() else line
            for number, line in enumerate(own)
        )
        if (indent == 0 and not node.decorator_list) or _same(code, node):
            return code
    return None


def end(node: ast.stmt) -> int:
    """The last line of a statement, counted from 1."""
    return node.end_lineno or node.lineno


def _inside(node: _BLOCKS) -> list[ast.stmt]:
    found = list(node.body)
    if isinstance(node, ast.Try | ast.TryStar):
        found += [statement for handler in node.handlers for statement in handler.body]
    if not isinstance(node, ast.With):
        found += node.orelse
    if isinstance(node, ast.Try | ast.TryStar):
        found += node.finalbody
    return found


def _in_literals(node: Function, first: int) -> set[int]:
    """Lines that begin inside a literal, counted from 0 at `first`; their indentation may be part of a text."""
    inside = set[int]()
    for literal in (part for statement in node.body[1:] for part in ast.walk(statement)):
        if isinstance(literal, ast.Constant | ast.JoinedStr):
            inside.update(range(literal.lineno + 1 - first, (literal.end_lineno or literal.lineno) + 1 - first))
    return inside


def _same(code: str, node: Function) -> bool:
    """Whether code is this function, but for the indentation of its docstring."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(body) == 1 and isinstance(body[0], Function) and _shape(body[0]) == _shape(node)


def _shape(node: Function) -> list[str]:
    return [ast.dump(part) for part in (node.args, *node.decorator_list, *node.body[1:])]
