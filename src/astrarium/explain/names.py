"""Names that imports, parameters and the fields of classes bind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from astrarium.explain.events import Event
from astrarium.explain.scopes import Imported, Scope, dotted, guess, guessed
from astrarium.explain.tree import Tree
from astrarium.explain.values import UNKNOWN, Const, Function, Items, Named, Table, Value

if TYPE_CHECKING:
    from astrarium.explain.flow import Flow


def imported(flow: Flow, node: cst.Import | cst.ImportFrom) -> None:
    """Bind what an import brings."""
    if isinstance(node, cst.Import):
        for alias in node.names:
            full = dotted(alias.name)
            flow.modules.add(full.split(".")[0])
            if alias.asname is not None:
                flow.bind(alias.asname.name, Named(full))
            else:
                flow.scope.bind(full.split(".")[0], Named(full.split(".")[0]))
        return
    if node.module is None or node.relative:
        if not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                flow.scope.bind(dotted(alias.asname.name if alias.asname else alias.name), UNKNOWN)
        return
    module = dotted(node.module)
    package = module.split(".")[0]
    flow.modules.add(package)
    if isinstance(node.names, cst.ImportStar):
        flow.stars.append(package)
        return
    for alias in node.names:
        name = dotted(alias.name)
        bound = alias.asname.name if alias.asname is not None else alias.name
        flow.scope.bind(dotted(bound), Named(f"{module}.{name}"))
        flow.imports.append(Imported(package, name, alias, flow._guards > 0, module))


def parameters(
    flow: Flow, function: Function, scope: Scope, given: list[tuple[str | None, Value]], event: Event | None
) -> None:
    """Bind the parameters of a function of the script to what it is called with."""
    declared = function.node.params
    plain = [*declared.posonly_params, *declared.params]
    values = [value for name, value in given if name is None]
    if function.receiver is not None:
        values.insert(0, function.receiver)
    keywords = {name: value for name, value in given if name is not None}
    for position, parameter in enumerate([*plain, *declared.kwonly_params]):
        name = parameter.name.value
        if position < len(plain) and position < len(values):
            value = values[position]
        elif name in keywords:
            value = keywords.pop(name)
        elif parameter.default is not None:
            value = flow.evaluator.evaluate(parameter.default)
            if event is None and isinstance(value, Const) and value.value is None:
                value = guess(flow.tree, parameter)
        else:
            value = guess(flow.tree, parameter)
        scope.names[name] = value
    if isinstance(declared.star_arg, cst.Param):
        unpacks = event is None or any(one.name == "*" for one in event.arguments)
        scope.names[declared.star_arg.name.value] = UNKNOWN if unpacks else Items(values[len(plain) :])
    if isinstance(declared.star_kwarg, cst.Param):
        nodes = {one.name: one.node for one in event.arguments} if event is not None else {}
        rest = UNKNOWN if event is None else Table(dict(keywords), not event.unpacks, nodes)
        scope.names[declared.star_kwarg.name.value] = rest


def fields(tree: Tree, node: cst.ClassDef) -> dict[str, Value]:
    """The annotated names of a class in their order, each with what its annotation tells of it."""
    found: dict[str, Value] = {}
    for line in node.body.body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
                found[small.target.value] = guessed(small.target.value, tree.code(small.annotation.annotation))
    return found
