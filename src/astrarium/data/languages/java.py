"""Java: methods with Javadoc. All of them are methods; those that are static need no object of their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astrarium.data.languages.language import Language, block_doc, text_of

if TYPE_CHECKING:
    from tree_sitter import Node


def grammar(path: str) -> object:
    """The grammar."""
    import tree_sitter_java

    return tree_sitter_java.language()


def _modifiers(node: Node) -> list[str]:
    found = next((child for child in node.children if child.type == "modifiers"), None)
    return [text_of(child) or "" for child in found.children] if found is not None else []


def _is_static(node: Node) -> bool:
    return "static" in _modifiers(node)


def _is_test(node: Node) -> bool:
    return any(
        modifier.startswith(("@Test", "@ParameterizedTest", "@Before", "@After")) for modifier in _modifiers(node)
    )


LANGUAGE = Language(
    name="java",
    title="Java",
    endings=(".java",),
    grammar=grammar,
    functions=frozenset({"method_declaration"}),
    classes=frozenset({"class_body", "interface_body", "enum_body_declarations", "record_declaration"}),
    noise=frozenset({"annotation", "marker_annotation"}),
    doc=block_doc,
    is_standalone=_is_static,
    is_test=_is_test,
    noun="method",
)
