"""Rust: functions with `///` or `/** … */`; those in an `impl` or a `trait` are methods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from astrarium.data.languages.language import Language, block_doc, line_doc, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_TEST = re.compile(r"#\[(?:[\w:]*\btest\b|cfg\(test\)|bench\b|rstest)")


def grammar(path: str) -> object:
    """The grammar."""
    import tree_sitter_rust

    return tree_sitter_rust.language()


def _doc(comments: Sequence[str]) -> str | None:
    return block_doc(comments) if comments and comments[-1].startswith("/*") else line_doc(comments, ("///",))


def _attributes(node: Node) -> Iterator[str]:
    before = node.prev_named_sibling
    while before is not None and before.type in ("attribute_item", "line_comment", "block_comment"):
        yield text_of(before) or ""
        before = before.prev_named_sibling


def _is_test(node: Node) -> bool:
    """Whether a function, or a module around it, has an attribute of tests."""
    place: Node | None = node
    while place is not None:
        if any(_TEST.match(attribute) for attribute in _attributes(place)):
            return True
        place = place.parent
    return False


LANGUAGE = Language(
    name="rust",
    title="Rust",
    endings=(".rs",),
    grammar=grammar,
    functions=frozenset({"function_item"}),
    classes=frozenset({"impl_item", "trait_item"}),
    leading=frozenset({"attribute_item"}),
    doc=_doc,
    is_test=_is_test,
)
