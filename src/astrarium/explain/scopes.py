"""Which names a script has: scopes, what it imports, and names after branches, what a parameter may be."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from astrarium.explain.tree import Tree
from astrarium.explain.values import UNKNOWN, Body, Device, Model, Tokenizer, Value, either


@dataclass(eq=False)
class Scope:
    """The names of a function or module."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None
    elsewhere: set[str] = field(default_factory=set)
    """Names that `global` or `nonlocal` gives to the module."""

    def find(self, name: str) -> Value | None:
        """What a name stands for; None where nothing is known of it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    @property
    def top(self) -> Scope:
        """The module's scope."""
        return self if self.parent is None else self.parent.top

    def bind(self, name: str, value: Value) -> None:
        """Let a name stand for a value."""
        (self.top if name in self.elsewhere else self).names[name] = value


@dataclass(eq=False)
class Imported:
    """One name that the script imports from a library."""

    package: str
    name: str
    node: cst.CSTNode
    guarded: bool
    """Whether it stands in a `try` or under a condition."""
    module: str


def dotted(node: cst.CSTNode) -> str:
    """A dotted name as text; empty where the node is none."""
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def joined(states: list[dict[str, Value]]) -> dict[str, Value]:
    """Names after branches: a name that some branch does not bind may be any of the others."""
    if len(states) == 1:
        return states[0]
    names: dict[str, Value] = {}
    for state in states:
        for name in state:
            if name not in names:
                found = [other[name] for other in states if name in other]
                names[name] = found[0] if all(one is found[0] for one in found) else either(found)
    return names


def guess(tree: Tree, parameter: cst.Param) -> Value:
    """What a parameter is, by its name and annotation, where nobody calls the function."""
    noted = tree.code(parameter.annotation.annotation) if parameter.annotation is not None else ""
    return guessed(parameter.name.value, noted)


def guessed(name: str, noted: str) -> Value:
    """What something is, by its name and annotation."""
    if "tokenizer" in name.lower() or "Tokenizer" in noted:
        return Tokenizer(None, None, guessed=True)
    if name in ("model", "peft_model", "base_model", "llm") or noted.endswith(("Model", "ForCausalLM")):
        kind = "ForCausalLM" if "CausalLM" in noted else ""
        return Model(
            Body(None, None, kind, {}, device=Device(None), guessed=True, moved=True, training=None), None,
            wrapper="Peft" in noted,
        )  # fmt: skip
    return UNKNOWN
