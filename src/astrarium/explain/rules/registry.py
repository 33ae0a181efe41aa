"""What a rule is, and the list of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from astrarium.explain.mending import Edit
from astrarium.explain.reading import Severity

if TYPE_CHECKING:
    from astrarium.explain.context import Context

GROUPS = (
    "syntax",
    "adapters",
    "wrappers",
    "saving",
    "generation",
    "prompts",
    "decoding",
    "devices",
    "padding",
    "training",
    "quantised",
    "current",
    "members",
    "safety",
)
"""Modules of rules, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a rule applies."""

    node: cst.CSTNode | int
    """The node, or the line where there is none."""
    message: str
    mend: str
    edits: tuple[Edit, ...] = ()
    severity: Severity | None = None
    """Where it is not the rule's own."""
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    severity: Severity
    title: str
    """What it finds, in one line."""
    why: str
    """Why that matters."""
    check: Callable[[Context], Iterable[Found]] = field(repr=False)
    group: str

    @property
    def link(self) -> str:
        """Its page."""
        return f"docs/rules/{self.id}.md"


_RULES: dict[str, Rule] = {}


def rule(
    id: str, severity: Severity, title: str, why: str
) -> Callable[[Callable[[Context], Iterator[Found]]], Callable[[Context], Iterator[Found]]]:
    """Make a function a rule: it gets a script and yields the places where it applies."""

    def register(check: Callable[[Context], Iterator[Found]]) -> Callable[[Context], Iterator[Found]]:
        group = check.__module__.rsplit(".", 1)[-1]
        _RULES[id] = Rule(id, severity, title, why, check, group)
        return check

    return register


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rule, ...]:
    """Every rule, group by group."""
    for group in GROUPS:
        importlib.import_module(f"astrarium.explain.rules.{group}")
    return tuple(sorted(_RULES.values(), key=lambda one: GROUPS.index(one.group)))
