"""Rows from documented Python functions: the docstring asks, the function answers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from astrarium.core.digests import digest_bytes
from astrarium.core.errors import DataError
from astrarium.data.python_code import Function, end, excerpt, functions_in, parse
from astrarium.data.repository import PythonFile, python_files
from astrarium.data.rows import Report, Row, Rows, unwritable

_MAX_FILE_BYTES = 1 << 20
_TEST_FILE = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")
_TEST_NAME = re.compile(r"test(?:_|[A-Z]|$)")
_GENERATED_NAME = re.compile(r"_pb2(?:_grpc)?\.py$")
_GENERATED = re.compile(r"#.*(?:@generated|\bdo not edit\b|\b(?:auto-?|automatically )generated\b)", re.IGNORECASE)
_HEAD_LINES = 10
"""Where a generated file says that it is one."""
_STUBS = frozenset({"overload", "abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod"})
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """Which functions are worth a row."""

    min_lines: int = 3
    """Lines of the function without its docstring, its signature included."""
    max_lines: int = 60
    max_characters: int = 3000
    methods: bool = False
    """Take methods too; they often need their class to make sense."""


def functions(
    where: str | Path | Sequence[str | Path], limits: FunctionLimits | None = None, *, limit: int | None = None
) -> Rows:
    """Rows from the documented Python functions of a repository, a folder or a file, or of several.

    The prompt is an instruction made of the name, the signature and the docstring's first paragraph; the completion is
    the whole function, decorators and docstring included, without its indentation. Left out, and counted in the report:
    functions without prose in their docstring, trivial bodies, stubs, tests, the too short and the too long, and bodies
    that were seen before. Passed over whole: files of tests, generated ones, those over 1 MiB, those that do not parse.

    Args:
        where: a git repository (the files that git tracks), a folder, a `.py` file, or a list of those.
        limits: which functions to take.
        limit: stop at so many rows.

    Returns:
        Rows in order of file and line, the same ones each time; the source of each is `path:line`.

    Raises:
        DataError: nothing there, no Python files, nothing left of them, or a limit below 1.
    """
    if limit is not None and limit < 1:
        raise DataError(f"the limit is {limit} rows; expected 1 or more")
    limits = limits or FunctionLimits()
    several = [where] if isinstance(where, str | Path) else list(where)
    rows, seen, files = Rows(), set[str](), 0
    rows.report = report = Report()
    for file in _all_files(several):
        files += 1
        if limit is not None and len(rows) >= limit:
            break
        module = _opened(file, report)
        for node, method in functions_in(module[0].body) if module else ():
            if limit is not None and len(rows) >= limit:
                break
            report.looked_at += 1
            row = _row(node, method, module[1] if module else [], file.name, limits, seen)
            if isinstance(row, str):
                report.drop(row)
            else:
                rows.append(row)
    report.kept = len(rows)
    named = ", ".join(map(str, several)) or "an empty list"
    if not files:
        raise DataError(f"{named} has no Python files")
    if not rows:
        raise DataError(f"{named} gave no rows: {report.summary()}")
    return rows


def _all_files(several: list[str | Path]) -> Iterator[PythonFile]:
    """The files of every place; of several places, each name begins with its place's."""
    for where in several:
        for file in python_files(where):
            yield file if len(several) == 1 else replace(file, name=f"{Path(where).name}/{file.name}")


def _opened(file: PythonFile, report: Report) -> tuple[ast.Module, list[str]] | None:
    if _TEST_FILE.search(file.below):
        report.files["of tests"] += 1
        return None
    try:
        if file.path.stat().st_size > _MAX_FILE_BYTES:
            report.files["over 1 MiB"] += 1
            return None
        tree, lines = parse(file.path)
    except (OSError, ValueError) as error:
        reason = "that cannot be read" if isinstance(error, OSError) else "that does not parse"
        report.files[reason] += 1
        report.unreadable.append(f"{file.name}: {' '.join(str(error).split())}")
        return None
    if _GENERATED_NAME.search(file.name) or any(map(_GENERATED.search, lines[:_HEAD_LINES])):
        report.files["generated"] += 1
        return None
    return tree, lines


def _row(
    node: Function, method: bool, lines: list[str], name: str, limits: FunctionLimits, seen: set[str]
) -> Row | str:
    """The row of a function, or why it makes none."""
    docstring = ast.get_docstring(node)
    if method and not limits.methods:
        return "a method"
    if docstring is None:
        return "without a docstring"
    if _TEST_NAME.match(node.name):
        return "a test"
    if _names(node.decorator_list) & _STUBS or _is_trivial(node.body[1:]):
        return "trivial or a stub"
    summary = _summary(docstring)
    if len(summary.split()) < _MIN_WORDS:
        return "with too short a docstring"
    docstring_lines = end(node.body[0]) - node.body[0].lineno + 1
    count = end(node) - node.lineno + 1 - docstring_lines
    if count < limits.min_lines:
        return "too short"
    code = excerpt(node, lines)
    if code is None:
        return "not whole when taken out of its file"
    if count > limits.max_lines or len(code) > limits.max_characters:
        return "too long"
    prompt = f"Please write a function in Python named `{node.name}` with the signature `{_signature(node)}`. {summary}"
    if unwritable(prompt + code) is not None:
        return "with text that is no Unicode"
    body = digest_bytes("\n".join(ast.dump(statement) for statement in node.body[1:]).encode())
    if body in seen:
        return "with the body of another"
    seen.add(body)
    return {"prompt": prompt, "completion": code, "source": f"{name}:{node.lineno}"}


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


def _summary(docstring: str) -> str:
    """The docstring's first paragraph as a sentence, without examples and field lists."""
    paragraph = re.split(r"\n\s*\n|\n\s*(?:>>>|:\w+|Args:|Parameters\b)", docstring.strip(), maxsplit=1)[0]
    text = " ".join(paragraph.split())
    if text.startswith((">>>", ":", "@")):
        return ""
    return text if not text or text.endswith((".", "!", "?", ":")) else f"{text}."
