"""What happens in a script, in the order in which it would run: calls, and values stored in attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import libcst as cst

from astrarium.explain.values import UNKNOWN, Value, constant

Branch = tuple[tuple[int, int], ...]
"""Where in the tree of conditions: pairs of a condition's number and the arm taken."""


@dataclass(slots=True)
class Given:
    """An argument: its keyword (None by position, `*` or `**` unpacked), value and node.

    Of a dict that is unpacked into the call, the node is where the item is said.
    """

    name: str | None
    value: Value
    node: cst.Arg | cst.DictElement | cst.BaseElement | cst.Assign

    @property
    def key(self) -> cst.BaseExpression | None:
        """Where its keyword stands: a name, or the text before the colon in a dict."""
        if isinstance(self.node, cst.DictElement):
            return self.node.key
        return self.node.keyword if isinstance(self.node, cst.Arg) else None


@dataclass(eq=False, slots=True)
class Event:
    """A call."""

    node: cst.Call
    name: str
    arguments: list[Given]
    order: int
    receiver: Value | None = None
    result: Value = UNKNOWN
    statement: cst.CSTNode | None = None
    discarded: bool = False
    """Whether its result is thrown away: it is a statement of its own."""
    target: str | None = None
    branch: Branch = ()
    loop: bool = False
    contexts: frozenset[str] = field(default_factory=frozenset)
    function: str = ""
    callers: tuple[Event, ...] = ()
    """The calls of the script's own functions within which it happens, the outermost first."""
    facts: dict[str, Value] = field(default_factory=dict)
    """What held of the receiver when it was called, where a rule asks for it."""

    @property
    def short(self) -> str:
        """The last part of its name."""
        return self.name.rsplit(".", 1)[-1]

    def given(self, name: str, position: int | None = None) -> Given | None:
        """An argument by keyword, or by its position from 0."""
        for argument in self.arguments:
            if argument.name == name:
                return argument
        if position is not None:
            plain = [argument for argument in self.arguments if argument.name in (None, "*")]
            if position < len(plain) and not any(one.name == "*" for one in plain[: position + 1]):
                return plain[position]
        return None

    def value(self, name: str, position: int | None = None) -> Value:
        """An argument's value; `UNKNOWN` where it is not given."""
        found = self.given(name, position)
        return UNKNOWN if found is None else found.value

    def constant(self, name: str, position: int | None = None) -> object:
        """An argument's constant; None where it is not given or not known."""
        return constant(self.value(name, position))

    @property
    def unpacks(self) -> bool:
        """Whether keywords come out of something that the reading does not know."""
        return any(argument.name == "**" for argument in self.arguments)


@dataclass(eq=False, slots=True)
class Store:
    """A value stored in an attribute: `model.config.use_cache = False`."""

    receiver: Value
    path: str
    """`config.use_cache`."""
    value: Value
    node: cst.CSTNode
    order: int
    branch: Branch = ()


def together(first: Branch, second: Branch) -> bool:
    """Whether two branches can be taken in one run."""
    arms = dict(first)
    return all(arms.get(condition, arm) == arm for condition, arm in second)


def surely(earlier: Branch, later: Branch) -> bool:
    """Whether the earlier was taken wherever the later is."""
    return set(earlier) <= set(later)


_LIBRARIES = ("transformers", "peft", "trl", "torch", "huggingface_hub", "datasets", "accelerate")


def canonical(name: str) -> str:
    """A library's name without the modules in between: `transformers.trainer.Trainer` → `transformers.Trainer`."""
    parts = name.split(".")
    if parts[0] not in ("transformers", "peft", "trl"):
        return name
    for position, part in enumerate(parts[1:], 1):
        if re.match(r"_?[A-Z]", part):
            return ".".join([parts[0], *parts[position:]])
    return f"{parts[0]}.{parts[-1]}" if len(parts) > 2 else name
