"""Deeply nested scripts: a guard for what no Python reads either, and room on the stack for the rest.

libcst's parser recurses in native code and does not look at the stack's end: too deep a script would end the process.
"""

from __future__ import annotations

import gc
import re
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from astrarium.core.errors import ExplainError

DEEPEST = 200
"""Brackets within one another; CPython's own limit."""
LONGEST_CHAIN = 5_000
"""Operators in one statement."""
_STACK = 512 * 1024 * 1024
_FRAMES = 20_000
_SKIP = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*", re.DOTALL)
_MARKS = re.compile(r"[()\[\]{}]|\n|[-+*/%@&|^<>~.]|\b(?:not|and|or|if|else|lambda|await|in)\b")

T = TypeVar("T")


def check(code: str, name: str) -> None:
    """Refuse what is nested too deeply.

    Raises:
        ExplainError: more than 200 brackets within one another, or more than 5,000 operators in a statement.
    """
    depth = chain = 0
    for mark in _MARKS.finditer(_SKIP.sub("", code)):
        text = mark.group()
        if text in "([{":
            depth += 1
            if depth > DEEPEST:
                raise ExplainError(f"{name} has more than {DEEPEST} brackets within one another; Python reads no more")
        elif text in ")]}":
            depth = max(depth - 1, 0)
        elif text == "\n":
            chain = chain if depth else 0
        else:
            chain += 1
            if chain > LONGEST_CHAIN:
                raise ExplainError(f"{name} has a statement of more than {LONGEST_CHAIN:,} operators; it is not read")
    for line in code.split("\n"):
        if len(line) - len(line.lstrip()) > 20 * DEEPEST:
            raise ExplainError(f"{name} is indented by more than {20 * DEEPEST:,} characters; it is not read")


def with_room(work: Callable[[], T]) -> T:
    """Do work in a thread with a large stack, and give what it gives or raise what it raises.

    Garbage is not collected meanwhile: a tree of a million nodes is gone through again and again, and holds none.
    """
    result: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # it is raised again, in the caller's thread
            raised.append(error)

    size, frames = threading.stack_size(_STACK), sys.getrecursionlimit()
    sys.setrecursionlimit(max(frames, _FRAMES))
    collecting = gc.isenabled()
    gc.disable()
    try:
        thread = threading.Thread(target=run, name="astrarium-explain")
        thread.start()
    finally:
        threading.stack_size(size)
    try:
        thread.join()
    finally:
        sys.setrecursionlimit(frames)
        if collecting:
            gc.enable()
    if raised:
        raise raised[0]
    return result[0]
