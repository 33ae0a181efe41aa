"""Rows from documented Python functions: the docstring asks, the function answers."""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from astrarium.core.digests import digest_bytes
from astrarium.core.errors import DataError
from astrarium.data.repository import python_files
from astrarium.data.rows import Report, Row, Rows

_MAX_FILE_BYTES = 1 << 20
_TEST_FILE = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")
_STUBS = frozenset({"overload", "abstractmethod"})
_MIN_WORDS = 3
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """Which functions are worth a row."""

    min_lines: int = 3
    """Lines of the function without its docstring, its signature included."""
    max_lines: int = 60
    max_characters: int = 3000
    methods: bool = False
    """Take methods too; they often need their class to make sense."""


def functions(where: str | Path, limits: FunctionLimits | None = None) -> Rows:
    """Rows from the documented Python functions of a repository, a folder or a file.

    The prompt is an instruction made of the name, the signature and the docstring's first paragraph; the completion is
    the whole function, docstring included. Left out, and counted in the report: functions without prose in their
    docstring, trivial bodies, stubs, tests, the too short and the too long, and bodies that were seen before.

    Raises:
        DataError: nothing there, no Python files, or nothing left of them.
    """
    limits = limits or FunctionLimits()
    rows, report, seen, files = Rows(), Report(), set[str](), 0
    for path, name in python_files(where):
        files += 1
        if _TEST_FILE.search(name):
            report.drop("in a test file")
            continue
        module = _parse(path, name, report)
        if module is None:
            continue
        tree, source = module
        for node, inside in _functions(tree):
            report.looked_at += 1
            reason = _unfit(node, inside, source, limits) or _seen_before(node, seen)
            if reason:
                report.drop(reason)
            else:
                rows.append(_row(node, source, name))
    if not files:
        raise DataError(f"{where} has no Python files")
    report.kept = len(rows)
    rows.report = report
    if not rows:
        raise DataError(f"{where} gave no rows: {report.summary()}")
    return rows


def _parse(path: Path, name: str, report: Report) -> tuple[ast.Module, list[str]] | None:
    if path.stat().st_size > _MAX_FILE_BYTES:
        report.drop("in a file of over 1 MiB")
        return None
    try:
        with tokenize.open(path) as file:  # honours the file's own encoding (PEP 263)
            text = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the code warns of (invalid escapes) is its own affair
            return ast.parse(text), text.splitlines()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        report.drop("in a file that does not parse")
        report.unreadable.append(f"{name}: {' '.join(str(error).split())}")
        return None


def _functions(tree: ast.Module) -> Iterator[tuple[_Function, bool]]:
    """Functions of the module, and methods of its classes: `(function, whether it is a method)`."""
    for node in tree.body:
        if isinstance(node, _Function):
            yield node, False
        elif isinstance(node, ast.ClassDef):
            yield from ((inner, True) for inner in node.body if isinstance(inner, _Function))


def _unfit(node: _Function, method: bool, source: list[str], limits: FunctionLimits) -> str | None:
    """Why a function makes no row; None where it makes one."""
    if method and not limits.methods:
        return "a method"
    docstring = ast.get_docstring(node)
    if docstring is None:
        return "without a docstring"
    if node.name.startswith("test"):
        return "a test"
    if _names(node.decorator_list) & _STUBS or _is_trivial(node.body[1:]):
        return "trivial or a stub"
    if len(_summary(docstring).split()) < _MIN_WORDS:
        return "with too short a docstring"
    first = node.body[0]
    lines = _end(node) - node.lineno + 1 - (_end(first) - first.lineno + 1)
    if lines < limits.min_lines:
        return "too short"
    if lines > limits.max_lines or len(_code(node, source)) > limits.max_characters:
        return "too long"
    return None


def _is_trivial(body: list[ast.stmt]) -> bool:
    if not body:
        return True
    if len(body) > 1:
        return False
    only = body[0]
    if isinstance(only, ast.Pass | ast.Raise):
        return True
    value = only.value if isinstance(only, ast.Return | ast.Expr) else ast.Name("")
    return value is None or isinstance(value, ast.Constant) or (isinstance(only, ast.Return) and _is_lookup(value))


def _is_lookup(value: ast.expr) -> bool:
    return isinstance(value, ast.Name | ast.Attribute) and isinstance(only_name(value), ast.Name)


def only_name(value: ast.expr) -> ast.expr:
    """What is left of `a.b.c` when the attributes are taken off: `a`."""
    while isinstance(value, ast.Attribute):
        value = value.value
    return value


def _names(decorators: list[ast.expr]) -> set[str]:
    return {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in decorators}


def _seen_before(node: _Function, seen: set[str]) -> str | None:
    body = digest_bytes("\n".join(ast.dump(statement) for statement in node.body[1:]).encode())
    if body in seen:
        return "with the body of another"
    seen.add(body)
    return None


def _row(node: _Function, source: list[str], name: str) -> Row:
    summary = _summary(ast.get_docstring(node) or "")
    prompt = f"Please write a function in Python named `{node.name}` with the signature `{_signature(node)}`. {summary}"
    return {"prompt": prompt, "completion": _code(node, source), "source": f"{name}:{node.lineno}"}


def _signature(node: _Function) -> str:
    start = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{start} {node.name}({ast.unparse(node.args)}){returns}"


def _summary(docstring: str) -> str:
    """The docstring's first paragraph as a sentence, without examples and field lists."""
    paragraph = re.split(r"\n\s*\n|\n\s*(?:>>>|:\w+|Args:|Parameters\b)", docstring.strip(), maxsplit=1)[0]
    text = " ".join(paragraph.split())
    if text.startswith((">>>", ":", "@")):
        return ""
    return text if not text or text.endswith((".", "!", "?", ":")) else f"{text}."


def _code(node: _Function, source: list[str]) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    lines = source[first - 1 : _end(node)]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] if line[:indent].strip() == "" else line for line in lines)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
