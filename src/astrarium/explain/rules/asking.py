"""Questions about events that several rules ask."""

from __future__ import annotations

import libcst as cst

from astrarium.explain.bases import method_of_adapter
from astrarium.explain.context import Context, model_of
from astrarium.explain.events import Event
from astrarium.explain.scopes import dotted
from astrarium.explain.values import PROMPT_METHODS, Adapter, Model, options

IDLE = frozenset(
    ["to", "cuda", "cpu", "half", "float", "bfloat16", "eval", "train", "print_trainable_parameters", "parameters",
     "named_parameters", "named_modules", "requires_grad_", "get_nb_trainable_parameters", "print", "type", "len",
     "get_peft_model", "from_pretrained", "prepare_model_for_kbit_training", "gradient_checkpointing_enable",
     "activation_checkpointing_enable", "enable_input_require_grads", "set_adapter", "load_adapter", "config",
     "resize_token_embeddings", "get_memory_footprint", "modules", "num_parameters", "compile", "isinstance"]
)  # fmt: skip
"""What is done with a model without making it work."""


def works(model: Model, after: int = -1) -> list[Event]:
    """The calls in which a model does its work: runs, trains, is saved, is handed on."""
    return [event for event in model.uses if event.short not in IDLE and event.order > after]


def name_given(script: Context, event: Event) -> str | None:
    """The variable that a call's value goes to, through methods such as `.to(device)` behind it."""
    for small in getattr(event.statement, "body", ()):
        if isinstance(small, cst.Assign) and len(small.targets) == 1 and _chain(small.value, event.node):
            target = small.targets[0].target
            return script.code(target) if isinstance(target, cst.Name | cst.Attribute | cst.Subscript) else None
        if isinstance(small, cst.AnnAssign) and small.value is not None and _chain(small.value, event.node):
            return script.code(small.target)
    if event.callers and _returned(event):
        return name_given(script, event.callers[-1])
    return event.target  # of a walrus


def _returned(event: Event) -> bool:
    """Whether a call's value is what the function around it gives."""
    return any(
        isinstance(small, cst.Return) and small.value is not None and _chain(small.value, event.node)
        for small in getattr(event.statement, "body", ())
    )


def home(event: Event) -> str:
    """The function in which a call's value gets its name."""
    return home(event.callers[-1]) if event.callers and _returned(event) else event.function


def called_as(script: Context, event: Event, model: Model) -> str | None:
    """What a model is called where it does its work: before the dot, or among the arguments."""
    name = receiver_name(script, event) if model_of(event) is not None else None
    for argument in event.arguments if name is None else ():
        if any(one is model for one in options(argument.value)) and isinstance(argument.node, cst.Arg):
            return dotted(argument.node.value) or None
    return name


def stands_alone(event: Event) -> bool:
    """Whether nothing follows the call in its assignment."""
    return any(
        isinstance(small, cst.Assign) and small.value is event.node for small in getattr(event.statement, "body", ())
    )


def thrown_away(script: Context, event: Event) -> bool:
    """Whether a call's value goes nowhere, through methods behind it."""
    if event.callers and _returned(event):
        return thrown_away(script, event.callers[-1])
    return any(
        isinstance(small, cst.Expr) and _chain(small.value, event.node)
        for small in getattr(event.statement, "body", ())
    )


def _chain(value: cst.CSTNode, node: cst.CSTNode) -> bool:
    while value is not node:
        if isinstance(value, cst.Call):
            value = value.func
        elif isinstance(value, cst.Attribute | cst.Subscript | cst.Await):
            value = value.value if not isinstance(value, cst.Await) else value.expression
        else:
            return False
    return True


def method_known(adapter: Adapter) -> str | None:
    """An adapter's peft type: from its configuration or its name."""
    return adapter.method or method_of_adapter(adapter.path)[0]


def in_wrapper(method: str | None) -> bool | None:
    """Whether a method lives in peft's wrapper alone; None where the method is not known."""
    return None if method is None else method in PROMPT_METHODS


def receiver_name(script: Context, event: Event) -> str | None:
    """The variable that a method is called of."""
    func = event.node.func
    if isinstance(func, cst.Attribute) and func.attr.value == event.short:
        func = func.value
    elif model_of(event) is None:
        return None
    return dotted(func) or None


def right_side(script: Context, target: cst.CSTNode) -> str:
    """The line of an assignment's target, from its beginning to its end."""
    line = script.tree.line(target)
    start = script.tree.starts[line - 1]
    return script.text[start : script.text.find("\n", start) if "\n" in script.text[start:] else len(script.text)]
