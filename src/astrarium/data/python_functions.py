"""Functions of a Python file, as `ast` finds them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from astrarium.core.digests import digest_bytes
from astrarium.data.found import FoundFunction
from astrarium.data.languages.python import LANGUAGE
from astrarium.data.prose import first_sentence
from astrarium.data.python_code import Function, end, excerpt, functions_in

_STUBS = frozenset({"overload", "abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod"})


def found_in(tree: ast.Module, lines: list[str]) -> Iterator[FoundFunction]:
    """The functions of a module and the methods of its classes, in their order."""
    for node, method in functions_in(tree.body):
        docstring = ast.get_docstring(node)
        body = node.body if docstring is None else node.body[1:]
        first = node.body[0]
        documented = 0 if docstring is None else end(first) - first.lineno + 1
        yield FoundFunction(
            name=node.name,
            line=node.lineno,
            signature=_signature(node),
            doc=None if docstring is None else first_sentence(docstring),
            lines=end(node) - node.lineno + 1 - documented,
            cut=partial(excerpt, node, lines),
            body=partial(_digest, body),
            method=method,
            test=LANGUAGE.test_name.match(node.name) is not None,
            trivial=bool(_names(node.decorator_list) & _STUBS) or _is_trivial(body),
        )


def _digest(body: list[ast.stmt]) -> str:
    return digest_bytes("\n".join(ast.dump(statement) for statement in body).encode("utf-8", "surrogatepass"))


def _is_trivial(body: list[ast.stmt]) -> bool:
    if not body:
        return True
    if len(body) > 1:
        return False
    only = body[0]
    if isinstance(only, ast.Pass | ast.Raise):
        return True
    if isinstance(only, ast.Return):
        return only.value is None or isinstance(only.value, ast.Constant) or _is_lookup(only.value)
    return isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant)


def _is_lookup(value: ast.expr) -> bool:
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name)


def _names(decorators: list[ast.expr]) -> set[str]:
    return {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in decorators}


def _signature(node: Function) -> str:
    start = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{start} {node.name}({ast.unparse(node.args)}){returns}"
