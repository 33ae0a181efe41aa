"""What goes through a call unchanged: iterators over values, and models that something wraps or gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from astrarium.explain.command_lines import namespace, parser_of
from astrarium.explain.scopes import dotted
from astrarium.explain.values import (
    UNKNOWN,
    Batch,
    Const,
    Device,
    Downloaded,
    Items,
    Model,
    Output,
    Table,
    Text,
    Tokenizer,
    Value,
    either,
    one_model,
    options,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event

_SAME = frozenset(["list", "tuple", "set", "sorted", "reversed", "iter", "tqdm", "trange", "track", "chain", "dedent"])
_WRAPPERS = frozenset(
    ["compile", "DataParallel", "DistributedDataParallel", "FullyShardedDataParallel", "DDP", "FSDP", "unwrap_model",
     "extract_model_from_parallel", "optimize", "script", "cast"]
)  # fmt: skip
"""What gives back a model that is the one it was given, on the device where it was."""
_PLACERS = frozenset(["prepare", "prepare_model", "dispatch_model", "load_checkpoint_and_dispatch", "setup",
                      "setup_module", "initialize", "cpu_offload"])  # fmt: skip
"""What gives back its arguments, and puts the models among them where it sees fit."""


def element(value: Value) -> Value:
    """What a loop over a value gives."""
    if isinstance(value, Items):
        return either([*value.items, *([value.rest] if value.rest is not None else [])])
    if isinstance(value, Table):
        return either([Const(key) for key in value.items]) if value.complete and value.items else UNKNOWN
    return value if isinstance(value, Batch | Output | Downloaded) else UNKNOWN


def iterated(event: Event, carried: list[Value]) -> Value | None:
    """What a built-in iterator gives; None where the call is none."""
    name = event.short
    if name == "zip":
        fixed = [one for one in carried if isinstance(one, Items) and one.rest is None]
        if carried and len(fixed) == len(carried):
            return Items([Items(list(row)) for row in zip(*(one.items for one in fixed), strict=False)])
        return Items([], Items([element(one) for one in carried]))
    if name == "enumerate" and carried:
        return Items([], Items([UNKNOWN, element(carried[0])]))
    if name == "next" and carried:
        return element(carried[0])
    if name in _SAME and carried:
        first = carried[0]
        if isinstance(first, Table) and first.complete:
            return Items([Const(key) for key in first.items])
        return first if isinstance(first, Items | Batch | Output | Const | Text | Downloaded) else UNKNOWN
    return Items([], UNKNOWN) if name == "range" else None


def kept(event: Event, carried: list[Value]) -> Value:
    """A model or tokenizer that a call gives back as it was given; else nothing known."""
    first = carried[0] if event.arguments else UNKNOWN
    if event.short in _WRAPPERS and one_model(first) is not None:
        return first
    given = [one.value for one in event.arguments if one.name is None]
    if event.short in _PLACERS and any(one_model(one) is not None for one in given):
        _placed(given)
        return given[0] if len(given) == 1 else Items(given)
    if event.short in ("ArgumentParser", "HfArgumentParser"):
        return parser_of(event)
    if event.short in ("SimpleNamespace", "Namespace") and not event.unpacks:
        return namespace({one.name: one.value for one in event.arguments if one.name is not None})
    if event.short == "Template" and isinstance(first, Const | Text):
        return first
    if event.name in ("os.getenv", "os.environ.get") and event.given("default", 1) is not None:
        return event.value("default", 1)
    if any(isinstance(one, Model | Tokenizer) for one in options(first)) and _onto_itself(event):
        _placed([first])
        return first
    return UNKNOWN


def _placed(values: list[Value]) -> None:
    """Note that models may be anywhere now."""
    for value in values:
        model = one_model(value)
        if model is not None:
            model.body.device, model.body.moved = Device(None), True


def _onto_itself(event: Event) -> bool:
    """`model = anything(model, …)`."""
    given = dotted(event.node.args[0].value) if event.node.args else ""
    return bool(given) and any(
        isinstance(small, cst.Assign) and small.value is event.node
        and any(dotted(target.target) == given for target in small.targets)
        for small in getattr(event.statement, "body", ())
    )  # fmt: skip
