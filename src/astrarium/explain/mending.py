"""Edits of a script's text: the smallest change that mends a finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from astrarium.explain.tree import Tree


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `text` in the place of what stands from `start` to `end`, offsets in characters."""

    start: int
    end: int
    text: str


def apply(text: str, groups: Iterable[tuple[Edit, ...]]) -> str:
    """Apply groups of edits; a group that touches an earlier one is left for the next round."""
    taken: list[Edit] = []
    for group in groups:
        new = [edit for edit in group if edit not in taken]
        if all(_apart(edit, other) for edit in new for other in taken):
            taken += new
    for edit in sorted(taken, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _apart(one: Edit, other: Edit) -> bool:
    if one.start == one.end or other.start == other.end:
        return one.end < other.start or other.end < one.start
    return one.end <= other.start or other.end <= one.start


def add_argument(tree: Tree, call: cst.Call, text: str) -> tuple[Edit, ...]:
    """Add a keyword argument at the end of a call, in the call's own style."""
    thread = next((one for one in call.args if one.keyword is not None and one.keyword.value == "target"), None)
    if thread is not None:
        return _add_for_thread(tree, call, text)
    if not call.args:
        end = tree.span(call)[1] - 1
        return (Edit(end, end, text),)
    last = call.args[-1]
    if isinstance(last.value, cst.GeneratorExp) and not last.value.lpar:
        return ()
    start, end = tree.span(last)
    begin = tree.starts[tree.line(last) - 1]
    indent = tree.text[begin:start]
    between = f",\n{indent}" if not indent.strip() and indent else ", "
    return (Edit(end, end, f"{between}{text}"),)


def _add_for_thread(tree: Tree, call: cst.Call, text: str) -> tuple[Edit, ...]:
    """Add a keyword to what a thread's target is called with; nothing where that is said elsewhere."""
    kept = next((one.value for one in call.args if one.keyword is not None and one.keyword.value == "kwargs"), None)
    name, _, value = text.partition("=")
    if isinstance(kept, cst.Call) and isinstance(kept.func, cst.Name) and kept.func.value == "dict":
        return add_argument(tree, kept, text)
    if isinstance(kept, cst.Dict) and kept.elements:
        end = tree.span(kept.elements[-1])[1]
        return (Edit(end, end, f', "{name}": {value}'),)
    if kept is None:
        end = tree.span(call.args[-1])[1]
        return (Edit(end, end, f', kwargs={{"{name}": {value}}}'),)
    return ()


def remove_argument(tree: Tree, call: cst.Call, argument: cst.CSTNode) -> tuple[Edit, ...]:
    """Take an argument out of a call, or out of a `dict(…)` or `{…}` that only this call unpacks; else nothing."""
    position = next((i for i, one in enumerate(call.args) if one is argument and not one.star), None)
    if position is None:
        return _remove_item(tree, call, argument)
    if position + 1 < len(call.args):
        return (Edit(tree.span(argument)[0], tree.span(call.args[position + 1])[0], ""),)
    start = tree.span(call.args[position - 1])[1] if position else tree.span(argument)[0]
    return (Edit(start, tree.span(argument)[1], ""),)


def _remove_item(tree: Tree, call: cst.Call, item: cst.CSTNode) -> tuple[Edit, ...]:
    for one in call.args:
        made = _made_for(tree, one.value) if one.star == "**" else None
        if isinstance(made, cst.Call) and any(given is item for given in made.args):
            return remove_argument(tree, made, item)
        parts = list(made.elements) if isinstance(made, cst.Dict) else []
        position = next((i for i, part in enumerate(parts) if part is item), None)
        if position is None:
            continue
        if position + 1 < len(parts):
            return (Edit(tree.span(item)[0], tree.span(parts[position + 1])[0], ""),)
        start = tree.span(parts[position - 1])[1] if position else tree.span(item)[0]
        return (Edit(start, tree.span(item)[1], ""),)
    return ()


def _made_for(tree: Tree, value: cst.BaseExpression) -> cst.BaseExpression | None:
    """The `dict(…)` or `{…}` that is unpacked: in place, or assigned to a name that nothing else reads."""
    if isinstance(value, cst.Name):
        if tree.read[value.value] != 2:
            return None
        bound = [
            one.value
            for one in tree.every(cst.Assign)
            if len(one.targets) == 1
            and isinstance(one.targets[0].target, cst.Name)
            and one.targets[0].target.value == value.value
        ]
        value = bound[0] if len(bound) == 1 else value
    if isinstance(value, cst.Call) and not (isinstance(value.func, cst.Name) and value.func.value == "dict"):
        return None
    return value if isinstance(value, cst.Call | cst.Dict) else None


def rename(tree: Tree, key: cst.BaseExpression | None, new: str) -> tuple[Edit, ...]:
    """Give a keyword another name: before `=` in a call, or in quotes in a dict."""
    if isinstance(key, cst.SimpleString):
        return replace(tree, key, f"{key.quote}{new}{key.quote}")
    return replace(tree, key, new) if isinstance(key, cst.Name) else ()


def replace(tree: Tree, node: cst.CSTNode, text: str) -> tuple[Edit, ...]:
    """Put text in the place of a node."""
    return (Edit(*tree.span(node), text),)


def line_before(tree: Tree, node: cst.CSTNode, text: str) -> tuple[Edit, ...]:
    """Put a line above a statement, with its indentation."""
    start = tree.span(node)[0]
    begin = tree.starts[tree.line(node) - 1]
    indent = tree.text[begin:start]
    return (Edit(begin, begin, f"{indent}{text}\n"),) if not indent.strip() else ()


def line_after(tree: Tree, node: cst.CSTNode, text: str) -> tuple[Edit, ...]:
    """Put a line below a statement, with its indentation."""
    start, _ = tree.span(node)
    begin = tree.starts[tree.line(node) - 1]
    indent = tree.text[begin:start]
    last = tree.last_line(node)
    if indent.strip():
        return ()
    if last >= len(tree.starts):
        return (Edit(len(tree.text), len(tree.text), f"\n{indent}{text}"),)
    return (Edit(tree.starts[last], tree.starts[last], f"{indent}{text}\n"),)


def inside(tree: Tree, statement: cst.CSTNode | None, node: cst.CSTNode, header: str) -> tuple[Edit, ...]:
    """Put a node's statement under a header such as `with …:`; nothing where its lines are not plain."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return ()
    (start, end), (first, last) = tree.span(statement), tree.span(node)
    text, begin = tree.text[start:end], tree.starts[tree.line(statement) - 1]
    indent = tree.text[begin:start]
    if not start <= first <= last <= end or indent.strip() or any(mark in text for mark in ('"""', "'''", "\\\n")):
        return ()
    unit = tree.module.default_indent
    later = tree.starts[tree.line(statement) : tree.last_line(statement)]
    return (Edit(begin, begin, f"{indent}{header}\n{unit}"), *(Edit(one, one, unit) for one in later))


def fitted(tree: Tree, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Edits whose quotes do not end the f-string that they stand in, as they would before Python 3.12; else none."""
    if not any(mark in edit.text for edit in edits for mark in "\"'"):
        return edits
    around = [(*tree.span(node), node.end[0]) for node in tree.every(cst.FormattedString)]
    made = []
    for edit in edits:
        mark = next((mark for start, end, mark in around if start < edit.start and edit.end < end), None)
        other = "'" if mark == '"' else '"'
        if mark is not None and mark in edit.text:
            if other in edit.text:
                return ()
            edit = Edit(edit.start, edit.end, edit.text.replace(mark, other))
        made.append(edit)
    return tuple(made)


def drop_statement(tree: Tree, node: cst.CSTNode) -> tuple[Edit, ...]:
    """Take a whole statement out with its line, where it is not alone in its block."""
    begin, last = tree.starts[tree.line(node) - 1], tree.last_line(node)
    if tree.text[begin : tree.span(node)[0]].strip() or last >= len(tree.starts):
        return ()
    return (Edit(begin, tree.starts[last], ""),)
