"""C++: functions with a Doxygen comment, or with `//` lines that are sentences; those of classes are methods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from astrarium.data.languages.language import Language, block_doc, line_doc, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_SENTENCE = re.compile(r"[A-Z].*[.:!?]$", re.DOTALL)


def grammar(path: str) -> object:
    """The grammar."""
    import tree_sitter_cpp

    return tree_sitter_cpp.language()


def _doc(comments: Sequence[str]) -> str | None:
    if not comments or comments[-1].startswith("/*"):
        return block_doc(comments)
    if comments[-1].startswith(("///", "//!")):
        return line_doc(comments, ("///", "//!"))
    # Code that is commented out, and words such as `// static`, are no sentences.
    text = line_doc(comments, ("//",))
    return text if text is not None and _SENTENCE.match(text) else None


def _declared(node: Node) -> Node | None:
    """What is declared, with its parameters: under the pointers and references of what it returns."""
    place = node.child_by_field_name("declarator")
    while place is not None and place.type != "function_declarator":
        inner = place.child_by_field_name("declarator")
        place = inner if inner is not None else next(iter(place.named_children), None)
    return place.child_by_field_name("declarator") if place is not None else None


def _name(node: Node) -> str | None:
    declared = _declared(node)
    while declared is not None and declared.type == "qualified_identifier":
        declared = declared.child_by_field_name("name")
    return text_of(declared) if declared is not None and declared.type in ("identifier", "field_identifier") else None


def _is_member(node: Node) -> bool:
    declared = _declared(node)
    return declared is not None and declared.type == "qualified_identifier"


LANGUAGE = Language(
    name="c++",
    title="C++",
    endings=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"),
    grammar=grammar,
    functions=frozenset({"function_definition"}),
    classes=frozenset({"field_declaration_list"}),
    wrappers=frozenset({"template_declaration"}),
    doc=_doc,
    name_of=_name,
    is_method=_is_member,
)
