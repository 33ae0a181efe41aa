"""Go: functions with a comment directly above them; those with a receiver are methods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from astrarium.data.languages.language import Language, cleaned, line_doc

if TYPE_CHECKING:
    from tree_sitter import Node

_DIRECTIVE = re.compile(r"//(?:go:|nolint|lint:|export |line |\s*\+build)")


def grammar(path: str) -> object:
    """The grammar."""
    import tree_sitter_go

    return tree_sitter_go.language()


def _doc(comments: Sequence[str]) -> str | None:
    prose = [comment for comment in comments if not _DIRECTIVE.match(comment)]
    if prose and prose[-1].startswith("/*"):
        return cleaned([line.strip() for line in prose[-1][2:].removesuffix("*/").split("\n")])
    return line_doc(prose, ("//",))


def _has_receiver(node: Node) -> bool:
    return node.type == "method_declaration"


LANGUAGE = Language(
    name="go",
    title="Go",
    endings=(".go",),
    grammar=grammar,
    functions=frozenset({"function_declaration", "method_declaration"}),
    doc=_doc,
    is_method=_has_receiver,
    test_name=re.compile(r"(?:Test|Benchmark|Fuzz|Example)(?:[A-Z_]|$)"),
)
