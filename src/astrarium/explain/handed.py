"""A model's work that is handed to something else to do: a thread, an executor, a `partial`."""

from __future__ import annotations

import libcst as cst

from astrarium.explain.events import Event, Given
from astrarium.explain.sequences import element
from astrarium.explain.tables import unpacked
from astrarium.explain.values import UNKNOWN, Function, Instance, Items, Value, Work, options

_RUNNERS = {"submit": 0, "to_thread": 0, "partial": 0, "run_in_executor": 1, "run_sync": 0, "run": 0}
"""Calls that run what they are given, and the place of it among their arguments."""


def handed_work(event: Event) -> tuple[Work, list[Given]] | None:
    """The work that a call is given to do, and the arguments that it will be done with."""
    if event.short.endswith("Thread"):
        target = event.given("target", 1)
        work = _work(target.value) if target is not None else None
        return None if work is None else (work, _of_thread(event))
    position = _RUNNERS.get(event.short)
    if position is None or len(event.arguments) <= position:
        return None
    work = _work(event.arguments[position].value)
    return None if work is None else (work, event.arguments[position + 1 :])


def handed_function(event: Event) -> tuple[Function, list[Given]] | None:
    """A function of the script that a call is given to run, and what it will be run with."""
    if event.short == "Thread" or event.short == "Process":
        target = event.given("target", 1)
        function = _function(target.value) if target is not None else None
        return None if function is None else (function, _of_thread(event))
    position = {**_RUNNERS, "map": 0, "imap": 0}.get(event.short)
    if position is None or len(event.arguments) <= position or event.arguments[position].name is not None:
        return None
    function = _function(event.arguments[position].value)
    if function is None:
        return None
    rest = event.arguments[position + 1 :]
    if event.short in ("map", "imap"):
        if isinstance(event.receiver, Instance) or len(rest) != 1 or rest[0].name is not None:
            return function, []  # of a dataset: its rows are not known
        rest = [Given(None, element(rest[0].value), rest[0].node)]
    return function, rest


def joined(first: list[Given], second: list[Given]) -> list[Given]:
    """The arguments of a `partial`, and those of its call: a keyword said again is the call's."""
    again = {one.name for one in second if one.name not in (None, "*", "**")}
    return [*(one for one in first if one.name not in again), *second]


def _work(value: Value) -> Work | None:
    return next((option for option in options(value) if isinstance(option, Work)), None)


def _function(value: Value) -> Function | None:
    return next((option for option in options(value) if isinstance(option, Function)), None)


def _of_thread(event: Event) -> list[Given]:
    given: list[Given] = []
    plain, named = event.given("args", 3), event.given("kwargs", 4)
    if plain is not None:
        shown = plain.node.value
        if isinstance(shown, cst.Tuple | cst.List) and isinstance(plain.value, Items) and plain.value.rest is None:
            elements = zip(plain.value.items, shown.elements, strict=False)
            given += [Given(None, value, element) for value, element in elements]
        else:
            given.append(Given("*", UNKNOWN, plain.node))
    if named is not None and isinstance(named.node, cst.Arg):
        given += unpacked(named.value, named.node)
    return given
