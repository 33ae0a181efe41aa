"""Dicts in a script: what they hold, what is unpacked into them, and what they give to a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from astrarium.explain.values import UNKNOWN, Batch, Const, Items, Table, Value, constant, either

if TYPE_CHECKING:
    from astrarium.explain.events import Event, Given


def spread(table: Table, value: Value) -> None:
    """Unpack a value into a dict. What is not known of it may take the place of any key that was there before."""
    if isinstance(value, Batch):
        table.batches.append(value)
        return
    known: dict[object, Value] = value.items if isinstance(value, Table) else {}
    if not isinstance(value, Table) or not value.complete:
        table.complete = False
        for key in table.items:
            before = table.items[key]
            table.items[key] = either([before, UNKNOWN]) if isinstance(before, Const) else UNKNOWN
    table.items.update(known)
    if isinstance(value, Table):
        table.rest = table.rest or value.rest
        table.nodes.update(value.nodes)
        table.batches += value.batches


def made(event: Event) -> Table:
    """`dict(other, key=value)`."""
    table = Table({})
    for argument in event.arguments:
        if argument.name in (None, "*", "**"):
            spread(table, argument.value)
        else:
            table.items[argument.name], table.nodes[argument.name] = argument.value, argument.node
    return table


def unpacked(value: Value, argument: cst.Arg) -> list[Given]:
    """The arguments that `**value` gives to a call."""
    from astrarium.explain.events import Given

    if not isinstance(value, Table):
        return [Given("**", value, argument)]
    given = [Given(str(key), one, value.nodes.get(key, argument)) for key, one in value.items.items()]
    given += [Given("**", batch, argument) for batch in value.batches]
    return given if value.complete else [*given, Given("**", UNKNOWN, argument)]


def table_method(event: Event, table: Table, name: str) -> Value:
    """A method of a dict."""
    event.name = f"dict.{name}"
    key = constant(event.value("", 0))
    match name:
        case "update":
            spread(table, made(event))
        case "copy":
            return Table(dict(table.items), table.complete, dict(table.nodes), list(table.batches), table.rest)
        case "get" | "pop" | "setdefault":
            found = table.items.get(key, table.rest or UNKNOWN) if isinstance(key, str | int) else table.any
            default = event.value("", 1)
            if name == "pop":
                table.items.pop(key, None)
            if name == "setdefault" and isinstance(key, str | int) and key not in table.items:
                table.items[key] = default if table.complete else UNKNOWN
                return default
            return either([found, default]) if found is UNKNOWN and event.given("", 1) is not None else found
        case "clear":
            table.items.clear()
        case "items":
            pairs: list[Value] = [Items([Const(key), one]) for key, one in table.items.items()]
            return Items(pairs, None if table.complete else Items([UNKNOWN, table.rest or UNKNOWN]))
        case "keys":
            return Items([Const(key) for key in table.items], None if table.complete else UNKNOWN)
        case "values":
            return Items(list(table.items.values()), None if table.complete else table.rest or UNKNOWN)
        case _:
            pass
    return UNKNOWN
