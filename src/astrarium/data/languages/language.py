"""What the mining of functions must know of a language, and what several languages have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|testing|testdata|__tests__|__mocks__|specs?|e2e)/"
    r"|(?:^|/)test_[^/]*$|[._-](?:test|spec|unittest)s?\.\w+$|[a-z0-9]Tests?\.\w+$",
)
_TEST_NAME = re.compile(r"test(?:_|[A-Z]|$)")


def no_node(node: Node) -> bool:
    """Whether a node is of a sort that the language does not have."""
    return False


def name_field(node: Node) -> str | None:
    """The text of a node's field `name`."""
    return text_of(node.child_by_field_name("name"))


def body_field(node: Node) -> Node | None:
    """A node's field `body`."""
    return node.child_by_field_name("body")


def text_of(node: Node | None) -> str | None:
    """A node as text."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else None


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language. Names of nodes are those of its tree-sitter grammar; Python has none and is read by `ast`."""

    name: str
    title: str
    """As a prompt calls it."""
    endings: tuple[str, ...]
    """Of files."""
    grammar: Callable[[str], object] | None = None
    """From a file's name to tree-sitter's language."""
    functions: frozenset[str] = frozenset()
    """Nodes that may be functions with a name."""
    classes: frozenset[str] = frozenset()
    """Nodes inside which a function is a method."""
    wrappers: frozenset[str] = frozenset()
    """Nodes around a function that belong to it, such as `export`."""
    leading: frozenset[str] = frozenset()
    """Nodes between a function and its documentation that belong to it, such as attributes."""
    noise: frozenset[str] = frozenset()
    """Nodes that a signature is shown without, such as annotations."""
    doc: Callable[[Sequence[str]], str | None] = lambda comments: None
    """From the comments directly above a function to its documentation; None where they are none."""
    name_of: Callable[[Node], str | None] = name_field
    """None where the node is no function with a name."""
    body_of: Callable[[Node], Node | None] = body_field
    """None where the function is only declared."""
    is_method: Callable[[Node], bool] = no_node
    """Of a function outside all classes, or None of the matter inside: see `standalone`."""
    is_standalone: Callable[[Node], bool] = no_node
    """Of a function inside a class: it needs nothing of it."""
    is_test: Callable[[Node], bool] = no_node
    noun: str = "function"
    test_file: re.Pattern[str] = _TEST_FILE
    test_name: re.Pattern[str] = _TEST_NAME


_COPYRIGHT = re.compile(r"copyright|spdx-license|all rights reserved", re.IGNORECASE)
_TAG = re.compile(r"^(?:[@\\][A-Za-z]|#+ |```|-{3}|={3})")
_BRIEF = re.compile(r"^[@\\](?:brief|description|desc|summary|details)\b\s*:?\s*", re.IGNORECASE)
_INLINE = re.compile(r"\{@\w+\s+([^{}]*)\}")
_INLINE_TAG = re.compile(r"</?(?:code|b|i|em|tt|a|strong)(?:\s[^<>]*)?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(r"</?(?:p|pre|br|ul|ol|li)(?:\s[^<>]*)?/?>", re.IGNORECASE)


def block_doc(comments: Sequence[str]) -> str | None:
    """The documentation of the last comment, where that is a `/** … */` or a `/*! … */`."""
    last = comments[-1] if comments else ""
    if not last.startswith(("/**", "/*!")) or last.startswith(("/***", "/**/")):
        return None
    lines = last[3:].removesuffix("*/").split("\n")
    return cleaned([line.strip().removeprefix("*").strip() for line in lines])


def line_doc(comments: Sequence[str], marks: tuple[str, ...]) -> str | None:
    """The documentation of the last comments in a row that begin with one of `marks`."""
    lines: list[str] = []
    for comment in reversed(comments):
        mark = next((mark for mark in marks if comment.startswith(mark)), None)
        if mark is None or (mark.strip("/") == "" and comment.startswith(f"{mark}/")):
            break
        lines.insert(0, comment.removeprefix(mark).strip())
    return cleaned(lines) if lines else None


def cleaned(lines: Sequence[str]) -> str | None:
    """Lines of documentation up to the first tag, heading or block of code, without markup; None of a licence."""
    kept: list[str] = []
    for line in lines:
        line = _BRIEF.sub("", line)
        if _TAG.match(line):
            if any(kept):
                break
            continue
        plain = _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", _INLINE.sub(r"`\1`", line)))
        kept.append(" ".join(plain.split()))
    text = "\n".join(kept).strip()
    return None if _COPYRIGHT.search(text) else text
