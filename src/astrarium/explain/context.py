"""What a rule is given: the walk through the script, and questions that many rules ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import libcst as cst

from astrarium.explain.events import Event, Store
from astrarium.explain.flow import Flow
from astrarium.explain.scopes import dotted
from astrarium.explain.source import Script
from astrarium.explain.values import Model, Named, Settings, Trainer, Value, constant, options

_CUT = re.compile(r"\b(\w+)(?:\[0\])?(?:\.(?:split|replace|removeprefix|partition)\(|\[len\()")

_SHOWS = frozenset(
    ["print", "append", "extend", "add", "put", "write", "writelines", "writerow", "info", "debug", "warning", "log",
     "display", "len", "str", "repr", "dumps", "dump", "dict", "list", "tuple", "zip", "enumerate", "Markdown", "echo",
     "HTMLResponse"]
)  # fmt: skip
"""What is done with a text without changing it."""


class Context:
    """A script, walked.

    Args:
        script: as it was opened.
        flow: the walk through it.
        repairs: what had to be repaired before it parsed: line, message, mend.
        lines: for each line, from 1, the line of the script as it was; empty where nothing had to be repaired.
    """

    def __init__(
        self,
        script: Script,
        flow: Flow,
        repairs: tuple[tuple[int, str, str], ...] = (),
        lines: tuple[int, ...] = (),
    ) -> None:
        self.script = script
        self.flow = flow
        self.tree = flow.tree
        self.text = flow.tree.text
        self.repairs = repairs
        self._lines = lines
        self._mentions: dict[str, bool] = {}

    @property
    def events(self) -> list[Event]:
        """Every call, in order."""
        return self.flow.events

    def calls(self, *names: str) -> Iterator[Event]:
        """The calls of these names: dotted, or the last part alone."""
        ends = {name.rsplit(".", 1)[-1] for name in names}
        found = [event for end in ends for event in self._by_end.get(end, ())]
        for event in sorted(found, key=lambda one: one.order) if len(ends) > 1 else found:
            if event.name in names or event.short in names:
                yield event

    @cached_property
    def _by_end(self) -> dict[str, list[Event]]:
        """The calls, by the last part of their names."""
        found: dict[str, list[Event]] = {}
        for event in self.flow.events:
            found.setdefault(event.short, []).append(event)
        return found

    def stores(self, path: str) -> Iterator[Store]:
        """The assignments to an attribute."""
        for store in self.flow.stores:
            if store.path == path or store.path.endswith(f".{path}"):
                yield store

    @cached_property
    def generations(self) -> list[Event]:
        """The calls of a model's `generate`."""
        return [event for event in self.flow.events if event.short == "generate" and model_of(event) is not None]

    @cached_property
    def trainers(self) -> list[Trainer]:
        """The trainers that are made."""
        return [option for event in self.events for option in options(event.result) if isinstance(option, Trainer)]

    @cached_property
    def trains(self) -> bool:
        """Whether the script trains: a trainer, or a loss that is propagated back."""
        return bool(self.trainers) or any(
            (event.short == "backward" and event.name not in ("torch.Tensor.backward",)) or event.short == "backward"
            for event in self.events
        )

    @cached_property
    def models(self) -> list[Model]:
        """Every model that is made."""
        found: list[Model] = []
        for event in self.events:
            for option in options(event.result):
                if isinstance(option, Model) and option.event is event and option not in found:
                    found.append(option)
        return found

    @cached_property
    def cut_names(self) -> frozenset[str]:
        """The names whose text is cut at a mark, or loses another text, somewhere in the script."""
        return frozenset(_CUT.findall(self.text))

    @cached_property
    def handed_on(self) -> frozenset[tuple[str, str]]:
        """Names that go into what does more than show or keep them: the function they stand in, the name."""
        return frozenset(
            (event.function, name)
            for event in self.events
            if event.short not in _SHOWS
            for argument in event.arguments
            if (name := dotted(argument.node.value).rsplit(".", 1)[-1])
        )

    @cached_property
    def handed_calls(self) -> frozenset[int]:
        """Calls whose values go straight into what does more than show or keep them, by the id of their nodes."""
        return frozenset(
            id(argument.node.value)
            for event in self.events
            if event.short not in _SHOWS and event.name and not event.short[:1].isupper()
            for argument in event.arguments
            if isinstance(argument.node.value, cst.Call)
        )

    def mentions(self, text: str) -> bool:
        """Whether the script holds a text."""
        if text not in self._mentions:
            self._mentions[text] = text in self.text
        return self._mentions[text]

    def original(self, line: int) -> int:
        """The line of the script as it was before it was repaired."""
        return self._lines[min(line, len(self._lines)) - 1] if self._lines else line

    def where(self, node: cst.CSTNode) -> str:
        """The line on which a node begins, in words; of a notebook with its cell."""
        line, cell = self.script.place(self.original(self.tree.line(node)))
        return f"line {line}" if cell is None else f"line {line} of cell {cell}"

    def code(self, node: cst.CSTNode) -> str:
        """A node as it stands in the script."""
        return self.tree.code(node)

    def source(self, event: Event, name: str, position: int | None = None) -> str:
        """An argument as it stands in the script."""
        given = event.given(name, position)
        return "" if given is None else self.code(given.node.value)


def model_of(event: Event) -> Model | None:
    """The model that a method was called of."""
    return next((one for one in options(event.receiver) if isinstance(one, Model)), None) if event.receiver else None


def settings_of(value: Value, *names: str) -> Settings | None:
    """A value as a configuration object of one of these classes."""
    for option in options(value):
        if isinstance(option, Settings) and (not names or option.name in names):
            return option
    return None


def named(value: Value) -> str | None:
    """The dotted name that a value is."""
    return next((option.name for option in options(value) if isinstance(option, Named)), None)


def number(value: Value) -> float | None:
    """A value as a number."""
    known = constant(value)
    return float(known) if isinstance(known, int | float) and not isinstance(known, bool) else None
