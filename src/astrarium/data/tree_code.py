"""Functions of a file, found with tree-sitter."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from astrarium.core.digests import digest_bytes
from astrarium.data.found import FoundFunction
from astrarium.data.languages.language import Language, text_of
from astrarium.data.prose import first_sentence

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
_SHELLS = frozenset(
    {
        "statement_list",
        "expression_list",
        "expression_statement",
        "return_statement",
        "return_expression",
        "parenthesized_expression",
    }
)
"""Nodes that hold one expression and add nothing to it."""
_PLAIN_NODES = """
identifier this self super nullptr null undefined true false nil number string string_literal number_literal
integer_literal float_literal boolean_literal char_literal null_literal raw_string_literal int_literal
interpreted_string_literal decimal_integer_literal decimal_floating_point_literal character_literal iota
member_expression field_expression field_access selector_expression scoped_identifier qualified_identifier
throw_statement empty_statement unit_expression return_statement
"""
_PLAIN = frozenset(_PLAIN_NODES.split())
"""What a function that does nothing consists of: a name, a field, a literal, an error."""
_GIVES_UP = ("panic", "todo", "unimplemented", "unreachable")
_MAX_ARGUMENTS = 200
"""Characters of a call that gives up; a longer one does something."""


def functions_in(code: bytes, path: str, language: Language) -> Iterator[FoundFunction]:
    """The functions of a file in their order; those inside other functions belong to them.

    Args:
        code: the file in UTF-8.
        path: its name, by which the grammar is chosen.
        language: one with a grammar.
    """
    places = [parsed(code, path, language)]
    while places:
        node = places.pop()
        name = language.name_of(node) if node.type in language.functions else None
        body = language.body_of(node) if name is not None else None
        if name is not None and body is not None:
            yield _found(node, name, body, code, language)
        else:
            places += reversed(node.named_children)


def parsed(code: bytes, path: str, language: Language) -> Node:
    """The root of a file's tree."""
    jsx = path.endswith("x") and language.name == "typescript"
    return _parser(language, ".tsx" if jsx else ".").parse(code).root_node


@lru_cache(maxsize=16)
def _parser(language: Language, path: str) -> Parser:
    from tree_sitter import Language as Grammar
    from tree_sitter import Parser

    if language.grammar is None:
        raise ValueError(f"{language.name} has no grammar")
    return Parser(Grammar(language.grammar(path)))


def _found(node: Node, name: str, body: Node, code: bytes, language: Language) -> FoundFunction:
    outer = node
    while outer.parent is not None and outer.parent.type in language.wrappers:
        outer = outer.parent
    begin, comments = _before(outer, code, language)
    doc = language.doc(comments)
    inside = _is_inside(outer, language)
    return FoundFunction(
        name=name,
        line=node.start_point.row + 1,
        signature=_signature(node, body, code, language),
        doc=None if doc is None else first_sentence(doc),
        lines=outer.end_point.row - begin.start_point.row + 1,
        cut=partial(_without_indentation, begin, outer, code),
        body=partial(_digest, body),
        noun=language.noun,
        method=language.is_method(node) or (inside and not language.is_standalone(node)),
        test=language.test_name.match(name) is not None or language.is_test(node),
        trivial=_is_trivial(body),
        whole=not outer.has_error,
    )


def _before(outer: Node, code: bytes, language: Language) -> tuple[Node, list[str]]:
    """Where a function begins with its attributes, and the comments directly above it, in their order."""
    begin, below, comments = outer, outer.start_point.row, list[str]()
    above = outer.prev_named_sibling
    while above is not None and above.type in _COMMENTS | language.leading:
        # A comment of a whole line may reach to the start of the next.
        last = above.end_point.row - (above.end_point.column == 0)
        if last < below - 1 or not _begins_its_line(above, code):
            break
        if above.type in _COMMENTS:
            comments.insert(0, (text_of(above) or "").strip())
        else:
            begin = above
        below = above.start_point.row
        above = above.prev_named_sibling
    return begin, comments


def _begins_its_line(node: Node, code: bytes) -> bool:
    return not code[code.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte].strip()


def _is_inside(node: Node, language: Language) -> bool:
    place = node.parent
    while place is not None:
        if place.type in language.classes:
            return True
        place = place.parent
    return False


def _signature(node: Node, body: Node, code: bytes, language: Language) -> str:
    """From the function's first word to its body, on one line, without annotations."""
    pieces, at = [], node.start_byte
    for part in _noise(node, body, language):
        pieces.append(code[at : part.start_byte])
        at = part.end_byte
    pieces.append(code[at : body.start_byte])
    text = " ".join(b"".join(pieces).decode("utf-8", "replace").split())
    return text.removesuffix("=>").strip()


def _noise(node: Node, body: Node, language: Language) -> Iterator[Node]:
    for child in node.children:
        if child.start_byte >= body.start_byte:
            return
        if child.type in language.noise or child.type in _COMMENTS:
            yield child
        elif child.type == "modifiers":
            yield from (part for part in child.children if part.type in language.noise)


def _without_indentation(begin: Node, end: Node, code: bytes) -> str:
    """The source from one node to another; lines that begin inside a text literal keep their indentation."""
    start = code.rfind(b"\n", 0, begin.start_byte) + 1
    indent = code[start : begin.start_byte]
    if indent.strip():
        indent = b""
        start = begin.start_byte
    lines = code[start : end.end_byte].split(b"\n")
    first = begin.start_point.row
    literal = _rows_in_literals(end)
    kept = [line.removeprefix(indent) if first + number not in literal else line for number, line in enumerate(lines)]
    return b"\n".join(kept).decode("utf-8", "replace").replace("\r\n", "\n").rstrip()


def _rows_in_literals(node: Node) -> set[int]:
    rows, places = set[int](), [node]
    while places:
        place = places.pop()
        if place.start_point.row == place.end_point.row:
            continue
        if "string" in place.type or "text_block" in place.type:
            rows.update(range(place.start_point.row + 1, place.end_point.row + 1))
        else:
            places += place.children
    return rows


def _digest(body: Node) -> str:
    return digest_bytes(" ".join(_tokens(body)).encode())


def _tokens(node: Node) -> Iterator[str]:
    """The words and signs of code, without comments and layout."""
    places = [node]
    while places:
        place = places.pop()
        if place.type in _COMMENTS:
            continue
        if place.child_count:
            places += reversed(place.children)
        elif (text := text_of(place)) is not None:
            yield text


def _is_trivial(body: Node) -> bool:
    statements = [child for child in body.named_children if child.type not in _COMMENTS]
    if body.type in _PLAIN or (not statements and body.type in ("block", "statement_block", "compound_statement")):
        return True
    if body.type not in ("block", "statement_block", "compound_statement") or len(statements) != 1:
        return False
    only = statements[0]
    while only.type in _SHELLS:
        inside = [child for child in only.named_children if child.type not in _COMMENTS]
        if len(inside) != 1:
            return not inside
        only = inside[0]
    if only.type in ("call_expression", "macro_invocation"):
        named = text_of(only.child_by_field_name("function") or only.child_by_field_name("macro"))
        return named in _GIVES_UP and only.end_byte - only.start_byte <= _MAX_ARGUMENTS
    return only.type in _PLAIN
