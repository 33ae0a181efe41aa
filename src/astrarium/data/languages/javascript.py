"""JavaScript: functions with JSDoc, declared, kept in a constant, or assigned to `exports`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astrarium.data.languages.language import Language, block_doc, body_field, name_field, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "method_definition",
        "lexical_declaration",
        "variable_declaration",
        "assignment_expression",
    }
)
CLASSES = frozenset({"class_body", "object"})
WRAPPERS = frozenset({"export_statement", "expression_statement"})
_VALUES = ("arrow_function", "function_expression", "generator_function", "function")
_EXPORTS = re.compile(r"(?:module\.)?exports\.[A-Za-z_$][\w$]*")


def grammar(path: str) -> object:
    """The grammar, which knows JSX too."""
    import tree_sitter_javascript

    return tree_sitter_javascript.language()


def name_of(node: Node) -> str | None:
    """The name of a declared function, or of the one thing that a function is kept in."""
    if node.type in ("lexical_declaration", "variable_declaration"):
        declarators = [child for child in node.named_children if child.type == "variable_declarator"]
        name = declarators[0].child_by_field_name("name") if len(declarators) == 1 else None
        return text_of(name) if name is not None and _value(node) is not None and name.type == "identifier" else None
    if node.type == "assignment_expression":
        left = text_of(node.child_by_field_name("left")) or ""
        return left.rpartition(".")[2] if _EXPORTS.fullmatch(left) and _value(node) is not None else None
    return name_field(node)


def body_of(node: Node) -> Node | None:
    """The body of the function that a node holds."""
    value = _value(node)
    return body_field(node if value is None else value)


def _value(node: Node) -> Node | None:
    """The function that a constant or an assignment holds."""
    place = next((child for child in node.named_children if child.type == "variable_declarator"), node)
    value = place.child_by_field_name("right" if node.type == "assignment_expression" else "value")
    return value if value is not None and value.type in _VALUES else None


LANGUAGE = Language(
    name="javascript",
    title="JavaScript",
    endings=(".js", ".mjs", ".cjs", ".jsx"),
    grammar=grammar,
    functions=FUNCTIONS,
    classes=CLASSES,
    wrappers=WRAPPERS,
    leading=frozenset({"decorator"}),
    noise=frozenset({"decorator"}),
    doc=block_doc,
    name_of=name_of,
    body_of=body_of,
)
